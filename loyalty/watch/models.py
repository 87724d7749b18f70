"""Noun: the thresholds, one row."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Watch(models.Model):
    """From where on something looks odd. Every view of the room reads this row."""

    days = models.PositiveSmallIntegerField(_("days looked back"), default=30)
    clerk_least = models.PositiveIntegerField(_("corrections by one person: at least"), default=5)
    clerk_times = models.PositiveSmallIntegerField(_("and so many times what others do"), default=3)
    bare_least = models.PositiveIntegerField(_("sales without lines by one till: at least"), default=5)
    quick_minutes = models.PositiveSmallIntegerField(_("minutes between earning and spending"), default=10)
    return_least = models.PositiveIntegerField(_("returns by one till or person: at least"), default=5)
    return_times = models.PositiveSmallIntegerField(_("and so many times what other tills and people do"), default=3)
    regret_hours = models.PositiveSmallIntegerField(_("hours between spending points and a return"), default=48)
    apart_minutes = models.PositiveSmallIntegerField(_("minutes between sales in two stores"), default=20)

    class Meta:
        verbose_name = _("thresholds")
        verbose_name_plural = _("what looks odd")
        constraints = [
            models.CheckConstraint(name="watch_is_one", condition=Q(pk=1)),
            models.CheckConstraint(name="watch_looks_back", condition=Q(days__gte=7, days__lte=92)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
