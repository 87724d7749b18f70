"""The sums of a checkout: what points pay, the receipt at its price, what was nearly had. Pure.

So many points are worth so many minor units, rounded down; the fewest points that reach what may be paid, rounded up,
are always allowed, whatever the steps: an odd amount can be cleared, and its last minor units cost whole points.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, override

from loyalty.conditions.case import Case, Miss
from loyalty.conditions.tree import misses_of
from loyalty.earning.rules import Paid, Sitting
from loyalty.ledger.rules import NotEnoughPoints
from loyalty.limits.rules import Usage, barred
from loyalty.pricing.rules import Offer, PayRate, Priced, missing_pieces, spread
from loyalty.promotions.rules import words_of_gift
from loyalty.reckoning.rules import Version
from members.kit.money import format_money
from members.kit.names import named
from members.kit.refusals import Refusal
from members.purchases.rules import Receipt

MOST = "max"  # pay as much with points as may be
LANGUAGES = {"zh": "zh-hans", "en": "en"}
COUNTED = ("min_amount", "min_quantity")  # tests that say how much is missing


class PayingOff(Refusal):
    """The shop takes no points as payment."""

    code = "paying_off"
    sentence = gettext_lazy("Points cannot pay here at that time.")


class BelowMinimum(Refusal):
    code = "below_minimum"
    sentence = gettext_lazy("At least %(least)s points pay at once, not %(asked)s.")


class NotInSteps(Refusal):
    code = "not_in_steps"
    sentence = gettext_lazy("Points pay in steps of %(step)s, not %(asked)s.")


class MoreThanShare(Refusal):
    """A part of the sale, or all of it, is as much as points may pay."""

    code = "more_than_share"
    sentence = gettext_lazy("At most %(most)s points can pay for this, not %(asked)s.")


class PriceChanged(Refusal):
    """What the till showed is not what it would cost now."""

    code = "price_changed"
    sentence = gettext_lazy("%(then)s was shown, %(now)s is to pay now: %(what)s.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a till asks of a price: promotions, points (so many, or MOST), and what it believes is to pay."""

    apply_offers: bool = False
    pay_points: int | str = 0
    to_pay: int | None = None

    @property
    def content(self) -> dict[str, Any]:
        """What makes two deliveries the same."""
        return {"apply_offers": self.apply_offers, "pay_points": self.pay_points}


