"""A till sets points aside for a basket: spent once, or free again when time is up, never both."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from loyalty import tasks
from loyalty.holds.actions import capture_hold, free_overdue, place_hold, release_hold
from loyalty.holds.models import Hold
from loyalty.holds.rules import BadMinutes, HoldOver
from loyalty.ledger.actions import earn, prove_range
from loyalty.ledger.models import Account, Balances, Movement
from loyalty.ledger.rules import KeyReused, MoreThanOpen, NotEnoughPoints
from tests.factories import NOW, StoreFactory, TillFactory
from tests.loyalty.bookkeeping import EVERYTHING, books, by, holds
from tests.races import all_at_once

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def place(wang, points) -> Any:
    """Places a hold of a member who has a hundred points."""
    store = StoreFactory.create()
    earn(points=100, **by(wang, "sale:1"))

    def place(amount: int = 60, *, key: str = "basket:1", **more: Any) -> Hold:
        said = {"member": wang, "kind": points, "points": amount, "store": store, "till": None, "now": NOW}
        return place_hold(**said, key=key, **more)

    return place


def written() -> Any:
    return books(), list(Hold.objects.order_by("pk").values_list())


def test_held_points_are_spent_by_the_capture_and_the_rest_is_free_again(wang, place):
    hold = place()
    assert holds(wang) == Balances(0, 40, 60)

    captured = capture_hold(hold=hold, points=50, now=NOW + MINUTE)

    assert holds(wang) == Balances(0, 50, 0)
    assert (captured.status, captured.captured, captured.closed_at) == ("captured", 50, NOW + MINUTE)
    again = capture_hold(hold=hold, points=50, now=NOW + 2 * MINUTE)
    assert again.closed_at == NOW + MINUTE
    assert Movement.objects.filter(kind="spend").count() == 1


def test_a_released_hold_gives_everything_back_and_only_once(wang, place):
    hold = place()

    for minutes in (1, 2):
        release_hold(hold=hold, now=NOW + minutes * MINUTE)

    assert holds(wang) == Balances(0, 100, 0)
    assert Movement.objects.filter(kind="release").count() == 1


def test_the_same_basket_is_held_once(place):
    first = place()

    assert place().pk == first.pk
    before = written()
    with pytest.raises(KeyReused):
        place(61)
    assert written() == before


def test_what_cannot_be_held_changes_nothing(place):
    before = written()

    with pytest.raises(NotEnoughPoints):
        place(101)
    for minutes in (0, 24 * 60 + 1):
        with pytest.raises(BadMinutes):
            place(minutes=minutes)

    assert written() == before


def test_what_cannot_be_captured_or_released_changes_nothing(place):
    open_one, over, spent, freed = (place(10, key=f"basket:{n}") for n in range(4))
    capture_hold(hold=spent, now=NOW)
    release_hold(hold=freed, now=NOW)
    before = written()

    with pytest.raises(MoreThanOpen):
        capture_hold(hold=open_one, points=11, now=NOW)
    with pytest.raises(HoldOver):
        capture_hold(hold=over, now=NOW + 15 * MINUTE)
    with pytest.raises(HoldOver):
        capture_hold(hold=spent, points=5, now=NOW)
    with pytest.raises(HoldOver):
        capture_hold(hold=freed, now=NOW)
    with pytest.raises(HoldOver):
        release_hold(hold=spent, now=NOW)

    assert written() == before


def test_the_sweep_frees_what_was_forgotten_and_nothing_else(wang, place):
    forgotten, recent = place(60), place(30, key="basket:2", minutes=60)

    freed = free_overdue(now=NOW + 15 * MINUTE)

    assert (freed, free_overdue(now=NOW + 15 * MINUTE)) == (1, 0)
    assert dict(Hold.objects.values_list("pk", "status")) == {forgotten.pk: "expired", recent.pk: "open"}
    assert holds(wang) == Balances(0, 70, 30)
    assert release_hold(hold=forgotten, now=NOW + 16 * MINUTE).status == "expired"


def test_every_tick_sweeps(wang, place):
    hold = place()
    Hold.objects.filter(pk=hold.pk).update(placed_at=NOW - 60 * MINUTE, expires_at=timezone.now() - MINUTE)

    tasks.tick()

    hold.refresh_from_db()
    assert (hold.status, holds(wang).held) == ("expired", 0)


@pytest.mark.django_db(transaction=True)
def test_of_two_captures_at_once_one_spends(wang, place):
    hold = place()

    answers = all_at_once(lambda n: capture_hold(hold=hold, points=50 + n, now=NOW), 2)

    assert [type(each) for each in answers].count(HoldOver) == 1
    assert Movement.objects.filter(kind="spend").count() == 1
    assert holds(wang).held == 0
    assert prove_range(**EVERYTHING, now=NOW) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_of", range(5))
def test_of_capture_and_sweep_at_the_same_moment_exactly_one_wins(wang, place, round_of):
    hold = place()
    late = NOW + 15 * MINUTE

    def work(number: int) -> Any:
        if number % 2:
            return free_overdue(now=late)
        return capture_hold(hold=hold, now=late - MINUTE / 60)  # the till's clock is a second behind

    all_at_once(work, 6)

    hold.refresh_from_db()
    kinds = sorted(Movement.objects.exclude(kind__in=["earn", "hold"]).values_list("kind", flat=True))
    assert (hold.status, kinds) in [("captured", ["spend"]), ("expired", ["release"])]
    assert holds(wang) == (Balances(0, 40, 0) if hold.status == "captured" else Balances(0, 100, 0))


@pytest.mark.django_db(transaction=True)
def test_many_workers_sweep_many_holds_once(wang, place):
    for number in range(30):
        place(3, key=f"basket:{number}")

    answers = all_at_once(lambda _n: free_overdue(now=NOW + 20 * MINUTE), 6)

    assert sum(answers) == 30
    assert holds(wang) == Balances(0, 100, 0)


# The tills' door


def ask(till: Any, path: str, said: Any = None, key: str = "k1") -> Any:
    headers = {"Authorization": f"Bearer {till.key}", "Idempotency-Key": key}
    return Client().post(f"/api/v1/holds{path}", json.dumps(said or {}), "application/json", headers=headers)


def test_a_till_holds_and_captures(wang, place):
    till = TillFactory.create()
    said = {"member": {"kind": "number", "value": wang.number}, "points": 40}

    placed = ask(till, "", said)
    repeated = ask(till, "", said)
    captured = ask(till, f"/{placed.json()['hold']}/capture", {"points": 30}, "k2")

    assert (placed.status_code, placed.json()["held"], placed.json()["active"]) == (201, 40, 60)
    assert repeated.json() == placed.json()
    assert (captured.status_code, captured.json()["captured"], captured.json()["active"]) == (200, 30, 70)
    assert ask(till, f"/{placed.json()['hold']}/release", key="k3").json()["error"]["code"] == "hold_over"


def test_a_till_touches_no_hold_of_another_store(wang, place):
    hold = place()
    stranger = TillFactory.create()
    before = written()

    for path in ("capture", "release"):
        answer = ask(stranger, f"/{hold.pk}/{path}", key=path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_hold")

    assert written() == before


def test_a_hold_that_makes_no_sense_is_refused_with_a_code(wang, place):
    till = TillFactory.create()
    who = {"kind": "number", "value": wang.number}

    codes = {
        ask(till, "", said, str(number)).json()["error"]["code"]
        for number, said in enumerate(
            [{"member": who}, {"member": who, "points": 0}, {"member": who, "points": 1, "minutes": 9_999}]
        )
    }

    assert codes == {"invalid"}
    assert not Hold.objects.exists()
    assert Account.objects.get(kind__code="points").held == 0
