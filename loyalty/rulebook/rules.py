"""What a rule version may say, and what is suspicious about rules that stand side by side."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from itertools import groupby
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.conditions.goods import read_lines, words_of_lines
from loyalty.conditions.tree import TESTS, nodes, read_tree, renamed, words_of
from loyalty.limits.rules import read_limits, words_of_limits
from loyalty.reckoning.rules import SALE, Version
from members.kit.money import format_money
from members.kit.names import named
from members.kit.refusals import Malformed, Refusal

HIGHEST = 1_000  # percent: ten times
LIVES = ("expires_after_months", "expires_on", "idle_months")
NUMBERS = {
    "points": (1, 1_000_000),
    "per_amount": (1, 10**12),
    "priority": (0, 32_767),
    "pending_days": (0, 3_660),
    "expires_after_months": (1, 240),
    "idle_months": (1, 240),
}


EVENTS = {  # what members do beside buying; a shop's own systems may report others
    "enrolment": gettext_lazy("enrolment"),
    "profile_completed": gettext_lazy("profile completed"),
    "review": gettext_lazy("review written"),
    "survey": gettext_lazy("survey answered"),
    "referral": gettext_lazy("friend brought"),
    "check_in": gettext_lazy("check-in"),
    "event_attended": gettext_lazy("event attended"),
    "feedback_adopted": gettext_lazy("suggestion adopted"),
    "share": gettext_lazy("shared with friends"),
}
Names = Mapping[str, Mapping[str, str]]  # names by code, by the test that knows the codes


BETWEEN = re.compile(r"[,，、;；\n]+")


class VersionInPast(Refusal):
    """Versions follow one another in time."""

    code = "version_in_past"
    sentence = gettext_lazy("A new version begins after the one before it, which began on %(since)s.")


class BadMultiplier(Malformed):
    code = "bad_multiplier"
    sentence = gettext_lazy("A multiplier is from 101 to 1000 percent, not %(percent)s: 200 doubles.")


class BadNumber(Malformed):
    code = "bad_number"
    sentence = gettext_lazy("%(field)s is a whole number from %(low)s to %(high)s, not %(value)s.")


class TwoLives(Malformed):
    code = "two_lives"
    sentence = gettext_lazy("Points expire in one way: after months, on a day, or after months without activity.")


class EventMissing(Malformed):
    code = "event_missing"
    sentence = gettext_lazy("Points that wait for an event need the event's code.")


class BudgetForPrices(Malformed):
    """The budget is one of promotions: rules and promotions never wait for one another's."""

    code = "budget_for_prices"
    sentence = gettext_lazy("The budget “%(budget)s” is for prices: points need one of their own.")


class NoAmount(Malformed):
    """An event has no amount, so only fixed points make sense."""

    code = "no_amount"
    sentence = gettext_lazy("A rule about an event gives fixed points: an event has no amount to count or multiply.")


def read_saying(says: Mapping[str, Any]) -> dict[str, Any]:
    """What a version says, as it is kept. Raises the refusals above, and those of conditions and limits."""
    said = dict(says)
    for name, read in (("conditions", read_tree), ("lines", read_lines), ("limits", read_limits)):
        if name in said:
            said[name] = read(said[name])
    check_numbers(said)
    if sum(1 for name in LIVES if said.get(name)) > 1:
        raise TwoLives
    if said.get("waits") == "event" and not said.get("waits_for"):
        raise EventMissing
    if said.get("trigger", SALE) != SALE and said.get("effect") != "fixed":
        raise NoAmount
    return said


