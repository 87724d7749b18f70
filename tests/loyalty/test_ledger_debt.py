"""Claw-backs, the debt that they make, and points that go from one member to another."""

from typing import Any

import pytest

from loyalty.ledger.actions import (
    Credit,
    claw_back,
    earn,
    earn_many,
    hold,
    prove_range,
    redeem,
    release,
    restore,
    settle_member,
    transfer,
    write_off,
)
from loyalty.ledger.models import Balances, Movement
from loyalty.ledger.rules import DebtLimitReached, KeyReused, MoreThanOpen, NotEnoughPoints, SamePerson, UnknownCause
from members.profiles.models import Member
from tests.factories import NOW, MemberFactory
from tests.loyalty.bookkeeping import DAY, EVERYTHING, books, by, earn_three, holds, lots, uses
from tests.races import all_at_once

pytestmark = pytest.mark.django_db


# Claw-backs and debt


def test_a_claw_back_takes_pending_points_where_they_wait(wang):
    earn(points=10, activates_at=NOW + DAY, **by(wang, "sale:1"))
    earn(points=10, **by(wang, "sale:2"))

    taken = claw_back(earned="sale:1", points=4, **by(wang, "return:1"))

    assert (taken.points, holds(wang)) == (4, Balances(6, 10, 0))
    assert claw_back(earned="sale:1", points=6, **by(wang, "return:2", NOW + DAY)).active == 10


def test_a_claw_back_takes_its_own_lot_first_then_others_then_makes_debt_up_to_the_limit(wang):
    earn_three(wang)
    redeem(points=3, **by(wang, "reward:1"))

    own = claw_back(earned="late", points=4, **by(wang, "return:1"))
    others = claw_back(earned="late", points=6, **by(wang, "return:2"))
    redeem(points=17, **by(wang, "reward:2"))
    cut = claw_back(earned="soon", points=10, **by(wang, "return:3"))

    assert uses(own.movement) == [(30, 4)]
    assert uses(others.movement) == [(30, 6)]
    assert (cut.points, cut.active, uses(cut.movement)) == (10, -10, [])
    assert sum(left for left, _held, _ends in lots(wang)) == 0


def test_a_claw_back_beyond_the_limit_or_the_earning_is_refused(wang):
    earn(points=50, **by(wang, "sale:1"))
    redeem(points=50, **by(wang, "reward:1"))
    with pytest.raises(MoreThanOpen, match=r"51\D+50"):
        claw_back(earned="sale:1", points=51, **by(wang, "return:1"))
    claw_back(earned="sale:1", points=50, **by(wang, "return:1"))
    before = books()

    with pytest.raises(DebtLimitReached, match=r"\b30\b"):
        claw_back(earned="sale:1", points=1, **by(wang, "return:2"))
    for cause in ("reward:1", "nothing"):
        with pytest.raises(UnknownCause):
            claw_back(earned=cause, points=1, **by(wang, "return:2"))

    assert books() == before
    assert holds(wang) == Balances(0, -30, 0)


@pytest.mark.parametrize("way", ["earn", "earn_many", "activation", "restore", "release", "transfer"])
def test_the_next_points_repay_a_debt_first(wang, li, points, way):
    earn(points=20, **by(wang, "sale:1"))
    if way == "activation":
        earn(points=25, activates_at=NOW + DAY, **by(wang, "waiting"))
    (hold if way == "release" else redeem)(points=20, **by(wang, "out"))
    claw_back(earned="sale:1", points=15, **by(wang, "return:1"))
    earn(points=25, **by(li, "gift"))

    match way:
        case "earn":
            earn(points=25, **by(wang, "sale:2"))
        case "earn_many":
            earn_many(credits=[Credit(wang.pk, points.pk, 25, "sale:2", NOW, NOW, None)])
        case "activation":
            settle_member(member=wang, now=NOW + DAY)
        case "transfer":
            transfer(giver=li, receiver=wang, kind=points, points=25, key="gift:1", now=NOW)
        case "restore":
            restore(spent="out", **by(wang, "return:2"))
        case "release":
            release(held="out", **by(wang, "return:2"))

    active = 5 if way in ("restore", "release") else 10
    assert holds(wang) == Balances(0, active, 0)
    assert sum(left for left, _held, _ends in lots(wang)) == active
    assert prove_range(**EVERYTHING, now=NOW) == 0


