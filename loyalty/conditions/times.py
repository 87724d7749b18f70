"""When it happened, by the shop's clock: dates, weekdays, hours, days of the month."""

from datetime import date, time
from itertools import pairwise
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.conditions.case import BadCondition, Bound, Clause, EmptyWindow, OverlappingWindows, Test, listed, numbers

WEEKDAYS = (
    gettext_lazy("Monday"), gettext_lazy("Tuesday"), gettext_lazy("Wednesday"), gettext_lazy("Thursday"),
    gettext_lazy("Friday"), gettext_lazy("Saturday"), gettext_lazy("Sunday"),
)  # fmt: skip
MIDNIGHT = "24:00"


def read_dates(test: str, value: Any) -> dict[str, str]:
    """`{"from": "2026-11-01", "to": "2026-11-30"}`: days of the shop, both included; either may be missing."""
    if not isinstance(value, dict) or not value or not set(value) <= {"from", "to"}:
        raise BadCondition(test=test, expected=gettext_lazy("a first and a last day"))
    try:
        days = {name: date.fromisoformat(each) for name, each in value.items()}
    except (TypeError, ValueError):
        raise BadCondition(test=test, expected=gettext_lazy("days such as 2026-11-30")) from None
    if len(days) == 2 and days["to"] < days["from"]:
        raise EmptyWindow(since=days["from"].isoformat(), until=days["to"].isoformat())
    return {name: day.isoformat() for name, day in days.items()}


def within_dates(wants: dict[str, str]) -> Any:
    """Whether the day lies between the first and the last."""
    first = date.fromisoformat(wants["from"]) if "from" in wants else date.min
    last = date.fromisoformat(wants["to"]) if "to" in wants else date.max
    return lambda case: first <= case.at.date() <= last


def dates_in_sql(wants: dict[str, str], bound: Bound) -> str:
    """The same of a sale in the database."""
    signs = {"from": ">=", "to": "<="}
    return f"({' AND '.join(f'c.clock::date {signs[name]} {bound(day)}::date' for name, day in wants.items())})"


def words_of_dates(wants: dict[str, str]) -> str:
    """From one day to another."""
    shown = {name: date_format(date.fromisoformat(day)) for name, day in wants.items()}
    if len(shown) == 2:
        return _("from %(first)s to %(last)s") % {"first": shown["from"], "last": shown["to"]}
    if "from" in shown:
        return _("from %(first)s on") % {"first": shown["from"]}
    return _("until %(last)s") % {"last": shown["to"]}


def read_clock(test: str, value: Any) -> str:
    """A time of day such as 18:00; 24:00 is the end of the day."""
    try:
        return MIDNIGHT if value == MIDNIGHT else f"{time.fromisoformat(value):%H:%M}"
    except (TypeError, ValueError):
        raise BadCondition(test=test, expected=gettext_lazy("times such as 18:00")) from None


def read_hours(test: str, value: Any) -> list[list[str]]:
    """`[["18:00", "22:00"]]`: half-open windows of a day, in order; one past midnight is written as two."""
    if not isinstance(value, list) or not value or any(not isinstance(each, list) or len(each) != 2 for each in value):
        raise BadCondition(test=test, expected=gettext_lazy("windows such as 18:00 to 22:00"))
    windows = sorted([read_clock(test, since), read_clock(test, until)] for since, until in value)
    for since, until in windows:
        if until <= since:
            raise EmptyWindow(since=since, until=until)
    for first, second in pairwise(windows):
        if second[0] < first[1]:
            raise OverlappingWindows(first="-".join(first), second="-".join(second))
    return windows


def within_hours(wants: list[list[str]]) -> Any:
    """Whether the clock stands in one of the windows."""

    def holds(case: Any) -> bool:
        clock = f"{case.at:%H:%M}"
        return any(since <= clock < until for since, until in wants)

    return holds


def hours_in_sql(wants: list[list[str]], bound: Bound) -> str:
    """The same of a sale in the database."""
    windows = (
        f"(c.clock::time >= {bound(since)}::time AND c.clock::time < {bound(until)}::time)" for since, until in wants
    )
    return f"({' OR '.join(windows)})"


def part_in_sql(part: str) -> Clause:
    """Makes clauses that a part of the day's date is one of the numbers."""
    return lambda wants, bound: f"extract({part} FROM c.clock)::int = ANY ({bound(wants)}::int[])"


def on_weekdays(wants: list[int]) -> Any:
    """Whether it was one of the weekdays, 1 for Monday."""
    wanted = frozenset(wants)
    return lambda case: case.at.isoweekday() in wanted


def on_days(wants: list[int]) -> Any:
    """Whether it was one of the days of the month."""
    wanted = frozenset(wants)
    return lambda case: case.at.day in wanted


TIMES = {
    "dates": Test(gettext_lazy("dates"), read_dates, within_dates, words_of_dates, dates_in_sql),
    "weekday": Test(
        gettext_lazy("weekdays"),
        numbers(1, 7),
        on_weekdays,
        lambda wants: _("on %(days)s") % {"days": listed([WEEKDAYS[each - 1] for each in wants])},
        part_in_sql("isodow"),
    ),
    "hours": Test(
        gettext_lazy("hours"),
        read_hours,
        within_hours,
        lambda wants: _("at %(windows)s") % {"windows": listed(["-".join(each) for each in wants])},
        hours_in_sql,
    ),
    "member_day": Test(
        gettext_lazy("member day (day of the month)"),
        numbers(1, 31),
        on_days,
        lambda wants: _("on day %(days)s of the month") % {"days": listed(wants)},
        part_in_sql("day"),
    ),
}
