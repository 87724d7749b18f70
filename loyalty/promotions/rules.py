"""What a promotion may say, its state, its words, and what is suspicious about it. Pure."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.conditions.goods import read_lines
from loyalty.conditions.tree import read_tree, renamed, without, words_of
from loyalty.limits.rules import MOST, PERIODS, BadLimit, read_limit, read_number, words_of_limits
from loyalty.rulebook.rules import (
    BadNumber,
    Finding,
    Known,
    Names,
    never_again,
    shadowed,
    unknown_codes,
    version_at,
    wants_of,
    words_of_chosen,
)
from members.kit.money import LARGEST_AMOUNT, format_money
from members.kit.names import named
from members.kit.refusals import Malformed, Refusal

WHOLE_PRICE = 100  # percent
MOST_PIECES = 1_000  # of one set
NUMBERS = {
    "amount": (1, LARGEST_AMOUNT),
    "most": (1, LARGEST_AMOUNT),
    "buys": (1, MOST_PIECES),
    "gets": (1, MOST_PIECES),
    "sets": (1, MOST),
    "priority": (0, 32_767),
}
PAYING = {
    "points": (1, 1_000_000),
    "worth": (1, LARGEST_AMOUNT),
    "least": (1, 1_000_000_000),
    "step": (1, 1_000_000),
    "most_share": (1, 100),
}
STATES = {
    "running": gettext_lazy("running"),
    "coming": gettext_lazy("coming"),
    "over": gettext_lazy("over"),
    "off": gettext_lazy("switched off"),
}


class BadPercent(Malformed):
    """A part of a price is more than nothing and at most all of it."""

    code = "bad_percent"
    sentence = gettext_lazy("What is taken off is from 1 to 100 percent, not %(percent)s.")


class NothingChosen(Malformed):
    """Without a choice anything would count as bought, and as got."""

    code = "nothing_chosen"
    sentence = gettext_lazy("“Buy some, get some” needs to say which goods count.")


class BudgetForPoints(Malformed):
    """Rules and promotions never wait for one another's budgets."""

    code = "budget_for_points"
    sentence = gettext_lazy("The budget “%(budget)s” is for points: promotions need one that is for prices.")


class TermsInPast(Refusal):
    code = "terms_in_past"
    sentence = gettext_lazy("New terms begin after those before them, which began on %(since)s.")


def read_offer(says: Mapping[str, Any]) -> dict[str, Any]:
    """What a promotion's version says, as it is kept. Raises the refusals above, those of conditions and limits."""
    said = dict(says)
    for name, read in (
        ("conditions", read_tree), ("lines", read_lines), ("got_lines", read_lines), ("limits", read_caps),
    ):  # fmt: skip
        if name in said:
            said[name] = read(said[name])
    check_whole(said, NUMBERS)
    percent = said.get("percent", WHOLE_PRICE)
    if type(percent) is not int or not 1 <= percent <= WHOLE_PRICE:
        raise BadPercent(percent=str(percent)[:40])
    if said.get("effect") == "buy_get" and not said.get("lines"):
        raise NothingChosen
    if said.get("budget") is not None and not said["budget"].is_for_prices:
        raise BudgetForPoints(budget=said["budget"].code)
    return said


def check_whole(said: Mapping[str, Any], bounds: Mapping[str, tuple[int, int]]) -> None:
    """Raises BadNumber unless every number that is said lies within its bounds."""
    for name, (low, high) in bounds.items():
        value = said.get(name)
        if value is not None and (type(value) is not int or not low <= value <= high):
            raise BadNumber(field=name, low=low, high=high, value=str(value)[:40])


def read_caps(limits: Any) -> dict[str, Any]:
    """`{"times": {"day": 1}, "amount": {"month": 5000}, "cooldown_hours": 24}`, each optional; amounts in minor units.

    Raises BadLimit for anything else.
    """
    if not isinstance(limits, dict) or not set(limits) <= {"times", "amount", "cooldown_hours"}:
        raise BadLimit(limit="limits", expected="times, amount, cooldown_hours")
    amounts = {"amount": read_amounts(limits["amount"])} if "amount" in limits else {}
    return amounts | {name: read_limit(name, wants) for name, wants in limits.items() if name != "amount"}


def read_amounts(wants: Any) -> dict[str, int]:
    """The most minor units by period."""
    if not isinstance(wants, dict) or not wants or not set(wants) <= set(PERIODS):
        raise BadLimit(limit="amount", expected=", ".join(PERIODS))
    return {period: read_number("amount", most, MOST) for period, most in wants.items()}


def counted(limits: Mapping[str, Any]) -> dict[str, Any]:
    """Limits as they are counted: what they call points are minor units here."""
    return {"points" if name == "amount" else name: wants for name, wants in limits.items()}


@dataclass(frozen=True, slots=True)
class When:
    """When a promotion runs: its state, its first day if that is to come, and its last day if it has one."""

    state: str
    first: date | None = None
    last: date | None = None

    @property
    def words(self) -> str:
        return str(STATES[self.state])


def version_shown(versions: Iterable[Any], now: datetime) -> Any:
    """What a promotion says now; where it says nothing now, what it will say first; else what it said last."""
    now_said = version_at(versions, now)
    if now_said is not None and now_said.is_on:
        return now_said
    later = [version for version in versions if version.valid_from > now and version.is_on]
    return min(later, key=lambda each: (each.valid_from, each.number), default=now_said)


