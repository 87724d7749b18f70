"""Verbs: ask for a correction, decide on it, withdraw it, forget it. What is within the asker's limits is done at once.

Locks: the asker (so that a day's sum is right) or the correction first, then the account.
"""

from datetime import datetime
from typing import NotRequired, TypedDict, Unpack

from django.db import transaction
from django.db.models import Sum

from loyalty.corrections.models import Correction, CorrectionLimit, CorrectionReason
from loyalty.corrections.rules import (
    WAITS_DAYS,
    CorrectionOver,
    Limits,
    MayNotApprove,
    NotTheAsker,
    NotTheirMember,
    ReasonOff,
    is_within,
    widest,
)
from loyalty.ledger.actions import Cause, adjust, write_off
from loyalty.ledger.models import PointKind
from loyalty.ledger.rules import KeyReused, SamePerson, check_key, check_points
from members.kit.windows import days_after, start_of_day
from members.profiles.models import Member
from members.stores.models import User

APPROVES = "loyalty.approve_correction"


class Asked(TypedDict):
    """What somebody asks for: whose points of which kind, how many, why, and who asks when."""

    member: Member
    kind: PointKind
    points: int
    reason: CorrectionReason
    by: User
    key: str
    now: datetime
    note: NotRequired[str]


def limits_of(user: User) -> Limits:
    """What this person does alone: the widest limits of their roles; an owner has the widest that any role has."""
    rows = CorrectionLimit.objects.all() if user.is_superuser else CorrectionLimit.objects.filter(role__user=user)
    return widest(row.limits for row in rows)


def alone_today(user: User, *, gives: bool, now: datetime) -> int:
    """How many points this person gave, or took, today without a second one."""
    done = Correction.objects.alone_since(start_of_day(now), user)
    one_way = done.filter(points__gt=0) if gives else done.filter(points__lt=0)
    return abs(int(one_way.aggregate(sum=Sum("points"))["sum"] or 0))


@transaction.atomic
def ask_correction(**asked: Unpack[Asked]) -> Correction:
    """Give (above zero) or take (below) points by hand: at once within the asker's limits, else it waits for another.

    The same key and content is the same correction. Raises NotTheirMember, ReasonOff, BadPoints, KeyReused, and what
    `adjust` raises.
    """
    points, now = asked["points"], asked["now"]
    check_points(abs(points) if type(points) is int else points)
    asker = User.objects.select_for_update().get(pk=asked["by"].pk)
    today = alone_today(asker, gives=points > 0, now=now)
    is_alone = is_within(limits_of(asker), points=points, today=today)
    return ask(Correction.Purpose.ADJUST, needs_second=not is_alone, **asked)


@transaction.atomic
def ask_write_off(**asked: Unpack[Asked]) -> Correction:
    """Ask that a member's debt be forgiven; it always waits for a second person. Raises as `ask_correction` does."""
    check_points(asked["points"])
    return ask(Correction.Purpose.WRITE_OFF, needs_second=True, **asked)


def ask(purpose: Correction.Purpose, *, needs_second: bool, **asked: Unpack[Asked]) -> Correction:
    """Write down what is asked for, and do it where nobody else is needed."""
    check_key(asked["key"])
    check_sees(asked["by"], asked["member"])
    known = Correction.objects.filter(member=asked["member"], key=asked["key"]).first()
    if known is not None:
        return same(known, purpose, asked)
    if not asked["reason"].is_on:
        raise ReasonOff
    correction = Correction(
        **{name: asked[name] for name in ("member", "kind", "points", "reason", "key")},
        purpose=purpose,
        note=asked.get("note", "")[:200],
        needs_second=needs_second,
        status=Correction.Status.WAITING,
        asked_by=asked["by"],
        asked_at=asked["now"],
        expires_at=days_after(asked["now"], WAITS_DAYS),
    )
    correction.save(force_insert=True)
    return correction if needs_second else carry_out(correction, by=None, now=asked["now"])


def same(known: Correction, purpose: Correction.Purpose, asked: Asked) -> Correction:
    """The correction that has the key. Raises KeyReused when it says something else."""
    says = (known.purpose, known.kind_id, known.points, known.reason_id)
    if says != (purpose, asked["kind"].pk, asked["points"], asked["reason"].pk):
        raise KeyReused
    return known


def check_sees(user: User, member: Member) -> None:
    """Raises NotTheirMember when the member belongs to a store that this person does not see."""
    if not Member.objects.visible_to(user).filter(pk=member.pk).exists():
        raise NotTheirMember


@transaction.atomic
def approve_correction(*, correction: Correction, by: User, now: datetime) -> Correction:
    """Do what somebody else asked for: the points move in this transaction, under the key of the correction.

    Raises SamePerson, MayNotApprove, NotTheirMember, CorrectionOver, and what the ledger refuses; then it still waits.
    """
    return carry_out(to_decide(correction, by, now), by=by, now=now)


@transaction.atomic
def refuse_correction(*, correction: Correction, by: User, now: datetime) -> Correction:
    """Say no to what somebody else asked for. Raises as `approve_correction` does."""
    return end(to_decide(correction, by, now), Correction.Status.REFUSED, by=by, now=now)


@transaction.atomic
def withdraw_correction(*, correction: Correction, by: User, now: datetime) -> Correction:
    """Take back what one asked for oneself. Raises NotTheAsker, CorrectionOver."""
    found = still_waiting(correction, now)
    if found.asked_by_id != by.pk:
        raise NotTheAsker
    return end(found, Correction.Status.WITHDRAWN, by=by, now=now)


def expire_corrections(*, now: datetime) -> int:
    """Close what nobody decided on in time; how many."""
    late = Correction.objects.waiting().filter(expires_at__lte=now)
    return late.update(status=Correction.Status.EXPIRED, decided_at=now)


def still_waiting(correction: Correction, now: datetime) -> Correction:
    """The correction, locked. Raises CorrectionOver."""
    rows = Correction.objects.select_for_update(of=("self",)).select_related("member", "kind", "reason", "asked_by")
    found = rows.get(pk=correction.pk)
    if found.status != Correction.Status.WAITING or found.expires_at <= now:
        raise CorrectionOver
    return found


def to_decide(correction: Correction, by: User, now: datetime) -> Correction:
    """The correction, locked, if this person may decide on it."""
    found = still_waiting(correction, now)
    if found.asked_by_id == by.pk:
        raise SamePerson
    if not by.has_perm(APPROVES):
        raise MayNotApprove
    check_sees(by, found.member)
    return found


def carry_out(correction: Correction, *, by: User | None, now: datetime) -> Correction:
    """Let the ledger do it, and write down by whom."""
    member, asker = correction.member, correction.asked_by.username
    reason = correction.reason.name_en if member.language == "en" else correction.reason.name_zh
    cause: Cause = {
        "member": member,
        "kind": correction.kind,
        "key": f"correction:{correction.pk}",
        "now": now,
        "reason": reason or correction.reason.code,
    }
    if correction.purpose == Correction.Purpose.WRITE_OFF:
        cause["actor"] = asker
        posting = write_off(points=correction.points, approver=by.username if by else "", **cause)
    else:
        cause["actor"] = f"{asker}, {by.username}" if by else asker
        posting = adjust(points=correction.points, **cause)
    correction.movement_id = posting.movement
    return end(correction, Correction.Status.APPROVED, by=by, now=now)


def end(correction: Correction, status: Correction.Status, *, by: User | None, now: datetime) -> Correction:
    """Write down how it ended."""
    correction.status, correction.decided_by, correction.decided_at = status, by, now
    correction.save(update_fields=["status", "decided_by", "decided_at", "movement"])
    return correction
