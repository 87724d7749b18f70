"""The sums behind the liability: the run-off triangle, what is expected of it, and the value in money."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Cell:
    """What became of a cohort's points in one month; `issued` and `open` stand in the cohort's own month."""

    cohort: date
    month: date
    issued: int
    used: int
    lapsed: int
    taken: int
    open: int


@dataclass(slots=True)
class Cohort:
    """The points of one month of earning. `repaid` are those that only repaid a debt, on the day they came."""

    month: date
    issued: int = 0
    open: int = 0
    flows: dict[int, tuple[int, int, int]] = field(default_factory=dict)  # by age in months: used, lapsed, taken

    @property
    def used(self) -> int:
        return sum(used for used, _lapsed, _taken in self.flows.values())

    @property
    def lapsed(self) -> int:
        return sum(lapsed for _used, lapsed, _taken in self.flows.values())

    @property
    def taken(self) -> int:
        return sum(taken for _used, _lapsed, taken in self.flows.values())

    @property
    def repaid(self) -> int:
        return self.issued - self.open - self.used - self.lapsed - self.taken

    def open_at(self, age: int) -> int:
        """What was open when the cohort was so many months old."""
        return self.issued - self.repaid - sum(sum(flow) for month, flow in self.flows.items() if month < age)


@dataclass(frozen=True, slots=True)
class Rates:
    """Of what is open at the start of a month of age, the shares used, lapsed and taken in it."""

    used: float
    lapsed: float
    taken: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of open points. The three add up to what is open."""

    used: int
    lapsed: int
    taken: int


def months_between(first: date, last: date) -> int:
    """Whole months from one first of a month to another."""
    return (last.year - first.year) * 12 + last.month - first.month


def cohorts_of(cells: Iterable[Cell]) -> list[Cohort]:
    """The triangle by cohort, oldest first."""
    found: dict[date, Cohort] = {}
    for cell in cells:
        cohort = found.setdefault(cell.cohort, Cohort(cell.cohort))
        cohort.issued += cell.issued
        cohort.open += cell.open
        flow = (cell.used, cell.lapsed, cell.taken)
        if any(flow):
            cohort.flows[months_between(cell.cohort, cell.month)] = flow
    return [found[month] for month in sorted(found)]


def run_off(cohorts: Iterable[Cohort], this_month: date) -> list[Rates]:
    """The rates by age, each over all cohorts that have lived through that month of age to its end.

    The chain-ladder of actuaries on a run-off triangle, with what is open as its base: for the age k
    rate(k) = sum of what left at age k / sum of what was open at its start, weighted by volume, once for each way of
    leaving (Mack, "Distribution-free calculation of the standard error of chain ladder reserve estimates", ASTIN
    Bulletin 23, 1993; several ways of leaving: the multiple-decrement table, Bowers et al., "Actuarial Mathematics").
    """
    opens: dict[int, int] = defaultdict(int)
    flows: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for cohort in cohorts:
        for age in range(months_between(cohort.month, this_month)):
            opens[age] += cohort.open_at(age)
            for place, points in enumerate(cohort.flows.get(age, (0, 0, 0))):
                flows[age][place] += points
    return [rates_of(flows[age], opens[age]) for age in sorted(opens)]


def rates_of(flow: list[int], whole: int) -> Rates:
    """Shares between none and all, and together no more than all."""
    shares = [max(points, 0) / whole if whole > 0 else 0.0 for points in flow]
    excess = max(sum(shares), 1.0)
    return Rates(*(share / excess for share in shares))


def outlook(cohort: Cohort, rates: list[Rates], this_month: date) -> Outlook:
    """What is expected of a cohort's open points, by the rates of its age and later.

    What would still be open after the oldest age that was ever seen counts as used: a liability is not written down by
    a guess. The running month counts as a whole one.
    """
    left = float(max(cohort.open, 0))
    lapsed = taken = 0.0
    for rate in rates[months_between(cohort.month, this_month) :]:
        lapsed += left * rate.lapsed
        taken += left * rate.taken
        left *= 1 - rate.used - rate.lapsed - rate.taken
        # what was used is what neither lapsed nor was taken
    whole = max(cohort.open, 0)
    return Outlook(whole - round(lapsed) - round(taken), round(lapsed), round(taken))


def money_of(points: int, per_thousand: int) -> int:
    """The value of points in minor units, rounded half up in size."""
    value = (abs(points) * per_thousand + 500) // 1_000
    return value if points >= 0 else -value
