"""Verbs: record a sale and award what it earns; quote what a basket would; change a rule by a new version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from loyalty.earning.models import EarningRule, RuleVersion
from loyalty.earning.rules import Earned, Rulebook, Version, VersionInPast, earned
from loyalty.earning.sql import POST_AWARDS, WRITE_AWARDS
from loyalty.ledger.actions import Credit, earn_many
from loyalty.ledger.models import Programme
from loyalty.tiers.actions import Rise, Standing, Tally, lift, lift_aside, load_climbs, standing_of, welcome
from loyalty.tiers.rules import Climb, Progress, Step, gains_of, lifted, progress, with_sale, without_sale
from members.kit.arrays import integers
from members.kit.refusals import Refusal
from members.messaging.actions import queue_messages
from members.profiles.models import Member
from members.purchases.actions import Bought, known_sales, write_sale, write_sales
from members.purchases.rules import CLOCKS_DIFFER, Receipt, ReceiptReused, SaleBeforeEnrolment, check_receipt
from members.stores.models import Store, Till, User


def rulebook() -> Rulebook:
    """The rules and the ladder as they stand; read again only after a change, in any process."""
    return load_rulebook(Programme.objects.values_list("revision", flat=True).get())


@lru_cache(maxsize=4)
def load_rulebook(revision: UUID) -> Rulebook:
    """Read the rules and the ladder. The revision is renewed by triggers, so a stale book is never looked up again."""
    rows = RuleVersion.objects.order_by("valid_from", "number").values_list(
        "id", "rule_id", "rule__code", "rule__name_zh", "rule__name_en", "number", "valid_from", "is_on", "kind_id",
        "kind__code", "points", "per_amount", "rounding", "uses_tier_multiplier", "pending_days",
        "expires_after_months",
    )  # fmt: skip
    climbs = load_climbs()
    return Rulebook(revision, tuple(Version(*row) for row in rows), next(iter(climbs), None), tuple(climbs[1:]))


def judged_by(*, member: int, at: datetime) -> tuple[Rulebook, Standing]:
    """The rulebook, and where the member stands by it at a moment: one statement while the book does not change."""
    book = LATEST.get("book") or rulebook()
    while True:
        standing = standing_of(member=member, climb=book.climb, at=at)
        if standing.revision == book.revision:
            LATEST["book"] = book
            return book, standing
        book = rulebook()


LATEST: dict[str, Rulebook] = {}  # the book this process used last


@dataclass(frozen=True, slots=True)
class Judged:
    """What a sale earns, and where it takes the member."""

    awards: list[Earned]
    before: Step | None
    after: Step | None
    total: int

    @property
    def is_rise(self) -> bool:
        return self.before != self.after

    @property
    def points(self) -> int:
        """Points to spend, over all rules."""
        return sum(each.points for each in self.awards if each.version.kind_code == "points")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recorded sale did: its id, the awards, balances by point kind, and the tier."""

    sale: int
    is_repeat: bool
    awards: list[Earned]
    balances: dict[str, int]
    progress: Progress | None
    is_rise: bool


def judge(book: Rulebook, *, amount: int, at: datetime, standing: Standing) -> Judged:
    """Apply the rules of a moment to an amount. `standing.total` is what the window holds without this sale."""
    climb = book.climb
    then = climb.step(standing.tier_then) if climb else None
    awards = earned(book.in_force(at), amount=amount, step=then, at=at)
    if climb is None:
        return Judged(awards, None, None, 0)
    step = climb.step(standing.tier)
    reached = with_sale(climb, standing, amount=amount, points=points_of(awards))
    risen = None if standing.is_fixed else lifted(climb, step, reached.total, reached.more)
    return Judged(awards, step, risen or step, reached.total)


def points_of(awards: list[Earned]) -> dict[str, int]:
    """The points of each kind, by its code and by its id: what ladders count."""
    points: dict[str, int] = {}
    for each in awards:
        for name in (each.version.kind_code, str(each.version.kind)):
            points[name] = points.get(name, 0) + each.points
    return points


