"""Verbs: sell a basket at its price, quote one, hold what it takes of budgets.

Locks: the member, then the hold, then the budgets of promotions in order, then those of rules, then accounts.
Promotions and rules never share a budget, so nobody waits in a circle.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Sum

from loyalty.checkout.models import Checkout
from loyalty.checkout.rules import (
    Asked,
    Basket,
    Short,
    changed,
    costs_of,
    nearly,
    pay,
    with_held,
    words_of_basket,
    words_of_near,
)
from loyalty.conditions.case import Case
from loyalty.earning.actions import (
    Quote,
    Recorded,
    costs_of_awards,
    find_out,
    judged_by,
    known_sale,
    products_of,
    quote,
    record_sale,
)
from loyalty.earning.rules import Sitting, Wanted, case_of, counted_since, wanted_by
from loyalty.holds.actions import held_by, keep_budgets, known_budgets, use_budgets
from loyalty.holds.models import BudgetHold
from loyalty.holds.rules import Held, check_minutes
from loyalty.ledger.models import Account
from loyalty.limits.actions import rooms_of, take
from loyalty.limits.rules import Usage
from loyalty.pricing.rules import Offer, PayRate, Priced, price
from loyalty.promotions.actions import pricebook_of, usage_of
from loyalty.promotions.models import Applied
from loyalty.reckoning.rules import Rulebook
from loyalty.tiers.rules import Standing
from members.kit.actions import digest_of
from members.profiles.models import Member
from members.purchases.actions import content_of
from members.purchases.models import Sale
from members.purchases.rules import Receipt, ReceiptReused, check_receipt
from members.stores.models import Store, Till

NO_HOLD = Held()


@dataclass(frozen=True, slots=True)
class Ground:
    """What a basket is priced on: the promotions of its moment, its case, what was used and what is left."""

    offers: tuple[Offer, ...]
    rate: PayRate | None
    case: Case
    usage: Usage
    rooms: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Sold:
    """A recorded sale, and what tills are told of its price."""

    recorded: Recorded
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a basket would earn, what it would cost, also its budgets; and the hold that keeps this, if one does."""

    quote: Quote
    answer: Mapping[str, Any]
    costs: Mapping[int, int] = field(default_factory=dict)
    hold: BudgetHold | None = None


@transaction.atomic
def sell(
    *,
    member: Member,
    store: Store,
    till: Till | None,
    receipt: Receipt,
    asked: Asked | None,
    now: datetime,
    hold: str | None = None,
) -> Sold:
    """Sell a basket, given at its prices, for what promotions and points leave of them: all or nothing.

    Without `asked` it is sold at just these prices. Else by the promotions and terms of the sale's own moment; the
    same receipt with the same content again changes nothing and is told the same price. What a `hold` kept of budgets
    is this sale's before anybody else's; the rest is free. Raises PriceChanged when something else is to pay than
    `asked.to_pay`, UnknownHold, HoldOver, the refusals of `pay`, and those of `record_sale`.
    """
    check_receipt(receipt, now=now)
    held = NO_HOLD if hold is None else kept_for(hold, member=member, store=store, receipt=receipt, now=now)
    if asked is None:
        take_all({}, store=store.pk, member=member.pk, held=held.prices)
        recorded = record_sale(member=member, store=store, till=till, receipt=receipt, now=now, held=held.points)
        return Sold(recorded, {})
    Member.objects.select_for_update(no_key=True).get(pk=member.pk)
    digest = digest_of(content_asked(receipt, asked))
    known = Sale.objects.filter(member=member, store=store.pk, receipt=receipt.receipt).first()
    if known is not None:
        return sold_before(member=member, sale=known, digest=digest)
    book, standing = judged_by(member=member.pk, at=receipt.happened_at)
    ground = look_up(
        book, standing, member=member.pk, store=store, receipt=receipt, asked=asked, at=receipt.happened_at
    )
    priced = take_off(ground, store=store.pk, member=member.pk, held=held.prices)
    basket = settle(ground, priced, member=member, receipt=receipt, asked=asked, now=now)
    if asked.to_pay is not None and asked.to_pay != basket.to_pay:
        raise changed(basket, asked.to_pay)
    recorded = record_sale(
        member=member, store=store, till=till, receipt=basket.reduced(), now=now, paid=basket.paid, held=held.points
    )
    if recorded.is_repeat:  # it came at the same moment, without asking for a price
        raise ReceiptReused(receipt=receipt.receipt)
    answer = told(ground, basket, recorded.sitting)
    keep(recorded.sale, basket, member=member.pk, digest=digest, answer=answer)
    return Sold(recorded, answer)


