"""Traits in a query string: `?spend.at_least=50000&spend.days=90&bought.yes=1` as tests, all of which hold.

Before the last dot stands the trait, behind it an operator or one of the trait's parameters. Several values are parted
by commas. What is free text cannot be asked: letter by letter it would give away what is masked.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from members.kit.questions import read_test
from members.kit.refusals import Malformed
from members.kit.traits import Kind, Shape, Trait, UnknownTrait

MOST = 8  # tests in one query string
MOST_SAID = 24  # and what may stand in it


class TooManyFilters(Malformed):
    code = "too_many_filters"
    sentence = _("At most %(most)s conditions may be asked for at once.")


def may_filter(trait: Trait) -> bool:
    """Whether it may be asked from outside."""
    return trait.kind != Kind.TEXT


def read_filters(traits: Mapping[str, Trait], said: Mapping[str, str]) -> list[dict[str, Any]]:
    """The tests that a query string asks for, read and checked; names without a dot are none.

    Raises TooManyFilters, UnknownTrait, and what `read_test` raises.
    """
    by_trait: dict[str, dict[str, str]] = {}
    for name, text in said.items():
        code, dot, rest = name.rpartition(".")
        if dot:
            by_trait.setdefault(code, {})[rest] = text
    if sum(map(len, by_trait.values())) > MOST_SAID:
        raise TooManyFilters(most=MOST)
    tests = [test for code, rest in by_trait.items() for test in tests_of(traits.get(code), code, rest)]
    if len(tests) > MOST:
        raise TooManyFilters(most=MOST)
    return [read_test(traits, test) for test in tests]


def tests_of(trait: Trait | None, code: str, said: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    """Each operator of one trait with its value, narrowed by the parameters beside them."""
    if trait is None or not may_filter(trait):
        raise UnknownTrait(trait=code[:40])
    ways = {name: trait.compared_by[name] for name in said if name in trait.compared_by}
    narrowed = {name: parameter_of(trait, name, text) for name, text in said.items() if name not in ways}
    if not ways:  # says which way is missing
        return [{"trait": code, "is": next(iter(said))}]
    return [
        {"trait": code, "is": name, "value": value_of(way.shape, said[name]), "with": narrowed}
        for name, way in ways.items()
    ]


def parameter_of(trait: Trait, code: str, text: str) -> Any:
    """A number of days, or codes."""
    is_days = any(each.code == code and each.choices is None and not each.is_text for each in trait.parameters)
    return number_of(text) if is_days else text.split(",")


def value_of(shape: Shape, text: str) -> Any:
    """A value as trees have it."""
    match shape:
        case Shape.NUMBER | Shape.AGO:
            return number_of(text)
        case Shape.NUMBERS:
            return [number_of(each) for each in text.split(",")]
        case Shape.DAYS | Shape.CODES:
            return text.split(",")
    return text


def number_of(text: str) -> Any:
    """The number that a text is, or else the text, which is then refused as it was said."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
