"""Verbs: try a draft on a period that is past, range by range; close it, stop it; read what came of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, cast

from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from loyalty.backtest import sql
from loyalty.backtest.models import Backtest, Swing
from loyalty.backtest.rules import (
    AlreadyRunning,
    BacktestOver,
    NotAboutSales,
    SegmentGone,
    Whom,
    added_up,
    check_period,
    moved_back,
    ran_out_on,
    read_whom,
)
from loyalty.backtest.sql import Plan
from loyalty.conditions.case import Bound
from loyalty.drafting.actions import version_of
from loyalty.drafting.models import RuleDraft
from loyalty.ledger.models import PointKind
from loyalty.liability.models import LiabilityDay
from loyalty.limits.models import Pool
from loyalty.promotions.actions import drafted as offer_of
from loyalty.promotions.actions import version_kept
from loyalty.promotions.models import PromotionDraft, PromotionVersion
from loyalty.reckoning.rules import SALE
from loyalty.replay.actions import ground_of
from loyalty.replay.sql import Ground
from loyalty.repricing.actions import ground_of as pricing_ground
from loyalty.retracing.actions import look, multiplied_by
from loyalty.retracing.rules import kept_climb, read_climb
from loyalty.retracing.sql import Retraced
from loyalty.rulebook.actions import drafted
from loyalty.rulebook.models import RuleVersion
from loyalty.tiers.actions import load_climbs
from loyalty.tiers.rules import Climb
from loyalty.whatif.actions import check_draft, check_open
from loyalty.whatif.models import LadderDraft
from members.kit.actions import plan_chunks
from members.kit.charts import start_of
from members.kit.models import Chunk
from members.kit.money import decimal_amount
from members.kit.ranges import id_ranges
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.purchases.models import Sale
from members.segments.models import Segment
from members.stores.models import User

A_RANGE, WIDEST, RANGES = 50_000, 250_000, 8  # members: sales lie by time, so each range reads most of their pages
MOST_ATTEMPTS = 3  # of one range, before the whole is given up
CHUNK = "backtest"
RUN_CHUNK = "loyalty.tasks.run_chunk"
Draft = RuleDraft | PromotionDraft | LadderDraft
Said = RuleDraft | PromotionDraft  # drafts of a version
FIELDS: dict[type[Draft], str] = {
    RuleDraft: "draft", PromotionDraft: "promotion_draft", LadderDraft: "ladder_draft",
}  # fmt: skip


def version_drafted(draft: Said, *, at: datetime) -> RuleVersion | PromotionVersion:
    """The version that a draft would be from a moment on; it is not kept. Raises UnreadableDraft."""
    return version_kept(draft, at=at) if isinstance(draft, PromotionDraft) else version_of(draft, at=at)


def draft_of(backtest: Backtest) -> Draft:
    """What is tried: one of the three is there."""
    found: Any = backtest.promotion_draft or backtest.draft or backtest.ladder_draft
    return cast(Draft, found)


@transaction.atomic
def ask_backtest(
    *, draft: Draft, first: date, last: date, whom: Whom, by: User | None, now: datetime, years_back: int = 0
) -> Backtest:
    """Share out a draft's trial on the days from one to another, both included, over all members; workers do it.

    With `years_back` the dates that the draft itself asks for lie so many years earlier. Raises UnreadableDraft,
    NotAboutSales, AlreadyRunning, SegmentGone, what check_period raises and, for a ladder, what check_open and
    check_draft raise; then nothing is there.
    """
    kind = type(draft)
    draft = kind._default_manager.select_for_update(of=("self",)).get(pk=draft.pk)
    ladders = check_tried(draft, now)
    tried: dict[str, Any] = {FIELDS[kind]: draft}
    earliest = first_sale() if ladders else None
    check_period(first=first, last=last, today=timezone.localdate(now), earliest=earliest)
    check_whom(whom)
    running = Backtest.objects.running().filter(**tried).first()
    if running is not None and not close_backtest(backtest=running.pk, now=now):
        raise AlreadyRunning
    made = Backtest.objects.create(
        first_on=first, last_on=last, whom=whom.kept, years_back=years_back, created_by=by, asked_at=now,
        ladders=ladders, **tried,
    )  # fmt: skip
    chunks = plan_chunks(name=CHUNK, slot=made.slot, as_of=now, ranges=id_ranges(Member, size=range_size()))
    transaction.on_commit(lambda: hand_out(chunks))
    return made


def check_tried(draft: Draft, now: datetime) -> dict[str, Any] | None:
    """Whether a draft can be tried; of a ladder what it says now, as its draft can be edited, and what stands."""
    if isinstance(draft, LadderDraft):
        check_open(draft)
        stands = next(climb for climb in load_climbs() if climb.id == draft.ladder_id)
        return {"draft": kept_climb(check_draft(draft)), "stands": kept_climb(stands)}
    version = version_drafted(draft, at=now)
    if isinstance(version, RuleVersion) and version.trigger != SALE:
        raise NotAboutSales
    return None


def first_sale() -> date | None:
    """The day of the first sale that is known."""
    moment = Sale.objects.aggregate(first=Min("happened_at"))["first"]
    return moment and timezone.localdate(moment)


def check_whom(whom: Whom) -> None:
    """Raises SegmentGone."""
    known = set(Segment.objects.live().filter(code__in=whom.segments).values_list("code", flat=True))
    gone = sorted(set(whom.segments) - known)
    if gone:
        raise SegmentGone(segment=gone[0])


def range_size() -> int:
    """Members in a range: few ranges, but none so wide that a worker is at it for long."""
    newest = Member.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return max(A_RANGE, min(WIDEST, newest // RANGES + 1))


def hand_out(chunks: list[int]) -> None:
    """Send chunks to workers; without a broker they wait for the next tick."""
    try:
        for chunk in chunks:
            current_app.send_task(RUN_CHUNK, args=[chunk], ignore_result=True)
    except OperationalError:
        return


def version_tried(backtest: Backtest) -> RuleVersion | PromotionVersion:
    """What is tried: the draft, with its dates moved back where that was asked for. Raises UnreadableDraft."""
    version = version_drafted(cast(Said, draft_of(backtest)), at=backtest.asked_at)
    version.conditions = moved_back(version.conditions, backtest.years_back)
    return version


def ladders_tried(backtest: Backtest) -> tuple[Climb, Climb]:
    """The ladder as it was to be, and as it stood when that was asked."""
    kept = backtest.ladders or {}
    return read_climb(kept["draft"]), read_climb(kept["stands"])


def plan_of(backtest: Backtest) -> Plan:
    """What is asked of past sales. Raises UnreadableDraft."""
    if backtest.is_of_ladder:
        return plan_of_ladder(backtest)
    version, whom = version_tried(backtest), read_whom(backtest.whom)
    if isinstance(version, PromotionVersion):
        offer = offer_of(version)
        return Plan(offer, pricing_ground(offer), whom, None)
    draft = drafted(version)
    plan = Plan(draft, ground_of(draft), whom, None)
    counting = [climb for climb in load_climbs() if climb.steps and any(map(plan.is_counted, climb.measures))]
    return replace(plan, counting=next(iter(counting), None))


def plan_of_ladder(backtest: Backtest) -> Plan:
    """What is asked of past moments, where a ladder is tried."""
    climb, stands = ladders_tried(backtest)
    past = Retraced(climb, stands, PointKind.objects.get(code="points").pk, multiplied_by(stands))
    return Plan(past, Ground(stands, past.versions), read_whom(backtest.whom), None)


def try_range(*, backtest: int, first: int, last: int) -> dict[str, Any]:
    """Try the draft on the sales of a range of members; the counts. Changes nothing but the list of who would differ.

    Of a backtest that has ended nothing is counted any more; one whose draft cannot be read ends as failed.
    """
    found = Backtest.objects.with_drafts().get(pk=backtest)
    if found.status != Backtest.Status.RUNNING:
        return {}
    try:
        return counted(found, first, last)
    except Refusal as refusal:
        end(found, Backtest.Status.FAILED, now=timezone.now(), message=str(refusal)[:300])
        return {}


def counted(backtest: Backtest, first: int, last: int) -> dict[str, Any]:
    """The counts of a range, as its chunk keeps them. Raises UnreadableDraft or SegmentGone."""
    check_whom(read_whom(backtest.whom))
    plan = plan_of(backtest)
    values: dict[str, Any] = {
        "first": first,
        "last": last,
        "since": start_of(backtest.first_on),
        "until": start_of(backtest.last_on + timedelta(days=1)),
        "backtest": backtest.pk,
        "kind": getattr(plan.draft, "kind", None),
    }
    outcome: dict[str, Any] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql.ROOM)
        cursor.execute(sql.AGAIN, values)
        if isinstance(plan.draft, Retraced):
            plan = replace(plan, draft=look(cursor, plan.draft, values))
        bound = Bound()
        cursor.execute(sql.counts(plan, bound), values | bound.values)
        for what, key, numbers in cursor.fetchall():
            outcome.setdefault(what, {})[key] = numbers
        bound = Bound()
        cursor.execute(sql.all_given(plan, bound), values | bound.values)
        outcome["others"] = cursor.fetchone()[0]
    return outcome


@transaction.atomic
def close_backtest(*, backtest: int, now: datetime) -> bool:
    """Keep the result once all ranges are counted; whether it is over. A second time changes nothing."""
    found = Backtest.objects.with_drafts().select_for_update(of=("self",)).get(pk=backtest)
    if found.status != Backtest.Status.RUNNING:
        return True
    chunks = Chunk.objects.filter(name=CHUNK, slot=found.slot)
    if chunks.unfinished().exists():
        return False
    result = added_up(outcome or {} for outcome in chunks.order_by("pk").values_list("outcome", flat=True))
    try:
        found.result = result | worth(found, result)
    except Refusal as refusal:
        end(found, Backtest.Status.FAILED, now=now, message=str(refusal)[:300])
        return True
    found.save(update_fields=["result"])
    end(found, Backtest.Status.DONE, now=now)
    return True


def worth(backtest: Backtest, result: dict[str, Any]) -> dict[str, Any]:
    """What the points are worth, what of them will lapse, and what it would have taken of the budget, by today.

    What comes off prices is money already.
    """
    if backtest.is_of_ladder:
        return owed_for(PointKind.objects.get(code="points"))
    version = version_tried(backtest)
    if isinstance(version, PromotionVersion):
        return budget_left(version, result)
    counting = plan_of(backtest).counting
    return owed_for(version.kind) | budget_left(version, result) | ({"ladder": counting.id} if counting else {})


def owed_for(kind: PointKind) -> dict[str, Any]:
    """What a thousand points of a kind are worth, and which part of them is expected to lapse."""
    night = LiabilityDay.objects.complete().filter(kind=kind).order_by("-taken_on").first()
    lapses = night.breakage / night.open if night and night.open > 0 else None
    return {"per_thousand": kind.money_per_thousand, "lapses": lapses}


def budget_left(version: RuleVersion | PromotionVersion, result: dict[str, Any]) -> dict[str, Any]:
    """How large the budget is that a version takes from, and on which day it would have run out."""
    pool = Pool.objects.filter(budget=version.budget_id, store=None).first() if version.budget_id else None
    if pool is None:
        return {}
    return {"budget": {"total": pool.total, "out": ran_out_on(result["days"], pool.total)}}


def end(backtest: Backtest, status: str, *, now: datetime, message: str = "") -> None:
    """Write down how a backtest ended."""
    Backtest.objects.filter(pk=backtest.pk).update(status=status, ended_at=now, message=message)


@transaction.atomic
def cancel_backtest(*, backtest: Backtest, now: datetime) -> None:
    """Stop a backtest: what it counted is thrown away, and a worker at it finds its range gone. Raises BacktestOver."""
    found = Backtest.objects.select_for_update(of=("self",)).get(pk=backtest.pk)
    if found.status != Backtest.Status.RUNNING or close_backtest(backtest=found.pk, now=now):
        raise BacktestOver
    give_up(found, Backtest.Status.CANCELLED, now=now)


def give_up(backtest: Backtest, status: str, *, now: datetime, message: str = "") -> None:
    """End a backtest without a result."""
    Chunk.objects.filter(name=CHUNK, slot=backtest.slot).delete()
    Swing.objects.filter(backtest=backtest).delete()
    end(backtest, status, now=now, message=message)


def sweep_backtests(*, now: datetime) -> int:
    """Close what is counted, and give up what failed too often; how many ended."""
    ended = 0
    for found in Backtest.objects.running().order_by("pk"):
        with transaction.atomic():
            tired = Chunk.objects.overdue(now).filter(name=CHUNK, slot=found.slot, attempts__gte=MOST_ATTEMPTS)
            if tired.exists():
                words = _(
                    "Something broke on our side, three times. Nothing was changed; please tell who looks after it."
                )
                give_up(found, Backtest.Status.FAILED, now=now, message=words)
                ended += 1
            else:
                ended += close_backtest(backtest=found.pk, now=now)
    return ended


def progress_of(backtest: Backtest) -> int:
    """How much of a backtest is counted, in percent."""
    if backtest.status == Backtest.Status.DONE:
        return 100
    chunks = Chunk.objects.filter(name=CHUNK, slot=backtest.slot)
    size, left = chunks.count(), chunks.unfinished().count()
    return (size - left) * 100 // size if size else 0


def swings_as_rows(backtest: Backtest, stores: list[int] | None) -> Iterator[list[str]]:
    """Who would have got more or less, as rows of a file; of some home stores only, or of all."""
    currency = settings.SHOP_CURRENCY
    shown = partial(decimal_amount, currency=currency) if backtest.is_of_promotion else int
    tiers = ["tier_really", "tier_of_draft"] if backtest.is_of_ladder else []
    yield ["member", "home_store", *tiers, "sales", "really_got", "would_have_got", "difference"]
    swings = Swing.objects.filter(backtest=backtest).order_by("member_id")
    swings = swings if stores is None else swings.filter(member__home_store__in=stores)
    rows = swings.values_list(
        "member__number", "member__home_store__code", "sales", "really", "would", "before", "after"
    )
    for number, store, sales, really, would, before, after in rows.iterator(chunk_size=2_000):
        stood = [before or "", after or ""] if tiers else []
        amounts = (str(shown(each)) for each in (really, would, would - really))
        yield [number, store or "", *stood, str(sales), *amounts]
