"""Verbs: every way that points move. One call is one statement and one transaction of its own, or part of yours.

Points are whole numbers above zero; `now` is the aware moment at which it happened; `key` names the cause and makes
a repeat harmless: the same key and content gives the first result again, other content is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired, TypedDict, Unpack

from django.db import connection, transaction

from loyalty.ledger.models import Account, Movement, MovementQuerySet, PointKind
from loyalty.ledger.rules import (
    LONGEST_ACTOR,
    LONGEST_REASON,
    AlreadyUndone,
    DebtLimitReached,
    KeyReused,
    MoreThanOpen,
    NotEnoughPoints,
    NotPending,
    NotSpendable,
    ReasonMissing,
    SamePerson,
    UnknownCause,
    check_key,
    check_life,
    check_points,
)
from loyalty.ledger.sql import PROVE_RANGE
from members.kit.arrays import integers, moments, texts
from members.kit.refusals import Refusal
from members.profiles.models import Member


class Cause(TypedDict):
    """What every verb is told: whose points of which kind, what caused it, when, why and by whom."""

    member: Member
    kind: PointKind
    key: str
    now: datetime
    reason: NotRequired[str]
    actor: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Posting:
    """What a verb did: the movement's id, its points, and the three balances after it."""

    movement: int
    points: int
    pending: int
    active: int
    held: int
    is_replay: bool


def refuse(word: str, *, asked: int, found: Any) -> Refusal:
    """The database's word as the refusal that doors understand."""
    points, _pending, active = found
    match word:
        case "not_enough_points":
            return NotEnoughPoints(asked=asked, active=active)
        case "key_reused":
            return KeyReused()
        case "more_than_open":
            return MoreThanOpen(asked=asked, open=points)
        case "debt_limit_reached":
            return DebtLimitReached(limit=points)
        case "not_pending":
            return NotPending()
        case "already_undone":
            return AlreadyUndone()
        case _:
            return UnknownCause()


