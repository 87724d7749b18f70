"""Two sessions at once, rows that the database refuses, and the proof that the books foot."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, connections, transaction
from django.db.models import F, Sum

from loyalty.ledger.actions import (
    adjust,
    bring_in,
    claw_back,
    earn,
    hold,
    prove_range,
    redeem,
    restore,
    settle_range,
    transfer,
)
from loyalty.ledger.models import Account, Balances, Difference, Lot, Movement
from loyalty.ledger.rules import NotEnoughPoints
from loyalty.tasks import run_chunk
from members.kit.models import Chunk
from tests.factories import NOW
from tests.loyalty.bookkeeping import DAY, EVERYTHING, books, by, earn_three, holds, lots
from tests.races import all_at_once

pytestmark = pytest.mark.django_db


# Two sessions


def one_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0] > 0


def one_behind_the_other(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """The first pauses before it commits until the second waits for it; what both returned or raised."""
    paused, go = Event(), Event()
    results: list[Any] = [None, None]

    def pausing() -> Any:
        with transaction.atomic():
            result = first()
            paused.set()
            assert go.wait(10)
            return result

    def run(place: int, work: Callable[[], Any]) -> None:
        try:
            results[place] = work()
        except Exception as error:
            results[place] = error
        finally:
            paused.set()
            connections.close_all()

    threads = [Thread(target=run, args=args) for args in ((0, pausing), (1, second))]
    threads[0].start()
    assert paused.wait(10)
    threads[1].start()
    deadline = time.monotonic() + 10
    while not one_waits_for_a_lock() and time.monotonic() < deadline:
        time.sleep(0.01)
    go.set()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_night_first", [True, False])
def test_a_lot_that_expires_while_it_is_redeemed_is_never_used_twice(wang, is_night_first):
    earn(points=100, expires_at=NOW + DAY, **by(wang, "sale:1"))

    def night() -> Any:
        return settle_range(**EVERYTHING, now=NOW + DAY)

    def till() -> Any:  # its clock is a second behind
        return redeem(points=60, **by(wang, "reward:1", NOW + DAY - timedelta(seconds=1)))

    if is_night_first:
        settled, redeemed = one_behind_the_other(night, till)
        assert (settled.expired, type(redeemed)) == (100, NotEnoughPoints)
    else:
        redeemed, settled = one_behind_the_other(till, night)
        assert (redeemed.points, settled.expired) == (60, 40)
    assert lots(wang) == [(0, 0, 1)]
    assert Movement.objects.filter(target="programme").aggregate(Sum("points"))["points__sum"] == 100
    assert prove_range(**EVERYTHING, now=NOW) == 0


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_that_others_build_ends_one_of_them_without_a_trace_and_may_be_tried_again(wang, li):
    for member in (wang, li):
        earn(points=100, **by(member, "sale:1"))
    barrier = Barrier(2)

    def redeem_both(number: int) -> None:
        with transaction.atomic():
            for place, member in enumerate((wang, li) if number else (li, wang)):
                redeem(points=10, **by(member, f"basket:{number}"))
                if not place:
                    barrier.wait(10)

    errors = all_at_once(redeem_both, 2)

    (victim,) = [number for number, error in enumerate(errors) if isinstance(error, OperationalError)]
    assert "deadlock detected" in str(errors[victim])
    assert set(Movement.objects.filter(kind="spend").values_list("key", flat=True)) == {f"basket:{1 - victim}"}
    barrier = Barrier(1)
    redeem_both(victim)
    assert (holds(wang), holds(li)) == (Balances(0, 80, 0), Balances(0, 80, 0))


@pytest.mark.django_db(transaction=True)
def test_who_will_not_wait_for_a_lock_is_told_and_nothing_changed(wang):
    earn(points=100, **by(wang, "sale:1"))

    def impatient(_number: int) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '100ms'")
            redeem(points=10, **by(wang, "reward:2"))

    with transaction.atomic():
        redeem(points=10, **by(wang, "reward:1"))
        (error,) = all_at_once(impatient, 1)

    assert isinstance(error, OperationalError)
    assert holds(wang) == Balances(0, 90, 0)


# What the database itself refuses


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE loyalty_movement SET points = points + 1",
        "DELETE FROM loyalty_movement",
        "TRUNCATE loyalty_movement CASCADE",
    ],
)
def test_movements_are_final_for_sql_too(wang, statement):
    earn(points=100, **by(wang, "sale:1"))

    with pytest.raises(DatabaseError, match="movement"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert Movement.objects.values_list("points", flat=True).get() == 100


def test_movements_are_final_for_the_orm_too(wang):
    earn(points=100, **by(wang, "sale:1"))

    for change in (
        lambda: Movement.objects.update(points=1),
        lambda: Movement.objects.get().save(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()

    assert Movement.objects.values_list("points", flat=True).get() == 100


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE loyalty_account SET active = -1", "account_is_never_overdrawn"),
        ("UPDATE loyalty_account SET pending = -1", "account_is_never_overdrawn"),
        ("UPDATE loyalty_account SET held = -1", "account_is_never_overdrawn"),
        ("UPDATE loyalty_lot SET remaining = 101", "lot_holds_no_more_than_it_was"),
        ("UPDATE loyalty_lot SET held = 1", "lot_holds_no_more_than_it_was"),
        ("UPDATE loyalty_lot SET remaining = -1", "lot_holds_no_more_than_it_was"),
        ("UPDATE loyalty_lot SET expires_at = activates_at", "lot_lives"),
        (
            "INSERT INTO loyalty_account (member_id, kind_id) SELECT member_id, kind_id FROM loyalty_account",
            "account_once",
        ),
    ],
)
def test_a_row_that_cannot_be_is_refused_by_a_named_constraint(wang, statement, constraint):
    earn(points=100, **by(wang, "sale:1"))
    before = books()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert books() == before


# Proof


def test_the_books_foot(wang, li, points):
    earn_three(wang)
    earn(points=50, activates_at=NOW + DAY, **by(wang, "waiting"))
    bring_in(points=40, **by(li, "import"))
    redeem(points=12, **by(wang, "reward:1"))
    restore(spent="reward:1", points=2, **by(wang, "return:1"))
    hold(points=5, **by(wang, "hold:1"))
    claw_back(earned="never", points=4, **by(wang, "return:2"))
    adjust(points=-3, reason="counted", **by(li, "adjust:1"))
    transfer(giver=li, receiver=wang, kind=points, points=7, key="gift:1", now=NOW)
    settle_range(**EVERYTHING, now=NOW + 25 * DAY)

    sums = Account.objects.aggregate(Sum("pending"), Sum("active"), Sum("held"))
    issued, returned = (
        Movement.objects.filter(**{side: "programme"}).aggregate(sum=Sum("points"))["sum"]
        for side in ("source", "target")
    )
    rows = list(Movement.objects.of(wang).of_kind(points).oldest_first())
    start, end = NOW + DAY, NOW + 21 * DAY
    mine = Movement.objects.of(wang).of_kind(points)
    opening, closing, moved = (
        found.balances() for found in (mine.until(start), mine.until(end), mine.between(start, end))
    )

    assert issued - returned == sum(sums.values())
    assert prove_range(**EVERYTHING, now=NOW) == 0
    assert (
        mine.balances() == holds(wang) == Balances(rows[-1].pending_after, rows[-1].active_after, rows[-1].held_after)
    )
    assert opening.active + moved.active == closing.active
    assert opening.pending + moved.pending == closing.pending


@pytest.mark.parametrize(
    ("model", "change", "proofs"),
    [
        (Account, {"active": F("active") + 5}, {"movements", "lots"}),
        (Account, {"pending": F("pending") + 5}, {"movements", "lots"}),
        (Lot, {"remaining": F("remaining") - 5}, {"lots"}),
    ],
)
def test_the_nightly_proof_finds_a_tampered_account_and_says_so(wang, li, caplog, model, change, proofs):
    for member in (wang, li):
        earn(points=100, **by(member, "sale:1"))
    model.objects.filter(member=wang).update(**change)
    chunk = Chunk.objects.create(name="proof", slot="tonight", first_id=0, last_id=2**62, as_of=NOW)

    with caplog.at_level(logging.ERROR):
        run_chunk(chunk.pk)

    found = Difference.objects.all()
    assert {each.proof for each in found} == proofs
    assert {each.member for each in found} == {wang}
    assert all(each.stored != each.computed for each in found)
    assert f"the proof found {len(proofs)} differences" in caplog.text
    chunk.refresh_from_db()
    assert chunk.outcome == {"differences": len(proofs)}