def check_numbers(said: Mapping[str, Any]) -> None:
    """Raises BadNumber or BadMultiplier unless every number that is said makes sense."""
    for name, (low, high) in NUMBERS.items():
        value = said.get(name)
        if value is not None and (type(value) is not int or not low <= value <= high):
            raise BadNumber(field=name, low=low, high=high, value=str(value)[:40])
    percent = said.get("percent", HIGHEST)
    if type(percent) is not int or not 100 < percent <= HIGHEST:
        raise BadMultiplier(percent=str(percent)[:40])


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a rule that its author should look at."""

    code: str
    rule: str
    words: str


@dataclass(frozen=True, slots=True)
class Known:
    """The codes that exist, by the test that names them; what conditions say beyond these can never hold."""

    codes: Mapping[str, frozenset[str]]


def lint(versions: Sequence[Version], *, known: Known, today: date, most_percent: int) -> list[Finding]:
    """What is suspicious about versions that are in force together, most important first."""
    found: list[Finding] = []
    for version in versions:
        found += unknown_codes(version, known)
        found += never_again(version, today)
    for _trigger, group in groupby(sorted(versions, key=lambda each: each.trigger), key=lambda each: each.trigger):
        ordered = sorted(group, key=lambda each: (each.priority, each.rule))
        found += shadowed(ordered)
        found += stacked(ordered, most_percent)
    return found


def wants_of(tree: Mapping[str, Any], test: str) -> Iterator[Any]:
    """What the uppermost `all` asks of a test: these must hold, whatever else is said."""
    for part in tree.get("all", [tree]) if tree else []:
        if test in part:
            yield part[test]


def unknown_codes(version: Version, known: Known) -> Iterator[Finding]:
    """Stores, tiers, segments or products that must be there and are not: the rule never fires."""
    for test, codes in known.codes.items():
        for wants in wants_of(version.conditions, test):
            missing = [code for code in wants if code not in codes]
            if missing:
                words = _("It names what does not exist (%(test)s: %(codes)s).")
                facts = {"test": TESTS[test].title, "codes": ", ".join(missing)}
                yield Finding("unknown_code", version.rule_code, words % facts)


def never_again(version: Version, today: date) -> Iterator[Finding]:
    """Dates that are over, or that leave no day: the rule never fires any more."""
    dates = list(wants_of(version.conditions, "dates"))
    last = min((each["to"] for each in dates if "to" in each), default=date.max.isoformat())
    first = max((each["from"] for each in dates if "from" in each), default=date.min.isoformat())
    if first > last:
        yield Finding("never_fires", version.rule_code, _("Its dates leave no day on which it could fire."))
    elif last < today.isoformat():
        yield Finding("over", version.rule_code, _("Its last day (%(last)s) is over.") % {"last": last})


def shadowed(versions: Sequence[Version]) -> Iterator[Finding]:
    """Rules that come after one which stops the rest whenever they could fire."""
    for place, version in enumerate(versions):
        for before in versions[:place]:
            if before.stops and covers(before, version):
                words = _("It never fires: “%(rule)s” comes first and stops the rest.") % {"rule": named(before)}
                yield Finding("never_fires", version.rule_code, words)
                break


def covers(before: Version, version: Version) -> bool:
    """Whether a version fires whenever the other could: every condition of it is one of the other's."""
    if before.limits or before.lines:
        return False
    parts = before.conditions.get("all", [before.conditions]) if before.conditions else []
    others = version.conditions.get("all", [version.conditions]) if version.conditions else []
    return all(any(part == other or is_wider(part, other) for other in others) for part in parts)


