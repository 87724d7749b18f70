"""BG/NBD: how often members will buy, and whether they still do. Gamma-Gamma: how much they pay each time.

Sources. Fader, Hardie and Lee, "Counting Your Customers the Easy Way: An Alternative to the Pareto/NBD Model",
Marketing Science 24 (2005), 275-284: likelihood (6), expectation (10). Fader and Hardie, "Overcoming the BG/NBD Model's
#NUM! Error Problem" (note 027, 2013): the form of the likelihood that does not overflow. Fader and Hardie, "The
Gamma-Gamma Model of Monetary Value" (note 025, 2013): likelihood (1a), expectation (5). Time is counted in weeks
everywhere; a purchase is a day on which something was bought, and the first one only starts the clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, gammaln

Numbers: TypeAlias = NDArray[np.float64]

DAYS_A_WEEK = 7
LEAST_BUYERS, LEAST_REPEATERS, LEAST_WEEKS = 200, 50, 26
BOUND = 12.0  # of the logarithms of parameters: what lies beyond has run away
EDGE = 0.01  # nearer than that to the bound is beyond it
SINGULAR = 1e-4  # the expectation has a hole at a = 1 that its neighbours fill
ENOUGH = 5_000  # groups of members, to look for a place to start from
PRECISION, MOST_TERMS, TERMS_A_LOOK = 1e-12, 20_000, 25
RATE_STARTS = ((0.5, 5.0, 1.0, 3.0), (1.0, 10.0, 0.5, 1.0), (0.1, 1.0, 1.5, 8.0))
VALUE_STARTS = ((5.0, 4.0), (1.0, 2.0), (20.0, 10.0))


class NotFitted(Exception):
    """The likelihood has no maximum inside the bounds: the data do not say enough."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The parameters of BG/NBD: purchases come by Gamma(r, alpha) a week, members leave by Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Values:
    """The parameters of Gamma-Gamma; money in the unit of the means it was fitted on."""

    p: float
    q: float
    v: float


@dataclass(frozen=True, slots=True)
class Histories:
    """Many members as columns: repeat purchases, week of the last one, weeks since the first, how many are alike."""

    repeats: Numbers
    last: Numbers
    age: Numbers
    alike: Numbers


@dataclass(frozen=True, slots=True)
class Lack:
    """What a model needs and what there is of it."""

    what: str  # "buyers", "repeaters", "weeks" or "shape"
    have: int
    need: int


def lacks_of(*, buyers: int, repeaters: int, weeks: int) -> list[Lack]:
    """What is missing before the models can be believed; nothing when they can be tried."""
    wanted = (
        ("buyers", buyers, LEAST_BUYERS),
        ("repeaters", repeaters, LEAST_REPEATERS),
        ("weeks", weeks, LEAST_WEEKS),
    )
    return [Lack(what, have, need) for what, have, need in wanted if have < need]


def rates_of(histories: Histories) -> Rates:
    """The BG/NBD parameters of greatest likelihood. Raises NotFitted."""

    def surprise(logs: Numbers, some: Histories) -> float:
        return -float(np.dot(some.alike, log_likelihood(Rates(*np.exp(logs)), some)))

    few = Histories(*(column[:: step_of(len(histories.alike))] for column in columns_of(histories)))
    start = best(lambda logs: surprise(logs, few), [np.log(start) for start in RATE_STARTS])
    return Rates(*best(lambda logs: surprise(logs, histories), [np.log(start)]))


def columns_of(histories: Histories) -> tuple[Numbers, ...]:
    """The columns in the order of their names."""
    return histories.repeats, histories.last, histories.age, histories.alike


def step_of(size: int) -> int:
    """Every how many-th row is enough to look for a place to start from."""
    return max(size // ENOUGH, 1)


def log_likelihood(rates: Rates, histories: Histories) -> Numbers:
    """The logarithm of each member's likelihood, with no power that could overflow.

    What depends on the number of repeats alone is computed once for each number, not for each member.
    """
    r, alpha, a, b = rates.r, rates.alpha, rates.a, rates.b
    times = histories.repeats.astype(np.intp)
    x = np.arange(times.max(initial=0) + 1.0)
    counts = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stays = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    leaves = np.log(a) - np.log(b + np.maximum(x, 1) - 1)
    powers = r + histories.repeats
    alive = -powers * np.log(alpha + histories.age)
    left = leaves[times] - powers * np.log(alpha + histories.last)
    ways = np.where(times > 0, np.logaddexp(alive, left), alive)
    found: Numbers = (counts + stays)[times] + ways
    return found


def best(surprise: Callable[[Numbers], float], starts: list[Numbers]) -> list[float]:
    """The parameters of least surprise from several starts, in the space of logarithms. Raises NotFitted."""
    found: Any = None
    for start in starts:
        bounds = [(-BOUND, BOUND)] * len(start)
        tried = minimize(surprise, start, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12, "gtol": 1e-7})
        if np.isfinite(tried.fun) and (found is None or tried.fun < found.fun):
            found = tried
    if found is None or np.any(np.abs(found.x) > BOUND - EDGE):
        raise NotFitted
    return [float(value) for value in np.exp(found.x)]


