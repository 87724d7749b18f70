"""The decisions about goals: what is measured, how far it is, and whether that is in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed

SLACK = 0.9  # of the way that time has gone: less is behind


class BadGoal(Malformed):
    """The goal cannot be reached, or never ends."""

    code = "bad_goal"
    sentence = _("A goal needs a target above zero, no more than 100 where it is a percentage.")


class BadPeriod(Malformed):
    """The goal ends before it begins."""

    code = "bad_period"
    sentence = _("The last day lies before the first one.")


@dataclass(frozen=True, slots=True)
class Sums:
    """Members of some stores in one night, added up."""

    day: date
    members: int
    buyers: int
    repeaters: int
    active: int
    before: int
    stayed: int

    def measure(self, kind: str) -> float | None:
        """What a goal of this kind measures: members, or a percentage of those meant; None when there are none."""
        tops = {"active": self.active, "repurchase": self.repeaters, "retention": self.stayed}
        wholes = {"active": self.members, "repurchase": self.buyers, "retention": self.before}
        if kind == "members":
            return float(self.members)
        return tops[kind] * 100 / wholes[kind] if wholes[kind] else None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a goal is. `percent` is of the way from where it began, between 0 and 100."""

    start: float | None
    value: float | None
    target: int
    percent: int
    state: str  # "unmeasured", "coming", "reached", "missed", "on_track", "behind"
    nights: int


def check_goal(*, kind: str, target: int, starts_on: date, ends_on: date) -> None:
    """Raises BadGoal or BadPeriod for what cannot be."""
    if target <= 0 or (kind != "members" and target > 100):
        raise BadGoal
    if ends_on < starts_on:
        raise BadPeriod


def progress_of(
    *, kind: str, target: int, starts_on: date, ends_on: date, nights: Sequence[Sums], today: date
) -> Progress:
    """How far, by the nights from its first to its last day, oldest first; the last night before it is the start."""
    begun = [night for night in nights if night.day <= starts_on][-1:] or list(nights[:1])
    within = [night for night in nights if starts_on <= night.day <= ends_on]
    start = begun[0].measure(kind) if begun else None
    value = within[-1].measure(kind) if within else None
    if value is None:
        return Progress(start, None, target, 0, "coming" if today < starts_on else "unmeasured", len(within))
    share = part_of_way(start or 0.0, value, target)
    return Progress(start, value, target, int(share * 100), state_of(share, value, target, starts_on, ends_on, today),
                    len(within))  # fmt: skip


def part_of_way(start: float, value: float, target: int) -> float:
    """How much of the way is gone, 0 to 1. Where it began at the target or above it, what counts is staying there."""
    if value >= target:
        return 1.0
    if start >= target:
        return max(value / target, 0.0)
    return min(max((value - start) / (target - start), 0.0), 1.0)


def state_of(share: float, value: float, target: int, starts_on: date, ends_on: date, today: date) -> str:
    """In words for the page: whether it is reached, and if not, whether time has gone faster than it."""
    if value >= target:
        return "reached"
    if today > ends_on:
        return "missed"
    gone = ((today - starts_on).days + 1) / ((ends_on - starts_on).days + 1)
    return "on_track" if share >= gone * SLACK else "behind"
