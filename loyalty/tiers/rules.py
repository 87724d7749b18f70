"""Sums and decisions about tiers: pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Refusal
from members.kit.windows import months_after, start_of_day, start_of_year

TICK = timedelta(microseconds=1)
HIGHEST_MULTIPLIER = 1_000  # percent
PERIODS = {"month": 1, "quarter": 3, "year": 12}


class TiersOutOfOrder(Refusal):
    """Each tier asks for more than the one below it, in everything that both count."""

    code = "tiers_out_of_order"
    sentence = _("%(upper)s stands above %(lower)s, so it must not ask for less, neither to reach nor to keep it.")


class SameThreshold(Refusal):
    """Two tiers cannot begin at one number."""

    code = "same_threshold"
    sentence = _("%(lower)s and %(upper)s have the same threshold. Give each tier one of its own.")


class BadMultiplier(Refusal):
    """A multiplier is at least one percent and has a limit."""

    code = "bad_multiplier"
    sentence = _("The multiplier of %(tier)s must lie from 1 to %(limit)s percent.")


class RetentionTooHigh(Refusal):
    """Keeping a tier never takes more than reaching it."""

    code = "retention_too_high"
    sentence = _("To keep %(tier)s must not take more than to reach it.")


class EmptyWindow(Refusal):
    """A rolling window has at least one month."""

    code = "empty_window"
    sentence = _("A window of no months counts nothing. Let it have one month or more.")


@dataclass(frozen=True, slots=True)
class Measure:
    """What is counted: spend, growth, purchases, months, the points of a kind, or being in a segment (both by id)."""

    basis: str
    kind: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A further need of a step: so much of a measure to reach it, so much to keep it."""

    measure: Measure
    threshold: int
    keep: int


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
    retention: int | None = None
    combines: str = "all"
    asks: tuple[Ask, ...] = ()
    price: int | None = None  # minor units
    price_points: int | None = None

    @property
    def keep(self) -> int:
        """What of the ladder's own measure keeps the tier."""
        return self.threshold if self.retention is None else self.retention

    def is_met(self, totals: Mapping[Measure, int], own: Measure, *, keeping: bool = False) -> bool:
        """Whether these totals reach the step, or keep it."""
        met = [max(totals[own], 0) >= (self.keep if keeping else self.threshold)]
        met += [totals[ask.measure] >= (ask.keep if keeping else ask.threshold) for ask in self.asks]
        return all(met) if self.combines == "all" else any(met)


@dataclass(frozen=True, slots=True)
class Standing:
    """The tier a member holds, the tier held at a moment, and what the window that ends with it holds.

    `more` are the totals of the ladder's further measures; `in_month` how many purchases the moment's month has so far;
    `is_fixed`: staff gave a tier, and no sale changes it.
    """

    tier: int | None
    tier_then: int | None
    total: int
    revision: object = None  # of the programme, when this was read
    is_fixed: bool = False
    more: tuple[int, ...] = ()
    in_month: int = 0


@dataclass(frozen=True, slots=True)
class Climb:
    """A ladder with its steps, lowest first."""

    id: int
    basis: str
    window: str
    months: int
    steps: tuple[Step, ...]
    kind: int | None = None
    validity: str = ""
    validity_months: int = 12
    rounding: str = ""
    grace_days: int = 0
    at_end: str = "recompute"
    warn_days: int = 0
    code: str = ""
    name_zh: str = ""
    name_en: str = ""

    @property
    def own(self) -> Measure:
        """The ladder's own measure, by which its steps are ordered."""
        return Measure(self.basis, self.kind)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """All that must be counted, the ladder's own first."""
        asked = (ask.measure for step in self.steps for ask in step.asks)
        return tuple(dict.fromkeys([self.own, *asked]))

    @property
    def is_plain(self) -> bool:
        """Whether spend or growth alone decides, within a window that begins for all at once."""
        counts_one = self.basis in {"spend", "growth"} and not any(step.asks for step in self.steps)
        return counts_one and self.window != "anniversary"

    @property
    def has_retention(self) -> bool:
        """Whether some step takes less to keep than to reach."""
        return any(step.keep != step.threshold or any(a.keep != a.threshold for a in step.asks) for step in self.steps)

    def step_for(self, total: int, more: Sequence[int] = (), *, keeping: bool = False) -> Step | None:
        """The highest step that the totals reach (or keep); None when they reach none."""
        totals = dict(zip(self.measures, (total, *more), strict=True)) if more else {self.own: total}
        for step in reversed(self.steps):
            if step.is_met(totals, self.own, keeping=keeping):
                return step
        return None

    def after(self, step: Step | None) -> Step | None:
        """The next step up, or None at the top."""
        floor = -1 if step is None else step.threshold
        return next((each for each in self.steps if each.threshold > floor), None)

    def step(self, tier: int | None) -> Step | None:
        """The step of a tier's id; a member without one stands on the lowest if that asks for nothing."""
        if tier is None:
            return self.lowest
        return next((each for each in self.steps if each.id == tier), None)

    @property
    def lowest(self) -> Step | None:
        """The step on which everybody stands who reached no other; None on a ladder that begins above zero."""
        first = self.steps[0] if self.steps else None
        return first if first is not None and first.threshold == 0 and not first.asks else None

    def starts_at(self, moment: datetime, enrolled_at: datetime | None = None) -> datetime | None:
        """When the window that ends at this moment begins; None counts from the beginning."""
        if self.window == "rolling":
            return months_after(moment, -self.months)
        if self.window == "calendar":
            return start_of_year(moment)
        if self.window == "anniversary" and enrolled_at is not None:
            return start_of_own_year(enrolled_at, moment)
        return None

    def ends_at(self, moment: datetime, enrolled_at: datetime) -> datetime | None:
        """When the window in which the moment lies ends; None where it moves along, or never ends."""
        if self.window == "calendar":
            return months_after(start_of_year(moment), 12)
        if self.window == "anniversary":
            return start_of_own_year(enrolled_at, start_of_own_year(enrolled_at, moment) + timedelta(days=380))
        return None

    def held_until(self, moment: datetime) -> datetime | None:
        """Until when a tier reached at this moment is held; None where every night judges."""
        if self.validity == "next_year":
            return months_after(start_of_year(moment), 24)
        if self.validity == "months":
            return rounded_up(months_after(moment, self.validity_months), self.rounding)
        return None


