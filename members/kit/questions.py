"""Questions to traits: read from JSON (or refused), kept as JSON, said in words of both languages."""

import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.kit.money import format_money
from members.kit.traits import (
    BadTraitParameter,
    BadTraitValue,
    Choices,
    Deed,
    Kind,
    Operator,
    Parameter,
    Question,
    Shape,
    Trait,
    UnknownOperator,
    UnknownTrait,
)

LARGEST_NUMBER = 10**15
LONGEST_TEXT = 200
MOST_CODES = 500
MOST_DAYS = 36_500
YEARS = range(1900, 2201)


def shown(said: Any) -> str:
    """What was said, fit to stand in a sentence."""
    text = said if isinstance(said, str) else type(said).__name__ if isinstance(said, dict | list) else str(said)
    return "".join(each for each in text[:40] if each.isprintable())


def read_test(traits: Mapping[str, Trait], node: Mapping[str, Any]) -> dict[str, Any]:
    """A question as it is kept: {"trait", "is", "value", "with"}. Raises UnknownTrait and what `read_value` raises."""
    code = node.get("trait")
    trait = traits.get(code) if isinstance(code, str) else None
    if trait is None:
        raise UnknownTrait(trait=shown(code))
    way = node.get("is")
    operator = trait.compared_by.get(way) if isinstance(way, str) else None
    if operator is None:
        raise UnknownOperator(trait=trait.title, operator=shown(way))
    read: dict[str, Any] = {"trait": trait.code, "is": operator.code}
    if operator.shape != Shape.NONE:
        read["value"] = read_value(trait, operator, node.get("value"))
    parameters = read_parameters(trait, node.get("with", {}))
    return read | ({"with": parameters} if parameters else {})


def read_value(trait: Trait, operator: Operator, said: Any) -> Any:
    """The value as it is kept. Raises BadTraitValue."""

    def no(expected: str | Promise) -> BadTraitValue:
        return BadTraitValue(trait=trait.title, value=shown(said), expected=expected)

    return READERS[operator.shape](trait, said, no)


No = Callable[[str | Promise], BadTraitValue]


def read_number(trait: Trait, said: Any, no: No) -> int | float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not abs(said) <= LARGEST_NUMBER:
        raise no(gettext_lazy("a number"))
    if trait.kind == Kind.MONEY and not (isinstance(said, int) and said >= 0):
        raise no(gettext_lazy("an amount of money, not below 0"))
    return said


def read_day(trait: Trait, said: Any, no: No) -> str:
    try:
        day = date.fromisoformat(said)
    except (TypeError, ValueError):
        raise no(gettext_lazy("a day such as 2026-03-09")) from None
    if day.year not in YEARS:
        raise no(gettext_lazy("a day such as 2026-03-09"))
    return day.isoformat()


def pair_of(read: Callable[[Trait, Any, No], Any]) -> Callable[[Trait, Any, No], list[Any]]:
    """Reads from and to."""

    def read_pair(trait: Trait, said: Any, no: No) -> list[Any]:
        if not isinstance(said, list) or len(said) != 2:
            raise no(gettext_lazy("two values, from and to"))
        pair = [read(trait, each, no) for each in said]
        if pair[0] > pair[1]:
            raise no(gettext_lazy("the first value no larger than the second"))
        return pair

    return read_pair


def read_ago(trait: Trait, said: Any, no: No) -> int:
    if type(said) is not int or not 0 <= said <= MOST_DAYS:
        raise no(gettext_lazy("a number of days from 0 to 36,500"))
    return said


def read_codes(trait: Trait, said: Any, no: No) -> list[str]:
    return codes_among(trait.choices, said, no)


def read_text(trait: Trait, said: Any, no: No) -> str:
    if not isinstance(said, str) or not 0 < len(said.strip()) <= LONGEST_TEXT or not is_visible(said):
        raise no(gettext_lazy("a text of 1 to 200 characters"))
    return said.strip()


def is_visible(text: str) -> bool:
    """Whether nothing in a text is a control character or half of one."""
    return not any(unicodedata.category(each) in {"Cc", "Cs"} for each in text)


def codes_among(choices: Choices | None, said: Any, no: Callable[[str | Promise], Exception]) -> list[str]:
    """Several of the choices, none twice; where there are none to choose from, any codes."""
    if not isinstance(said, list) or not 0 < len(said) <= MOST_CODES:
        raise no(gettext_lazy("a list of choices"))
    if not all(isinstance(each, str) and 0 < len(each) <= LONGEST_TEXT and is_visible(each) for each in said):
        raise no(gettext_lazy("a list of choices"))
    if choices is not None and not set(said) <= {code for code, _words in choices()}:
        raise no(gettext_lazy("one of the choices there are"))
    return list(dict.fromkeys(said))


READERS: Mapping[Shape, Callable[[Trait, Any, No], Any]] = {
    Shape.NUMBER: read_number,
    Shape.NUMBERS: pair_of(read_number),
    Shape.DAY: read_day,
    Shape.DAYS: pair_of(read_day),
    Shape.AGO: read_ago,
    Shape.CODES: read_codes,
    Shape.TEXT: read_text,
}


