"""Nouns: what a night found, by month of earning, by day of lapsing, and altogether."""

from datetime import date

from django.db import models
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import PointKind


class LiabilityCell(models.Model):
    """A cell of the run-off triangle: what became in one month of the points of one cohort. The latest night's only."""

    taken_on = models.DateField()
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="+")
    cohort = models.DateField(_("earned in"))  # the first of the month
    month = models.DateField(_("month"))
    issued = models.BigIntegerField(db_default=0)  # stands in the cohort's own month, as `open` does
    used = models.BigIntegerField(db_default=0)
    lapsed = models.BigIntegerField(db_default=0)
    taken = models.BigIntegerField(db_default=0)  # taken back, taken by hand, given away
    open = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(name="cell_once", fields=["taken_on", "kind", "cohort", "month"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.cohort} {self.month}"


class LiabilityLapse(models.Model):
    """How many points lapse on a day if nobody uses them. The latest night's only."""

    taken_on = models.DateField()
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="+")
    lapses_on = models.DateField(_("lapses on"))
    points = models.BigIntegerField(_("points"))

    class Meta:
        constraints = [models.UniqueConstraint(name="lapse_once_a_day", fields=["taken_on", "kind", "lapses_on"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.lapses_on} {self.points}"


class LiabilityDayQuerySet(models.QuerySet["LiabilityDay"]):
    def complete(self) -> "LiabilityDayQuerySet":
        return self.filter(is_complete=True)

    def since(self, day: date) -> "LiabilityDayQuerySet":
        return self.filter(taken_on__gte=day)


class LiabilityDay(models.Model):
    """What the shop owed in one night: points that members have, what they owe, and what will become of them."""

    taken_on = models.DateField(_("night"))
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="+", verbose_name=_("point kind"))
    open = models.BigIntegerField(_("outstanding"), db_default=0)  # pending, active and held
    debt = models.BigIntegerField(_("owed by members"), db_default=0)
    expected_use = models.BigIntegerField(_("expected to be used"), db_default=0)
    breakage = models.BigIntegerField(_("expected to lapse"), db_default=0)
    money_per_thousand = models.BigIntegerField(db_default=0)  # as it was that night
    is_complete = models.BooleanField(db_default=False)

    objects = LiabilityDayQuerySet.as_manager()

    class Meta:
        verbose_name = _("liability of a night")
        verbose_name_plural = _("liability")
        constraints = [models.UniqueConstraint(name="liability_once_a_night", fields=["taken_on", "kind"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.taken_on} {self.open}"
