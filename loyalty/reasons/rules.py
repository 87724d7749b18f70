"""Reasons in words: exact ones for staff and tills, friendly ones for members. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.conditions.tree import renamed, uses, words_of
from loyalty.limits.rules import PERIODS, words_of_limits
from loyalty.promotions.rules import words_of_pass, words_of_promotion
from loyalty.rulebook.rules import Names, wants_of, words_of_chosen
from members.kit.money import format_money

PLAINLY = {
    "stopped": gettext_lazy("a more important rule stops those after it"),
    "beaten": gettext_lazy("another rule of its group gave more"),
    "nothing_to_multiply": gettext_lazy("no other rule gave points to multiply"),
    "expired": gettext_lazy("its points would have expired already"),
}
STAFF_CUTS = {
    "per_sale": gettext_lazy("cut to %(left)s: at most so many a sale"),
    "budget": gettext_lazy("cut to %(left)s: the budget had no more"),
    "multiplier": gettext_lazy("cut: all multipliers together stay at × %(factor)s"),
}
MEMBER_CUTS = {
    "per_sale": gettext_lazy("at most %(left)s for one purchase"),
    "budget": gettext_lazy("the promotion had only %(left)s left to give"),
    "multiplier": gettext_lazy("all multipliers together stop at × %(factor)s"),
}


@dataclass(frozen=True, slots=True)
class Gave:
    """An award with the words for staff, and those for the member."""

    award: Any
    words: str
    friendly: list[str]


@dataclass(frozen=True, slots=True)
class Missed:
    """A version that gave nothing; `friendly` is empty where it was no near miss."""

    version: Any
    reason: str
    words: str
    friendly: str


@dataclass(frozen=True, slots=True)
class TookOff:
    """What a promotion took off, with the words for staff; `friendly` holds each cut for the member."""

    applied: Any
    words: str
    friendly: Sequence[str]


@dataclass(frozen=True, slots=True)
class Price:
    """How a sale came to its price: what was taken off and why, and the promotions that took nothing."""

    checkout: Any
    took: Sequence[TookOff]
    missed: Sequence[Missed]

    @property
    def near(self) -> list[Missed]:
        """What the member nearly got."""
        return [each for each in self.missed if each.friendly]

    @property
    def money(self) -> int:
        """Minor units that were paid with money."""
        return int(self.checkout.price - self.checkout.taken_off - self.checkout.by_points)


@dataclass(frozen=True, slots=True)
class Why:
    """All reasons of a sale or an event; `price` where promotions or points had a part in it."""

    gave: Sequence[Gave]
    missed: Sequence[Missed]
    price: Price | None = None

    @property
    def near(self) -> list[Missed]:
        """What the member nearly got."""
        return [each for each in self.missed if each.friendly]

    @property
    def shown(self) -> list[Gave]:
        """What brought the member points, or would have without a cut."""
        return [each for each in self.gave if each.award.points or each.award.why.get("cut")]


def words_of_cut(name: str, left: int) -> str:
    """What a cap left, in words for staff."""
    if name in PERIODS:
        return _("cut to %(left)s: at most so many %(period)s") % {"left": left, "period": PERIODS[name]}
    return str(STAFF_CUTS[name]) % {"left": left, "factor": f"{left / 100:g}"}


def friendly_cut(name: str, left: int) -> str:
    """What a cap left, in words for the member."""
    if name in PERIODS:
        return _("limited %(period)s: %(left)s were left") % {"left": left, "period": PERIODS[name]}
    return str(MEMBER_CUTS[name]) % {"left": left, "factor": f"{left / 100:g}"}


def amount_of(award: Any) -> int:
    """The minor units that an award looked at."""
    return int(award.why.get("of", award.sale.amount if award.sale else 0))


def facts_of(award: Any) -> dict[str, Any]:
    """What the sentences about an award are filled with."""
    said = award.version
    return {
        "points": f"{said.points:,}",
        "base": f"{award.why.get('base', 0):,}",
        "factor": f"{said.percent / 100:g}",
        "amount": format_money(amount_of(award)),
        "per": format_money(said.per_amount),
        "times": f"{award.multiplier / 100:g}",
        "rounding": said.get_rounding_display(),
    }


def words_of_sum(award: Any) -> list[str]:
    """What an award was made of."""
    said, facts = award.version, facts_of(award)
    if said.effect == "fixed":
        return [_("%(points)s each time") % facts]
    if said.effect == "multiply":
        return [_("× %(factor)s, on top of the %(base)s from other rules") % facts]
    parts = [_("%(amount)s at %(points)s for each %(per)s") % facts]
    if award.multiplier != 100:
        parts.append(_("× %(times)s for the tier") % facts)
    if amount_of(award) * said.points * award.multiplier % (said.per_amount * 100):
        parts.append(_("rounded %(rounding)s") % facts)
    return parts


def words_of_award(award: Any) -> str:
    """Why an award gave what it gave: the sum, what was left out of it, every cut, what a return took back."""
    parts = words_of_sum(award)
    if "by_points" in award.why:
        parts.append(_("%(amount)s of it paid with points") % {"amount": format_money(award.why["by_points"])})
    if "full" in award.why:
        parts.append(_("%(full)s before cuts") % {"full": f"{award.why['full']:,}"})
    parts += [words_of_cut(name, left) for name, left in award.why.get("cut", [])]
    if award.returned:
        parts.append(_("%(returned)s taken back") % {"returned": f"{award.returned:,}"})
    return _("; ").join(parts)


def friendly_award(award: Any) -> list[str]:
    """The same for the member: no codes, no percents, no rounding."""
    said, facts = award.version, facts_of(award)
    if said.effect == "fixed":
        parts = [_("A gift of %(points)s") % facts]
    elif said.effect == "multiply":
        parts = [_("× %(factor)s: this much on top of your %(base)s") % facts]
    else:
        parts = [_("You spent %(amount)s: %(points)s for each %(per)s") % facts]
        if award.multiplier != 100:
            parts.append(_("Your tier makes it × %(times)s") % facts)
    if "by_points" in award.why:
        paid = {"amount": format_money(award.why["by_points"])}
        parts.append(_("%(amount)s was paid with points, which earns none") % paid)
    parts += [friendly_cut(name, left) for name, left in award.why.get("cut", [])]
    if award.returned:
        parts.append(_("%(returned)s were taken back after a return") % {"returned": f"{award.returned:,}"})
    return parts


def words_of_miss(reason: str, version: Any, names: Names) -> str:
    """Why a version gave nothing, in words for staff."""
    if reason in PLAINLY:
        return str(PLAINLY[reason])
    if reason == "lines":
        return _("nothing that counts was bought: %(lines)s") % {"lines": words_of_chosen(version.lines, names)}
    if reason == "cooldown" or reason.startswith("times_"):
        return _("%(limit)s: already given") % {"limit": words_of_barrier(reason, version.limits)}
    part = part_with(version.conditions, reason)
    if "not" in part:
        return _("not when: %(what)s") % {"what": words_of(renamed(part["not"], names))}
    return _("only %(what)s") % {"what": words_of(renamed(part, names))} if part else reason


def words_of_off(applied: Any, names: Names) -> str:
    """Why a promotion took off what it took off: what it says, every cut, what a return undid."""
    parts = [words_of_promotion(applied.version, names)]
    if "full" in applied.why:
        parts.append(_("%(full)s before cuts") % {"full": format_money(applied.why["full"])})
    if applied.returned:
        parts.append(_("%(amount)s undone by returns") % {"amount": format_money(applied.returned)})
    return _("; ").join(parts)


def friendly_cuts(applied: Any) -> list[str]:
    """What cut a promotion, for the member."""
    return [
        _("at most %(amount)s off a sale") % {"amount": format_money(left)}
        if name == "most"
        else _("%(amount)s were left %(period)s") % {"amount": format_money(left), "period": PERIODS[name]}
        for name, left in applied.why.get("cut", [])
    ]


def words_of_unoffered(reason: str, version: Any, names: Names) -> str:
    """Why a promotion took nothing off, in words for staff."""
    return words_of_pass(reason) or words_of_miss(reason, version, names)


def words_of_barrier(reason: str, limits: Mapping[str, Any]) -> str:
    """The limit that kept a rule from firing."""
    if reason == "cooldown":
        return words_of_limits({"cooldown_hours": limits.get("cooldown_hours", 0)})[0]
    period = reason.removeprefix("times_")
    return words_of_limits({"times": {period: limits.get("times", {}).get(period, 1)}})[0]


def part_with(tree: Mapping[str, Any], test: str) -> Mapping[str, Any]:
    """The uppermost part of a tree in which a test stands."""
    parts: Sequence[Mapping[str, Any]] = tree.get("all", [tree]) if tree else []
    return next((part for part in parts if uses(part, test)), {})


def near_miss(reason: str, version: Any, *, amount: int, pieces: int) -> str:
    """What the member should hear of a rule that gave nothing: a little more was wanted, or they had it already."""
    if reason == "cooldown" or reason.startswith("times_"):
        return _("You had this already: %(limit)s") % {"limit": words_of_barrier(reason, version.limits)}
    if version.lines or uses(version.conditions, "product", "category", "brand"):
        return ""
    wants = next(wants_of(version.conditions, reason), None)
    if reason == "min_amount" and wants and amount * 4 >= wants * 3:
        return _("%(missing)s more would have brought it") % {"missing": format_money(wants - amount)}
    if reason == "min_quantity" and wants and wants - pieces == 1:
        return _("One piece more would have brought it")
    return ""
