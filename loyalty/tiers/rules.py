"""Sums and decisions about tiers: pure."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from members.kit.windows import months_after, start_of_year


@dataclass(frozen=True, slots=True)
class Step:
    """A tier as the sums need it: threshold in growth points or minor units, multiplier in percent."""

    id: int
    code: str
    name_zh: str
    name_en: str
    threshold: int
    multiplier: int
    colour: str


@dataclass(frozen=True, slots=True)
class Climb:
    """A ladder with its steps, lowest first."""

    id: int
    basis: str
    window: str
    months: int
    steps: tuple[Step, ...]

    def step_for(self, total: int) -> Step | None:
        """The highest step whose threshold the total reaches; None when it reaches none."""
        place = bisect_right([step.threshold for step in self.steps], total)
        return self.steps[place - 1] if place else None

    def after(self, step: Step | None) -> Step | None:
        """The next step up, or None at the top."""
        floor = -1 if step is None else step.threshold
        return next((each for each in self.steps if each.threshold > floor), None)

    def step(self, tier: int | None) -> Step | None:
        """The step of a tier's id; a member without one stands on the lowest whose threshold is 0."""
        if tier is None:
            return self.step_for(0)
        return next((each for each in self.steps if each.id == tier), None)

    def starts_at(self, moment: datetime) -> datetime | None:
        """When the window that ends at this moment begins; None counts from the beginning."""
        if self.window == "rolling":
            return months_after(moment, -self.months)
        if self.window == "calendar":
            return start_of_year(moment)
        return None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a member stands and what is missing: growth points, or minor units of money."""

    basis: str
    step: Step | None
    next_step: Step | None
    total: int
    missing: int
    percent: int


def progress(climb: Climb, step: Step | None, total: int) -> Progress:
    """How far a total is between the member's step and the next; percent is 100 at the top."""
    following = climb.after(step)
    if following is None:
        return Progress(climb.basis, step, None, total, 0, 100)
    floor = step.threshold if step else 0
    percent = (total - floor) * 100 // (following.threshold - floor)
    missing = max(following.threshold - total, 0)
    return Progress(climb.basis, step, following, total, missing, min(max(percent, 0), 100))


def lifted(climb: Climb, step: Step | None, total: int) -> Step | None:
    """The higher step that the total reaches, or None if it lifts nobody."""
    reached = climb.step_for(total)
    if reached is None or (step is not None and reached.threshold <= step.threshold):
        return None
    return reached


def thresholds(climb: Climb) -> tuple[Sequence[int], Sequence[int]]:
    """The thresholds, rising, and the tier ids beside them: what set-based SQL needs."""
    return [step.threshold for step in climb.steps], [step.id for step in climb.steps]
