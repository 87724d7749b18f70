"""The sums of portraits: tests of differences between a group and the others, and what goods go together.

Sources. Welch, "The generalization of Student's problem when several different population variances are involved",
Biometrika 34 (1947), 28-35. Pearson's chi-square with Cramer's V for its size; expected counts below five are put
together, after Cochran (1954). Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
Statistics 6 (1979), 65-70. Lift: Brin, Motwani, Ullman and Tsur, "Dynamic itemset counting" (SIGMOD 1997).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np
from scipy.stats import chi2_contingency, t

FEWEST = 10  # members on either side: below it nothing is said
EXPECTED = 5
CHANCE = 0.05
LEAST_BASKETS, LEAST_LIFT = 10, 1.2


@dataclass(frozen=True, slots=True)
class Sample:
    """Numbers of members, summed up: how many, their mean and their variance (of a sample)."""

    size: int
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How a group differs from the others. `p` is None when there are too few to say anything.

    For means `size` is the difference and `low` and `high` its 95 percent interval; for shares `size` is Cramer's V.
    """

    p: float | None
    size: float = 0.0
    low: float = 0.0
    high: float = 0.0

    @property
    def is_known(self) -> bool:
        return self.p is not None


UNKNOWN = Difference(None)


def welch(group: Sample, others: Sample) -> Difference:
    """The difference of two means, whose spreads may differ. Too few, or no spread at all, is unknown."""
    if min(group.size, others.size) < FEWEST:
        return UNKNOWN
    parts = (group.variance / group.size, others.variance / others.size)
    error = sqrt(sum(parts))
    size = group.mean - others.mean
    if not error:
        return UNKNOWN
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (group.size - 1) + parts[1] ** 2 / (others.size - 1))
    p = float(2 * t.sf(abs(size) / error, freedom))
    reach = float(t.ppf(1 - CHANCE / 2, freedom)) * error
    return Difference(p, size, size - reach, size + reach)


def chi_square(group: Sequence[int], others: Sequence[int]) -> Difference:
    """Whether two rows of counts have the same shares. Places too rare to say anything are put together."""
    if min(sum(group), sum(others)) < FEWEST:
        return UNKNOWN
    table = gathered(group, others)
    if table.shape[1] < 2:
        return UNKNOWN
    statistic, p, *_more = chi2_contingency(table, correction=False)
    return Difference(float(p), sqrt(float(statistic) / float(table.sum())))


def gathered(group: Sequence[int], others: Sequence[int]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """The two rows; columns in which fewer than five are expected stand together in one, or with the smallest other."""
    table = np.array([group, others], dtype=float)
    table = table[:, table.sum(axis=0) > 0]
    least = table.sum(axis=0) * min(table.sum(axis=1)) / max(table.sum(), 1)
    rare = least < EXPECTED
    if rare.any():
        rest = table[:, rare].sum(axis=1, keepdims=True)
        kept = table[:, ~rare]
        if rest.sum() * min(table.sum(axis=1)) / table.sum() < EXPECTED and kept.shape[1]:
            smallest = int(kept.sum(axis=0).argmin())
            kept[:, smallest] += rest[:, 0]
        else:
            kept = np.hstack([kept, rest])
        table = kept
    return table


def holm(chances: Mapping[str, float | None]) -> dict[str, float | None]:
    """The chances again, each raised for how many differences were looked at. Unknown ones are not counted."""
    known = sorted((p, name) for name, p in chances.items() if p is not None and isfinite(p))
    found: dict[str, float | None] = dict.fromkeys(chances)
    highest = 0.0
    for place, (p, name) in enumerate(known):
        highest = max(highest, min(p * (len(known) - place), 1.0))
        found[name] = highest
    return found


@dataclass(frozen=True, slots=True)
class Together:
    """Two goods in baskets: how many baskets there were, had the one, had the other, had both."""

    baskets: int
    with_product: int
    with_other: int
    both: int

    @property
    def lift(self) -> float:
        """How many times as often the other one is in baskets with the first as in all baskets."""
        expected = self.with_product * self.with_other / self.baskets if self.baskets else 0
        return self.both / expected if expected else 0.0

    @property
    def percent(self) -> float:
        """Of the baskets with the first, those that had the other as well."""
        return self.both * 100 / self.with_product if self.with_product else 0.0
