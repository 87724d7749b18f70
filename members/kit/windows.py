"""Windows of time: half-open, aware, and counted in the shop's own days, whoever looks at them."""

from calendar import monthrange
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache

from django.utils import timezone


def months_after(moment: datetime, months: int) -> datetime:
    """The same day and clock time N months later (or earlier) in the shop; a missing day falls to the month's last."""
    return shifted(moment, months, timezone.get_default_timezone())


@lru_cache(maxsize=10_000)  # imports ask for the same days again and again
def shifted(moment: datetime, months: int, zone: tzinfo) -> datetime:
    """`months_after` in a zone."""
    local = moment.astimezone(zone)
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day, fold=0)


def days_after(moment: datetime, days: int) -> datetime:
    """The same clock time N of the shop's days later, also across a change of summer time."""
    return moment.astimezone(timezone.get_default_timezone()) + timedelta(days=days)


def shops_day(moment: datetime) -> date:
    """The shop's day in which the moment lies."""
    return timezone.localdate(moment, timezone.get_default_timezone())


def start_of_day(moment: datetime) -> datetime:
    """Midnight of the shop's day in which the moment lies."""
    local = moment.astimezone(timezone.get_default_timezone())
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def start_of_year(moment: datetime) -> datetime:
    """1 January of the shop's year in which the moment lies."""
    return start_of_day(moment).replace(month=1, day=1)