def alive(rates: Rates, *, repeats: Numbers, last: Numbers, age: Numbers) -> Numbers:
    """How likely each member still buys. By the model nobody leaves before a repeat purchase: 1 for those."""
    powers = (rates.r + repeats) * (np.log(rates.alpha + age) - np.log(rates.alpha + last))
    odds = np.log(rates.a) - np.log(rates.b + np.maximum(repeats, 1) - 1) + powers
    found: Numbers = np.where(repeats > 0, expit(-odds), 1.0)
    return found


def purchases(rates: Rates, *, repeats: Numbers, last: Numbers, age: Numbers, weeks: float) -> Numbers:
    """How many purchases are expected of each member in the weeks to come.

    (10) of the paper after Euler's transformation of the hypergeometric function, whose parameters then stay small
    however much somebody buys.
    """
    r, alpha, b = rates.r, rates.alpha, rates.b
    a = rates.a if abs(rates.a - 1) > SINGULAR else 1 + SINGULAR
    z = weeks / (alpha + age + weeks)
    part = (1 - z) ** (a - 1) * gauss(a + b - 1 - r, a - 1, a + b + repeats - 1, z)
    expected = (a + b + repeats - 1) / (a - 1) * (1 - part)
    found: Numbers = np.maximum(expected, 0) * alive(rates, repeats=repeats, last=last, age=age)
    return found


def gauss(a: float, b: float, c: Numbers, z: Numbers) -> Numbers:
    """Gauss's hypergeometric series for 0 <= z < 1, term by term.

    SciPy's function answers infinity for some a, b and c that differ by whole numbers, as (1.5, -0.5, 99.5, 0.9).
    """
    term = np.ones_like(z)
    whole = term.copy()
    for n in range(MOST_TERMS):
        term = term * ((a + n) * (b + n) / (n + 1)) / (c + n) * z
        whole += term
        if n % TERMS_A_LOOK == 0 and np.all(np.abs(term) <= PRECISION * np.abs(whole)):
            break
    return whole


def values_of(*, repeats: Numbers, mean: Numbers, alike: Numbers) -> Values:
    """The Gamma-Gamma parameters of greatest likelihood; members without repeats do not count. Raises NotFitted.

    Below q = 1 the expected value of a member has no end, so such a fit is none.
    """
    counts = (repeats > 0) & (mean > 0)
    if not counts.any():
        raise NotFitted
    x, weights = repeats[counts], alike[counts]
    scale = float(np.average(mean[counts], weights=weights))
    whole = (x, mean[counts] / scale, weights)
    few = tuple(column[:: step_of(len(x))] for column in whole)
    starts = [np.log((p, q, (q - 1) / p if q > 1 else 1.0)) for p, q in VALUE_STARTS]
    start = best(lambda logs: value_surprise(logs, *few), starts)
    p, q, v = best(lambda logs: value_surprise(logs, *whole), [np.log(start)])
    if q <= 1:
        raise NotFitted
    return Values(p, q, v * scale)


def value_surprise(logs: Numbers, x: Numbers, m: Numbers, weights: Numbers) -> float:
    """Minus the logarithm of the likelihood of repeats and means under Gamma-Gamma."""
    p, q, v = np.exp(logs)
    times = x.astype(np.intp)
    counted = np.arange(1, times.max() + 1.0)
    shape = gammaln(p * counted + q) - gammaln(p * counted) - gammaln(q) + q * np.log(v) + p * counted * np.log(counted)
    size = (p * x - 1) * np.log(m) - (p * x + q) * np.log(x * m + v)
    return -float(np.dot(weights, shape[times - 1] + size))


def worth(values: Values, *, repeats: Numbers, mean: Numbers) -> Numbers:
    """What each member is expected to pay at a purchase: between their own mean and that of all, by how often."""
    p, q, v = values.p, values.q, values.v
    found: Numbers = p * (v + repeats * mean) / (p * repeats + q - 1)
    return found