@transaction.atomic
def record_sale(*, member: Member, store: Store, till: Till | None, receipt: Receipt, now: datetime) -> Recorded:
    """Write a sale, award its points and growth, look at the tier, queue the messages: all or nothing.

    Judged by the rules of the sale's own moment. A receipt that was recorded before changes nothing and answers with
    the state of now. Raises the refusals of `check_receipt`, SaleBeforeEnrolment, ReceiptReused.
    """
    check_receipt(receipt, now=now)
    if receipt.happened_at < member.enrolled_at - CLOCKS_DIFFER:
        raise SaleBeforeEnrolment
    written = write_sale(member=member.pk, store=store.pk, till=till.pk if till else None, receipt=receipt)
    at = receipt.happened_at
    book, standing = judged_by(member=member.pk, at=at)
    climb = book.climb
    if written.is_repeat:
        return known_sale(member=member, sale=written.sale, climb=climb, standing=standing)
    before = without_sale(climb, standing, amount=receipt.amount) if climb else standing
    judged = judge(book, amount=receipt.amount, at=at, standing=before)
    actor = f"till:{till.pk}" if till else ""
    balances = post_awards(member=member.pk, sale=written.sale, awards=judged.awards, at=at, actor=actor)
    tell(news=[News(member.pk, written.sale, judged, balances.get("points", 0))], now=now)
    if climb and judged.is_rise and judged.after:
        lift(rises=[Rise(member.pk, judged.before, judged.after, judged.total, at)], climb=climb)
    lift_aside(climbs=book.aside, sales=[(member.pk, at)], now=now, tells=True)
    return Recorded(
        sale=written.sale,
        is_repeat=False,
        awards=judged.awards,
        balances=balances,
        progress=progress(climb, judged.after, judged.total) if climb else None,
        is_rise=judged.is_rise,
    )


def post_awards(*, member: int, sale: int, awards: list[Earned], at: datetime, actor: str) -> dict[str, int]:
    """Write the awards and their postings; the active balance of each point kind that moved."""
    if not awards:
        return {}
    values: dict[str, Any] = {
        "member": member,
        "sale": sale,
        "at": at,
        "actor": actor,
        "versions": [each.version.id for each in awards],
        "points": [each.points for each in awards],
        "multipliers": [each.multiplier for each in awards],
        "kinds": [each.version.kind for each in awards],
        "keys": [award_key(sale, each) for each in awards],
        "starts": [each.activates_at for each in awards],
        "ends": [each.expires_at for each in awards],
    }
    codes = {each.version.kind: each.version.kind_code for each in awards}
    with connection.cursor() as cursor:
        cursor.execute(POST_AWARDS, values)
        return {codes[kind]: active for kind, active, _pending in cursor.fetchall()}


def award_key(sale: int, award: Earned) -> str:
    """The key of an award's movement: it names the sale and the version."""
    return f"sale:{sale}:{award.version.id}"


@dataclass(frozen=True, slots=True)
class News:
    """What a member should hear about a sale."""

    member: int
    sale: int
    judged: Judged
    balance: int


def tell(*, news: Sequence[News], now: datetime) -> None:
    """Queue "you earned 120 points", and "welcome to Gold" after a rise."""
    earned_rows = [
        (each.member, f"sale:{each.sale}", {"points": each.judged.points, "balance": each.balance})
        for each in news
        if each.judged.points
    ]
    if earned_rows:
        queue_messages(rows=earned_rows, template="points_earned", now=now)
    risen = [
        (each.member, f"tier:{each.judged.after.id}:sale:{each.sale}", welcome(each.judged.after))
        for each in news
        if each.judged.is_rise and each.judged.after
    ]
    if risen:
        queue_messages(rows=risen, template="tier_reached", now=now, channels=("inbox", "email"))


def known_sale(*, member: Member, sale: int, climb: Climb | None, standing: Standing) -> Recorded:
    """The answer to a receipt that was recorded before: nothing is awarded again."""
    balances = dict(member.accounts.values_list("kind__code", "active"))
    where = progress(climb, climb.step(standing.tier), standing.total) if climb else None
    return Recorded(sale=sale, is_repeat=True, awards=[], balances=balances, progress=where, is_rise=False)


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
    book = rulebook()
    earliest = sales[0].receipt.happened_at
    members = list({each.member for each in sales})
    tally = Tally(members=members, climb=book.climb, earliest=earliest) if book.climb else None
    ids = write_sales(sales=sales)
    new = [(sale, each) for sale, each in zip(ids, sales, strict=True) if sale is not None]
    judged = {sale: judge_next(book, tally, each) for sale, each in new}
    balances = post_many(new=new, judged=judged)
    if book.climb:
        lift(rises=rises_of(new, judged), climb=book.climb)
    aside = [(each.member, each.receipt.happened_at) for _sale, each in new]
    lift_aside(climbs=book.aside, sales=aside, now=now, tells=tells)
    if tells:
        tell(news=[News(each.member, sale, judged[sale], balances[sale]) for sale, each in new], now=now)
    repeats = iter(repeats_of([each for sale, each in zip(ids, sales, strict=True) if sale is None]))
    return [next(repeats) if sale is None else Outcome(sale, judged[sale].points) for sale in ids]


