"""Limits of one member: how often a rule may fire, how many points it may give, by period of the shop's calendar."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from members.kit.refusals import Malformed, Refusal
from members.kit.windows import days_after, months_after, start_of_day

PERIODS = {
    "day": gettext_lazy("a day"),
    "week": gettext_lazy("a week"),
    "month": gettext_lazy("a month"),
    "year": gettext_lazy("a year"),
    "ever": gettext_lazy("ever"),
}
MOST = 10**9  # of anything: more is a slip of the finger
LONGEST_COOLDOWN = 24 * 366  # hours


class BadLimit(Malformed):
    """A limit cannot be read."""

    code = "bad_limit"
    sentence = gettext_lazy("The limit “%(limit)s” cannot be used: %(expected)s.")


class BadBudget(Malformed):
    """A budget is a whole number above zero."""

    code = "bad_budget"
    sentence = gettext_lazy("A budget is a whole number from 1 up, not %(total)s.")


class BudgetExists(Refusal):
    """The code is another budget's."""

    code = "budget_exists"
    sentence = gettext_lazy("There is a budget “%(code)s” already.")


class BudgetTooSmall(Refusal):
    """More than that is spoken for already."""

    code = "budget_too_small"
    sentence = gettext_lazy("%(used)s of this budget are used already; it cannot become %(total)s.")


def read_limits(limits: Any) -> dict[str, Any]:
    """`{"times": {"day": 1}, "points": {"month": 500}, "per_sale": 200, "cooldown_hours": 24}`, each optional.

    Raises BadLimit for anything else.
    """
    if not isinstance(limits, dict):
        raise BadLimit(limit="limits", expected=gettext_lazy("an object"))
    return {name: read_limit(name, wants) for name, wants in limits.items()}


def read_limit(name: str, wants: Any) -> Any:
    """One limit."""
    if name in ("times", "points"):
        if not isinstance(wants, dict) or not wants or not set(wants) <= set(PERIODS):
            raise BadLimit(limit=name, expected=", ".join(PERIODS))
        return {period: read_number(name, most, MOST) for period, most in wants.items()}
    if name == "per_sale":
        return read_number(name, wants, MOST)
    if name == "cooldown_hours":
        return read_number(name, wants, LONGEST_COOLDOWN)
    raise BadLimit(limit=str(name)[:40], expected="times, points, per_sale, cooldown_hours")


def read_number(name: str, value: Any, most: int) -> int:
    """A whole number from 1 up."""
    if type(value) is not int or not 1 <= value <= most:
        raise BadLimit(limit=name, expected=gettext_lazy("a whole number from 1 to %(most)s") % {"most": most})
    return value


def starts(period: str, at: datetime) -> datetime | None:
    """When the period of a moment began, by the shop's calendar; weeks begin on Monday. None is ever."""
    day = start_of_day(at)
    match period:
        case "day":
            return day
        case "week":
            return days_after(day, 1 - day.isoweekday())
        case "month":
            return day.replace(day=1)
        case "year":
            return day.replace(month=1, day=1)
        case _:
            return None


def ends(period: str, at: datetime) -> datetime | None:
    """When the period of a moment ends, itself outside. None is never."""
    start = starts(period, at)
    if start is None:
        return None
    match period:
        case "day":
            return days_after(start, 1)
        case "week":
            return days_after(start, 7)
        case "month":
            return months_after(start, 1)
        case _:
            return months_after(start, 12)


def periods_of(limits: Mapping[str, Any]) -> set[str]:
    """The periods in which something has to be counted."""
    return {*limits.get("times", {}), *limits.get("points", {})}


@dataclass(slots=True)
class Given:
    """One earlier award of a limited rule: when, and the points that were not taken back."""

    rule: int
    at: datetime
    points: int


@dataclass(slots=True)
class Usage:
    """What limited rules gave a member before, as far back as the limits look."""

    given: list[Given] = field(default_factory=list)

    def add(self, each: Given) -> None:
        """Count an award for those that follow."""
        self.given.append(each)

    def within(self, rule: int, period: str, at: datetime) -> Iterable[Given]:
        """The rule's awards in the period of a moment."""
        start, end = starts(period, at), ends(period, at)
        return (
            each
            for each in self.given
            if each.rule == rule and (start is None or end is None or start <= each.at < end)
        )

    def times(self, rule: int, period: str, at: datetime) -> int:
        """How often the rule gave something that was not all taken back."""
        return sum(1 for each in self.within(rule, period, at) if each.points > 0)

    def points(self, rule: int, period: str, at: datetime) -> int:
        """How many points the rule gave."""
        return sum(each.points for each in self.within(rule, period, at))

    def is_cooling(self, rule: int, hours: int, at: datetime) -> bool:
        """Whether the rule gave something less than so many hours before, or after: sales may come late."""
        pause = timedelta(hours=hours)
        return any(each.rule == rule and each.points > 0 and abs(each.at - at) < pause for each in self.given)


def barred(limits: Mapping[str, Any], usage: Usage, rule: int, at: datetime) -> str | None:
    """Why a limit keeps a rule from firing at all: `times` with its period, or `cooldown`; None if nothing does."""
    if "cooldown_hours" in limits and usage.is_cooling(rule, limits["cooldown_hours"], at):
        return "cooldown"
    for period, most in limits.get("times", {}).items():
        if usage.times(rule, period, at) >= most:
            return f"times_{period}"
    return None


def cuts(limits: Mapping[str, Any], usage: Usage, rule: int, at: datetime, points: int) -> tuple[int, list[list[Any]]]:
    """The points that caps leave, and each cap that cut as [its name, what it left]."""
    cut: list[list[Any]] = []
    caps = {"per_sale": limits["per_sale"]} if "per_sale" in limits else {}
    for period, most in limits.get("points", {}).items():
        caps[period] = max(most - usage.points(rule, period, at), 0)
    for name, room in caps.items():
        if points > room:
            points = room
            cut.append([name, room])
    return points, cut


def words_of_limits(limits: Mapping[str, Any]) -> list[str]:
    """Each limit as people would say it."""
    said = [
        ngettext("at most once %(period)s", "at most %(most)s times %(period)s", most)
        % {"most": most, "period": PERIODS[period]}
        for period, most in limits.get("times", {}).items()
    ]
    said += [
        _("at most %(most)s points %(period)s") % {"most": most, "period": PERIODS[period]}
        for period, most in limits.get("points", {}).items()
    ]
    if "per_sale" in limits:
        said.append(_("at most %(most)s points a sale") % {"most": limits["per_sale"]})
    if "cooldown_hours" in limits:
        said.append(_("then not for %(hours)s hours") % {"hours": limits["cooldown_hours"]})
    return said
