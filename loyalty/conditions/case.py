"""What conditions judge, how they say no, and what one kind of test is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed
from members.people.rules import Birthday

MOST_CODES = 500  # in one test
LONGEST_CODE = 200


class BadCondition(Malformed):
    """A condition cannot be read; `test` names it."""

    code = "bad_condition"
    sentence = _("The condition “%(test)s” cannot be used: %(expected)s.")


class EmptyWindow(Malformed):
    """A window of time in which nothing can ever happen."""

    code = "empty_window"
    sentence = _("The window from %(since)s to %(until)s is empty: it ends before it begins.")


class OverlappingWindows(Malformed):
    """Two windows of one test share time."""

    code = "overlapping_windows"
    sentence = _("The windows %(first)s and %(second)s overlap.")


@dataclass(frozen=True, slots=True)
class Goods:
    """A line as conditions see it: its place from 1, pieces, minor units paid and taken off."""

    position: int
    sku: str
    category: str
    brand: str
    quantity: int
    amount: int
    discount: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged: a sale or an event, whose, and when by the shop's clock. Amounts are minor units."""

    at: datetime  # in the shop's zone
    store: str = ""
    channel: str = ""
    tender: str = ""
    amount: int = 0  # paid, also the part paid with points
    discount: int = 0
    by_points: int = 0  # the part of the amount that was paid with points
    lines: tuple[Goods, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tiers: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()  # in which the member was then, as far as refreshes found out
    purchase: int = 0  # 1 is the member's first
    birthday: Birthday | None = None


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a condition does not hold: the test, what it wants, and how much is missing where that can be counted."""

    test: str
    wants: Any = None
    missing: int = 0


Check = Callable[[Case], Miss | None]


class Bound:
    """The values of a statement by name: a call keeps one and gives back its placeholder."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def __call__(self, value: Any) -> str:
        name = f"wants_{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"


Clause = Callable[[Any, Bound], str]


@dataclass(frozen=True, slots=True)
class Test:
    """One kind of test: reads what it wants (or refuses), makes the check, says what it wants in words.

    `sql` says the same as `holds` of a sale in the database, true or false and never null: over `s` (the sale),
    `c.clock` (its moment by the shop's clock), `m` (its member), `t.tier` (the id of the tier then) and `n.purchase`.
    """

    title: str | Promise
    read: Callable[[str, Any], Any]
    holds: Callable[[Any], Callable[[Case], bool]]
    says: Callable[[Any], str]
    sql: Clause
    missing: Callable[[Any, Case], int] | None = None

    def build(self, name: str, wants: Any) -> Check:
        """The check of a test that was read before."""
        holds, missing = self.holds(wants), self.missing
        miss = Miss(name, wants)
        if missing is None:
            return lambda case: None if holds(case) else miss
        return lambda case: None if holds(case) else Miss(name, wants, missing(wants, case))


def codes(test: str, value: Any) -> list[str]:
    """A list of codes: texts of 1 to 200 characters, none twice."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST_CODES:
        raise BadCondition(test=test, expected=_("a list of codes"))
    for each in value:
        if not isinstance(each, str) or not 0 < len(each) <= LONGEST_CODE:
            raise BadCondition(test=test, expected=_("a list of codes"))
    return list(dict.fromkeys(value))


def numbers(low: int, high: int) -> Callable[[str, Any], list[int]]:
    """Reads a list of whole numbers within bounds, sorted, none twice."""

    def read(test: str, value: Any) -> list[int]:
        listed: Sequence[Any] = value if isinstance(value, list) else [value]
        if not listed or any(type(each) is not int or not low <= each <= high for each in listed):
            raise BadCondition(
                test=test, expected=_("whole numbers from %(low)s to %(high)s") % {"low": low, "high": high}
            )
        return sorted(set(listed))

    return read


def number(low: int, high: int) -> Callable[[str, Any], int]:
    """Reads one whole number within bounds."""

    def read(test: str, value: Any) -> int:
        if isinstance(value, list):
            raise BadCondition(test=test, expected=_("one whole number"))
        return numbers(low, high)(test, value)[0]

    return read


def any_of_codes(column: str) -> Clause:
    """Makes clauses that a column is one of the codes."""
    return lambda wants, bound: f"{column} = ANY ({bound(wants)}::text[])"


def listed(words: Sequence[Any]) -> str:
    """Several words as people list them."""
    return _(", ").join(str(word) for word in words)