def when(versions: Iterable[Any], now: datetime) -> When:
    """When a promotion runs, by its versions and the dates of its conditions."""
    said, today = version_shown(versions, now), timezone.localdate(now)
    if said is None or not said.is_on:
        return When("off")
    dates = list(wants_of(said.conditions, "dates"))
    last = min((date.fromisoformat(each["to"]) for each in dates if "to" in each), default=None)
    begins = [date.fromisoformat(each["from"]) for each in dates if "from" in each]
    begins += [timezone.localdate(said.valid_from)] if said.valid_from > now else []
    first = max(begins, default=today)
    if last is not None and last < today:
        return When("over", last=last)
    if said.valid_from > now or first > today:
        return When("coming", first, last)
    return When("running", None, last)


def is_for(said: Any, *, tiers: Set[str], stores: Set[str], segments: Set[str]) -> bool:
    """Whether a member on these tiers, who shops in these stores and is in these segments, could have a promotion."""
    held = {"tier": tiers, "store": stores, "segment": segments}
    return all(not held[test].isdisjoint(wants) for test in held for wants in wants_of(said.conditions, test))


PASSED = {
    "stopped": gettext_lazy("a more important promotion stops those after it"),
    "beaten": gettext_lazy("another promotion of its group took more off"),
    "alone": gettext_lazy("what it does not combine with took more off"),
    "pieces": gettext_lazy("too few pieces for one set"),
    "budget": gettext_lazy("its budget had too little left"),
    "nothing_left": gettext_lazy("nothing was left to take off"),
}


def words_of_pass(reason: str) -> str:
    """Why a promotion took nothing off, where no condition was the reason; empty for conditions and times."""
    if reason.startswith("amount_"):
        period = PERIODS.get(reason.removeprefix("amount_"), "")
        return _("what it may take off %(period)s is used up") % {"period": period}
    return str(PASSED.get(reason, ""))


def words_of_gift(said: Any) -> str:
    """What a promotion takes off, without its conditions."""
    facts = {
        "amount": format_money(said.amount),
        "percent": said.percent,
        "buys": said.buys,
        "gets": said.gets,
    }
    if said.effect == "amount_off":
        return _("%(amount)s off each piece") % facts if said.is_per_piece else _("%(amount)s off") % facts
    if said.effect == "percent_off":
        return _("%(percent)s%% off") % facts
    if said.percent == WHOLE_PRICE:
        return _("buy %(buys)s, get %(gets)s free") % facts
    return _("buy %(buys)s, get %(gets)s at %(percent)s%% off") % facts


def words_of_promotion(said: Any, names: Names, *, is_for_staff: bool = True) -> str:
    """What a version says, in one sentence: what it takes off, when, of what, how often, beside what.

    Members do not read in which segments the shop has them.
    """
    parts = [words_of_gift(said)]
    conditions = said.conditions if is_for_staff else without(said.conditions, "segment")
    if conditions:
        parts.append(words_of(renamed(conditions, names)))
    if said.lines:
        parts.append(_("on: %(lines)s") % {"lines": words_of_chosen(said.lines, names)})
    if said.effect == "buy_get" and said.got_lines:
        parts.append(_("to get: %(lines)s") % {"lines": words_of_chosen(said.got_lines, names)})
    parts += words_of_caps(said)
    return _("; ").join(parts + (words_of_company(said) if is_for_staff else []))


def words_of_caps(said: Any) -> list[str]:
    """Each cap and limit as people would say it."""
    words = []
    if said.most:
        words.append(_("at most %(amount)s off a sale") % {"amount": format_money(said.most)})
    if said.effect == "buy_get" and said.sets:
        words.append(_("at most %(sets)s times a sale") % {"sets": said.sets})
    words += words_of_limits({name: wants for name, wants in said.limits.items() if name != "amount"})
    return words + [
        _("at most %(amount)s off %(period)s") % {"amount": format_money(most), "period": PERIODS[period]}
        for period, most in said.limits.get("amount", {}).items()
    ]


def words_of_company(said: Any) -> list[str]:
    """How a version stands to other promotions, and its budget."""
    words = []
    if not said.combines:
        words.append(_("does not combine with other promotions"))
    if said.group:
        words.append(_("the best of the group “%(group)s” wins") % {"group": said.group})
    if said.stops:
        words.append(_("stops the promotions after it"))
    if said.budget is not None:
        words.append(_("within the budget “%(budget)s”") % {"budget": named(said.budget)})
    return words


def words_of_rate(rate: Any) -> str:
    """What points pay, in one sentence."""
    parts = [_("%(points)s points pay %(worth)s") % {"points": f"{rate.points:,}", "worth": format_money(rate.worth)}]
    if rate.least > 1:
        parts.append(_("from %(points)s points up") % {"points": f"{rate.least:,}"})
    if rate.step > 1:
        parts.append(_("in steps of %(points)s") % {"points": f"{rate.step:,}"})
    if rate.most_share < WHOLE_PRICE:
        parts.append(_("at most %(percent)s%% of a purchase") % {"percent": rate.most_share})
    return _("; ").join(parts)


def lint_offers(offers: Sequence[Any], *, known: Known, today: date) -> list[Finding]:
    """What is suspicious about promotions that are in force together, most important first."""
    found: list[Finding] = []
    for offer in offers:
        found += [*unknown_codes(offer, known), *never_again(offer, today), *gives_away(offer)]
    return found + list(shadowed(offers))


def gives_away(offer: Any) -> list[Finding]:
    """Promotions by which a small basket, or everything, costs nothing."""
    least = max(wants_of(offer.conditions, "min_amount"), default=0)
    is_all = offer.effect == "percent_off" and offer.percent == WHOLE_PRICE and offer.most is None
    if offer.effect == "amount_off" and not offer.is_per_piece and offer.amount >= max(least, 1):
        words = _("A basket of up to %(amount)s would cost nothing: say from which amount it holds.")
        return [Finding("gives_away", offer.rule_code, words % {"amount": format_money(offer.amount)})]
    return [Finding("gives_away", offer.rule_code, _("What counts would cost nothing at all."))] if is_all else []
