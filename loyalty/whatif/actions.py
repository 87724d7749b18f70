"""Verbs: draw a draft of a ladder, measure what it would do to everybody, publish it one way or another."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from loyalty.benefits.actions import handed_before
from loyalty.benefits.models import Benefit
from loyalty.benefits.rules import check_handing, check_value
from loyalty.judging.actions import judge, look, tell_changes, values_of
from loyalty.judging.sql import Asked
from loyalty.rulebook.actions import rulebook
from loyalty.tiers.actions import climb_of, load_climbs, step_of
from loyalty.tiers.models import Ladder, Tier
from loyalty.tiers.rules import TICK, Climb, Step, check_steps
from loyalty.whatif import sql
from loyalty.whatif.models import DraftBenefit, DraftTier, LadderDraft, WhatIf
from loyalty.whatif.rules import (
    DraftClosed,
    Label,
    Matrix,
    NotMeasured,
    StaleDraft,
    TierLeftOut,
    UnknownTierOfBenefit,
    matrix,
)  # fmt: skip
from members.kit.actions import digest_of, plan_chunks
from members.kit.models import Chunk
from members.kit.ranges import id_ranges
from members.kit.windows import months_after
from members.profiles.models import Member
from members.stores.models import User

A_RANGE = 50_000  # members
RUN_CHUNK = "loyalty.tasks.run_chunk"
OF_TIER = ("code", "name_zh", "name_en", "threshold", "retention", "multiplier", "colour")
OF_BENEFIT = ("kind", "value", "words_zh", "words_en", "points", "points_days", "wait_days")


def digest_of_ladder(ladder: Ladder) -> str:
    """What a ladder says now, in short; another word after any change of it."""
    climb = next(climb for climb in load_climbs() if climb.id == ladder.pk)
    benefits = Benefit.objects.filter(tier__ladder=ladder).order_by("tier", "kind").values_list("tier", *OF_BENEFIT)
    return digest_of({"climb": asdict(climb), "benefits": [list(row) for row in benefits]})


def digest_of_draft(draft: LadderDraft) -> str:
    """What a draft says now, and on which ladder, in short."""
    tiers = [list(row) for row in draft.tiers.order_by("place", "pk").values_list("tier", *OF_TIER)]
    benefits = [list(row) for row in draft.benefits.order_by("pk").values_list("tier_code", *OF_BENEFIT)]
    return digest_of({"tiers": tiers, "benefits": benefits, "ladder": digest_of_ladder(draft.ladder)})


@transaction.atomic
def draw(*, ladder: Ladder, name: str, by: User | None) -> LadderDraft:
    """A draft that says what the ladder says now."""
    draft = LadderDraft.objects.create(ladder=ladder, name=name, drawn_from=digest_of_ladder(ladder), created_by=by)
    tiers = ladder.tiers.order_by("threshold")
    DraftTier.objects.bulk_create(
        DraftTier(draft=draft, tier=tier, place=10 * place, **{name: getattr(tier, name) for name in OF_TIER})
        for place, tier in enumerate(tiers, 1)
    )
    DraftBenefit.objects.bulk_create(
        DraftBenefit(draft=draft, tier_code=each.tier.code, **{name: getattr(each, name) for name in OF_BENEFIT})
        for each in Benefit.objects.filter(tier__ladder=ladder).select_related("tier").order_by("tier__threshold", "pk")
    )
    return draft


def climb_of_draft(draft: LadderDraft) -> Climb:
    """The draft as the sums need it. New tiers have ids below zero."""
    asks = {tier.pk: step_of(tier) for tier in draft.ladder.tiers.prefetch_related("needs")}
    return climb_of(draft.ladder, [drafted_step(row, asks) for row in draft.tiers.order_by("place", "pk")])


def drafted_step(row: DraftTier, now: dict[int, Step]) -> Step:
    """A tier of a draft as a step; what it asks for besides is as it is now."""
    known = now.get(row.tier_id or 0)
    return Step(
        row.tier_id or -row.pk, row.code, row.name_zh, row.name_en, row.threshold, row.multiplier, row.colour,
        row.retention, known.combines if known else "all", known.asks if known else (),
    )  # fmt: skip


def check_draft(draft: LadderDraft) -> Climb:
    """The draft as a ladder.

    Raises TierLeftOut, UnknownTierOfBenefit, ValueMissing, NotHandedOut, LifeWithoutPoints, and what `check_steps`
    raises.
    """
    climb = climb_of_draft(draft)
    present = {step.id for step in climb.steps}
    for tier in draft.ladder.tiers.order_by("threshold"):
        if tier.pk not in present:
            raise TierLeftOut(tier=tier.name_zh or tier.code)
    check_steps(climb.steps)
    codes = {step.code for step in climb.steps}
    for benefit in draft.benefits.all():
        if benefit.tier_code not in codes:
            raise UnknownTierOfBenefit(tier=benefit.tier_code)
        check_value(kind=benefit.kind, value=benefit.value)
        check_handing(
            kind=benefit.kind, points=benefit.points, points_days=benefit.points_days, wait_days=benefit.wait_days
        )
    return climb


def check_open(draft: LadderDraft) -> None:
    """Raises DraftClosed, or StaleDraft when the ladder has moved on."""
    if draft.status != LadderDraft.Status.OPEN:
        raise DraftClosed
    if draft.drawn_from != digest_of_ladder(draft.ladder):
        raise StaleDraft


@transaction.atomic
def ask_what_if(*, draft: LadderDraft, by: User | None, now: datetime) -> WhatIf:
    """Share out the what-if of a draft over all members; workers do it. Raises as check_draft and check_open do."""
    check_open(draft)
    after = check_draft(draft)
    before = next(climb for climb in load_climbs() if climb.id == draft.ladder_id)
    ladders = {"before": before, "after": after}
    steps = {name: [asdict(label_of(step)) for step in climb.steps] for name, climb in ladders.items()}
    run = WhatIf.objects.create(draft=draft, digest=digest_of_draft(draft), steps=steps, as_of=now, created_by=by)
    chunks = plan_chunks(name="whatif", slot=run.slot, as_of=now, ranges=id_ranges(Member, size=A_RANGE))
    transaction.on_commit(lambda: hand_out(chunks))
    return run


def label_of(step: Step) -> Label:
    """A step as the matrix names it."""
    return Label(step.code, step.name_zh, step.name_en, step.colour, step.multiplier)


def hand_out(chunks: list[int]) -> None:
    """Send chunks to workers; without a broker they wait for the next tick."""
    try:
        for chunk in chunks:
            current_app.send_task(RUN_CHUNK, args=[chunk], ignore_result=True)
    except OperationalError:
        return


def rate_now(now: datetime) -> Decimal:
    """Points to spend for a minor unit of money, over all rules in force that a tier multiplies."""
    return sum(
        (
            Decimal(version.points) / version.per_amount
            for version in rulebook().in_force(now)
            if version.uses_tier_multiplier and version.kind_code == "points"
        ),
        Decimal(0),
    )


def measure_range(*, what_if: int, first: int, last: int) -> dict[str, Any]:
    """Judge a range of members by the draft, without changing anything but the list of who would move; the counts."""
    run = WhatIf.objects.select_related("draft__ladder").get(pk=what_if)
    draft = run.draft
    climb, now = climb_of_draft(draft), next(each for each in load_climbs() if each.id == draft.ladder_id)
    values = values_of(climb, first=first, last=last, as_of=run.as_of + TICK) | {
        "now_tiers": [step.id for step in now.steps],
        "now_multipliers": [step.multiplier for step in now.steps],
        "now_codes": [step.code for step in now.steps],
        "lowest": now.lowest.id if now.lowest else None,
        "multipliers": [step.multiplier for step in climb.steps],
        "codes": [step.code for step in climb.steps],
        "year": months_after(run.as_of, -12),
        "rate": rate_now(run.as_of),
        "what_if": run.pk,
    }
    with connection.cursor() as cursor:
        asked = look(cursor, values, "recompute")
        cursor.execute(sql.measure_range(climb, asked), values)
        return {"cells": [list(row) for row in cursor.fetchall()]}


@dataclass(frozen=True, slots=True)
class Result:
    """How far a what-if is, and what it says once it is done."""

    run: WhatIf
    chunks: int
    finished: int
    is_current: bool
    matrix: Matrix

    @property
    def is_done(self) -> bool:
        return self.chunks == self.finished

    @property
    def percent(self) -> int:
        return self.finished * 100 // self.chunks if self.chunks else 100


def result_of(draft: LadderDraft) -> Result | None:
    """The draft's latest what-if; None before the first."""
    run = draft.what_ifs.order_by("-pk").first()
    if run is None:
        return None
    chunks = list(Chunk.objects.filter(name="whatif", slot=run.slot).values_list("finished_at", "outcome"))
    done = [outcome for finished_at, outcome in chunks if finished_at is not None]
    labels = {name: [Label(**label) for label in run.steps[name]] for name in ("before", "after")}
    counted = [tuple(row) for outcome in done if outcome for row in outcome["cells"]]
    is_current = draft.status != LadderDraft.Status.OPEN or run.digest == digest_of_draft(draft)
    return Result(run, len(chunks), len(done), is_current, matrix(labels["before"], labels["after"], counted))


