"""The index of loyalty, and the shapes of the tables that pages show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from members.goals.rules import Sums

SHADES = 6  # of a heat table
Tallied = Mapping[tuple[str, str], tuple[int, int]]  # by what stands down and across: members, amount


@dataclass(frozen=True, slots=True)
class Index:
    """The index of loyalty, 0 to 100: the mean of three shares in percent, without those that nobody can have yet."""

    activity: float | None  # of those who ever bought, who bought in 90 days
    repurchase: float | None  # of those who ever bought, who came back
    retention: float | None  # of those who bought in the 90 days before, who bought again in these 90

    @property
    def value(self) -> float | None:
        known = [part for part in (self.activity, self.repurchase, self.retention) if part is not None]
        return sum(known) / len(known) if known else None


def index_of(sums: Sums) -> Index:
    """The index of one night."""
    activity = sums.active * 100 / sums.buyers if sums.buyers else None
    return Index(activity, sums.measure("repurchase"), sums.measure("retention"))


@dataclass(frozen=True, slots=True)
class Spot:
    """One place of a heat table: how many, which percent of its row or of all, and how dark (0 to 6)."""

    count: int | None
    percent: float
    shade: int
    amount: int = 0


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A row of a heat table."""

    code: str
    label: str
    total: int
    spots: list[Spot]


def shade(part: float, whole: float) -> int:
    """How dark a place is, of the darkest there is."""
    return -(-int(min(part / whole, 1) * SHADES * 100) // 100) if whole > 0 and part > 0 else 0


def heat(tallied: Tallied, downs: Sequence[tuple[str, str]], acrosses: Sequence[str], *, by_row: bool) -> list[HeatRow]:
    """A table of members; percent of the row, or of all. Rows that are empty stay."""
    total = sum(members for members, _amount in tallied.values())
    darkest = max((members for members, _amount in tallied.values()), default=0)
    rows = []
    for code, label in downs:
        found = [tallied.get((code, across), (0, 0)) for across in acrosses]
        row_total = sum(members for members, _amount in found)
        whole = row_total if by_row else total
        spots = [
            Spot(members, members * 100 / whole if whole else 0.0, shade(members, whole if by_row else darkest), amount)
            for members, amount in found
        ]
        rows.append(HeatRow(code, label, row_total, spots))
    return rows


def triangle(tallied: Tallied, *, last: tuple[int, int], newest: int) -> tuple[list[int], list[HeatRow]]:
    """Cohorts by age in months: the ages shown, and a row for each of the newest cohorts, oldest first.

    `last` is the month of the night as year and month. Ages that a cohort has not reached have no spot.
    """
    cohorts = sorted({down for down, across in tallied if across == "size"})[-newest:]
    ages = [age_at(cohort, last) for cohort in cohorts]
    widest = max(ages, default=-1)
    rows = []
    for cohort, age in zip(cohorts, ages, strict=True):
        size = tallied[cohort, "size"][0]
        spots = []
        for at in range(widest + 1):
            members, amount = tallied.get((cohort, f"{at:03}"), (0, 0))
            percent = members * 100 / size if size else 0.0
            spots.append(Spot(members if at <= age else None, percent, shade(percent, 100), amount))
        rows.append(HeatRow(cohort, cohort, size, spots))
    return list(range(widest + 1)), rows


def age_at(cohort: str, last: tuple[int, int]) -> int:
    """How many months old a cohort such as 2026-03 is."""
    year, month = (int(part) for part in cohort.split("-"))
    return (last[0] - year) * 12 + last[1] - month


def averages(rows: Iterable[HeatRow], ages: Sequence[int]) -> list[float | None]:
    """For each age the retention of all cohorts that have lived through it, weighted by their size."""
    rows = list(rows)
    found: list[float | None] = []
    for age in ages:
        reached = [row for row in rows if row.spots[age].count is not None]
        size = sum(row.total for row in reached)
        found.append(sum(row.spots[age].count or 0 for row in reached) * 100 / size if size else None)
    return found
