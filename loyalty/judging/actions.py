"""Verbs: judge everybody at night, judge one member after a return, warn before a fall."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from babel.dates import format_date
from django.db import connection, transaction
from django.db.models import Max

from loyalty.judging import sql
from loyalty.judging.sql import Asked
from loyalty.tiers.actions import load_climbs, standing_of, tell_risen
from loyalty.tiers.models import Standing, TierChange
from loyalty.tiers.rules import TICK, Climb, thresholds
from members.kit.money import format_money
from members.kit.windows import shops_day
from members.messaging.actions import queue_messages
from members.profiles.models import Member

Moved = tuple[int, int | None, int | None]  # member, tier before, tier after
Standings = dict[str, dict[str, Any]]  # by ladder id, as JSON keeps them
STANDING = (
    "tier_id", "since", "until", "held_by", "counts_from", "is_renewed", "is_protected", "earned_tier_id",
    "earned_until", "warned_until",
)  # fmt: skip


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
    last = shops_day(until - TICK)
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


def standings_of(member: Member) -> Standings:
    """Where a member stands on each ladder, as plain values that can be kept and put back."""
    rows = Standing.objects.filter(member=member).order_by("ladder_id").values("ladder_id", *STANDING)
    return {str(row.pop("ladder_id")): {name: as_text(value) for name, value in row.items()} for row in rows}


def as_text(value: Any) -> Any:
    """A moment as text, to the microsecond; anything else as it is."""
    return value.isoformat() if isinstance(value, datetime) else value


def take_better(*, survivor: Member, before: Standings, other: Standings, note: str, actor: str, now: datetime) -> None:
    """Let a member stand where the better of two standings is, on each ladder, and judge by all that counts by now.

    A tier that the other held for a term, or was given, is held by the same terms.
    """
    for climb in load_climbs():
        if not climb.steps:
            continue
        ladder = str(climb.id)
        mine, theirs = before.get(ladder), other.get(ladder)
        if theirs is not None and rank_of(climb, theirs) > rank_of(climb, mine):
            taken = theirs | {"since": now.isoformat()}
            put_standing(survivor, climb, mine, taken, reason="merge", note=note, actor=actor, now=now)
        judge_one(survivor, climb, reason="merge", note=note, actor=actor, now=now)


def put_standings(*, survivor: Member, kept: Mapping[str, Standings], note: str, actor: str, now: datetime) -> None:
    """Undo `take_better`: the standings of `before` again. Where something came after it, both are judged anew."""
    current = standings_of(survivor)
    for climb in load_climbs():
        ladder = str(climb.id)
        stands, was = current.get(ladder), kept["before"].get(ladder)
        if stands != was:
            put_standing(survivor, climb, stands, was, reason="unmerge", note=note, actor=actor, now=now)
        if climb.steps and stands != kept["after"].get(ladder):
            judge_one(survivor, climb, reason="unmerge", note=note, actor=actor, now=now)


def rank_of(climb: Climb, standing: Mapping[str, Any] | None) -> int:
    """The place of a standing's tier in its ladder, lowest 1; 0 is none."""
    step = climb.lowest if standing is None else next((s for s in climb.steps if s.id == standing["tier_id"]), None)
    return climb.steps.index(step) + 1 if step else 0


def judge_one(member: Member, climb: Climb, *, reason: str, note: str, actor: str, now: datetime) -> None:
    """Judge one member on one ladder as a night would, at this moment."""
    judge(climb=climb, first=member.pk, last=member.pk, as_of=now + TICK, at=now, reason=reason, note=note, actor=actor)


def put_standing(
    member: Member, climb: Climb, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, *, reason: str,
    note: str, actor: str, now: datetime,
) -> None:  # fmt: skip
    """Write a standing whole, or remove it, and the step in the history if it is one."""
    if after is None:
        Standing.objects.filter(member=member, ladder=climb.id).delete()
    else:
        Standing.objects.update_or_create(member=member, ladder_id=climb.id, defaults=dict(after))
    tiers = [standing["tier_id"] if standing else None for standing in (before, after)]
    if tiers[0] == tiers[1]:
        return
    TierChange.objects.create(
        member=member,
        ladder_id=climb.id,
        before_id=tiers[0],
        after_id=tiers[1],
        total=standing_of(member=member.pk, climb=climb, at=now).total,
        reason=reason,
        until=after["until"] if after else None,
        note=note,
        actor=actor[:60],
        happened_at=now,
    )
