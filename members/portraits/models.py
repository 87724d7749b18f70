"""Nouns: goods that are bought together."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from members.portraits.rules import Together
from members.purchases.models import Product


class PairQuerySet(models.QuerySet["Pair"]):
    def strongest_first(self) -> "PairQuerySet":
        return self.order_by("-lift", "-together", "pk")


class Pair(models.Model):
    """That baskets with one product often have another one too; counted anew each night over the last half year."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="+", verbose_name=_("product"), db_index=False)
    other = models.ForeignKey(Product, models.CASCADE, related_name="+", verbose_name=_("goes with"))
    baskets = models.IntegerField(_("baskets"))
    with_product = models.IntegerField()
    with_other = models.IntegerField()
    together = models.IntegerField(_("baskets with both"))
    lift = models.FloatField(_("lift"))
    counted_on = models.DateField()

    objects = PairQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="pair_once", fields=["product", "other"]),
            models.CheckConstraint(name="pair_is_of_two", condition=~Q(product=F("other"))),
            models.CheckConstraint(
                name="pair_counts_baskets",
                condition=Q(together__gt=0, together__lte=F("with_product"), with_product__lte=F("baskets")),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.product_id}+{self.other_id}"

    @property
    def found(self) -> Together:
        return Together(self.baskets, self.with_product, self.with_other, self.together)