def quote_basket(*, member: Member, store: Store, receipt: Receipt, asked: Asked | None, now: datetime) -> Quoted:
    """What a basket, given at its prices, would cost and earn now, by the same sums as `sell`. Writes nothing."""
    return work_out(member=member, store=store, receipt=receipt, asked=asked, now=now)


@transaction.atomic
def hold_basket(
    *,
    member: Member,
    store: Store,
    till: Till | None,
    receipt: Receipt,
    asked: Asked | None,
    minutes: int,
    key: str,
    now: datetime,
) -> Quoted:
    """Quote a basket and keep what it would take of budgets for its sale, for so many minutes.

    Limits of one member are not held: other sales of theirs may reach them meanwhile. A basket that takes nothing of
    any budget has no hold. The same key and content is the same hold. Raises BadMinutes, KeyReused, and the refusals
    of a quote.
    """
    check_minutes(minutes)
    Member.objects.select_for_update(no_key=True).get(pk=member.pk)
    timeless = replace(receipt, happened_at=member.enrolled_at)  # a quote's moment is now, another when it is repeated
    content = content_asked(timeless, asked or Asked())
    digest = digest_of({**content, "is_priced": asked is not None, "minutes": minutes})
    known = known_budgets(member=member, store=store, key=key, digest=digest)
    if known is not None:
        again = work_out(member=member, store=store, receipt=receipt, asked=asked, now=now, held=held_by(known))
        return replace(again, hold=known)
    quoted = work_out(member=member, store=store, receipt=receipt, asked=asked, now=now, takes=True)
    if not quoted.costs:
        return quoted
    hold = keep_budgets(
        member=member, store=store, till=till, taken=quoted.costs, key=key, digest=digest, now=now, minutes=minutes
    )
    return replace(quoted, hold=hold)


def work_out(
    *,
    member: Member,
    store: Store,
    receipt: Receipt,
    asked: Asked | None,
    now: datetime,
    takes: bool = False,
    held: Held = NO_HOLD,
) -> Quoted:
    """Quote a basket; where it `takes`, its costs are taken from the budgets. What is `held` counts as left."""
    if asked is None:
        quoted = quote(member=member, store=store, receipt=receipt, now=now, takes=takes, held=held.points)
        return Quoted(quoted, {}, costs_of_awards(quoted.awards))
    check_receipt(receipt, now=now)
    book, standing = judged_by(member=member.pk, at=now)
    ground = look_up(book, standing, member=member.pk, store=store, receipt=receipt, asked=asked, at=now)
    if takes:
        priced = take_off(ground, store=store.pk, member=member.pk, held=held.prices)
    else:
        priced = price(ground.offers, ground.case, usage=ground.usage, rooms=with_held(ground.rooms, held.prices))
    basket = settle(ground, priced, member=member, receipt=receipt, asked=asked, now=now)
    quoted = quote(
        member=member, store=store, receipt=basket.reduced(), now=now, paid=basket.paid, takes=takes, held=held.points
    )
    return Quoted(quoted, told(ground, basket, quoted.sitting), costs_of(priced) | costs_of_awards(quoted.awards))


def kept_for(hold: str, *, member: Member, store: Store, receipt: Receipt, now: datetime) -> Held:
    """What a hold kept for a sale, and the hold is used; nothing for a receipt that was sold before."""
    Member.objects.select_for_update(no_key=True).get(pk=member.pk)
    if Sale.objects.filter(member=member, store=store.pk, receipt=receipt.receipt).exists():
        return NO_HOLD
    return use_budgets(reference=hold, member=member, store=store, now=now)


def content_asked(receipt: Receipt, asked: Asked) -> dict[str, Any]:
    """What makes two deliveries of a basket the same."""
    lines = [[line.sku, line.quantity, line.amount, line.discount] for line in receipt.lines]
    return {"receipt": content_of(receipt), "lines": lines, **asked.content}


def sold_before(*, member: Member, sale: Sale, digest: str) -> Sold:
    """The answer to a basket that was sold before. Raises ReceiptReused when it was another, or had no price."""
    checkout = Checkout.objects.filter(member=member, sale=sale).first()
    if checkout is None or checkout.digest != digest:
        raise ReceiptReused(receipt=sale.receipt)
    book, standing = judged_by(member=member.pk, at=sale.happened_at)
    return Sold(known_sale(member=member, sale=sale.pk, climb=book.climb, standing=standing), checkout.answer)