def call(statement: str, parameters: Sequence[Any], *, asked: int) -> Posting:
    """Run one of the ledger's functions. Raises the refusal it answers with."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        movement, points, pending, active, held, is_replay, refusal = cursor.fetchone()
    if refusal is not None:
        raise refuse(refusal, asked=asked, found=(points, pending, active))
    return Posting(movement, points, pending, active, held, is_replay)


CREDIT = "SELECT * FROM ledger_credit(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
DEBIT = "SELECT * FROM ledger_debit(%s, %s, %s, %s, %s, %s, %s, %s)"
FOLLOW = "SELECT * FROM ledger_follow(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
CLAW_BACK = "SELECT * FROM ledger_claw_back(%s, %s, %s, %s, %s, %s, %s, %s)"
UNDO = "SELECT * FROM ledger_undo_claw_back(%s, %s, %s, %s, %s, %s, %s)"
ACTIVATE = "SELECT * FROM ledger_activate(%s, %s, %s, %s, %s, %s, %s, %s)"
LOCK = "SELECT id, active FROM ledger_lock(%s, %s, %s, false)"
RECEIVE = "SELECT * FROM ledger_receive(%s, %s, %s, %s, %s, %s, %s)"


def words_of(cause: Mapping[str, Any]) -> tuple[str, str]:
    """The reason and the actor, as long as a movement keeps them."""
    return cause.get("reason", "")[:LONGEST_REASON], cause.get("actor", "")[:LONGEST_ACTOR]


def credit(
    movement: str,
    *,
    points: int,
    activates_at: datetime | None = None,
    expires_at: datetime | None = None,
    idle_months: int | None = None,
    **cause: Unpack[Cause],
) -> Posting:
    """Give points out of the programme as a new lot. Debt is repaid first."""
    check_points(points)
    check_key(cause["key"])
    now = cause["now"]
    starts = activates_at or now
    check_life(starts, expires_at, now=now, idle_months=idle_months)
    values = (cause["member"].pk, cause["kind"].pk, points, cause["key"], now, starts, expires_at, movement)
    return call(CREDIT, (*values, *words_of(cause), idle_months), asked=points)


def debit(movement: str, *, points: int, **cause: Unpack[Cause]) -> Posting:
    """Take active points, soonest-expiring lots first. Raises NotEnoughPoints and changes nothing if too few."""
    check_points(points)
    check_key(cause["key"])
    if not cause["kind"].is_spendable and movement != "adjust":
        raise NotSpendable
    values = (cause["member"].pk, cause["kind"].pk, points, cause["key"], cause["now"], movement)
    return call(DEBIT, (*values, *words_of(cause)), asked=points)


def follow(step: tuple[str, str, str, str], *, after: str, points: int | None, **cause: Unpack[Cause]) -> Posting:
    """Complete or undo the movement with the key `after`. No number means all that is open of it.

    A step is the movement's kind, its two buckets, and the kind of movement that it follows.
    """
    if points is not None:
        check_points(points)
    check_key(cause["key"])
    values = (cause["member"].pk, cause["kind"].pk, after, points, cause["key"], cause["now"], *step)
    return call(FOLLOW, (*values, *words_of(cause)), asked=points or 0)


def earn(
    *,
    points: int,
    activates_at: datetime | None = None,
    expires_at: datetime | None = None,
    idle_months: int | None = None,
    **cause: Unpack[Cause],
) -> Posting:
    """Give earned points: pending until `activates_at`, gone at `expires_at` (never, when None).

    With `idle_months` instead they lapse so many months (of the calendar in UTC) after the last time that the member
    earned or spent points of the kind. Points that wait for an event have WHEN_TOLD as their `activates_at`.
    """
    life = {"activates_at": activates_at, "expires_at": expires_at}
    return credit("earn", points=points, idle_months=idle_months, **life, **cause)


def bring_in(*, points: int, expires_at: datetime | None = None, **cause: Unpack[Cause]) -> Posting:
    """Enter an opening balance from an earlier system."""
    return credit("import", points=points, expires_at=expires_at, **cause)


def redeem(*, points: int, **cause: Unpack[Cause]) -> Posting:
    """Spend points, soonest-expiring lots first. Raises NotEnoughPoints and changes nothing if there are too few."""
    return debit("spend", points=points, **cause)


def adjust(*, points: int, **cause: Unpack[Cause]) -> Posting:
    """Correct a balance by hand: above zero gives, below takes (never into debt). Raises ReasonMissing without one."""
    if not cause.get("reason", "").strip():
        raise ReasonMissing
    check_points(abs(points) if type(points) is int else points)
    if points > 0:
        return credit("adjust", points=points, **cause)
    return debit("adjust", points=-points, **cause)


def hold(*, points: int, **cause: Unpack[Cause]) -> Posting:
    """Set active points aside for an open basket; `capture` spends them, `release` gives them back."""
    return debit("hold", points=points, **cause)


def capture(*, held: str, points: int | None = None, **cause: Unpack[Cause]) -> Posting:
    """Spend what the hold with key `held` set aside: all that is open, or so many points."""
    return follow(("spend", "held", "programme", "hold"), after=held, points=points, **cause)


def release(*, held: str, points: int | None = None, **cause: Unpack[Cause]) -> Posting:
    """Give back what the hold with key `held` set aside. A lot that died meanwhile gets the least life."""
    return follow(("release", "held", "active", "hold"), after=held, points=points, **cause)


def restore(*, spent: str, points: int | None = None, **cause: Unpack[Cause]) -> Posting:
    """Give back what the spending with key `spent` took, to the same lots, none with less than the least life."""
    return follow(("restore", "programme", "active", "spend"), after=spent, points=points, **cause)


def claw_back(*, earned: str, points: int, **cause: Unpack[Cause]) -> Posting:
    """Take back points of the earning with key `earned`: from pending, else what is left of them, else from other
    active points, else into debt.

    The answer's points are those really taken. They are fewer than asked for when some lapsed, which counts as back
    already (all of them: none is taken), or when the debt limit cuts. Raises DebtLimitReached if that leaves none,
    MoreThanOpen if the earning has not so many left to take back.
    """
    check_points(points)
    return claw(earned, points, cause)


def cancel_pending(*, earned: str, **cause: Unpack[Cause]) -> Posting:
    """Take back all that is still pending of an earning: its event never came. Raises NotPending if nothing is."""
    return claw(earned, None, cause)


def claw(earned: str, points: int | None, cause: Cause) -> Posting:
    """Take back so many points of an earning, or all that is pending of it."""
    check_key(cause["key"])
    values = (cause["member"].pk, cause["kind"].pk, earned, points, cause["key"], cause["now"])
    return call(CLAW_BACK, (*values, *words_of(cause)), asked=points or 0)


def undo_claw_back(*, clawed: str, **cause: Unpack[Cause]) -> Posting:
    """Give back exactly what the claw-back with key `clawed` took: the return was cancelled.

    Debt is repaid first; the rest goes to the same lots, none with less than the least life; pending points wait
    again unless their time has come. Raises AlreadyUndone, UnknownCause.
    """
    check_key(cause["key"])
    values = (cause["member"].pk, cause["kind"].pk, clawed, cause["key"], cause["now"])
    return call(UNDO, (*values, *words_of(cause)), asked=0)


def activate(*, earned: str, expires_at: datetime | None = None, **cause: Unpack[Cause]) -> Posting:
    """Make pending points of the earning with key `earned` active now: the event came for which they waited.

    `expires_at` gives them a life from now on. Raises NotPending when nothing of them is, BadLife.
    """
    check_key(cause["key"])
    check_life(cause["now"], expires_at, now=cause["now"])
    values = (cause["member"].pk, cause["kind"].pk, earned, expires_at, cause["key"], cause["now"])
    return call(ACTIVATE, (*values, *words_of(cause)), asked=0)


@transaction.atomic
def write_off(*, points: int, approver: str, **cause: Unpack[Cause]) -> Posting:
    """Forgive debt. Raises SamePerson unless two people stand behind it, MoreThanOpen beyond the debt."""
    actor = cause.get("actor", "")
    if not actor or not approver or approver == actor:
        raise SamePerson
    check_points(points)
    with connection.cursor() as cursor:  # settled: what became active has repaid its share
        cursor.execute(LOCK, (cause["member"].pk, cause["kind"].pk, cause["now"]))
        account, active = cursor.fetchone()
    debt = max(-(active or 0), 0)
    known = Movement.objects.filter(account=account, key=cause["key"], kind="write_off").exists()
    if points > debt and not known:
        raise MoreThanOpen(asked=points, open=debt)
    half = LONGEST_ACTOR // 2 - 1
    cause["actor"] = f"{actor[:half]}, {approver[:half]}"
    return credit("write_off", points=points, **cause)


@transaction.atomic
def transfer(
    *, giver: Member, receiver: Member, kind: PointKind, points: int, key: str, now: datetime, actor: str = ""
) -> tuple[Posting, Posting]:
    """Move active points to another member; every lot keeps its expiry. Both sides carry the same key."""
    if giver.pk == receiver.pk:
        raise SamePerson
    lock_accounts(members=(giver, receiver), kind=kind)
    words = {"reason": f"to {receiver.number}", "actor": actor[:LONGEST_ACTOR]}
    given = debit("transfer", member=giver, kind=kind, points=points, key=key, now=now, **words)
    if given.is_replay:
        return given, transferred(giver=giver, member=receiver, kind=kind, key=key)
    values = (receiver.pk, kind.pk, given.movement, key, now, f"from {giver.number}", words["actor"])
    return given, call(RECEIVE, values, asked=points)


def transferred(*, giver: Member, member: Member, kind: PointKind, key: str) -> Posting:
    """The receiver's side of a transfer that was made before. Raises KeyReused if it went to somebody else."""
    account = Account.objects.get(member=member, kind=kind)
    movement = account.movements.filter(
        key=key, kind="transfer", source="programme", reason=f"from {giver.number}"
    ).first()
    if movement is None:
        raise KeyReused
    return Posting(
        movement.pk, movement.points, movement.pending_after, movement.active_after, movement.held_after, True
    )


