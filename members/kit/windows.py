"""Windows of time: half-open, aware, and counted in the shop's own days."""

from calendar import monthrange
from datetime import datetime, timedelta

from django.utils import timezone


def months_after(moment: datetime, months: int) -> datetime:
    """The same day and clock time N months later (or earlier) in the shop's zone; a missing day falls to the month's last."""
    local = timezone.localtime(moment)
    index = local.year * 12 + local.month - 1 + months
    year, month = divmod(index, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    naive = local.replace(tzinfo=None, year=year, month=month + 1, day=day)
    return timezone.make_aware(naive)


def start_of_day(moment: datetime) -> datetime:
    """Midnight of the shop's day in which the moment lies."""
    return timezone.make_aware(
        timezone.localtime(moment).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    )


def start_of_year(moment: datetime) -> datetime:
    """1 January of the shop's year in which the moment lies."""
    local = timezone.localtime(moment)
    return timezone.make_aware(datetime(local.year, 1, 1))


def days_after(moment: datetime, days: int) -> datetime:
    """The same clock time N of the shop's days later, also across a change of summer time."""
    naive = timezone.localtime(moment).replace(tzinfo=None) + timedelta(days=days)
    return timezone.make_aware(naive)
