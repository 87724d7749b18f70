"""Which days and whom a backtest looks at, and its counts added up. Pure."""

from calendar import isleap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

MOST_YEARS = 3
EDGES = (-999, -499, -99, 0, 1, 100, 500, 1_000)  # where the steps of the histogram begin; the first has no beginning
MOST_SHOWN = 20  # sales from which most would have come off
CODES = ("tiers", "stores", "segments")  # what Whom names by codes, in its order
COUNTS = ("given", "would", "issued", "really", "units", "sales", "cut_sales", "cut_points")


class PeriodEmpty(Malformed):
    code = "period_empty"
    sentence = _("The period is empty: it ends before it begins.")


class PeriodToCome(Malformed):
    """Only what has happened can be looked at."""

    code = "period_to_come"
    sentence = _("The period ends on %(last)s, which has not come yet.")


class PeriodBeforeSales(Malformed):
    """Before the first sale there was nobody whom a ladder could have judged."""

    code = "period_before_sales"
    sentence = _("The first sale that is known is of %(first)s, after the end of the period.")


class SegmentGone(Refusal):
    """Nobody is found in a segment that is not kept any more."""

    code = "segment_gone"
    sentence = _("The segment %(segment)s is gone, or is no longer refreshed. Choose another.")


class PeriodTooLong(Malformed):
    code = "period_too_long"
    sentence = _("A backtest looks at %(years)s years at most.")


class NotAboutSales(Refusal):
    """Events have no amounts and were rewarded by other rules."""

    code = "not_about_sales"
    sentence = _("Only rules about sales can be tried on past sales.")


class AlreadyRunning(Refusal):
    """One at a time for each draft."""

    code = "backtest_running"
    sentence = _("This draft is being tried already. Wait for the result, or stop it first.")


class BacktestOver(Refusal):
    """What has ended cannot be stopped."""

    code = "backtest_over"
    sentence = _("This backtest was over already.")


def check_period(*, first: date, last: date, today: date, earliest: date | None) -> None:
    """Whether these days, both included, can be looked at. With `earliest` they must not end before that day.

    Raises PeriodEmpty, PeriodToCome, PeriodTooLong or PeriodBeforeSales.
    """
    if last < first:
        raise PeriodEmpty
    if last > today:
        raise PeriodToCome(last=last.isoformat())
    if years_before(last, MOST_YEARS) >= first:
        raise PeriodTooLong(years=MOST_YEARS)
    if earliest is not None and last < earliest:
        raise PeriodBeforeSales(first=earliest.isoformat())


@dataclass(frozen=True, slots=True)
class Whom:
    """The members who are looked at: by codes of tiers held and segments they are in now, and of home stores, by day
    of enrolment. Empty: all.
    """

    tiers: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    enrolled_from: date | None = None
    enrolled_to: date | None = None  # that day included

    @property
    def kept(self) -> dict[str, Any]:
        """As it is written down; what is empty is left out."""
        days = {"enrolled_from": self.enrolled_from, "enrolled_to": self.enrolled_to}
        kept: dict[str, Any] = {name: day.isoformat() for name, day in days.items() if day is not None}
        return kept | {name: list(getattr(self, name)) for name in CODES if getattr(self, name)}


def read_whom(kept: Mapping[str, Any]) -> Whom:
    """What `kept` wrote down."""
    days: dict[str, Any] = {
        name: date.fromisoformat(kept[name]) for name in ("enrolled_from", "enrolled_to") if name in kept
    }
    named: dict[str, Any] = {name: tuple(kept.get(name, ())) for name in CODES}
    return Whom(**named, **days)


def years_before(day: date, years: int) -> date:
    """The same day so many years before; 29 February falls to the 28th."""
    year = day.year - years
    return date(year, 2, 28) if (day.month, day.day) == (2, 29) and not isleap(year) else day.replace(year=year)


def months_before(first: date, months: int) -> date:
    """The first of the month so many months before a first of a month."""
    year, month = divmod(first.year * 12 + first.month - 1 - months, 12)
    return date(year, month + 1, 1)


def presets(today: date, conditions: Mapping[str, Any]) -> dict[str, tuple[date, date]]:
    """Days to choose from: whole months before this one, and what lies ahead of the rule as it was a year ago."""
    this_month = today.replace(day=1)
    found = {
        f"months_{months}": (months_before(this_month, months), this_month - timedelta(days=1)) for months in (1, 3, 12)
    }
    own = own_days(conditions)
    first, last = own or (today, today + timedelta(days=90))
    return found | {"year_ago": (years_before(first, 1), min(years_before(last, 1), today))}


def own_days(conditions: Mapping[str, Any]) -> tuple[date, date] | None:
    """The first and the last day that a rule's own conditions ask for, where they say both."""
    parts = conditions.get("all", [conditions]) if conditions else []
    for part in parts:
        days = part.get("dates", {})
        if len(days) == 2:
            return date.fromisoformat(days["from"]), date.fromisoformat(days["to"])
    return None


def moved_back(tree: Mapping[str, Any], years: int) -> dict[str, Any]:
    """Conditions with all their dates so many years earlier."""
    if not tree or not years:
        return dict(tree)
    ((name, wants),) = tree.items()
    if name in ("all", "any"):
        return {name: [moved_back(each, years) for each in wants]}
    if name == "not":
        return {name: moved_back(wants, years)}
    if name == "dates":
        return {name: {end: years_before(date.fromisoformat(day), years).isoformat() for end, day in wants.items()}}
    return {name: wants}


def added_up(outcomes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What all chunks counted: by day, by store, by tier, by size of the difference, by tier moves; and altogether.

    Of the biggest discounts those are left that are biggest of all.
    """
    biggest: dict[str, list[int]] = {}
    total: dict[str, Any] = {"days": {}, "stores": {}, "tiers": {}, "spread": {}, "moves": {}, "others": 0}
    for outcome in outcomes:
        total["others"] += outcome.get("others", 0)
        biggest |= outcome.get("biggest", {})
        for name in ("days", "stores", "tiers", "spread", "moves"):
            for key, numbers in outcome.get(name, {}).items():
                before = total[name].get(key, [0] * len(numbers))
                total[name][key] = [a + b for a, b in zip(before, numbers, strict=True)]
    days = list(total["days"].values())
    total["biggest"] = sorted(([off, int(sale)] for sale, (off,) in biggest.items()), reverse=True)[:MOST_SHOWN]
    total["totals"] = {name: sum(numbers[place] for numbers in days) for place, name in enumerate(COUNTS)}
    return total


def by_month(days: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """Days ("2026-03-09") added up by month ("2026-03"), oldest first."""
    months: dict[str, list[int]] = {}
    for day in sorted(days):
        before = months.get(day[:7], [0] * len(days[day]))
        months[day[:7]] = [a + b for a, b in zip(before, days[day], strict=True)]
    return months


def ran_out_on(days: Mapping[str, Sequence[int]], total: int) -> str | None:
    """The first day after which a budget that was whole at the beginning would have held nothing more."""
    used = 0
    for day in sorted(days):
        used += days[day][COUNTS.index("units")]
        if used >= total:
            return day
    return None
