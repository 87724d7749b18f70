"""What promotions take off a basket: pure sums on whole minor units, and every reason why one takes nothing.

Conditions look at the basket at its prices before any promotion, so that no order of theirs matters. Then promotions
take off one after another, the most important first, each of what those before it left. One that does not combine is
weighed alone against all others together, and the way that takes most off wins.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from loyalty.conditions.case import Case, Check, Goods
from loyalty.limits.rules import Usage, barred, cuts
from loyalty.reckoning.rules import WHOLE, rounded

Shares = dict[int, int]  # minor units by line
Chooser = Callable[[Goods], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A promotion's version, ready to judge: its conditions are compiled. `rule` is the promotion's id."""

    id: int
    rule: int
    rule_code: str
    name_zh: str
    name_en: str
    number: int
    valid_from: datetime
    is_on: bool
    effect: str
    amount: int  # minor units
    is_per_piece: bool
    percent: int
    most: int | None  # minor units off a sale
    rounding: str
    buys: int
    gets: int
    sets: int | None  # how often in one sale
    conditions: Mapping[str, Any]
    lines: Mapping[str, Any]
    got_lines: Mapping[str, Any]
    limits: Mapping[str, Any]  # its points are minor units
    budget: int | None
    priority: int
    group: str
    stops: bool
    combines: bool
    check: Check
    chosen: Chooser | None
    got: Chooser | None


@dataclass(frozen=True, slots=True)
class PayRate:
    """What points pay from a moment on: so many are worth so many minor units."""

    valid_from: datetime
    is_on: bool
    kind: int
    points: int
    worth: int
    least: int
    step: int
    most_share: int  # percent of a sale


@dataclass(frozen=True, slots=True)
class Pricebook:
    """All versions of promotions and of what points pay, oldest first. Its revision says which book it is."""

    revision: UUID
    offers: tuple[Offer, ...]
    rates: tuple[PayRate, ...]
    eras: list[datetime] = field(default_factory=list)  # the moments at which a version begins, rising
    known: dict[int, tuple[Offer, ...]] = field(default_factory=dict)

    def in_force(self, at: datetime) -> tuple[Offer, ...]:
        """The versions that judge a moment, most important first; a promotion that is off has none."""
        era = bisect_right(self.eras, at)
        if era not in self.known:
            latest = {offer.rule: offer for offer in self.offers if offer.valid_from <= at}
            wanted = [each for each in latest.values() if each.is_on]
            self.known[era] = tuple(sorted(wanted, key=lambda each: (each.priority, each.rule)))
        return self.known[era]

    def rate(self, at: datetime) -> PayRate | None:
        """What points pay at a moment; None while they pay nothing."""
        begun = [rate for rate in self.rates if rate.valid_from <= at]
        return begun[-1] if begun and begun[-1].is_on else None


@dataclass(frozen=True, slots=True)
class Taken:
    """What one promotion takes off a basket, in all and by line; `why` holds each cut."""

    offer: Offer
    off: int
    by_line: Shares
    why: Mapping[str, Any]


@dataclass(slots=True)
class Priced:
    """What promotions take off, and which took nothing for which reason."""

    taken: list[Taken] = field(default_factory=list)
    unfired: dict[str, list[Offer]] = field(default_factory=dict)

    @property
    def off(self) -> int:
        """Minor units off in all."""
        return sum(each.off for each in self.taken)

    def off_line(self, place: int) -> int:
        """Minor units off one line."""
        return sum(each.by_line.get(place, 0) for each in self.taken)

    def pass_over(self, reason: str, offer: Offer) -> None:
        """Note why a promotion took nothing."""
        self.unfired.setdefault(reason, []).append(offer)


@dataclass(slots=True)
class Basket:
    """A basket while it is being priced: what is left to pay of each line, and what budgets have left."""

    case: Case
    goods: Sequence[Goods]
    left: Shares
    rooms: dict[int, int]
    usage: Usage

    def places(self, chosen: Chooser | None) -> Shares:
        """What is left to pay of the lines that count; what costs nothing does not."""
        return {
            line.position: self.left[line.position]
            for line in self.goods
            if self.left[line.position] and (chosen is None or chosen(line))
        }

    def take(self, taken: Taken) -> None:
        """Take off what a promotion takes."""
        for place, off in taken.by_line.items():
            self.left[place] -= off
        if taken.offer.budget is not None:
            self.rooms[taken.offer.budget] -= taken.off