def pay(rate: PayRate | None, *, amount: int, asked: int | str, active: int) -> Paid | None:
    """What points pay of an amount; None for nothing. With MOST it never refuses while points can pay at all.

    Raises PayingOff, NotEnoughPoints, MoreThanShare, BelowMinimum, NotInSteps.
    """
    if asked == 0:
        return None
    if rate is None:
        raise PayingOff
    share = amount * rate.most_share // 100
    clears = -(-share * rate.points // rate.worth)
    points = clears if active >= clears else max(active - active % rate.step, 0)
    if isinstance(asked, int):
        check_points(rate, asked=asked, clears=clears, active=active)
        points = asked
    worth = min(points * rate.worth // rate.points, share)
    return Paid(rate.kind, points, worth) if worth and points >= rate.least else None


def check_points(rate: PayRate, *, asked: int, clears: int, active: int) -> None:
    """Raises the fitting refusal unless so many points may pay."""
    least = max(rate.least, -(-rate.points // rate.worth))
    if asked > active:
        raise NotEnoughPoints(asked=asked, active=active)
    if asked > clears:
        raise MoreThanShare(most=clears, asked=asked)
    if asked < least:
        raise BelowMinimum(least=least, asked=asked)
    if asked % rate.step and asked != clears:
        raise NotInSteps(step=rate.step, asked=asked)


class Short(Exception):
    """A budget had less left than it seemed; what was taken goes back with the savepoint."""

    def __init__(self, budget: int, room: int) -> None:
        self.budget, self.room = budget, room


def with_held(rooms: Mapping[int, int], held: Mapping[int, int]) -> dict[int, int]:
    """What is left of each budget, and what is held of it for this basket."""
    return {budget: room + held.get(budget, 0) for budget, room in rooms.items()}


def costs_of(priced: Priced) -> dict[int, int]:
    """What promotions take from their budgets, in the order in which these are locked."""
    costs: dict[int, int] = {}
    for each in priced.taken:
        if each.offer.budget is not None:
            costs[each.offer.budget] = costs.get(each.offer.budget, 0) + each.off
    return dict(sorted(costs.items()))


@dataclass(frozen=True, slots=True)
class Basket:
    """A receipt at its prices before, with what promotions take off it and what points pay."""

    receipt: Receipt
    priced: Priced
    paid: Paid | None

    @property
    def amount(self) -> int:
        """What is paid in all, by points too."""
        return self.receipt.amount - self.priced.off

    @property
    def by_points(self) -> int:
        return self.paid.amount if self.paid else 0

    @property
    def to_pay(self) -> int:
        """What is left to pay with money."""
        return self.amount - self.by_points

    def reduced(self) -> Receipt:
        """The receipt as it is sold: what promotions take off stands in the discounts."""
        lines = []
        for place, line in enumerate(self.receipt.lines, start=1):
            off = self.priced.off_line(place)
            lines.append(replace(line, amount=line.amount - off, discount=line.discount + off) if off else line)
        off = self.priced.off
        return replace(self.receipt, amount=self.amount, discount=self.receipt.discount + off, lines=lines)


def words_of_basket(basket: Basket) -> dict[str, Any]:
    """A basket's price as tills are told it, and as it is kept."""
    paid = basket.paid
    return {
        "price": basket.receipt.amount,
        "taken_off": basket.priced.off,
        "amount": basket.amount,
        "by_points": {"points": paid.points if paid else 0, "amount": basket.by_points},
        "to_pay": basket.to_pay,
        "lines": list(words_of_lines(basket)),
        "offers": [
            {
                **words_of_offer(each.offer),
                "off": each.off,
                "words": in_both(words_of_gift, each.offer),
            }
            for each in basket.priced.taken
        ],
    }


def words_of_lines(basket: Basket) -> Iterator[dict[str, Any]]:
    """Each line: its price, what was taken off by which promotion, what points pay of it, what is left."""
    lines = {place: line for place, line in enumerate(basket.receipt.lines, start=1)}
    amounts = {place: line.amount - basket.priced.off_line(place) for place, line in lines.items()}
    paid = spread(basket.by_points, amounts)
    for place, line in lines.items():
        offs = [(each.offer, each.by_line[place]) for each in basket.priced.taken if each.by_line.get(place)]
        yield {
            "line": place,
            "sku": line.sku,
            "price": line.amount,
            "taken_off": line.amount - amounts[place],
            "amount": amounts[place],
            "by_points": paid.get(place, 0),
            "to_pay": amounts[place] - paid.get(place, 0),
            "offers": [{"promotion": offer.rule_code, "version": offer.number, "off": off} for offer, off in offs],
        }


def words_of_offer(offer: Offer) -> dict[str, Any]:
    """A promotion as tills know it."""
    return {
        "promotion": offer.rule_code,
        "version": offer.number,
        "name_zh": offer.name_zh,
        "name_en": offer.name_en,
    }


def in_both(say: Callable[..., str], *facts: Any) -> dict[str, str]:
    """A sentence about something in both languages."""
    said = {}
    for name, language in LANGUAGES.items():
        with override(language):
            said[name] = say(*facts)
    return said


def changed(basket: Basket, then: int) -> PriceChanged:
    """What is to pay now and why, where a till showed something else."""
    parts = [f"{named(each.offer)} −{format_money(each.off)}" for each in basket.priced.taken]
    if basket.paid:
        facts = {"points": f"{basket.paid.points:,}", "amount": format_money(basket.by_points)}
        parts.append(_("%(points)s points pay %(amount)s") % facts)
    what = _(", ").join(parts) or _("no promotion applies")
    return PriceChanged(then=format_money(then), now=format_money(basket.to_pay), what=what)


@dataclass(frozen=True, slots=True)
class Near:
    """A rule or promotion that nearly came to bear, and what was missing, in both languages."""

    about: str
    code: str
    name_zh: str
    name_en: str
    words: Mapping[str, str]


def nearly(basket: Basket, *, case: Case, usage: Usage, sitting: Sitting) -> list[Near]:
    """What a little more would have brought: promotions first, then rules."""
    return [*near_offers(basket.priced, case, usage), *near_rules(sitting)]


def near_offers(priced: Priced, case: Case, usage: Usage) -> Iterator[Near]:
    """Promotions that lacked an amount, or some pieces, and nothing else."""
    for reason in COUNTED:
        for offer in priced.unfired.get(reason, []):
            miss = only_miss(offer, case, usage)
            if miss is not None and (offer.chosen is None or any(offer.chosen(line) for line in case.lines)):
                yield near("promotion", offer, in_both(near_offer, miss, offer))
    for offer in priced.unfired.get("pieces", []):
        missing = missing_pieces(offer, case)
        if missing and missing * 2 <= offer.buys + offer.gets:
            yield near("promotion", offer, in_both(near_pieces, missing, offer))


def near_rules(sitting: Sitting) -> Iterator[Near]:
    """Rules about points that lacked an amount, or some pieces, and nothing else."""
    wanted = {pk for reason in COUNTED for pk in sitting.verdict.unfired.get(reason, [])}
    for version in sitting.versions:
        if version.id not in wanted or version.kind_code != "points":
            continue
        miss = only_miss(version, sitting.case, sitting.about.usage)
        chosen = version.chosen is None or any(version.chosen(line) for line in sitting.case.lines)
        if miss is not None and chosen:
            yield near("rule", version, in_both(near_rule, miss, version))


def near(about: str, said: Offer | Version, words: Mapping[str, str]) -> Near:
    """A rule or promotion with its words."""
    return Near(about, said.rule_code, said.name_zh, said.name_en, words)


def only_miss(said: Offer | Version, case: Case, usage: Usage) -> Miss | None:
    """What is missing, if that is all that keeps it, it can be counted, and half of it is there."""
    misses = misses_of(said.conditions, case)
    if len(misses) != 1 or misses[0].test not in COUNTED or misses[0].missing * 2 > misses[0].wants:
        return None
    return misses[0] if not said.limits or barred(said.limits, usage, said.rule, case.at) is None else None


def said_near(missing: str, gift: str) -> str:
    """`12.00 more and you earn × 2`."""
    return _("%(missing)s more and %(gift)s") % {"missing": missing, "gift": gift}


def near_offer(miss: Miss, offer: Offer) -> str:
    """What is missing to a promotion, and what it would do."""
    return said_near(lack(miss), gift_of(offer))


def near_pieces(missing: int, offer: Offer) -> str:
    """How many pieces are missing to a promotion, and what it would do."""
    return _("%(pieces)s more and %(gift)s") % {"pieces": missing, "gift": gift_of(offer)}


def near_rule(miss: Miss, version: Version) -> str:
    """What is missing to a rule, and what it would do."""
    return said_near(lack(miss), earning_of(version))


def lack(miss: Miss) -> str:
    """How much is missing."""
    if miss.test == "min_amount":
        return format_money(miss.missing)
    return ngettext("%(number)s piece", "%(number)s pieces", miss.missing) % {"number": miss.missing}


def gift_of(offer: Offer) -> str:
    """What a promotion would do."""
    facts = {"gets": offer.gets, "percent": offer.percent, "amount": format_money(offer.amount)}
    if offer.effect == "amount_off":
        return _("%(amount)s comes off") % facts
    if offer.effect == "percent_off":
        return _("you pay %(percent)s%% less") % facts
    if offer.percent == 100:
        return ngettext("one is free", "%(gets)s are free", offer.gets) % facts
    return ngettext("one costs %(percent)s%% less", "%(gets)s cost %(percent)s%% less", offer.gets) % facts


def earning_of(version: Version) -> str:
    """What a rule would do."""
    if version.effect == "multiply":
        return _("you earn × %(factor)s") % {"factor": f"{version.percent / 100:g}"}
    if version.effect == "fixed":
        return _("you earn %(points)s points more") % {"points": f"{version.points:,}"}
    return _("you earn %(points)s points for each %(per)s more") % {
        "points": f"{version.points:,}",
        "per": format_money(version.per_amount),
    }


def words_of_near(found: Sequence[Near]) -> list[dict[str, Any]]:
    """What was nearly had, as tills are told it."""
    return [
        {
            "about": each.about,
            "code": each.code,
            "name_zh": each.name_zh,
            "name_en": each.name_en,
            "words": dict(each.words),
        }
        for each in found
    ]
