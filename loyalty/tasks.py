"""Gathers the rooms' tasks, and the night: what is due is planned in the database and shared out by id ranges."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerGone

from loyalty.backtest.actions import close_backtest, sweep_backtests, try_range
from loyalty.corrections.actions import expire_corrections
from loyalty.deeds.actions import report_completions, report_enrolments, sweep_waiting
from loyalty.duplicates import actions as duplicates
from loyalty.holds.actions import free_forgotten, free_overdue
from loyalty.imports.tasks import run_sale_import, sweep_sale_imports
from loyalty.judging.actions import judge_range
from loyalty.ledger.actions import prove_range, settle_range
from loyalty.ledger.models import Account
from loyalty.liability import actions as liability
from loyalty.returns.actions import match_waiting
from loyalty.treats.actions import give_due, sweep_joined
from loyalty.whatif.actions import measure_range, publish
from members.completeness.actions import compute_changed, compute_range, remind_range
from members.kit.actions import claim_chunk, claim_tick, finish_chunk, plan_chunks
from members.kit.models import Chunk, IdempotentAnswer, Tick
from members.kit.ranges import id_ranges, plan_afresh
from members.kit.windows import start_of_day
from members.portraits.actions import NIGHT
from members.privacy.actions import RETENTION, erase_due, retain
from members.profiles.models import Member
from members.scores import actions as scores
from members.segments import actions as segments
from members.tags.actions import lapse_range
from members.tags.models import Tagging

__all__ = ["run_chunk", "run_sale_import", "sweep_sale_imports", "tick"]
logger = logging.getLogger(__name__)

CHUNK = 50_000  # rows
ANSWERS_LAST, NIGHTS_LAST = timedelta(days=30), timedelta(days=90)
LEASE = timedelta(minutes=10)  # far longer than a chunk takes; a dead worker's chunk waits that long at most


def settle(chunk: Chunk) -> dict[str, int]:
    """Activate and expire lots that are due in the chunk's accounts."""
    settled = settle_range(first=chunk.first_id, last=chunk.last_id, now=chunk.as_of)
    return {"accounts": settled.accounts, "activated": settled.activated, "expired": settled.expired}


def judge(chunk: Chunk) -> dict[str, int]:
    """Re-evaluate the tiers of the chunk's members, and then give what those are due who hold them now."""
    members = {"first": chunk.first_id, "last": chunk.last_id}
    moved = judge_range(**members, as_of=chunk.as_of)
    return {"moved": moved, "treats": give_due(**members, as_of=chunk.as_of, now=timezone.now())}


def prove(chunk: Chunk) -> dict[str, int]:
    """Prove the balances of the chunk's accounts."""
    found = prove_range(first=chunk.first_id, last=chunk.last_id, now=chunk.as_of)
    if found:
        logger.error("the proof found %s differences in accounts %s to %s", found, chunk.first_id, chunk.last_id)
    return {"differences": found}


def take_liability(chunk: Chunk) -> dict[str, int]:
    """Add up what the shop owes to the chunk's accounts."""
    liability.take_range(first=chunk.first_id, last=chunk.last_id, day=timezone.localdate(chunk.as_of))
    return {}


def forget(chunk: Chunk) -> dict[str, int]:
    """Let go of answers kept for repeats that no till will ask for again, in the chunk's range."""
    old = IdempotentAnswer.objects.filter(pk__range=(chunk.first_id, chunk.last_id))
    return {"answers": old.filter(created_at__lt=chunk.as_of - ANSWERS_LAST).delete()[0]}


def tidy(chunk: Chunk) -> dict[str, int]:
    """Let go of ticks and chunks of nights long past. A what-if's chunks are its result, and stay."""
    old = {"created_at__lt": chunk.as_of - NIGHTS_LAST, "pk__range": (chunk.first_id, chunk.last_id)}
    chunks = Chunk.objects.filter(finished_at__isnull=False, **old).exclude(name="whatif").delete()[0]
    ticks = Tick.objects.filter(created_at__lt=chunk.as_of - NIGHTS_LAST).delete()[0]
    return {"chunks": chunks, "ticks": ticks}


def complete(chunk: Chunk) -> dict[str, int]:
    """How whole the profiles of the chunk's members are, and a word to those it concerns."""
    ids: dict[str, Any] = {"first": chunk.first_id, "last": chunk.last_id, "now": chunk.as_of}
    return {"changed": compute_range(**ids), "reminded": remind_range(**ids)}


def lapse_tags(chunk: Chunk) -> dict[str, int]:
    """End the tags of the chunk's range whose time is over."""
    return {"lapsed": lapse_range(first=chunk.first_id, last=chunk.last_id, now=chunk.as_of)}