@transaction.atomic
def ask_to_publish(*, draft: LadderDraft, mode: str, by: User | None, now: datetime) -> None:
    """Let a worker publish the draft. Raises DraftClosed, StaleDraft, NotMeasured, and what check_draft raises."""
    draft = LadderDraft.objects.select_for_update(of=("self",)).select_related("ladder").get(pk=draft.pk)
    check_open(draft)
    check_draft(draft)
    result = result_of(draft)
    if result is None or not result.is_done or not result.is_current:
        raise NotMeasured
    LadderDraft.objects.filter(pk=draft.pk).update(
        status=LadderDraft.Status.PUBLISHING, mode=LadderDraft.Mode(mode), published_by=by
    )
    chunks = plan_chunks(name="publish", slot=f"publish:{draft.pk}", as_of=now, ranges=[(draft.pk, draft.pk)])
    transaction.on_commit(lambda: hand_out(chunks))


@transaction.atomic
def publish(*, draft: int, now: datetime) -> int:
    """Change the ladder as the draft says and move everybody as its mode says, all or nothing; how many moved.

    A second time does nothing. A draft that was overtaken meanwhile is marked so and changes nothing.
    """
    found = LadderDraft.objects.select_for_update(of=("self",)).select_related("ladder").get(pk=draft)
    if found.status != LadderDraft.Status.PUBLISHING:
        return 0
    if found.drawn_from != digest_of_ladder(found.ladder):
        LadderDraft.objects.filter(pk=draft).update(status=LadderDraft.Status.STALE)
        return 0
    check_draft(found)
    write_ladder(found)
    climb = next(each for each in load_climbs() if each.id == found.ladder_id)
    moved = sum(move_range(found, climb, first, last, now) for first, last in id_ranges(Member, size=A_RANGE))
    LadderDraft.objects.filter(pk=draft).update(status=LadderDraft.Status.PUBLISHED, published_at=now)
    return moved


