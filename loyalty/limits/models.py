"""Nouns: budgets, their pools for the whole shop and for single stores, and the shards that spread a pool's counter."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from members.stores.models import Store


class Budget(models.Model):
    """What promotions may cost together: points, or money where a price of 1,000 points is given."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=60)
    name_en = models.CharField(_("name in English"), max_length=60)
    price = models.BigIntegerField(  # minor units; empty counts points
        _("price of 1,000 points"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    is_for_prices = models.BooleanField(_("for promotions: money taken off prices"), default=False, db_default=False)

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        constraints = [
            models.CheckConstraint(name="budget_price_is_a_price", condition=Q(price=None) | Q(price__gte=1)),
            models.CheckConstraint(
                name="budget_for_prices_has_no_price", condition=Q(is_for_prices=False) | Q(price=None)
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"

    @property
    def counts_money(self) -> bool:
        """Whether its totals are minor units, not points."""
        return self.is_for_prices or self.price is not None


class PoolQuerySet(models.QuerySet["Pool"]):
    def with_used(self) -> "PoolQuerySet":
        """Each with `used`: what awards took of it so far."""
        return self.annotate(used=Coalesce(Sum("shards__used"), 0, output_field=models.BigIntegerField()))

    def shop_first(self) -> "PoolQuerySet":
        return self.order_by(F("store__code").asc(nulls_first=True))


class Pool(models.Model):
    """What a budget holds: for the whole shop, or for one store. An award needs room in both where both are there."""

    budget = models.ForeignKey(Budget, models.PROTECT, related_name="pools", verbose_name=_("budget"))
    store = models.ForeignKey(
        Store, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("store"), db_index=False
    )
    total = models.BigIntegerField(_("total"), validators=[MinValueValidator(1)])  # points, or minor units

    objects = PoolQuerySet.as_manager()

    class Meta:
        verbose_name = _("budget's pool")
        verbose_name_plural = _("budget's pools")
        constraints = [
            models.UniqueConstraint(name="pool_once_per_store", fields=["budget", "store"], nulls_distinct=False),
            models.CheckConstraint(name="pool_holds_something", condition=Q(total__gte=1)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.total}"


class Shard(models.Model):
    """A part of a pool with a counter of its own, so that many tills at once do not wait for one row."""

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="shards", db_index=False)
    slot = models.PositiveSmallIntegerField()
    total = models.BigIntegerField()
    used = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="shard_once_per_slot", fields=["pool", "slot"]),
            models.CheckConstraint(name="shard_is_never_overrun", condition=Q(used__gte=0, used__lte=F("total"))),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.used}/{self.total}"