def look_up(
    book: Rulebook, standing: Standing, *, member: int, store: Store, receipt: Receipt, asked: Asked, at: datetime
) -> Ground:
    """Find out what the promotions in force want to know, and no more."""
    prices = pricebook_of(book.revision)
    offers = prices.in_force(at) if asked.apply_offers else ()
    wanted: Wanted = wanted_by(offers)
    about, moments = find_out(members=[member], wanted=replace(wanted, limited=frozenset()), since=at)[member]
    about.purchase = bisect_right(moments, at) + 1
    skus = {line.sku for line in receipt.lines}
    products = products_of(skus) if wanted.products and skus else {}
    step = book.climb.step(standing.tier_then) if book.climb else None
    case = case_of(receipt, store=store.code, step=step, about=about, products=products, at=at)
    since = counted_since(wanted, case.at) if wanted.limited else None
    usage = usage_of(member=member, promotions=wanted.limited, since=since)
    return Ground(offers, prices.rate(at), case, usage, rooms_of(budgets=wanted.budgets, store=store.pk))


def take_off(ground: Ground, *, store: int, member: int, held: Mapping[int, int] = NO_HOLD.prices) -> Priced:
    """Price the basket and take what it costs from the budgets; again where somebody else was faster."""
    rooms, short = with_held(ground.rooms, held), dict[int, int]()
    while True:
        priced = price(ground.offers, ground.case, usage=ground.usage, rooms=rooms)
        costs = costs_of(priced)
        if not costs and not held:
            return priced
        try:
            with transaction.atomic():
                take_all(costs, store=store, member=member, held=held)
            return priced
        except Short as found:
            short[found.budget] = found.room
            rooms = with_held(rooms_of(budgets=list(rooms), store=store), held) | short


def take_all(costs: Mapping[int, int], *, store: int, member: int, held: Mapping[int, int]) -> None:
    """Take what a price costs from every budget, and give back what is held without need.

    Raises Short at the first that cannot bear its part whole.
    """
    for budget in sorted(costs.keys() | held.keys()):
        off = costs.get(budget, 0)
        room = take(budget=budget, store=store, amount=off, hint=member, held=held.get(budget, 0))
        if room < off:
            raise Short(budget, room)


def settle(ground: Ground, priced: Priced, *, member: Member, receipt: Receipt, asked: Asked, now: datetime) -> Basket:
    """The basket at its price, with what points pay of it."""
    active = active_points(member=member, kind=ground.rate.kind, now=now) if asked.pay_points and ground.rate else 0
    paid = pay(ground.rate, amount=receipt.amount - priced.off, asked=asked.pay_points, active=active)
    return Basket(receipt, priced, paid)


def active_points(*, member: Member, kind: int, now: datetime) -> int:
    """The points that a member could spend at a moment, when what is due by then is active, or has lapsed."""
    account = Account.objects.filter(member=member, kind=kind).first()
    if account is None:
        return 0
    if account.next_due_at is None or account.next_due_at > now:
        return account.active
    lots = account.lots.filter(member=member).open()
    lapsed = lots.filter(is_active=True, expires_at__lte=now).aggregate(points=Sum("remaining"))["points"] or 0
    come = lots.filter(is_active=False, activates_at__lte=now).exclude(expires_at__lte=now)
    return account.active - lapsed + (come.aggregate(points=Sum("remaining"))["points"] or 0)


def told(ground: Ground, basket: Basket, sitting: Sitting | None) -> dict[str, Any]:
    """What tills are told: the price, and what was nearly had."""
    found = nearly(basket, case=ground.case, usage=ground.usage, sitting=sitting) if sitting else []
    return {**words_of_basket(basket), "nearly": words_of_near(found)}


def keep(sale: int, basket: Basket, *, member: int, digest: str, answer: Mapping[str, Any]) -> None:
    """Write down how a sale came to its price."""
    at, paid = basket.receipt.happened_at, basket.paid
    Applied.objects.bulk_create(
        Applied(
            member_id=member, sale_id=sale, version_id=each.offer.id, off=each.off, happened_at=at,
            reserved=each.off if each.offer.budget is not None else 0,
            lines={str(place): off for place, off in each.by_line.items() if off}, why=each.why,
        )
        for each in basket.priced.taken
    )  # fmt: skip
    Checkout.objects.create(
        member_id=member,
        sale_id=sale,
        digest=digest,
        price=basket.receipt.amount,
        taken_off=basket.priced.off,
        kind_id=paid.kind if paid else None,
        points=paid.points if paid else 0,
        by_points=basket.by_points,
        unfired={reason: [offer.id for offer in missed] for reason, missed in basket.priced.unfired.items()},
        answer=answer,
    )
