"""Nouns: what a sale was before promotions and points, and what of a return went back as points."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import PointKind
from members.profiles.models import Member
from members.purchases.models import Return, Sale


class Checkout(models.Model):
    """How a sale came to its price: what it was before, what was taken off, what points paid. Minor units."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    sale = models.ForeignKey(Sale, models.PROTECT, related_name="checkouts", db_index=False)
    digest = models.CharField(max_length=64)  # of what was asked, so that a repeat is known
    price = models.BigIntegerField(_("price"))
    taken_off = models.BigIntegerField(_("taken off"))
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="+", null=True, verbose_name=_("point kind"))
    points = models.BigIntegerField(_("points spent"), db_default=0)
    by_points = models.BigIntegerField(_("paid with points"), db_default=0)
    unfired = models.JSONField(db_default={})  # {"store": [12]}: ids of promotions' versions by the test or limit
    answer = models.JSONField(db_default={})  # what the till was told of the price
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("price of a sale")
        verbose_name_plural = _("prices of sales")
        constraints = [
            models.UniqueConstraint(name="checkout_once_per_sale", fields=["sale", "member"]),
            models.CheckConstraint(
                name="checkout_adds_up",
                condition=Q(taken_off__gte=0, taken_off__lte=F("price"), by_points__gte=0)
                & Q(by_points__lte=F("price") - F("taken_off")),
            ),
            models.CheckConstraint(
                name="checkout_spends_what_pays",
                condition=Q(points=0, by_points=0, kind=None) | Q(points__gte=1, by_points__gte=1, kind__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.price}"


class PaidBack(models.Model):
    """The part of a return's money that went back as points."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    goods_return = models.ForeignKey(Return, models.PROTECT, related_name="paid_back", db_index=False)
    amount = models.BigIntegerField(_("paid back with points"))  # minor units

    class Meta:
        constraints = [
            models.UniqueConstraint(name="paid_back_once_per_return", fields=["goods_return", "member"]),
            models.CheckConstraint(name="paid_back_is_something", condition=Q(amount__gte=1)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.amount}"