def goods_of(case: Case) -> Sequence[Goods]:
    """The lines of a case; a basket that came without lines is one line."""
    return case.lines or (Goods(WHOLE, "", "", "", 1, case.amount),)


def price(offers: Sequence[Offer], case: Case, *, usage: Usage, rooms: Mapping[int, int]) -> Priced:
    """What the promotions of a moment, most important first, take off a basket. `rooms` is what budgets have left.

    A promotion that its budget cannot bear whole takes nothing.
    """
    goods, nothing = goods_of(case), Priced()
    fitting: list[Offer] = []
    for offer in offers:
        reason = why_not(offer, case, goods, usage)
        if reason is None:
            fitting.append(offer)
        else:
            nothing.pass_over(reason, offer)
    ways = [[each for each in fitting if each.combines], *([each] for each in fitting if not each.combines)]
    tried = [taken_by(way, Basket(case, goods, left_of(goods), dict(rooms), usage)) for way in ways]
    best = max(tried, key=lambda each: each.off)
    for way, outcome in zip(ways, tried, strict=True):
        if outcome is not best:
            leave_out(way, outcome, best)
    for reason, missed in nothing.unfired.items():
        best.unfired[reason] = missed + best.unfired.get(reason, [])
    return best


def left_of(goods: Sequence[Goods]) -> Shares:
    """What there is to pay before any promotion."""
    return {line.position: line.amount for line in goods}


def leave_out(way: Sequence[Offer], outcome: Priced, best: Priced) -> None:
    """Why the promotions of a way that lost took nothing: their own reason, or that something else took more."""
    own = {offer.id: reason for reason, missed in outcome.unfired.items() for offer in missed}
    for offer in way:
        best.pass_over(own.get(offer.id, "alone"), offer)


def why_not(offer: Offer, case: Case, goods: Sequence[Goods], usage: Usage) -> str | None:
    """The test or limit that keeps a promotion from a basket, or None."""
    miss = offer.check(case)
    if miss is not None:
        return miss.test
    if offer.chosen is not None and not any(offer.chosen(line) for line in goods):
        return "lines"
    return barred(offer.limits, usage, offer.rule, case.at) if offer.limits else None


def taken_by(way: Sequence[Offer], basket: Basket) -> Priced:
    """What promotions take off one after another, until one stops the rest; of each group the one that takes most."""
    priced, done, stopped = Priced(), set[int](), False
    for place, offer in enumerate(way):
        if offer.id in done:
            continue
        if stopped:
            priced.pass_over("stopped", offer)
            continue
        rivals = [each for each in way[place:] if each is offer or (offer.group and each.group == offer.group)]
        done.update(each.id for each in rivals)
        best = best_of(rivals, basket, priced)
        if best is not None:
            basket.take(best)
            priced.taken.append(best)
            stopped = best.offer.stops
    return priced


def best_of(rivals: Sequence[Offer], basket: Basket, priced: Priced) -> Taken | None:
    """The rival that takes most off, of equals the more important one."""
    found: list[Taken] = []
    for offer in rivals:
        taken = one_off(offer, basket)
        if isinstance(taken, str):
            priced.pass_over(taken, offer)
        else:
            found.append(taken)
    best = max(found, key=lambda each: each.off, default=None)
    for each in found:
        if each is not best:
            priced.pass_over("beaten", each.offer)
    return best


def one_off(offer: Offer, basket: Basket) -> Taken | str:
    """What one promotion takes off what is left, after every cap; or why it takes nothing."""
    by_line = SUMS[offer.effect](offer, basket)
    if isinstance(by_line, str):
        return by_line
    full = off = sum(by_line.values())
    cut: list[list[Any]] = []
    if offer.most is not None and off > offer.most:
        off = offer.most
        cut.append(["most", off])
    if offer.limits:
        off, more = cuts(offer.limits, basket.usage, offer.rule, basket.case.at, off)
        cut += more
    if not off:
        return f"amount_{cut[-1][0]}" if cut else "nothing_left"
    if offer.budget is not None and off > basket.rooms.get(offer.budget, 0):
        return "budget"
    why = {"full": full, "cut": cut} if cut else {}
    return Taken(offer, off, by_line if off == full else spread(off, by_line), why)


