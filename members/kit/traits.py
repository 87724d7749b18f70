"""Traits: what may be asked of members. Rooms register them from their `traits.py`; segments and filters ask.

A trait answers a question (operator, value, parameters) with a `Q` over Member that joins nothing and is true or false
of everybody, never NULL: whoever never bought has spent 0, and is among "spend below 500" and "not: spend above 500".
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed
from members.kit.windows import days_after, shops_day, start_of_day

Words = str | Promise
Choices = Callable[[], Sequence[tuple[str, Words]]]


class UnknownTrait(Malformed):
    """No room offers this trait, or the field that it asked for is gone."""

    code = "unknown_trait"
    sentence = _("There is no trait “%(trait)s”, or its field was deleted.")


class UnknownOperator(Malformed):
    """A trait is not compared in this way."""

    code = "unknown_operator"
    sentence = _("“%(trait)s” cannot be compared by “%(operator)s”.")


class BadTraitValue(Malformed):
    """A value is not of the trait's kind."""

    code = "bad_trait_value"
    sentence = _("“%(value)s” cannot be compared with “%(trait)s”: %(expected)s.")


class BadTraitParameter(Malformed):
    """A parameter is unknown, missing, or not of its kind."""

    code = "bad_trait_parameter"
    sentence = _("“%(parameter)s” of “%(trait)s” cannot be used: %(expected)s.")


class Kind(StrEnum):
    NUMBER = "number"
    MONEY = "money"  # minor units of the shop's currency
    DATE = "date"
    MOMENT = "moment"
    CHOICE = "choice"  # a member has one at most
    MANY = "many"  # a member may have several
    YES_NO = "yes_no"
    TEXT = "text"


class Shape(StrEnum):
    """What an operator compares with."""

    NONE = "none"
    NUMBER = "number"
    NUMBERS = "numbers"  # from, to; both included
    DAY = "day"
    DAYS = "days"  # from, to; both included
    AGO = "ago"  # so many days
    CODES = "codes"
    TEXT = "text"


@dataclass(frozen=True)
class Operator:
    """A way to compare. `words` says it before the value."""

    code: str
    words: Words
    shape: Shape


KNOWN = [Operator("known", _("is known"), Shape.NONE), Operator("unknown", _("is not known"), Shape.NONE)]
NUMBERS = [
    Operator("at_least", _("at least"), Shape.NUMBER),
    Operator("more_than", _("more than"), Shape.NUMBER),
    Operator("at_most", _("at most"), Shape.NUMBER),
    Operator("less_than", _("less than"), Shape.NUMBER),
    Operator("equal", _("exactly"), Shape.NUMBER),
    Operator("between", _("between"), Shape.NUMBERS),
]
TIMES = [
    Operator("within_last", _("within the last days"), Shape.AGO),
    Operator("longer_ago", _("longer ago than days"), Shape.AGO),
    Operator("within_next", _("within the next days"), Shape.AGO),
    Operator("since", _("on or after"), Shape.DAY),
    Operator("before", _("before"), Shape.DAY),
    Operator("between", _("between"), Shape.DAYS),
    *KNOWN,
]
OPERATORS: Mapping[Kind, Mapping[str, Operator]] = {
    kind: {each.code: each for each in listed}
    for kind, listed in {
        Kind.NUMBER: NUMBERS,
        Kind.MONEY: NUMBERS,
        Kind.DATE: TIMES,
        Kind.MOMENT: TIMES,
        Kind.CHOICE: [
            Operator("one_of", _("is one of"), Shape.CODES),
            Operator("none_of", _("is none of"), Shape.CODES),
            *KNOWN,
        ],
        Kind.MANY: [
            Operator("any_of", _("any of"), Shape.CODES),
            Operator("all_of", _("all of"), Shape.CODES),
            Operator("none_of", _("none of"), Shape.CODES),
        ],
        Kind.YES_NO: [Operator("yes", _("yes"), Shape.NONE), Operator("no", _("no"), Shape.NONE)],
        Kind.TEXT: [
            Operator("equal", _("exactly"), Shape.TEXT),
            Operator("contains", _("contains"), Shape.TEXT),
            Operator("begins", _("begins with"), Shape.TEXT),
            *KNOWN,
        ],
    }.items()
}


@dataclass(frozen=True)
class Group:
    """Where traits stand in the list from which people pick."""

    code: str
    title: Words
    position: int


