"""Verbs: record many sales with a handful of statements; each outcome is what `record_sale` would have said."""

import json
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from loyalty.earning.actions import News, award_key, find_out, judged_from, products_of, reserve, tell
from loyalty.earning.rules import About, Judged, Products, case_of, points_of, terms_of, wanted_by
from loyalty.earning.sql import WRITE_AWARDS, WRITE_JUDGEMENTS
from loyalty.ledger.actions import Credit, earn_many
from loyalty.limits.actions import lock_budgets
from loyalty.limits.rules import Given
from loyalty.reckoning.rules import Earned, Rulebook, Version, judge_case
from loyalty.rulebook.actions import rulebook
from loyalty.tiers.actions import Rise, Tally, lift, lift_aside
from loyalty.tiers.rules import Standing, gains_of
from members.kit.arrays import booleans, integers, moments, texts
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.purchases.actions import Bought, known_sales, write_sales
from members.purchases.rules import CLOCKS_DIFFER, ReceiptReused, SaleBeforeEnrolment, check_receipt
from members.stores.models import Store


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of many sales: its id, the points awarded, or the refusal that kept it out."""

    sale: int | None = None
    points: int = 0
    is_repeat: bool = False
    refusal: Refusal | None = None


@transaction.atomic
def record_sales(*, sales: Sequence[Bought], now: datetime, tells: bool = True) -> list[Outcome]:
    """Record many sales set-based, by the rules of `record_sale`; one outcome each, in the order given.

    A sale that is refused leaves the others alone. With `tells` false nobody gets a message, as for sales of years ago.
    """
    outcomes: list[Outcome | None] = [None] * len(sales)
    enrolled = lock_many({each.member for each in sales})
    for place, each in enumerate(sales):
        outcomes[place] = refusal_of(each, enrolled=enrolled, now=now)
    order = sorted((p for p, known in enumerate(outcomes) if known is None), key=lambda p: sales[p].receipt.happened_at)
    taken = [sales[place] for place in order]
    for place, outcome in zip(order, record_checked(sales=taken, now=now, tells=tells), strict=True):
        outcomes[place] = outcome
    return [outcome for outcome in outcomes if outcome is not None]


def lock_many(members: set[int]) -> dict[int, datetime]:
    """Lock members in primary-key order; when each was enrolled."""
    rows = Member.objects.select_for_update(no_key=True).filter(pk__in=members).order_by("pk")
    return dict(rows.values_list("pk", "enrolled_at"))


def refusal_of(sale: Bought, *, enrolled: dict[int, datetime], now: datetime) -> Outcome | None:
    """Why a sale cannot be recorded, or None."""
    try:
        check_receipt(sale.receipt, now=now)
        if sale.receipt.happened_at < enrolled[sale.member] - CLOCKS_DIFFER:
            raise SaleBeforeEnrolment
    except Refusal as refusal:
        return Outcome(refusal=refusal)
    return None


def record_checked(*, sales: Sequence[Bought], now: datetime, tells: bool) -> list[Outcome]:
    """Record checked sales of locked members, oldest first."""
    if not sales:
        return []
    bench = Bench(book=rulebook(), sales=sales)
    bench.look_up(sales)
    ids = write_sales(sales=sales)
    new = [(sale, each) for sale, each in zip(ids, sales, strict=True) if sale is not None]
    judged = {sale: bench.judge(each) for sale, each in new}
    balances = post_many(new=new, judged=judged)
    if bench.book.climb:
        lift(rises=rises_of(new, judged), climb=bench.book.climb)
    moments = [(each.member, each.receipt.happened_at) for _sale, each in new]
    lift_aside(climbs=bench.book.aside, sales=moments, now=now, tells=tells)
    if tells:
        tell(news=[News(each.member, f"sale:{sale}", judged[sale], balances[sale]) for sale, each in new], now=now)
    repeats = iter(repeats_of([each for sale, each in zip(ids, sales, strict=True) if sale is None]))
    return [next(repeats) if sale is None else Outcome(sale, judged[sale].points) for sale in ids]


class Bench:
    """Where a batch is judged, oldest sale first: what was known before, and what each sale adds for the next."""

    def __init__(self, *, book: Rulebook, sales: Sequence[Bought]) -> None:
        self.book = book
        self.members = list({each.member for each in sales})
        earliest = sales[0].receipt.happened_at
        self.tally = Tally(members=self.members, climb=book.climb, earliest=earliest) if book.climb else None
        self.about: dict[int, tuple[About, list[datetime]]] = {}
        self.products: Products = {}
        self.stores: dict[int, str] = {}

    def look_up(self, sales: Sequence[Bought]) -> None:
        """Find out what the rules in force want to know, before the sales are written, and lock their budgets."""
        versions = tuple({each.id: each for sale in sales for each in self.in_force(sale)}.values())
        wanted = wanted_by(versions)
        earliest = sales[0].receipt.happened_at
        self.about = find_out(members=self.members, wanted=wanted, since=earliest)
        if wanted.products:
            self.products = products_of({line.sku for sale in sales for line in sale.receipt.lines})
        if any(version.conditions for version in versions):
            self.stores = dict(Store.objects.values_list("pk", "code"))
        lock_budgets(budgets=wanted.budgets)

    def in_force(self, sale: Bought) -> Sequence[Version]:
        """The versions of a sale's moment."""
        return self.book.in_force(sale.receipt.happened_at)

    def judge(self, sale: Bought) -> Judged:
        """Judge the next sale and count it for those that follow."""
        book, at = self.book, sale.receipt.happened_at
        standing = self.tally.standing(member=sale.member, at=at) if self.tally else Standing(None, None, 0)
        step = book.climb.step(standing.tier_then) if book.climb else None
        about, purchases = self.about[sale.member]
        insort(purchases, at)
        about.purchase = bisect_right(purchases, at)
        case = case_of(
            sale.receipt, store=self.stores.get(sale.store, ""), step=step, about=about, products=self.products, at=at
        )
        verdict = judge_case(self.in_force(sale), case, terms=terms_of(book, step), usage=about.usage)
        reserve(verdict.awards, store=sale.store, member=sale.member)
        for award in verdict.awards:
            if award.version.limits:
                about.usage.add(Given(award.version.rule, at, award.points))
        judged = judged_from(book, verdict, receipt=sale.receipt, standing=standing)
        self.count(sale, judged)
        return judged

    def count(self, sale: Bought, judged: Judged) -> None:
        """Let the tally know what a sale added and where it lifted."""
        if self.tally is None:
            return
        at = sale.receipt.happened_at
        gains = gains_of(self.tally.climb, amount=sale.receipt.amount, points=points_of(judged.awards))
        self.tally.add(member=sale.member, at=at, gains=gains)
        if judged.is_rise and judged.after:
            self.tally.rise(member=sale.member, at=at, tier=judged.after.id)