def lock_accounts(*, members: Sequence[Member], kind: PointKind) -> None:
    """Open what is missing and lock all, in primary-key order, so that two opposite transfers cannot deadlock."""
    wanted = [Account(member=member, kind=kind) for member in sorted(members, key=lambda each: each.pk)]
    Account.objects.bulk_create(wanted, ignore_conflicts=True)
    list(Account.objects.select_for_update().filter(member__in=members, kind=kind).order_by("pk"))


@dataclass(frozen=True, slots=True)
class Credit:
    """One of many credits; ids rather than objects, because there are many."""

    member: int
    kind: int
    points: int
    key: str
    now: datetime
    activates_at: datetime
    expires_at: datetime | None
    idle_months: int | None = None


@dataclass(frozen=True, slots=True)
class Credited:
    """What became of one of many: `active` is the balance after it; a replay wrote nothing."""

    movement: int
    active: int
    is_replay: bool
    refusal: str | None


@transaction.atomic
def earn_many(*, credits: Sequence[Credit], reason: str = "", actor: str = "") -> list[Credited]:
    """Give many members points in one statement, by the same rules as `earn`, in the order given for each account."""
    for each in credits:
        check_points(each.points)
        check_key(each.key)
        check_life(each.activates_at, each.expires_at, now=each.now, idle_months=each.idle_months)
    arrays = (
        integers(each.member for each in credits),
        integers(each.kind for each in credits),
        integers(each.points for each in credits),
        texts(each.key for each in credits),
        moments(each.now for each in credits),
        moments(each.activates_at for each in credits),
        moments(each.expires_at for each in credits),
    )
    idles = integers(each.idle_months for each in credits)
    statement = (
        "SELECT movement, active, is_replay, refusal FROM ledger_credit_many("
        "%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], "
        "%s::timestamptz[], 'earn', %s, %s, %s::integer[]) ORDER BY place"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, (*arrays, *words_of({"reason": reason, "actor": actor}), idles))
        return [Credited(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Settled:
    """What a range of accounts had due: how many accounts, points activated, points expired."""

    accounts: int
    activated: int
    expired: int


def settle_range(*, first: int, last: int, now: datetime) -> Settled:
    """Activate and expire all that is due by now in a range of account ids. A second time changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM ledger_settle_range(%s, %s, %s)", (first, last, now))
        return Settled(*cursor.fetchone())


def settle_member(*, member: Member, now: datetime) -> list[Account]:
    """Activate and expire what one member has due by now; their accounts after it. With nothing due it is one look."""
    accounts = list(Account.objects.of(member).order_by("pk"))
    due = [account.pk for account in accounts if account.next_due_at is not None and account.next_due_at <= now]
    for account in due:
        settle_range(first=account, last=account, now=now)
    return list(Account.objects.of(member).order_by("pk")) if due else accounts


def prove_range(*, first: int, last: int, now: datetime) -> int:
    """Recompute a range of accounts from movements and lots; write down and count what differs."""
    with connection.cursor() as cursor:
        cursor.execute(PROVE_RANGE, {"first": first, "last": last, "now": now})
        return len(cursor.fetchall())


def lived_by(member: Member) -> MovementQuerySet:
    """What moved for a member, and before a merge for who is this member now, but for the merge itself."""
    merged = list(Member.objects.merged_into(member).values_list("pk", flat=True))
    lived = Movement.objects.filter(account__member__in=[member.pk, *merged]).lived()
    if not merged:
        return lived
    went = Movement.objects.filter(account__member__in=merged, kind="transfer", key__regex=r"^(un)?merge:")
    return lived.exclude(kind="transfer", key__in=list(went.values_list("key", flat=True)))
