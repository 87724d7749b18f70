"""Verbs: record a sale and award what it earns; quote what a basket would."""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from loyalty.earning.rules import (
    About,
    Judged,
    Paid,
    Products,
    Sitting,
    Wanted,
    case_of,
    climbed,
    counted_since,
    points_in,
    terms_of,
    wanted_by,
)
from loyalty.earning.sql import ABOUT, POST_AWARDS, PRODUCTS, STAYS, USAGE
from loyalty.ledger.actions import redeem
from loyalty.ledger.models import PointKind
from loyalty.limits.actions import room_of, take
from loyalty.limits.rules import Given
from loyalty.reckoning.rules import Earned, Rulebook, Verdict, Version, cut_to_budget, in_units, judge_case
from loyalty.rulebook.actions import rulebook
from loyalty.tiers.actions import Rise, lift, lift_aside, standing_of, welcome
from loyalty.tiers.rules import Climb, Progress, Standing, progress, without_sale
from members.kit.arrays import integers, texts
from members.messaging.actions import queue_messages
from members.people.rules import Birthday
from members.profiles.models import Member
from members.purchases.actions import write_sale
from members.purchases.rules import CLOCKS_DIFFER, Receipt, SaleBeforeEnrolment, check_receipt
from members.stores.models import Store, Till

LATE_DAYS = 7  # an enrolment that nobody reported for so long stays unrewarded
NOTHING: Mapping[int, int] = {}  # held for a sale
LATEST: dict[str, Rulebook] = {}  # the book this process used last


def judged_by(*, member: int, at: datetime) -> tuple[Rulebook, Standing]:
    """The rulebook, and where the member stands by it at a moment: one statement while the book does not change."""
    book = LATEST.get("book") or rulebook()
    while True:
        standing = standing_of(member=member, climb=book.climb, at=at)
        if standing.revision == book.revision:
            LATEST["book"] = book
            return book, standing
        book = rulebook()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recorded sale did: its id, the awards, balances by point kind, the tier, and how it was judged."""

    sale: int
    is_repeat: bool
    awards: list[Earned]
    balances: dict[str, int]
    progress: Progress | None
    is_rise: bool
    sitting: Sitting | None = None


def find_out(*, members: Sequence[int], wanted: Wanted, since: datetime) -> dict[int, tuple[About, list[datetime]]]:
    """What versions want to know of members, and the moments of their purchases. Asks nothing that nobody wants."""
    found: dict[int, tuple[About, list[datetime]]] = {member: (About(), []) for member in members}
    if wanted.is_nothing:
        return found
    with connection.cursor() as cursor:
        if wanted.purchases or wanted.birthday:
            cursor.execute(ABOUT, {"members": integers(members), "purchases": wanted.purchases})
            for member, calendar, month, day, moments in cursor.fetchall():
                birthday = Birthday(calendar, month, day) if month else None
                found[member] = (About(birthday=birthday), moments or [])
        if wanted.segments:
            named = texts(sorted(wanted.segments))
            cursor.execute(STAYS, {"members": integers(members), "segments": named, "since": since})
            for member, code, begun, until in cursor.fetchall():
                found[member][0].stays.append((code, begun, until))
        if wanted.limited:
            values = {
                "members": integers(members),
                "rules": integers(wanted.limited),
                "since": counted_since(wanted, timezone.localtime(since)),
            }
            cursor.execute(USAGE, values)
            for member, rule, at, points in cursor.fetchall():
                found[member][0].usage.add(Given(rule, at, points))
    return found


def products_of(skus: set[str]) -> Products:
    """Category and brand of products, by SKU."""
    with connection.cursor() as cursor:
        cursor.execute(PRODUCTS, (texts(sorted(skus)),))
        return {sku: (category, brand) for sku, category, brand in cursor.fetchall()}


def about_sale(
    *, member: int, receipt: Receipt, versions: tuple[Version, ...], at: datetime, is_written: bool
) -> tuple[About, Products]:
    """What the versions want to know of one sale's member and products."""
    wanted = wanted_by(versions)
    about, moments = find_out(members=[member], wanted=wanted, since=at)[member]
    about.purchase = bisect_right(moments, at) + (0 if is_written else 1)
    products = products_of({line.sku for line in receipt.lines}) if wanted.products and receipt.lines else {}
    return about, products


def judge(
    book: Rulebook,
    *,
    member: int,
    store: Store,
    receipt: Receipt,
    at: datetime,
    standing: Standing,
    is_written: bool,
    paid: Paid | None = None,
) -> Sitting:
    """Apply the rules of a moment to a receipt. `is_written` says whether the sale stands in the books already."""
    versions = book.in_force(at)
    step = book.climb.step(standing.tier_then) if book.climb else None
    about, products = about_sale(member=member, receipt=receipt, versions=versions, at=at, is_written=is_written)
    by_points = paid.amount if paid else 0
    case = case_of(receipt, store=store.code, step=step, about=about, products=products, at=at, by_points=by_points)
    return Sitting(case, versions, about, judge_case(versions, case, terms=terms_of(book, step), usage=about.usage))