def is_wider(part: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a test of codes lets through all that the other does."""
    ((test, wants),) = part.items()
    return test in other and isinstance(wants, list) and test not in ("any", "hours") and set(other[test]) <= set(wants)


def stacked(versions: Sequence[Version], most_percent: int) -> Iterator[Finding]:
    """Multipliers of one point kind that could come together and pass the programme's highest."""
    multipliers = [version for version in versions if version.effect == "multiply"]
    for kind in {version.kind for version in multipliers}:
        factor = Fraction(1)
        together = [version for version in multipliers if version.kind == kind]
        for version in together:
            more = Fraction(version.percent, 100)
            factor = factor * more if version.stacking == "multiply" else factor + more - 1
        if len(together) > 1 and factor * 100 > most_percent:
            words = _("Together with %(rules)s it could multiply by %(factor)s; everything above %(most)s is cut.")
            rules = ", ".join(named(each) for each in together[:-1])
            facts = {"rules": rules, "factor": f"{float(factor):g}", "most": f"{most_percent / 100:g}"}
            yield Finding("stacks_too_high", together[-1].rule_code, words % facts)


def version_at(versions: Iterable[Any], now: datetime) -> Any:
    """What a rule or promotion says at a moment, out of all its versions; None before the first."""
    begun = [version for version in versions if version.valid_from <= now]
    return max(begun, key=lambda each: (each.valid_from, each.number), default=None)


def read_list(text: str) -> list[str]:
    """`TEA, CAKE` with commas of any kind, or one a line."""
    return [part.strip() for part in BETWEEN.split(text) if part.strip()]


def codes_named(versions: Sequence[Any], test: str) -> set[str]:
    """The codes that conditions or chosen lines of versions name for a test such as `store` or `product`."""
    found: set[str] = set()
    for version in versions:
        for name, wants in [*nodes(version.conditions), *version.lines.items()]:
            if name.removeprefix("not_") == test:
                found.update(wants)
    return found


def words_of_trigger(trigger: str) -> str:
    """What a rule is about: a sale, or an event."""
    return _("sale") if trigger == SALE else str(EVENTS.get(trigger, trigger))


def words_of_version(version: Any, names: Names) -> str:
    """What a version says, in one sentence: what it gives, when, for what, how often, and how long it lasts."""
    parts = [words_of_gift(version)]
    if version.trigger != SALE:
        parts.insert(0, _("for each: %(event)s") % {"event": words_of_trigger(version.trigger)})
    if version.conditions:
        parts.append(words_of(renamed(version.conditions, names)))
    if version.lines:
        parts.append(_("lines that count: %(lines)s") % {"lines": words_of_chosen(version.lines, names)})
    parts += [*words_of_limits(version.limits), *words_of_company(version), *words_of_life(version)]
    if version.budget is not None:
        parts.append(_("within the budget “%(budget)s”") % {"budget": named(version.budget)})
    return _("; ").join(parts)


def words_of_chosen(lines: Mapping[str, list[str]], names: Names) -> str:
    """Which lines count, by names."""
    known = {name: names.get(name.removeprefix("not_"), {}) for name in lines}
    return words_of_lines({name: [known[name].get(code, code) for code in codes] for name, codes in lines.items()})


def words_of_gift(version: Any) -> str:
    """What a version gives where it fires."""
    facts = {
        "kind": named(version.kind),
        "points": f"{version.points:,}",
        "per": format_money(version.per_amount),
        "factor": f"{version.percent / 100:g}",
    }
    if version.effect == "fixed":
        return _("%(kind)s: %(points)s each time") % facts
    if version.effect == "multiply":
        return _("%(kind)s of other rules × %(factor)s") % facts
    words = _("%(kind)s: %(points)s for each %(per)s") % facts
    return _("%(gift)s × the tier's multiplier") % {"gift": words} if version.uses_tier_multiplier else words


def words_of_company(version: Any) -> list[str]:
    """How a version stands to other rules."""
    said = []
    if version.effect == "multiply" and version.stacking == "multiply":
        said.append(_("multiplies other multipliers"))
    if version.group:
        said.append(_("the best of the group “%(group)s” wins") % {"group": version.group})
    if version.stops:
        said.append(_("stops the rules after it"))
    return said


def words_of_life(version: Any) -> list[str]:
    """When points become active, and how long they last."""
    said = []
    if version.waits == "event":
        said.append(_("pending until: %(event)s") % {"event": words_of_trigger(version.waits_for)})
    elif version.waits == "returns":
        said.append(_("pending until returns are over"))
    elif version.pending_days:
        said.append(_("pending for %(days)s days") % {"days": version.pending_days})
    if version.expires_on:
        said.append(_("valid until %(day)s") % {"day": date_format(version.expires_on)})
    elif version.expires_after_months:
        said.append(_("valid for %(months)s months") % {"months": version.expires_after_months})
    elif version.idle_months:
        said.append(_("expire after %(months)s months without activity") % {"months": version.idle_months})
    if version.expires_rounding:
        said.append(_("up to %(end)s") % {"end": version.get_expires_rounding_display()})
    return said