@dataclass(frozen=True)
class Parameter:
    """What narrows a trait down. Without choices it is a number of days; `is_one` lets only one choice stand."""

    code: str
    title: Words
    choices: Choices | None = None
    is_one: bool = False
    is_text: bool = False  # codes that are typed, such as SKUs: too many to choose from
    default: Any = None  # stands when nothing was said; a callable is asked
    is_required: bool = False
    is_ahead: bool = False  # days to come, not past


IN_LAST_DAYS = Parameter("days", _("in the last days"))


@dataclass(frozen=True)
class Asking:
    """When is asked, and of whom: an id range of members where the work is shared out, else everybody."""

    now: datetime
    first: int | None = None
    last: int | None = None

    @property
    def today(self) -> date:
        """The shop's day."""
        return shops_day(self.now)

    def days_back(self, days: int) -> datetime:
        """Midnight of the shop's day so many days ago: the same all day."""
        return start_of_day(days_after(self.now, -days))

    def days_on(self, days: int) -> datetime:
        """The end of the shop's day in so many days."""
        return start_of_day(days_after(self.now, days + 1))

    def of(self, rows: QuerySet[Any], path: str = "member") -> QuerySet[Any]:
        """The rows of those members who are asked about, and of some member."""
        if self.first is None:
            return rows.filter(**{f"{path}__isnull": False})
        return rows.filter(**{f"{path}__gte": self.first, f"{path}__lte": self.last})


@dataclass(frozen=True)
class Question:
    """An operator, a value and parameters as they were read."""

    operator: str
    value: Any = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


Answer = Callable[[Question, Asking], Q]


@dataclass(frozen=True)
class Trait:
    """Something that may be asked of every member. `answer` comes out of `members.kit.measures` as a rule."""

    code: str
    group: Group
    title: Words
    kind: Kind
    answer: Answer
    choices: Choices | None = None
    parameters: tuple[Parameter, ...] = ()
    operators: tuple[str, ...] = ()  # empty: all of the kind
    unit: Words = ""

    @property
    def compared_by(self) -> Mapping[str, Operator]:
        """The operators by code."""
        ways = OPERATORS[self.kind]
        return {code: ways[code] for code in self.operators} if self.operators else ways


Happened = Callable[[Mapping[str, Any], Asking], QuerySet[Any]]


@dataclass(frozen=True)
class Deed:
    """Something that members do at a moment. `rows` have a `member`; `moment` names the column of when."""

    code: str
    group: Group
    title: Words
    rows: Happened
    moment: str = "happened_at"
    parameters: tuple[Parameter, ...] = ()


TRAITS: dict[str, Trait] = {}
DEEDS: dict[str, Deed] = {}
FAMILIES: list[Callable[[], Iterable[Trait]]] = []


def register(*traits: Trait) -> None:
    """Offer traits. A code stands for one trait."""
    for trait in traits:
        if trait.code in TRAITS:
            raise ValueError(trait.code)
        TRAITS[trait.code] = trait


def register_family(family: Callable[[], Iterable[Trait]]) -> None:
    """Offer traits that stand in the database, such as further fields: read whenever a list of traits is made."""
    FAMILIES.append(family)


def register_deed(*deeds: Deed) -> None:
    """Offer what members do, for "did this but not that"."""
    for deed in deeds:
        if deed.code in DEEDS:
            raise ValueError(deed.code)
        DEEDS[deed.code] = deed


def all_traits() -> dict[str, Trait]:
    """Every trait by its code, by group."""
    offered = [*TRAITS.values(), *(trait for family in FAMILIES for trait in family())]
    return {trait.code: trait for trait in sorted(offered, key=lambda each: each.group.position)}


def choices_asked_once(things: Mapping[str, Any]) -> dict[str, Any]:
    """The traits or deeds with choices that are read once, however often they are looked at: for one page or tree."""
    kept: dict[Choices, Choices] = {}

    def once(choices: Choices | None) -> Choices | None:
        return None if choices is None else kept.setdefault(choices, cache(choices))

    def narrowed(thing: Any) -> Any:
        parameters = tuple(replace(each, choices=once(each.choices)) for each in thing.parameters)
        changes = {"choices": once(thing.choices)} if isinstance(thing, Trait) else {}
        return replace(thing, parameters=parameters, **changes)

    return {code: narrowed(thing) for code, thing in things.items()}
