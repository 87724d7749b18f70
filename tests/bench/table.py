"""What a benchmark says: a rate beside its yardstick, with n and spread, against the ratio to reach."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Measured:
    """Rates of several rounds, in operations a second."""

    rates: list[float]

    @property
    def middle(self) -> float:
        return median(self.rates)

    @property
    def spread(self) -> str:
        return f"{min(self.rates):,.0f}-{max(self.rates):,.0f}"


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    name: str
    ours: Measured
    yardstick: Measured
    goal: float
    is_ceiling: bool = False  # the ratio of times must stay below the goal, instead of rates above it

    @property
    def ratio(self) -> float:
        """Our rate to the yardstick's; for ceilings our time to the yardstick's."""
        rates = self.ours.middle / self.yardstick.middle
        return 1 / rates if self.is_ceiling else rates

    def __str__(self) -> str:
        reached = self.ratio <= self.goal if self.is_ceiling else self.ratio >= self.goal
        sign = "<=" if self.is_ceiling else ">="
        return (
            f"{self.name:<58} {self.ours.middle:>11,.1f} ({self.ours.spread})  {self.yardstick.middle:>11,.1f} "
            f"({self.yardstick.spread})  n={len(self.ours.rates)}  {self.ratio:6.2f} {sign} {self.goal}"
            f"  {'reached' if reached else 'MISSED'}"
        )


def in_turns(rounds: int, ours: Callable[[], float], yardstick: Callable[[], float]) -> tuple[Measured, Measured]:
    """Measure both in turns, so that a slow minute hits both."""
    pairs = [(ours(), yardstick()) for _round in range(rounds)]
    return Measured([pair[0] for pair in pairs]), Measured([pair[1] for pair in pairs])