def start_of_own_year(enrolled_at: datetime, moment: datetime) -> datetime:
    """The last anniversary of the enrolment at or before the moment; 29 February is kept on the 28th."""
    first = start_of_day(enrolled_at)
    years = start_of_day(moment).year - first.year
    anniversary = months_after(first, 12 * years)
    return anniversary if anniversary <= moment else months_after(first, 12 * (years - 1))


def rounded_up(moment: datetime, rounding: str) -> datetime:
    """The end of the moment's day, month, quarter or year; a moment that begins one stays."""
    day = start_of_day(moment)
    if not rounding:
        return day if day == moment else start_of_day(day + timedelta(hours=36))
    length = PERIODS[rounding]
    start = day.replace(month=(day.month - 1) // length * length + 1, day=1)
    return start if start == moment else months_after(start, length)


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


def lifted(climb: Climb, step: Step | None, total: int, more: Sequence[int] = ()) -> Step | None:
    """The higher step that the total reaches, or None if it lifts nobody."""
    reached = climb.step_for(total, more)
    if reached is None or (step is not None and reached.threshold <= step.threshold):
        return None
    return reached


def with_sale(climb: Climb, standing: Standing, *, amount: int, points: Mapping[str, int]) -> Standing:
    """The standing once a sale of this amount and its points (by code of their kind, and by id) are counted."""
    gains = [gain_of(measure, standing, amount=amount, points=points) for measure in climb.measures]
    more = tuple(have + gain for have, gain in zip(standing.more, gains[1:], strict=True))
    return replace(standing, total=standing.total + gains[0], more=more, in_month=standing.in_month + 1)


def gain_of(measure: Measure, standing: Standing, *, amount: int, points: Mapping[str, int]) -> int:
    """What a sale adds to a measure."""
    if measure.basis == "spend":
        return amount
    if measure.basis == "purchases":
        return 1
    if measure.basis == "months":
        return 0 if standing.in_month else 1
    if measure.basis == "segment":
        return 0
    return points.get("growth" if measure.basis == "growth" else str(measure.kind), 0)


def gains_of(climb: Climb, *, amount: int, points: Mapping[str, int]) -> tuple[int, ...]:
    """What a sale puts into each of the ladder's measures; a purchase where months are counted."""
    nobody = Standing(None, None, 0)
    return tuple(gain_of(measure, nobody, amount=amount, points=points) for measure in climb.measures)


def without_sale(climb: Climb, standing: Standing, *, amount: int) -> Standing:
    """The standing before a sale that is already written: what it added to the sums over sales is taken off."""
    before = replace(standing, in_month=standing.in_month - 1)
    shares = [
        0 if measure.basis in {"growth", "points", "segment"} else gain_of(measure, before, amount=amount, points={})
        for measure in climb.measures
    ]
    more = tuple(have - share for have, share in zip(standing.more, shares[1:], strict=True))
    return replace(before, total=standing.total - shares[0], more=more)


def check_window(*, window: str, months: int) -> None:
    """Raises EmptyWindow."""
    if window == "rolling" and months < 1:
        raise EmptyWindow


def check_steps(steps: Iterable[Step]) -> None:
    """Whether these steps, lowest first, make a ladder.

    Raises BadMultiplier, RetentionTooHigh, SameThreshold or TiersOutOfOrder.
    """
    steps = list(steps)
    for step in steps:
        if not 1 <= step.multiplier <= HIGHEST_MULTIPLIER:
            raise BadMultiplier(tier=step.name_zh or step.code, limit=HIGHEST_MULTIPLIER)
        if step.keep > step.threshold or any(ask.keep > ask.threshold for ask in step.asks):
            raise RetentionTooHigh(tier=step.name_zh or step.code)
    for lower, upper in pairwise(steps):
        if lower.threshold == upper.threshold:
            raise SameThreshold(lower=lower.name_zh or lower.code, upper=upper.name_zh or upper.code)
        if upper.threshold < lower.threshold or upper.keep < lower.keep:
            raise TiersOutOfOrder(lower=lower.name_zh or lower.code, upper=upper.name_zh or upper.code)
    check_asks(steps)


def check_asks(steps: Sequence[Step]) -> None:
    """Whether what two steps both ask for rises as well. Raises TiersOutOfOrder."""
    highest: dict[Measure, tuple[Step, Ask]] = {}
    for step in steps:
        for ask in step.asks:
            lower, below = highest.get(ask.measure, (step, ask))
            if ask.threshold < below.threshold or ask.keep < below.keep:
                raise TiersOutOfOrder(lower=lower.name_zh or lower.code, upper=step.name_zh or step.code)
            highest[ask.measure] = (step, ask)


def thresholds(climb: Climb) -> tuple[Sequence[int], Sequence[int]]:
    """The thresholds, rising, and the tier ids beside them: what set-based SQL needs."""
    return [step.threshold for step in climb.steps], [step.id for step in climb.steps]
