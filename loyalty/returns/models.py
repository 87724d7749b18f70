"""Nouns: what a return did to each award, so that it can be explained and undone."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loyalty.earning.models import Award
from members.profiles.models import Member
from members.purchases.models import Return


class TakenBack(models.Model):
    """The points of one award that one return took back, as far as the debt limit allowed."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    goods_return = models.ForeignKey(Return, models.PROTECT, related_name="taken", db_index=False)
    award = models.ForeignKey(Award, models.PROTECT, related_name="taken", db_index=False)
    points = models.BigIntegerField(_("points due back"))
    taken = models.BigIntegerField(_("points taken"))
    freed = models.BigIntegerField(db_default=0)  # what its budget got back: points, or minor units

    class Meta:
        verbose_name = _("award taken back")
        verbose_name_plural = _("awards taken back")
        constraints = [
            models.UniqueConstraint(name="taken_once_per_award", fields=["goods_return", "award", "member"]),
            models.CheckConstraint(
                name="taken_no_more_than_due", condition=Q(points__gte=1, taken__gte=0, taken__lte=F("points"))
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.taken}/{self.points}"