def write_ladder(draft: LadderDraft) -> None:
    """The ladder's tiers and benefits as the draft has them."""
    tiers: dict[str, Tier] = {}
    for row in draft.tiers.order_by("place", "pk"):
        says = {name: getattr(row, name) for name in OF_TIER}
        if row.tier_id:
            Tier.objects.filter(pk=row.tier_id).update(**says)
            tiers[row.code] = Tier.objects.get(pk=row.tier_id)
        else:
            tiers[row.code] = Tier.objects.create(ladder=draft.ladder, **says)
    since = handed_before(tiers=tiers.values())
    Benefit.objects.filter(tier__ladder=draft.ladder).delete()
    Benefit.objects.bulk_create(
        Benefit(
            tier=tiers[row.tier_code],
            handed_since=since.get((tiers[row.tier_code].pk, row.kind)),
            **{name: getattr(row, name) for name in OF_BENEFIT},
        )
        for row in draft.benefits.order_by("pk")
    )


def move_range(draft: LadderDraft, climb: Climb, first: int, last: int, now: datetime) -> int:
    """Move a range of members onto the changed ladder, as the draft's mode says; how many moved."""
    why = {"reason": "published", "note": draft.name, "actor": f"staff:{draft.published_by_id or ''}"}
    mode = "recompute" if draft.mode == LadderDraft.Mode.RECOMPUTE else "upwards"
    if draft.mode == LadderDraft.Mode.UPWARDS:
        values = values_of(climb, first=first, last=last, as_of=now + TICK) | why | {"at": now}
        values["hold_until"] = climb.held_until(now) or months_after(now, climb.months)
        with connection.cursor() as cursor:
            cursor.execute(sql.hold_range(climb, Asked("recompute", has_grants=True)), values)
    changes = judge(climb=climb, first=first, last=last, as_of=now + TICK, at=now, mode=mode, **why)
    tell_changes(changes=changes, climb=climb, as_of=now)
    return sum(1 for _member, before, after in changes if before != after)


def moves_as_rows(run: WhatIf, stores: list[int] | None) -> Iterator[list[str]]:
    """Who would move, as rows of a file; of some stores only, or of all."""
    yield ["member", "from", "to", "total", "points_a_year"]
    moves = run.moves.order_by("member_id").values_list("member__number", "before", "after", "total", "points")
    moves = moves if stores is None else moves.filter(member__home_store__in=stores)
    for row in moves.iterator(chunk_size=2_000):
        yield [str(each) for each in row]
