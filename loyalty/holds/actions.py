"""Verbs: hold points for a basket, spend them, set them free; sweep those that were forgotten.

Locks: first the hold, then the account.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction

from loyalty.holds.models import Hold
from loyalty.holds.rules import USUAL_MINUTES, HoldOver, UnknownHold, check_minutes
from loyalty.holds.sql import FREE_OVERDUE
from loyalty.ledger import actions as ledger
from loyalty.ledger.models import PointKind
from loyalty.ledger.rules import KeyReused, MoreThanOpen, check_points
from members.profiles.models import Member
from members.stores.models import Store, Till

MOST_AT_ONCE = 500


@transaction.atomic
def place_hold(
    *,
    member: Member,
    kind: PointKind,
    points: int,
    store: Store,
    till: Till | None,
    key: str,
    now: datetime,
    minutes: int = USUAL_MINUTES,
) -> Hold:
    """Set points aside for an open basket for so many minutes. Raises NotEnoughPoints, NotSpendable, BadMinutes.

    The same key and content is the same hold; other content raises KeyReused.
    """
    check_points(points)
    check_minutes(minutes)
    says = {"kind": kind, "points": points, "store": store}
    hold, is_new = Hold.objects.get_or_create(
        member=member,
        key=key,
        defaults={**says, "till": till, "placed_at": now, "expires_at": now + timedelta(minutes=minutes)},
    )
    if not is_new:
        if (hold.kind_id, hold.points, hold.store_id) != (kind.pk, points, store.pk):
            raise KeyReused
        return hold
    ledger.hold(member=member, kind=kind, points=points, key=hold.stem, now=now)
    return hold


def hold_in(store: Store, hold: int) -> Hold:
    """The hold with this id, if this store placed it. Raises UnknownHold."""
    found = Hold.objects.filter(pk=hold, store=store).first()
    if found is None:
        raise UnknownHold
    return found


@transaction.atomic
def capture_hold(*, hold: Hold, now: datetime, points: int | None = None) -> Hold:
    """Spend what is held, or so many points of it; the rest is set free. A second time changes nothing.

    Raises HoldOver when it was released, its time is up, or another number was captured; MoreThanOpen.
    """
    held = Hold.objects.select_for_update(of=("self",)).select_related("member", "kind").get(pk=hold.pk)
    asked = held.points if points is None else points
    check_points(asked)
    if held.status == Hold.Status.CAPTURED and held.captured == asked:
        return held
    if held.status != Hold.Status.OPEN or held.expires_at <= now:
        raise HoldOver
    if asked > held.points:
        raise MoreThanOpen(asked=asked, open=held.points)
    ledger.capture(held=held.stem, points=asked, **cause_of(held, "capture", now))
    if asked < held.points:
        ledger.release(held=held.stem, **cause_of(held, "rest", now))
    return close(held, Hold.Status.CAPTURED, now, captured=asked)


@transaction.atomic
def release_hold(*, hold: Hold, now: datetime) -> Hold:
    """Set free what is held. Already free: nothing changes. Raises HoldOver when it was spent."""
    held = Hold.objects.select_for_update(of=("self",)).select_related("member", "kind").get(pk=hold.pk)
    if held.status == Hold.Status.CAPTURED:
        raise HoldOver
    if held.status != Hold.Status.OPEN:
        return held
    ledger.release(held=held.stem, **cause_of(held, "release", now))
    return close(held, Hold.Status.RELEASED, now)


def cause_of(hold: Hold, step: str, now: datetime) -> ledger.Cause:
    """What the ledger is told of one step of a hold."""
    return {"member": hold.member, "kind": hold.kind, "key": f"{hold.stem}:{step}", "now": now}


def close(hold: Hold, status: Hold.Status, now: datetime, captured: int = 0) -> Hold:
    """Write down how the hold ended."""
    hold.status, hold.captured, hold.closed_at = status, captured, now
    hold.save(update_fields=["status", "captured", "closed_at"])
    return hold


def free_overdue(*, now: datetime) -> int:
    """Set free what nobody captured in time; how many holds. Any number of workers may do so at once."""
    freed = MOST_AT_ONCE
    total = 0
    while freed == MOST_AT_ONCE:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(FREE_OVERDUE, {"now": now, "most": MOST_AT_ONCE})
            freed = len(cursor.fetchall())
        total += freed
    return total