def spread(whole: int, weights: Mapping[int, int]) -> Shares:
    """A whole number shared out in proportion, by cumulative shares: they add up, and none is more than its weight."""
    total, seen, given = sum(weights.values()), 0, 0
    shares: Shares = {}
    for place, weight in weights.items():
        seen += weight
        until = whole * seen // total if total else 0
        if until > given:
            shares[place] = until - given
        given = until
    return shares


def pieces_of(amount: int, quantity: int) -> list[tuple[int, int]]:
    """The pieces of a line as (price, how many): whole minor units that add up to the line."""
    low, dearer = divmod(amount, quantity)
    return [(low, quantity - dearer), *([(low + 1, dearer)] if dearer else [])]


def amount_off(offer: Offer, basket: Basket) -> Shares | str:
    """So much off all that counts together, or off each piece of it; never below nothing."""
    places = basket.places(offer.chosen)
    if not offer.is_per_piece:
        return spread(min(offer.amount, sum(places.values())), places)
    pieces = quantities(basket)
    return {
        place: sum(min(offer.amount, price) * count for price, count in pieces_of(left, pieces[place]))
        for place, left in places.items()
    }


def percent_off(offer: Offer, basket: Basket) -> Shares | str:
    """A part of all that counts, rounded once."""
    places = basket.places(offer.chosen)
    return spread(part_of(sum(places.values()), offer), places)


def part_of(amount: int, offer: Offer) -> int:
    """So many percent of an amount, in whole minor units by the version's rounding."""
    return rounded(Fraction(amount * offer.percent, 100), offer.rounding)


def buy_get(offer: Offer, basket: Basket) -> Shares | str:
    """For so many pieces bought, the cheapest of those to get for less; no piece counts on both sides."""
    given = cheapest(offer, basket)
    if not given:
        return "pieces"
    return spread(part_of(sum(given.values()), offer), given)


def counts_of(offer: Offer, basket: Basket) -> tuple[int, int, int]:
    """How many pieces count as bought, how many could be got, and how many there are of both together."""
    pieces = quantities(basket)
    bought, got = basket.places(offer.chosen), basket.places(offer.got or offer.chosen)
    both = {**bought, **got}
    return number_in(pieces, bought), number_in(pieces, got), number_in(pieces, both)


def sets_of(offer: Offer, basket: Basket) -> tuple[int, int]:
    """How many sets of pieces to buy and to get are in the basket, and how many bought pieces are left for getting."""
    bought, got, both = counts_of(offer, basket)
    sets = min(bought // offer.buys, got // offer.gets, both // (offer.buys + offer.gets))
    sets = sets if offer.sets is None else min(sets, offer.sets)
    return sets, bought - sets * offer.buys


def cheapest(offer: Offer, basket: Basket) -> Shares:
    """The price of the pieces that are got, by line: the cheapest ones that leave enough bought."""
    sets, spare = sets_of(offer, basket)
    wanted, pieces = sets * offer.gets, quantities(basket)
    bought, got = basket.places(offer.chosen), basket.places(offer.got or offer.chosen)
    runs = sorted((price, place, n) for place, left in got.items() for price, n in pieces_of(left, pieces[place]))
    given: Shares = {}
    for price_of_one, place, count in runs:
        took = min(count, wanted, spare if place in bought else count)
        spare -= took if place in bought else 0
        wanted -= took
        if took:
            given[place] = given.get(place, 0) + price_of_one * took
    return given


def quantities(basket: Basket) -> Shares:
    """Pieces by line."""
    return {line.position: line.quantity for line in basket.goods}


def number_in(pieces: Shares, places: Shares) -> int:
    """How many pieces the lines hold."""
    return sum(pieces[place] for place in places)


def missing_pieces(offer: Offer, case: Case) -> int:
    """How many pieces more would bring one set to a basket that has bought something of it; 0 where none would."""
    goods = goods_of(case)
    bought, got, both = counts_of(offer, Basket(case, goods, left_of(goods), {}, Usage()))
    return max(offer.buys - bought, offer.gets - got, offer.buys + offer.gets - both, 0) if bought else 0


SUMS: Mapping[str, Callable[[Offer, Basket], Shares | str]] = {
    "amount_off": amount_off,
    "percent_off": percent_off,
    "buy_get": buy_get,
}