def reserve(awards: Sequence[Earned], *, store: int | None, member: int, held: Mapping[int, int] = NOTHING) -> None:
    """Take what awards cost from their budgets, each asked once and in order, and cut what these cannot bear.

    What is `held` of budgets for them was taken before; what they do not need of it is given back.
    """
    for budget, sharing in by_budget(awards, held):
        amount = sum(map(in_units, sharing))
        granted = take(budget=budget, store=store, amount=amount, hint=member, held=held.get(budget, 0))
        share_out(sharing, granted)


def by_budget(awards: Sequence[Earned], held: Mapping[int, int] = NOTHING) -> list[tuple[int, list[Earned]]]:
    """Awards that cost a budget something, by budget, in the order in which they fired; also budgets that are held."""
    found: dict[int, list[Earned]] = {budget: [] for budget in held}
    for award in awards:
        if award.version.budget is not None and award.points:
            found.setdefault(award.version.budget, []).append(award)
    return sorted(found.items())


def costs_of_awards(awards: Sequence[Earned]) -> dict[int, int]:
    """What awards have taken of their budgets."""
    costs: dict[int, int] = {}
    for award in awards:
        if award.version.budget is not None and award.reserved:
            costs[award.version.budget] = costs.get(award.version.budget, 0) + award.reserved
    return dict(sorted(costs.items()))


def share_out(awards: Sequence[Earned], granted: int) -> None:
    """Give awards of one budget what it granted, the more important ones first."""
    for award in awards:
        part = min(in_units(award), granted)
        cut_to_budget(award, part)
        granted -= part


def foresee(awards: Sequence[Earned], *, store: int | None, held: Mapping[int, int] = NOTHING) -> None:
    """Cut awards to what their budgets have left, and what is held of them, without taking it."""
    for budget, sharing in by_budget(awards):
        share_out(sharing, room_of(budget=budget, store=store) + held.get(budget, 0))


@transaction.atomic
def record_sale(
    *,
    member: Member,
    store: Store,
    till: Till | None,
    receipt: Receipt,
    now: datetime,
    paid: Paid | None = None,
    held: Mapping[int, int] = NOTHING,
) -> Recorded:
    """Write a sale, spend what points paid of it, award its points and growth, look at the tier, queue the messages.

    Judged by the rules of the sale's own moment. A receipt that was recorded before changes nothing and answers with
    the state of now. All or nothing. What is `held` of budgets for the sale was taken before; the rest of it is given
    back. Raises the refusals of `check_receipt`, SaleBeforeEnrolment, ReceiptReused, and NotEnoughPoints.
    """
    check_receipt(receipt, now=now)
    if receipt.happened_at < member.enrolled_at - CLOCKS_DIFFER:
        raise SaleBeforeEnrolment
    written = write_sale(member=member.pk, store=store.pk, till=till.pk if till else None, receipt=receipt)
    at = receipt.happened_at
    book, standing = judged_by(member=member.pk, at=at)
    if written.is_repeat:
        reserve([], store=store.pk, member=member.pk, held=held)
        return known_sale(member=member, sale=written.sale, climb=book.climb, standing=standing)
    sitting = judge(
        book, member=member.pk, store=store, receipt=receipt, at=at, standing=standing, is_written=True, paid=paid
    )
    verdict = sitting.verdict
    reserve(verdict.awards, store=store.pk, member=member.pk, held=held)
    actor = f"till:{till.pk}" if till else ""
    left = spend(member=member, sale=written.sale, paid=paid, actor=actor, now=now) if paid else {}
    judged = judged_from(book, verdict, receipt=receipt, standing=before_sale(book.climb, standing, receipt))
    balances = left | post_awards(member=member.pk, sale=written.sale, verdict=verdict, at=at, actor=actor)
    tell(news=[News(member.pk, f"sale:{written.sale}", judged, balances.get("points", 0))], now=now)
    lift_aside(climbs=book.aside, sales=[(member.pk, at)], now=now, tells=True)
    done = recorded(book.climb, member=member.pk, sale=written.sale, judged=judged, balances=balances, at=at)
    return replace(done, sitting=sitting)


def spend(*, member: Member, sale: int, paid: Paid, actor: str, now: datetime) -> dict[str, int]:
    """Spend what points paid of a sale, under the key by which a return gives it back; the active balance after it."""
    kind = PointKind.objects.get(pk=paid.kind)
    posting = redeem(
        member=member, kind=kind, points=paid.points, key=f"sale:{sale}:paid", now=now, reason="sale", actor=actor
    )
    return {kind.code: posting.active}