def judge_next(book: Rulebook, tally: Tally | None, sale: Bought) -> Judged:
    """Judge the next sale of a batch and count it for those that follow."""
    at = sale.receipt.happened_at
    if tally is None:
        return judge(book, amount=sale.receipt.amount, at=at, standing=Standing(None, None, 0))
    standing = tally.standing(member=sale.member, at=at)
    judged = judge(book, amount=sale.receipt.amount, at=at, standing=standing)
    gains = gains_of(tally.climb, amount=sale.receipt.amount, points=points_of(judged.awards))
    tally.add(member=sale.member, at=at, gains=gains)
    if judged.is_rise and judged.after:
        tally.rise(member=sale.member, at=at, tier=judged.after.id)
    return judged


def rises_of(new: Sequence[tuple[int, Bought]], judged: dict[int, Judged]) -> list[Rise]:
    """The rises among many judged sales."""
    return [
        Rise(each.member, judged[sale].before, after, judged[sale].total, each.receipt.happened_at)
        for sale, each in new
        if judged[sale].is_rise and (after := judged[sale].after)
    ]


def post_many(*, new: Sequence[tuple[int, Bought]], judged: dict[int, Judged]) -> dict[int, int]:
    """Write the awards and postings of many sales; each member's active points after each sale."""
    rows = [(sale, each, award) for sale, each in new for award in judged[sale].awards]
    with connection.cursor() as cursor:
        cursor.execute(
            WRITE_AWARDS,
            (
                integers(each.member for _sale, each, _award in rows),
                integers(sale for sale, _each, _award in rows),
                integers(award.version.id for _sale, _each, award in rows),
                integers(award.points for _sale, _each, award in rows),
                integers(award.multiplier for _sale, _each, award in rows),
            ),
        )
    paid = [(sale, each, award) for sale, each, award in rows if award.points]
    credited = earn_many(
        credits=[
            Credit(
                each.member,
                award.version.kind,
                award.points,
                award_key(sale, award),
                each.receipt.happened_at,
                award.activates_at,
                award.expires_at,
            )
            for sale, each, award in paid
        ]
    )
    balances = dict.fromkeys((sale for sale, _each in new), 0)
    for (sale, _each, award), posted in zip(paid, credited, strict=True):
        if award.version.kind_code == "points":
            balances[sale] = posted.active
    return balances


def repeats_of(sales: Sequence[Bought]) -> list[Outcome]:
    """The outcomes of receipts that stood there before."""
    return [
        Outcome(refusal=ReceiptReused(receipt=each.receipt.receipt))
        if known is None
        else Outcome(known, is_repeat=True)
        for each, known in zip(sales, known_sales(sales=sales), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Quote:
    """What a basket would earn and where it would take the member. Nothing was written."""

    awards: list[Earned]
    progress: Progress | None
    is_rise: bool


def quote(*, member: Member, receipt: Receipt, now: datetime) -> Quote:
    """What this basket would earn if it were sold now, by the same sums as `record_sale`. Writes nothing."""
    check_receipt(receipt, now=now)
    book, standing = judged_by(member=member.pk, at=now)
    climb = book.climb
    judged = judge(book, amount=receipt.amount, at=now, standing=standing)
    where = progress(climb, judged.after, judged.total) if climb else None
    return Quote(judged.awards, where, judged.is_rise)


@transaction.atomic
def change_rule(*, rule: EarningRule, now: datetime, by: User | None, **says: Any) -> RuleVersion:
    """Say from now on (or from `valid_from`) something else: a new version, what was said stays.

    Raises VersionInPast when it would begin before the version it follows.
    """
    last = RuleVersion.objects.select_for_update().filter(rule=rule).order_by("-number").first()
    valid_from = says.pop("valid_from", None) or now
    if last is not None and valid_from < last.valid_from:
        raise VersionInPast(since=last.valid_from.isoformat())
    number = last.number + 1 if last else 1
    return RuleVersion.objects.create(rule=rule, number=number, valid_from=valid_from, created_by=by, **says)
