"""What the night lets go of: answers that no till asks for again, and the machinery of nights long past."""

from datetime import timedelta

import pytest

from loyalty.tasks import plan_night, run_chunk
from members.kit.models import Chunk, IdempotentAnswer, Tick
from tests.factories import NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def aged(thing, days: int):
    """The row as though it had been written so many days before."""
    type(thing).objects.filter(pk=thing.pk).update(created_at=NOW - days * DAY)
    return thing


def answer(key: str, days: int) -> IdempotentAnswer:
    return aged(IdempotentAnswer.objects.create(scope="till:1", key=key, digest="0", status=201, body={}), days)


def chunk(name: str, slot: str, days: int, *, is_done: bool = True) -> Chunk:
    made = Chunk.objects.create(
        name=name, slot=slot, first_id=1, last_id=1, as_of=NOW, finished_at=NOW if is_done else None
    )
    return aged(made, days)


def night() -> None:
    assert plan_night(slot="2026-03-09", as_of=NOW)
    for number in Chunk.objects.filter(slot="2026-03-09").values_list("pk", flat=True):
        run_chunk(number)


def test_answers_are_kept_for_thirty_days():
    kept, gone = answer("a", 29), answer("b", 31)

    night()

    assert IdempotentAnswer.objects.filter(pk=kept.pk).exists()
    assert not IdempotentAnswer.objects.filter(pk=gone.pk).exists()


def test_nights_are_kept_for_ninety_days_and_work_that_is_not_done_for_ever():
    young, undone = chunk("settle", "2025-12-20", 80), chunk("settle", "2025-11-01", 120, is_done=False)
    result, gone = chunk("whatif", "whatif:1", 120), chunk("settle", "2025-11-02", 120)
    tick, old_tick = Tick.objects.create(name="night", slot="1"), aged(Tick.objects.create(name="night", slot="2"), 91)

    night()

    left = set(Chunk.objects.values_list("pk", flat=True))
    assert {young.pk, undone.pk, result.pk} <= left
    assert gone.pk not in left
    assert Tick.objects.filter(pk=tick.pk).exists()
    assert not Tick.objects.filter(pk=old_tick.pk).exists()


def test_the_night_forgets_itself_not_and_a_second_run_finds_nothing():
    answer("a", 31)

    night()
    done = Chunk.objects.get(name="forget")
    run_chunk(done.pk)

    done.refresh_from_db()
    assert done.outcome == {"answers": 1}
    assert Chunk.objects.get(name="tidy").outcome == {"chunks": 0, "ticks": 0}
