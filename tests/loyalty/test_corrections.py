"""Points by hand: alone within one's limits, above them by two people, once, and for one's own members only."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty import tasks
from loyalty.corrections.actions import (
    approve_correction,
    ask_correction,
    ask_write_off,
    expire_corrections,
    limits_of,
    refuse_correction,
    withdraw_correction,
)
from loyalty.corrections.models import Correction, CorrectionLimit, CorrectionReason
from loyalty.corrections.rules import (
    CorrectionOver,
    Limits,
    MayNotApprove,
    NotTheAsker,
    NotTheirMember,
    ReasonOff,
    is_within,
)
from loyalty.ledger.actions import claw_back, earn, redeem
from loyalty.ledger.models import Balances, Movement
from loyalty.ledger.rules import BadPoints, KeyReused, MoreThanOpen, NotEnoughPoints, SamePerson
from members.stores.models import User
from tests.factories import NOW, StoreFactory, UserFactory
from tests.loyalty.bookkeeping import DAY, books, by, holds
from tests.races import all_at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(wang) -> User:
    CorrectionLimit.objects.filter(role__name="clerk").update(
        gives_once=100, gives_a_day=150, takes_once=50, takes_a_day=60
    )
    return UserFactory.create(username="clerk", role="clerk", stores=[wang.home_store])


@pytest.fixture
def manager(wang) -> User:
    return UserFactory.create(username="manager", role="manager", stores=[wang.home_store])


@pytest.fixture
def ask(wang, points, clerk) -> Any:
    def ask(amount: int, *, key: str = "c1", verb: Any = ask_correction, **more: Any) -> Correction:
        said = {"member": wang, "kind": points, "points": amount, "by": clerk, "key": key, "now": NOW}
        return verb(**{**said, "reason": CorrectionReason.objects.get(code="goodwill"), **more})

    return ask


def written() -> Any:
    return books(), list(Correction.objects.order_by("pk").values_list())


def test_within_the_limit_the_points_move_at_once(wang, clerk, ask):
    given = ask(100)

    movement = Movement.objects.get(pk=given.movement_id)
    assert (given.status, given.needs_second, holds(wang)) == ("approved", False, Balances(0, 100, 0))
    assert (movement.kind, movement.key, movement.actor) == ("adjust", f"correction:{given.pk}", "clerk")
    assert movement.reason == "服务补偿"
    assert ask(-50, key="c2").status == "approved"
    assert holds(wang).active == 50


def test_above_the_limit_a_second_person_decides(wang, clerk, manager, ask):
    waiting = ask(101)
    assert (waiting.status, waiting.needs_second) == ("waiting", True)
    assert not Movement.objects.exists()

    done = approve_correction(correction=waiting, by=manager, now=NOW + DAY)

    assert (done.status, done.decided_by, holds(wang).active) == ("approved", manager, 101)
    assert Movement.objects.get().actor == "clerk, manager"


@pytest.mark.parametrize(("first", "second"), [(100, 51), (-50, -11)])
def test_the_days_sum_counts_for_each_direction_and_begins_anew_at_midnight(wang, clerk, ask, first, second):
    earn(points=500, **by(wang, "sale:1"))
    ask(first)

    assert ask(second, key="c2").status == "waiting"
    assert ask(50 if first > 0 else -10, key="c3").status == "approved"
    assert ask(first, key="c4", now=NOW + DAY).status == "approved"


def test_several_roles_have_the_widest_limit_and_no_role_has_none(clerk, manager):
    clerk.groups.add(*manager.groups.all())
    owner = UserFactory.create(is_superuser=True)

    assert limits_of(clerk).gives_once == 5_000
    assert limits_of(owner).gives_once == 20_000
    assert limits_of(UserFactory.create()) == Limits()
    assert not is_within(Limits(), points=1, today=0)


def test_the_same_key_is_the_same_correction(wang, clerk, ask):
    first = ask(50)

    assert ask(50).pk == first.pk
    before = written()
    with pytest.raises(KeyReused):
        ask(51)
    assert written() == before


def test_what_cannot_be_asked_changes_nothing(wang, points, clerk, ask):
    stranger = UserFactory.create(role="manager", stores=[StoreFactory.create()])
    off = CorrectionReason.objects.create(code="old", name_zh="旧", name_en="Old", is_on=False)
    before = written()

    for refusal, said in (
        (BadPoints, {"amount": 0}),
        (NotEnoughPoints, {"amount": -10}),
        (ReasonOff, {"amount": 10, "reason": off}),
        (NotTheirMember, {"amount": 10, "by": stranger}),
        (NotTheirMember, {"amount": 10, "by": stranger, "verb": ask_write_off}),
    ):
        with pytest.raises(refusal):
            ask(said.pop("amount"), **said)

    assert written() == before


def test_who_may_not_decide_changes_nothing(wang, clerk, manager, ask):
    waiting = ask(500)
    own = ask(9_000, key="c2", by=manager)
    stranger = UserFactory.create(role="manager", stores=[StoreFactory.create()])
    other_clerk = UserFactory.create(role="clerk", stores=[wang.home_store])
    before = written()

    for decide in (approve_correction, refuse_correction):
        with pytest.raises(SamePerson):
            decide(correction=own, by=manager, now=NOW)
        with pytest.raises(SamePerson):
            decide(correction=waiting, by=clerk, now=NOW)
        with pytest.raises(MayNotApprove):
            decide(correction=waiting, by=other_clerk, now=NOW)
        with pytest.raises(NotTheirMember):
            decide(correction=waiting, by=stranger, now=NOW)
        with pytest.raises(CorrectionOver):
            decide(correction=waiting, by=manager, now=NOW + 7 * DAY)
    with pytest.raises(NotTheAsker):
        withdraw_correction(correction=waiting, by=manager, now=NOW)

    assert written() == before


def test_what_the_ledger_refuses_still_waits(wang, clerk, manager, ask):
    earn(points=100, **by(wang, "sale:1"))
    waiting = ask(-90)
    redeem(points=50, **by(wang, "reward:1"))
    before = written()

    with pytest.raises(NotEnoughPoints):
        approve_correction(correction=waiting, by=manager, now=NOW)

    assert written() == before


@pytest.mark.parametrize("end", ["approved", "refused", "withdrawn", "expired"])
def test_what_is_over_is_over(wang, clerk, manager, ask, end):
    waiting = ask(500)
    match end:
        case "approved":
            approve_correction(correction=waiting, by=manager, now=NOW)
        case "refused":
            refuse_correction(correction=waiting, by=manager, now=NOW)
        case "withdrawn":
            withdraw_correction(correction=waiting, by=clerk, now=NOW)
        case "expired":
            assert expire_corrections(now=NOW + 8 * DAY) == 1
    waiting.refresh_from_db()
    assert (waiting.status, bool(waiting.movement_id)) == (end, end == "approved")
    before = written()

    for decide, who in ((approve_correction, manager), (refuse_correction, manager), (withdraw_correction, clerk)):
        with pytest.raises(CorrectionOver):
            decide(correction=waiting, by=who, now=NOW)

    assert written() == before


def test_every_tick_forgets_what_nobody_decided(clerk, ask):
    waiting = ask(500, now=NOW - timedelta(days=3_000))

    tasks.tick()

    waiting.refresh_from_db()
    assert waiting.status == "expired"


def test_debt_is_forgiven_by_two_people_however_wide_the_limit(wang, points, clerk, manager, ask):
    earn(points=20, **by(wang, "sale:1"))
    redeem(points=20, **by(wang, "reward:1"))
    claw_back(earned="sale:1", points=20, **by(wang, "return:1"))

    waiting = ask(20, verb=ask_write_off)
    too_much = ask(21, key="c2", verb=ask_write_off)
    assert waiting.status == "waiting"
    with pytest.raises(MoreThanOpen):
        approve_correction(correction=too_much, by=manager, now=NOW)
    approve_correction(correction=waiting, by=manager, now=NOW)

    assert holds(wang) == Balances(0, 0, 0)
    assert Movement.objects.get(kind="write_off").actor == "clerk, manager"


@pytest.mark.django_db(transaction=True)
def test_of_two_approvals_at_once_one_moves_the_points(wang, clerk, manager, ask):
    waiting = ask(500)
    second = UserFactory.create(role="manager", stores=[wang.home_store])

    answers = all_at_once(lambda n: approve_correction(correction=waiting, by=(manager, second)[n], now=NOW), 2)

    assert [type(each) for each in answers].count(CorrectionOver) == 1
    assert holds(wang) == Balances(0, 500, 0)


@pytest.mark.django_db(transaction=True)
def test_nobody_passes_the_days_limit_by_asking_in_parallel(wang, clerk, ask):
    answers = all_at_once(lambda n: ask(40, key=f"c{n}"), 10)

    assert sorted(each.status for each in answers) == ["approved"] * 3 + ["waiting"] * 7
    assert holds(wang).active == 120