def read_parameters(trait: Trait | Deed, said: Any) -> dict[str, Any]:
    """Parameters by code, those left out at their defaults. Raises BadTraitParameter."""
    if not isinstance(said, dict):
        raise BadTraitParameter(trait=trait.title, parameter=shown(said), expected=gettext_lazy("names with values"))
    known = {each.code: each for each in trait.parameters}
    for code in said:
        if code not in known:
            raise BadTraitParameter(trait=trait.title, parameter=shown(code), expected=gettext_lazy("no such thing"))
    read = {code: read_parameter(trait, parameter, said.get(code)) for code, parameter in known.items()}
    return {code: value for code, value in read.items() if value is not None}


def read_parameter(trait: Trait | Deed, parameter: Parameter, said: Any) -> Any:
    """One parameter: a number of days, or codes; None where it narrows nothing."""

    def no(expected: str | Promise) -> BadTraitParameter:
        return BadTraitParameter(trait=trait.title, parameter=parameter.title, expected=expected)

    if said is None:
        said = parameter.default() if callable(parameter.default) else parameter.default
    if said is None:
        if parameter.is_required:
            raise no(gettext_lazy("it must be said"))
        return None
    if parameter.choices is None and not parameter.is_text:
        if type(said) is not int or not 0 <= said <= MOST_DAYS:
            raise no(gettext_lazy("a number of days from 0 to 36,500"))
        return said
    codes = codes_among(parameter.choices, said, no)
    if parameter.is_one and len(codes) != 1:
        raise no(gettext_lazy("one choice"))
    return codes


def question_of(traits: Mapping[str, Trait], node: Mapping[str, Any]) -> tuple[Trait, Question]:
    """The trait and question of a test that was read. Raises UnknownTrait when its field is gone since."""
    trait = traits.get(node["trait"])
    if trait is None or node["is"] not in trait.compared_by:
        raise UnknownTrait(trait=shown(node["trait"]))
    value: Any = node.get("value")
    match trait.compared_by[node["is"]].shape:
        case Shape.DAY:
            value = date.fromisoformat(value)
        case Shape.DAYS:
            value = [date.fromisoformat(each) for each in value]
    return trait, Question(node["is"], value, node.get("with", {}))


def words_of_test(traits: Mapping[str, Trait], node: Mapping[str, Any]) -> str:
    """A test that was read, as people would say it."""
    trait = traits.get(node["trait"])
    if trait is None:
        return _("“%(trait)s”, which is gone") % {"trait": node["trait"]}
    operator = trait.compared_by[node["is"]]
    subject = f"{trait.title}{words_of_parameters(trait, node.get('with', {}))}"
    if trait.kind == Kind.YES_NO:
        return subject if operator.code == "yes" else _("%(subject)s: no") % {"subject": subject}
    return _("%(subject)s %(operator)s") % {"subject": subject, "operator": words_of_operator(trait, operator, node)}


def words_of_operator(trait: Trait, operator: Operator, node: Mapping[str, Any]) -> str:
    """How it is compared, and with what."""
    value = node.get("value")
    if operator.shape == Shape.AGO:
        words = {
            "within_last": _("within the last %(days)s days"),
            "longer_ago": _("more than %(days)s days ago"),
            "within_next": _("within the next %(days)s days"),
        }
        return words[operator.code] % {"days": value}
    if operator.shape == Shape.NONE:
        return str(operator.words)
    said = operator.words
    if operator.code in ("one_of", "none_of") and trait.kind == Kind.CHOICE and len(value or []) == 1:
        said = _("is") if operator.code == "one_of" else _("is not")
    return _("%(operator)s %(value)s") % {"operator": said, "value": words_of_value(trait, operator, value)}


def words_of_value(trait: Trait, operator: Operator, value: Any) -> str:
    """A value with its unit."""
    match operator.shape:
        case Shape.NUMBERS | Shape.DAYS:
            return _("%(first)s and %(last)s") % {
                "first": words_of_one(trait, value[0]),
                "last": words_of_one(trait, value[1]),
            }
        case Shape.CODES:
            return words_of_codes(trait.choices, value)
    return words_of_one(trait, value)


def words_of_one(trait: Trait, value: Any) -> str:
    """One number, sum of money, day or text."""
    if trait.kind == Kind.MONEY:
        return format_money(value)
    if isinstance(value, int | float):
        return f"{value:,} {trait.unit}".strip()
    if trait.kind in (Kind.DATE, Kind.MOMENT):
        return date_format(date.fromisoformat(value), "SHORT_DATE_FORMAT")
    return _("“%(text)s”") % {"text": value}


def words_of_codes(choices: Choices | None, codes: list[str]) -> str:
    """Choices by the names that people know."""
    names = dict(choices()) if choices is not None else {}
    return _(", ").join(str(names.get(code, code)) for code in codes)


def words_of_parameters(trait: Trait | Deed, said: Mapping[str, Any]) -> str:
    """What narrows it down, in brackets."""
    words = []
    for parameter in trait.parameters:
        if parameter.code in said:
            value = said[parameter.code]
            if isinstance(value, list):
                listed = words_of_codes(parameter.choices, value)
                words.append(_("%(name)s: %(value)s") % {"name": parameter.title, "value": listed})
            else:
                days = _("within the next %(days)s days") if parameter.is_ahead else _("in the last %(days)s days")
                words.append(days % {"days": value})
    return _(" (%(words)s)") % {"words": _(", ").join(words)} if words else ""
