"""Verbs: hold points or budgets for a basket, use them, set them free; sweep those that were forgotten.

Locks: first the hold, then the account, or the budgets: those of promotions in order, then those of rules.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Sum

from loyalty.holds.models import BudgetHold, HeldPart, Hold
from loyalty.holds.rules import USUAL_MINUTES, Held, HoldOver, UnknownHold, check_minutes, number_in
from loyalty.holds.sql import FREE_OVERDUE
from loyalty.ledger import actions as ledger
from loyalty.ledger.models import PointKind
from loyalty.ledger.rules import KeyReused, MoreThanOpen, check_points
from loyalty.limits.actions import give_back, lock_budgets
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


def known_budgets(*, member: Member, store: Store, key: str, digest: str) -> BudgetHold | None:
    """The hold of budgets that was placed under this key, if any. Raises KeyReused when it was for something else."""
    found = BudgetHold.objects.filter(member=member, key=key).first()
    if found is not None and (found.store_id, found.digest) != (store.pk, digest):
        raise KeyReused
    return found


@transaction.atomic
def keep_budgets(
    *,
    member: Member,
    store: Store,
    till: Till | None,
    taken: Mapping[int, int],
    key: str,
    digest: str,
    now: datetime,
    minutes: int = USUAL_MINUTES,
) -> BudgetHold:
    """Keep for so many minutes what the caller's transaction has taken of budgets. Raises BadMinutes."""
    check_minutes(minutes)
    hold = BudgetHold.objects.create(
        member=member, store=store, till=till, status=BudgetHold.Status.OPEN, key=key, digest=digest, placed_at=now,
        expires_at=now + timedelta(minutes=minutes),
    )  # fmt: skip
    HeldPart.objects.bulk_create(
        HeldPart(member=member, hold=hold, budget_id=budget, amount=amount) for budget, amount in taken.items()
    )
    return hold


def held_by(hold: BudgetHold) -> Held:
    """What a hold keeps of budgets; nothing once it is over."""
    if hold.status != BudgetHold.Status.OPEN:
        return Held()
    prices, points = dict[int, int](), dict[int, int]()
    rows = HeldPart.objects.filter(member=hold.member_id, hold=hold).order_by("budget_id")
    for budget, is_for_prices, amount in rows.values_list("budget_id", "budget__is_for_prices", "amount"):
        (prices if is_for_prices else points)[budget] = amount
    return Held(prices, points)


@transaction.atomic
def use_budgets(*, reference: str, member: Member, store: Store, now: datetime) -> Held:
    """End a hold by a sale: from now on the caller's transaction answers for what it kept, which stays taken.

    Raises UnknownHold unless it is this member's at this store, HoldOver when it was used, released or is too old.
    """
    locked = BudgetHold.objects.select_for_update().filter(pk=number_in(reference), member=member, store=store)
    hold = locked.first()
    if hold is None:
        raise UnknownHold
    if hold.status != BudgetHold.Status.OPEN or hold.expires_at <= now:
        raise HoldOver
    held = held_by(hold)
    end(hold, BudgetHold.Status.USED, now)
    return held


@transaction.atomic
def release_budgets(*, reference: str, store: Store, now: datetime) -> BudgetHold:
    """Set free what a hold keeps of budgets. Already free: nothing changes. Raises UnknownHold, HoldOver if used."""
    hold = BudgetHold.objects.select_for_update().filter(pk=number_in(reference), store=store).first()
    if hold is None:
        raise UnknownHold
    if hold.status == BudgetHold.Status.USED:
        raise HoldOver
    if hold.status != BudgetHold.Status.OPEN:
        return hold
    give_back_held([hold.pk])
    return end(hold, BudgetHold.Status.RELEASED, now)


def end(hold: BudgetHold, status: BudgetHold.Status, now: datetime) -> BudgetHold:
    """Write down how a hold of budgets ended."""
    hold.status, hold.closed_at = status, now
    hold.save(update_fields=["status", "closed_at"])
    return hold


def give_back_held(holds: Sequence[int]) -> None:
    """Give budgets back what holds keep, one sum for each budget and store, in the order in which sales lock them."""
    parts = HeldPart.objects.filter(hold__in=holds).values_list("budget_id", "hold__store_id")
    sums = list(parts.annotate(total=Sum("amount")).order_by("-budget__is_for_prices", "budget_id", "hold__store_id"))
    for budget in dict.fromkeys(budget for budget, _store, _total in sums):
        lock_budgets(budgets=[budget])
    for budget, store, total in sums:
        give_back(budget=budget, store=store, amount=total)


def free_forgotten(*, now: datetime) -> int:
    """Set free what no sale used in time; how many holds of budgets. Any number of workers may do so at once."""
    freed = MOST_AT_ONCE
    total = 0
    while freed == MOST_AT_ONCE:
        with transaction.atomic():
            due = BudgetHold.objects.overdue(now).order_by("expires_at", "pk").select_for_update(skip_locked=True)
            claimed = list(due.values_list("pk", flat=True)[:MOST_AT_ONCE])
            give_back_held(claimed)
            freed = BudgetHold.objects.filter(pk__in=claimed).update(status=BudgetHold.Status.LAPSED, closed_at=now)
        total += freed
    return total