def test_debt_is_forgiven_by_two_people_and_never_beyond_it(wang):
    earn(points=20, **by(wang, "sale:1"))
    redeem(points=20, **by(wang, "reward:1"))
    claw_back(earned="sale:1", points=20, **by(wang, "return:1"))
    before = books()

    for actor, approver in (("anna", "anna"), ("anna", ""), ("", "bo"), ("", "")):
        with pytest.raises(SamePerson):
            write_off(points=20, actor=actor, approver=approver, **by(wang, "forgive:1"))
    with pytest.raises(MoreThanOpen, match=r"21\D+20"):
        write_off(points=21, actor="anna", approver="bo", **by(wang, "forgive:1"))
    assert books() == before

    forgiven = write_off(points=20, actor="anna", approver="bo", **by(wang, "forgive:1"))
    again = write_off(points=20, actor="anna", approver="bo", **by(wang, "forgive:1"))

    assert (forgiven.active, again.movement, again.is_replay) == (0, forgiven.movement, True)
    assert Movement.objects.get(kind="write_off").actor == "anna, bo"


def test_debt_that_an_activation_has_repaid_cannot_be_forgiven(wang):
    earn(points=20, **by(wang, "sale:1"))
    earn(points=20, activates_at=NOW + DAY, **by(wang, "sale:2"))
    redeem(points=20, **by(wang, "reward:1"))
    claw_back(earned="sale:1", points=20, **by(wang, "return:1"))

    with pytest.raises(MoreThanOpen, match=r"\b0\b"):
        write_off(points=20, actor="anna", approver="bo", **by(wang, "forgive:1", NOW + DAY))

    assert holds(wang) == Balances(20, -20, 0)


# Transfers


def test_a_transfer_keeps_every_expiry(wang, li, points):
    earn_three(wang)

    given, received = transfer(giver=wang, receiver=li, kind=points, points=25, key="gift:1", now=NOW, actor="wang")
    again = transfer(giver=wang, receiver=li, kind=points, points=25, key="gift:1", now=NOW + DAY)

    assert (given.active, received.active) == (5, 25)
    assert lots(li) == [(10, 0, 20), (10, 0, 30), (5, 0, None)]
    assert [(posting.movement, posting.is_replay) for posting in again] == [
        (given.movement, True),
        (received.movement, True),
    ]


def test_a_transfer_that_cannot_be_changes_neither_side(wang, li, points):
    chen = MemberFactory.create(name="陈静")
    earn(points=50, **by(wang, "sale:1"))
    earn(points=50, **by(chen, "gift:2"))
    transfer(giver=wang, receiver=li, kind=points, points=20, key="gift:1", now=NOW)
    before = books()

    def gift(giver: Member, receiver: Member, *, key: str = "gift:3", amount: int = 20) -> None:
        transfer(giver=giver, receiver=receiver, kind=points, points=amount, key=key, now=NOW)

    with pytest.raises(NotEnoughPoints):
        gift(wang, li, amount=31)
    with pytest.raises(SamePerson):
        gift(wang, wang)
    with pytest.raises(KeyReused):
        gift(wang, chen, key="gift:1")  # went to somebody else
    with pytest.raises(KeyReused):
        gift(li, wang, key="gift:1")  # the way back is not the way there
    with pytest.raises(KeyReused):
        gift(wang, chen, key="gift:2")  # the receiver has the key

    assert books() == before


@pytest.mark.django_db(transaction=True)
def test_opposite_transfers_at_once_never_deadlock_and_conserve_points(wang, li, points):
    for member in (wang, li):
        earn(points=100, **by(member, "sale:1"))

    def give(number: int) -> Any:
        giver, receiver = (wang, li) if number % 2 else (li, wang)
        return transfer(giver=giver, receiver=receiver, kind=points, points=7, key=f"gift:{number}", now=NOW)

    answers = all_at_once(give, 20)

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert (holds(wang), holds(li)) == (Balances(0, 100, 0), Balances(0, 100, 0))
    assert prove_range(**EVERYTHING, now=NOW) == 0