def rises_of(new: Sequence[tuple[int, Bought]], judged: dict[int, Judged]) -> list[Rise]:
    """The rises among many judged sales."""
    return [
        Rise(each.member, judged[sale].before, after, judged[sale].total, each.receipt.happened_at)
        for sale, each in new
        if judged[sale].is_rise and (after := judged[sale].after)
    ]


@dataclass(frozen=True, slots=True)
class Row:
    """One award of one of many sales."""

    sale: int
    bought: Bought
    award: Earned


def post_many(*, new: Sequence[tuple[int, Bought]], judged: dict[int, Judged]) -> dict[int, int]:
    """Write the awards and postings of many sales; each member's active points after each sale."""
    rows = [Row(sale, each, award) for sale, each in new for award in judged[sale].awards]
    write_awards(rows)
    write_judgements([(sale, each, judged[sale].unfired) for sale, each in new if judged[sale].unfired])
    paid = [row for row in rows if row.award.points]
    credited = earn_many(credits=[credit_of(row) for row in paid])
    balances = dict.fromkeys((sale for sale, _each in new), 0)
    for row, posted in zip(paid, credited, strict=True):
        if row.award.version.kind_code == "points":
            balances[row.sale] = posted.active
    return balances


def write_awards(rows: Sequence[Row]) -> None:
    """Write what rules gave."""
    with connection.cursor() as cursor:
        cursor.execute(
            WRITE_AWARDS,
            (
                integers(row.bought.member for row in rows),
                integers(row.sale for row in rows),
                integers(row.award.version.id for row in rows),
                integers(row.award.points for row in rows),
                integers(row.award.multiplier for row in rows),
                texts(json.dumps(row.award.why) if row.award.why else "{}" for row in rows),
                integers(row.award.reserved for row in rows),
                booleans(bool(row.award.version.limits) for row in rows),
                moments(row.bought.receipt.happened_at for row in rows),
            ),
        )


def write_judgements(rows: Sequence[tuple[int, Bought, dict[str, list[int]]]]) -> None:
    """Write which rules gave nothing, and why."""
    if not rows:
        return
    values = (
        integers(each.member for _sale, each, _unfired in rows),
        integers(sale for sale, _each, _unfired in rows),
        texts(json.dumps(unfired) for _sale, _each, unfired in rows),
    )
    with connection.cursor() as cursor:
        cursor.execute(WRITE_JUDGEMENTS, values)


def credit_of(row: Row) -> Credit:
    """An award as the ledger takes it."""
    award = row.award
    return Credit(
        row.bought.member,
        award.version.kind,
        award.points,
        award_key(f"sale:{row.sale}", award),
        row.bought.receipt.happened_at,
        award.activates_at,
        award.expires_at,
        award.version.idle_months,
    )


def repeats_of(sales: Sequence[Bought]) -> list[Outcome]:
    """The outcomes of receipts that stood there before."""
    return [
        Outcome(refusal=ReceiptReused(receipt=each.receipt.receipt))
        if known is None
        else Outcome(known, is_repeat=True)
        for each, known in zip(sales, known_sales(sales=sales), strict=True)
    ]