def before_sale(climb: Climb | None, standing: Standing, receipt: Receipt) -> Standing:
    """The standing without what the sale just written has already added to the window."""
    return without_sale(climb, standing, amount=receipt.amount) if climb else standing


def judged_from(book: Rulebook, verdict: Verdict, *, receipt: Receipt, standing: Standing) -> Judged:
    """A verdict with the tier it leads to; the standing is without this sale."""
    before, after, total = climbed(book.climb, standing, awards=verdict.awards, amount=receipt.amount)
    return Judged(verdict.awards, verdict.unfired, before, after, total)


def recorded(
    climb: Climb | None, *, member: int, sale: int, judged: Judged, balances: dict[str, int], at: datetime
) -> Recorded:
    """Lift the member where the sale does, and say what it did."""
    if climb and judged.is_rise and judged.after:
        lift(rises=[Rise(member, judged.before, judged.after, judged.total, at)], climb=climb)
    return Recorded(
        sale=sale,
        is_repeat=False,
        awards=judged.awards,
        balances=balances,
        progress=progress(climb, judged.after, judged.total) if climb else None,
        is_rise=judged.is_rise,
    )


def post_awards(
    *, member: int, verdict: Verdict, at: datetime, actor: str, sale: int | None = None, event: int | None = None
) -> dict[str, int]:
    """Write awards, what gave nothing, and the postings; the active balance of each point kind that moved."""
    awards = verdict.awards
    if not awards and not verdict.unfired:
        return {}
    cause = f"sale:{sale}" if sale is not None else f"event:{event}"
    values: dict[str, Any] = {
        "member": member,
        "sale": sale,
        "event": event,
        "at": at,
        "actor": actor,
        "versions": [each.version.id for each in awards],
        "points": [each.points for each in awards],
        "multipliers": [each.multiplier for each in awards],
        "why": [json.dumps(each.why) for each in awards],
        "reserved": [each.reserved for each in awards],
        "limited": [bool(each.version.limits) for each in awards],
        "unfired": json.dumps(verdict.unfired),
        "kinds": [each.version.kind for each in awards],
        "keys": [award_key(cause, each) for each in awards],
        "starts": [each.activates_at for each in awards],
        "ends": [each.expires_at for each in awards],
        "idles": [each.version.idle_months for each in awards],
    }
    codes = {each.version.kind: each.version.kind_code for each in awards}
    with connection.cursor() as cursor:
        cursor.execute(POST_AWARDS, values)
        return {codes[kind]: active for kind, active, _pending in cursor.fetchall()}


def award_key(cause: str, award: Earned) -> str:
    """The key of an award's movement: it names the sale or event, and the version."""
    return f"{cause}:{award.version.id}"


@dataclass(frozen=True, slots=True)
class News:
    """What a member should hear; `cause` is the key of the sale or event."""

    member: int
    cause: str
    judged: Judged
    balance: int


def tell(*, news: Sequence[News], now: datetime, about: str = "points_earned") -> None:
    """Queue "you earned 120 points", and "welcome to Gold" after a rise."""
    earned_rows = [
        (each.member, each.cause, {"points": each.judged.points, "balance": each.balance})
        for each in news
        if each.judged.points
    ]
    if earned_rows:
        queue_messages(rows=earned_rows, template=about, now=now)
    risen = [
        (each.member, f"tier:{each.judged.after.id}:{each.cause}", welcome(each.judged.after))
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
class Quote:
    """What a basket would earn and where it would take the member. Nothing was written."""

    awards: list[Earned]
    progress: Progress | None
    is_rise: bool
    sitting: Sitting

    @property
    def points(self) -> int:
        """Points to spend, over all rules."""
        return points_in(self.awards)


def quote(
    *,
    member: Member,
    store: Store,
    receipt: Receipt,
    now: datetime,
    paid: Paid | None = None,
    takes: bool = False,
    held: Mapping[int, int] = NOTHING,
) -> Quote:
    """What this basket would earn if it were sold now, by the same sums as `record_sale`. Writes nothing.

    Where it `takes`, what it costs is taken from its budgets, for the caller to keep or give back. What is `held` of
    budgets counts as left.
    """
    check_receipt(receipt, now=now)
    book, standing = judged_by(member=member.pk, at=now)
    sitting = judge(
        book, member=member.pk, store=store, receipt=receipt, at=now, standing=standing, is_written=False, paid=paid
    )
    if takes:
        reserve(sitting.verdict.awards, store=store.pk, member=member.pk, held=held)
    else:
        foresee(sitting.verdict.awards, store=store.pk, held=held)
    judged = judged_from(book, sitting.verdict, receipt=receipt, standing=standing)
    where = progress(book.climb, judged.after, judged.total) if book.climb else None
    return Quote(judged.awards, where, judged.is_rise, sitting)
