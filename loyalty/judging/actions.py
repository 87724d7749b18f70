"""Verbs: judge everybody at night, judge one member after a return, warn before a fall."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from babel.dates import format_date
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from loyalty.judging import sql
from loyalty.judging.sql import Asked
from loyalty.tiers.actions import load_climbs, tell_risen
from loyalty.tiers.rules import TICK, Climb, thresholds
from members.kit.money import format_money
from members.messaging.actions import queue_messages
from members.profiles.models import Member

Moved = tuple[int, int | None, int | None]  # member, tier before, tier after


@transaction.atomic
def judge_range(*, first: int, last: int, as_of: datetime) -> int:
    """Re-evaluate a range of member ids for the window before `as_of`, on every ladder; tell who rose; count who moved.

    The same moment a second time moves nobody. Whose tier ends soon and is not kept yet is warned once.
    """
    moved = 0
    for climb in load_climbs():
        if climb.steps:
            changes = judge(climb=climb, first=first, last=last, as_of=as_of, at=as_of, reason="night")
            tell_changes(changes=changes, climb=climb, as_of=as_of)
            warn_range(climb=climb, first=first, last=last, as_of=as_of)
            moved += sum(1 for _member, before, after in changes if before != after)
    return moved


@transaction.atomic
def rejudge(*, member: Member, now: datetime, reason: str = "return", note: str = "", actor: str = "") -> list[Moved]:
    """Judge one member now, on every ladder, downwards too, as after a return; the changes.

    A tier that the window of its term no longer reaches is given back, also within its validity, unless it was given
    by staff, sold, bought, or is protected. A tier reached at a moment still to come, by the clock of a till that runs
    ahead, is judged with the sale that brought it.
    """
    Member.objects.select_for_update(no_key=True).get(pk=member.pk)
    since = member.standings.aggregate(last=Max("since"))["last"] or now
    as_of = max(now, since) + TICK
    return [
        change
        for climb in load_climbs()
        if climb.steps
        for change in judge(
            climb=climb, first=member.pk, last=member.pk, as_of=as_of, at=now, reason=reason, mode="return",
            note=note, actor=actor,
        )
    ]  # fmt: skip


def judge(
    *, climb: Climb, first: int, last: int, as_of: datetime, at: datetime, reason: str, mode: str = "night",
    note: str = "", actor: str = "",
) -> list[Moved]:  # fmt: skip
    """Judge a range on one ladder for the window before `as_of`, writing changes as of `at`."""
    values = values_of(climb, first=first, last=last, as_of=as_of)
    values |= {"reason": reason, "note": note[:200], "actor": actor[:60], "at": at}
    with connection.cursor() as cursor:
        asked = look(cursor, values, mode)
        cursor.execute(sql.judge_range(climb, asked), values)
        return list(cursor.fetchall())


def values_of(climb: Climb, *, first: int, last: int, as_of: datetime) -> dict[str, Any]:
    """What every statement of judging is told."""
    _floors, tiers = thresholds(climb)
    return {
        "first": first,
        "last": last,
        "as_of": as_of,
        "start": climb.starts_at(as_of),
        "ladder": climb.id,
        "tiers": tiers,
        "term_end": climb.held_until(as_of),
    }


def look(cursor: Any, values: dict[str, Any], mode: str) -> Asked:
    """Whether anybody in the range has a tier that was given, or one with an end."""
    cursor.execute(sql.LOOK, values)
    has_grants, has_terms = cursor.fetchone()
    return Asked(mode, has_grants, has_terms)


def tell_changes(*, changes: Sequence[Moved], climb: Climb, as_of: datetime) -> None:
    """Tell everybody who went up; those who went down were warned before."""
    ranks: dict[int | None, int] = {step.id: rank for rank, step in enumerate(climb.steps, 1)}
    risen = [
        (member, after, f"{as_of:%Y%m%d}")
        for member, before, after in changes
        if after is not None and ranks[after] > ranks.get(before, 0)
    ]
    tell_risen(risen=risen, climb=climb, now=as_of)


def warn_range(*, climb: Climb, first: int, last: int, as_of: datetime) -> int:
    """Warn members of a range whose tier ends soon and is not kept yet, once a term; how many."""
    if not climb.warn_days or climb.at_end == "keep":
        return 0
    values = values_of(climb, first=first, last=last, as_of=as_of)
    with connection.cursor() as cursor:
        cursor.execute(sql.warn(climb), values)
        ending = cursor.fetchall()
    rows = [
        (member, f"tier-ends:{climb.id}:{until:%Y%m%d}", words_of_warning(climb, tier, until, total))
        for member, tier, until, total in ending
    ]
    queue_messages(rows=rows, template="tier_ends", now=as_of, channels=("inbox", "email"))
    return len(rows)


def words_of_warning(climb: Climb, tier: int, until: datetime, total: int) -> dict[str, Any]:
    """What the words of "86 more by 31 Dec to keep Gold" need: the last day, and what is missing."""
    step = climb.step(tier)
    assert step
    last = timezone.localtime(until - TICK, timezone.get_default_timezone()).date()
    missing = max(step.keep - max(total, 0), 0)
    return {
        "tier_zh": step.name_zh,
        "tier_en": step.name_en,
        "basis": climb.basis,
        "missing": format_money(missing) if climb.basis == "spend" else f"{missing:,}",
        "has_more": bool(step.asks) or not missing,
        "by_zh": format_date(last, "y年M月d日", locale="zh"),
        "by_en": format_date(last, "d MMMM y", locale="en"),
    }