WORK: dict[str, tuple[type[models.Model], Callable[[Chunk], dict[str, Any]]]] = {
    "settle": (Account, settle),
    "tiers": (Member, judge),
    "proof": (Account, prove),
    "tags": (Tagging, lapse_tags),
    "fullness": (Member, complete),
    segments.NIGHT: (Member, segments.refresh_chunk),
    liability.CHUNK: (Account, take_liability),
    scores.FIGURES: (Member, NIGHT[scores.FIGURES][1]),
    duplicates.NIGHT: (Member, duplicates.find_in_chunk),
    "forget": (IdempotentAnswer, forget),
    "tidy": (Chunk, tidy),
}


def keep_no_longer(chunk: Chunk) -> dict[str, int]:
    """Let go of what the rules of retention say is kept too long, in the chunk's range."""
    code = chunk.name.removeprefix(RETAINS)
    return {"gone": retain(code=code, first=chunk.first_id, last=chunk.last_id, now=chunk.as_of)}


RETAINS = "retain-"
WORK |= {f"{RETAINS}{code}": (each.model, keep_no_longer) for code, each in RETENTION.items()}


def number_in(chunk: Chunk) -> int:
    """The id after the colon: of the what-if or backtest to which a chunk belongs."""
    return int(chunk.slot.partition(":")[2])


def measure(chunk: Chunk) -> dict[str, Any]:
    """Judge the chunk's members by a draft of a ladder, without changing where they stand."""
    return measure_range(what_if=number_in(chunk), first=chunk.first_id, last=chunk.last_id)


def put_in_force(chunk: Chunk) -> dict[str, Any]:
    """Publish the draft that the chunk names."""
    return {"moved": publish(draft=chunk.first_id, now=timezone.now())}


def look_back(chunk: Chunk) -> dict[str, Any]:
    """Try a draft of a rule on the past sales of the chunk's members."""
    return try_range(backtest=number_in(chunk), first=chunk.first_id, last=chunk.last_id)


# What follows the figures of members, part by part.
SCORES: dict[str, Callable[[Chunk], dict[str, Any]]] = {name: work for name, (_ranged, work) in NIGHT.items()}
# By day, asked for by people.
ASKED: dict[str, Callable[[Chunk], dict[str, Any]]] = {
    "whatif": measure,
    "publish": put_in_force,
    "backtest": look_back,
    segments.ASKED: segments.refresh_chunk,
}


@shared_task
def tick() -> None:
    """Every minute: set free what is held too long, plan the night once it is due, hand out what nobody has in hand."""
    now = timezone.now()
    free_overdue(now=now)
    free_forgotten(now=now)
    expire_corrections(now=now)
    erase_due(now=now)
    local = timezone.localtime(now)
    if local.hour >= settings.NIGHT_HOUR:
        plan_night(slot=local.date().isoformat(), as_of=start_of_day(now))
    scores.go_on(steps=NIGHT)
    for chunk in Chunk.objects.overdue(now).order_by("pk").values_list("pk", flat=True)[:1_000]:
        hand_out(chunk)
    sweep_sale_imports()
    report_enrolments(now=now)
    compute_changed(now=now)
    report_completions(now=now)
    sweep_waiting(now=now)
    sweep_joined(now=now)
    match_waiting(now=now)
    liability.close_nights()
    sweep_backtests(now=now)
    segments.close_refreshes()


@transaction.atomic
def plan_night(*, slot: str, as_of: datetime) -> bool:
    """Claim the night of a day and write down its chunks; False when somebody has done so."""
    if not claim_tick(name="night", slot=slot):
        return False
    for name, (model, _work) in WORK.items():
        plan_chunks(name=name, slot=slot, as_of=as_of, ranges=id_ranges(model, size=CHUNK))
    return True


def hand_out(chunk: int) -> None:
    """Send a chunk to a worker. Without a broker it stays where it is, for the next tick."""
    try:
        run_chunk.delay(chunk)
    except BrokerGone:
        logger.warning("no broker: chunk %s waits", chunk)


@shared_task
def run_chunk(chunk_id: int) -> None:
    """Do one chunk, all or nothing. Whoever comes second finds it held or finished."""
    chunk = claim_chunk(chunk_id=chunk_id, now=timezone.now(), lease=LEASE)
    if chunk is None:
        return
    work_off(chunk)
    if chunk.name == "backtest":
        close_backtest(backtest=number_in(chunk), now=timezone.now())
    if chunk.name in SCORES:
        for following in scores.go_on(steps=NIGHT):
            hand_out(following)


@transaction.atomic
def work_off(chunk: Chunk) -> None:
    """The chunk's work and its tick mark in one transaction; rolled back if the lease was lost meanwhile."""
    plan_afresh()
    work = (ASKED | SCORES).get(chunk.name) or WORK[chunk.name][1]
    outcome: dict[str, Any] = work(chunk)
    if not finish_chunk(chunk=chunk, now=timezone.now(), outcome=outcome):
        transaction.set_rollback(True)
