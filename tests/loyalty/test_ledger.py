"""Points come, go and come back by named verbs: never twice, never out of nothing, the soonest to die first."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from loyalty.ledger.actions import (
    Credit,
    adjust,
    bring_in,
    capture,
    claw_back,
    earn,
    earn_many,
    hold,
    prove_range,
    redeem,
    release,
    restore,
    settle_member,
    settle_range,
    transfer,
    write_off,
)
from loyalty.ledger.models import Account, Balances, Movement, PointKind
from loyalty.ledger.rules import (
    BadKey,
    BadLife,
    BadPoints,
    KeyReused,
    MoreThanOpen,
    NotEnoughPoints,
    NotSpendable,
    ReasonMissing,
    UnknownCause,
)
from tests.factories import NOW, MemberFactory
from tests.loyalty.bookkeeping import DAY, EVERYTHING, books, by, earn_three, holds, lots, uses
from tests.races import all_at_once

pytestmark = pytest.mark.django_db


# Keys


def test_the_same_key_and_content_is_answered_again_and_written_once(wang):
    first = earn(points=50, **by(wang, "sale:1"))
    spent = redeem(points=20, **by(wang, "reward:1"))
    before = books()

    again = [earn(points=50, **by(wang, "sale:1", NOW + DAY)), redeem(points=20, **by(wang, "reward:1", NOW + DAY))]

    assert [posting.is_replay for posting in again] == [True, True]
    assert [(p.movement, p.active) for p in again] == [(p.movement, p.active) for p in (first, spent)]
    assert books() == before


@pytest.mark.parametrize(
    "other",
    [
        lambda wang: earn(points=51, **by(wang, "sale:1")),
        lambda wang: bring_in(points=50, **by(wang, "sale:1")),
        lambda wang: redeem(points=50, **by(wang, "sale:1")),
        lambda wang: adjust(points=-50, reason="counted again", **by(wang, "adjusted")),
        lambda wang: redeem(points=5, **by(wang, "captured")),
        lambda wang: capture(held="hold:2", **by(wang, "captured")),
        lambda wang: release(held="hold:1", **by(wang, "captured")),
        lambda wang: claw_back(earned="sale:2", points=3, **by(wang, "return:1")),
        lambda wang: claw_back(earned="sale:1", points=2, **by(wang, "return:1")),
        lambda wang: claw_back(earned="sale:1", points=4, **by(wang, "return:1")),
    ],
)
def test_the_same_key_with_other_content_is_refused_and_changes_nothing(wang, other):
    for key in ("sale:1", "sale:2"):
        earn(points=50, **by(wang, key))
    adjust(points=50, reason="counted", **by(wang, "adjusted"))
    for key in ("hold:1", "hold:2"):
        hold(points=5, **by(wang, key))
    capture(held="hold:1", **by(wang, "captured"))
    claw_back(earned="sale:1", points=3, **by(wang, "return:1"))
    before = books()

    with pytest.raises(KeyReused):
        other(wang)

    assert books() == before


def test_keys_are_apart_for_each_account(wang, li):
    growth = PointKind.objects.get(code="growth")

    for member, kind in ((wang, {}), (li, {}), (wang, {"kind": growth})):
        assert not earn(points=50, **(by(member, "sale:1") | kind)).is_replay

    assert Movement.objects.filter(key="sale:1").count() == 3


@pytest.mark.django_db(transaction=True)
def test_fifty_threads_with_the_same_key_write_one_row(wang):
    earn(points=100, **by(wang, "sale:1"))

    answers = all_at_once(lambda _number: redeem(points=30, **by(wang, "reward:1")), 50)

    assert len({posting.movement for posting in answers}) == 1
    assert sum(not posting.is_replay for posting in answers) == 1
    assert holds(wang) == Balances(0, 70, 0)


def test_a_claw_back_that_the_limit_cut_is_answered_again(wang):
    earn(points=50, **by(wang, "sale:1"))
    redeem(points=50, **by(wang, "reward:1"))
    cut = claw_back(earned="sale:1", points=50, **by(wang, "return:1"))

    again = claw_back(earned="sale:1", points=50, **by(wang, "return:1"))

    assert (cut.points, again.points, again.is_replay) == (30, 30, True)


# What is refused before anything is asked of the database


@pytest.mark.parametrize(
    "amount", [0, -1, 1.5, 5.0, True, "5", 10**12 + 1, 10**13, float("nan"), float("inf"), Decimal(5), [5]]
)
def test_a_number_of_points_that_is_none_is_refused_by_every_verb(wang, li, points, amount):
    earn(points=50, **by(wang, "sale:1"))
    hold(points=5, **by(wang, "hold:1"))
    redeem(points=5, **by(wang, "reward:1"))
    before = books()
    cause = by(wang, "x")
    verbs: list[Callable[[], Any]] = [
        lambda: earn(points=amount, **cause),
        lambda: bring_in(points=amount, **cause),
        lambda: redeem(points=amount, **cause),
        lambda: hold(points=amount, **cause),
        lambda: capture(held="hold:1", points=amount, **cause),
        lambda: release(held="hold:1", points=amount, **cause),
        lambda: restore(spent="reward:1", points=amount, **cause),
        lambda: claw_back(earned="sale:1", points=amount, **cause),
        lambda: write_off(points=amount, actor="anna", approver="bo", **cause),
        lambda: transfer(giver=wang, receiver=li, kind=points, points=amount, key="x", now=NOW),
        lambda: earn_many(credits=[Credit(wang.pk, points.pk, amount, "x", NOW, NOW, None)]),
    ]
    if amount != -1:  # takes one point
        verbs.append(lambda: adjust(points=amount, reason="counted", **cause))

    for verb in verbs:
        with pytest.raises(BadPoints):
            verb()

    assert books() == before


@pytest.mark.parametrize("key", ["", "x" * 101])
def test_a_key_has_one_to_a_hundred_characters(wang, points, key):
    with pytest.raises(BadKey):
        earn(points=5, **by(wang, key))
    with pytest.raises(BadKey):
        redeem(points=5, **by(wang, key))
    with pytest.raises(BadKey):
        claw_back(earned="sale:1", points=5, **by(wang, key))
    with pytest.raises(BadKey):
        earn_many(credits=[Credit(wang.pk, points.pk, 5, key, NOW, NOW, None)])

    assert not Movement.objects.exists()


@pytest.mark.parametrize(("starts", "ends"), [(0, 0), (0, -1), (5, 5), (5, 4), (-9, -1)])
def test_points_that_would_be_dead_on_arrival_are_refused(wang, points, starts, ends):
    life = {"activates_at": NOW + starts * DAY, "expires_at": NOW + ends * DAY}

    with pytest.raises(BadLife):
        earn(points=5, **life, **by(wang, "sale:1"))
    with pytest.raises(BadLife):
        earn_many(credits=[Credit(wang.pk, points.pk, 5, "sale:1", NOW, **life)])

    assert not Movement.objects.exists()


def test_a_correction_by_hand_needs_a_reason(wang):
    for reason in ({}, {"reason": ""}, {"reason": "  "}):
        with pytest.raises(ReasonMissing):
            adjust(points=5, **reason, **by(wang, "adjust:1"))

    assert not Movement.objects.exists()
    adjust(points=5, reason="counted twice", actor="staff:1", **by(wang, "adjust:1"))
    assert Movement.objects.values_list("reason", "actor").get() == ("counted twice", "staff:1")


# Spending


def test_spending_takes_the_soonest_expiring_lots_first_and_records_which(wang):
    earn_three(wang)

    spent = redeem(points=15, **by(wang, "reward:1"))

    assert lots(wang) == [(0, 0, 20), (5, 0, 30), (10, 0, None)]
    assert uses(spent.movement) == [(20, 10), (30, 5)]


def test_redeem_refuses_to_overdraw_and_leaves_no_trace(wang):
    earn(points=20, **by(wang, "sale:1"))
    earn(points=20, activates_at=NOW + DAY, **by(wang, "sale:2"))
    before = books()

    with pytest.raises(NotEnoughPoints, match=r"21\D+20"):
        redeem(points=21, **by(wang, "reward:1"))
    with pytest.raises(NotEnoughPoints):
        adjust(points=-21, reason="counted", **by(wang, "adjust:1"))
    with pytest.raises(NotEnoughPoints):
        hold(points=21, **by(wang, "hold:1"))

    assert books() == before


@pytest.mark.django_db(transaction=True)
def test_of_fifty_redemptions_at_once_as_many_succeed_as_the_balance_covers(wang):
    earn(points=109, **by(wang, "sale:1"))

    answers = all_at_once(lambda number: redeem(points=10, **by(wang, f"reward:{number}")), 50)

    assert sum(isinstance(answer, NotEnoughPoints) for answer in answers) == 40
    assert holds(wang) == Balances(0, 9, 0)
    assert Movement.objects.filter(kind="spend").count() == 10
    assert prove_range(**EVERYTHING, now=NOW) == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_tills_that_redeem_the_same_points_at_once_one_is_refused(wang):
    earn(points=100, **by(wang, "sale:1"))

    answers = all_at_once(lambda number: redeem(points=100, **by(wang, f"till:{number}")), 2)

    assert sorted(type(answer).__name__ for answer in answers) == ["NotEnoughPoints", "Posting"]
    assert holds(wang) == Balances(0, 0, 0)


# Time


def test_a_late_night_never_makes_a_balance_wrong(wang):
    earn(points=10, activates_at=NOW + DAY, expires_at=NOW + 2 * DAY, **by(wang, "dead"))
    earn(points=20, activates_at=NOW + DAY, expires_at=NOW + 9 * DAY, **by(wang, "alive"))

    with pytest.raises(NotEnoughPoints, match=r"25\D+20"):
        redeem(points=25, **by(wang, "reward:1", NOW + 3 * DAY))

    moved = Movement.objects.of(wang).exclude(kind="earn").order_by("pk")
    assert list(moved.values_list("kind", "points", "active_after", "happened_at")) == [
        ("activate", 10, 10, NOW + DAY),
        ("activate", 20, 30, NOW + DAY),
        ("expire", 10, 20, NOW + 2 * DAY),
    ]


@pytest.mark.parametrize("is_debtor", [False, True])
def test_a_night_says_what_it_did_and_does_nothing_a_second_time(wang, li, is_debtor):
    earn(points=20, activates_at=NOW + DAY, expires_at=NOW + 2 * DAY, **by(wang, "sale:1"))
    if is_debtor:
        earn(points=5, **by(wang, "sale:2"))
        redeem(points=5, **by(wang, "reward:1"))
        claw_back(earned="sale:2", points=5, **by(wang, "return:1"))
    earn(points=20, expires_at=NOW + 9 * DAY, **by(li, "sale:1"))

    settled = settle_range(**EVERYTHING, now=NOW + 2 * DAY)

    assert (settled.accounts, settled.activated, settled.expired) == (1, 20, 15 if is_debtor else 20)
    assert settle_range(**EVERYTHING, now=NOW + 2 * DAY).accounts == 0
    assert (holds(wang), holds(li)) == (Balances(0, 0, 0), Balances(0, 20, 0))


def test_what_a_member_held_at_a_past_moment_is_what_had_happened_before_it(wang, points):
    earn(points=10, activates_at=NOW + DAY, expires_at=NOW + 3 * DAY, **by(wang, "sale:1"))
    hold(points=4, **by(wang, "hold:1", NOW + 2 * DAY))
    settle_member(member=wang, now=NOW + 9 * DAY)
    before = timedelta(microseconds=1)

    def at(moment: datetime) -> Balances:
        return Movement.objects.of(wang).of_kind(points).until(moment).balances()

    assert at(NOW) == Balances(0, 0, 0)
    assert at(NOW + DAY) == Balances(10, 0, 0)
    assert at(NOW + DAY + before) == Balances(0, 10, 0)
    assert at(NOW + 3 * DAY) == Balances(0, 6, 4)
    assert at(NOW + 9 * DAY) == Balances(0, 0, 4)


# Giving back


def test_a_restore_puts_points_back_into_the_lots_they_came_from(wang):
    earn_three(wang)
    redeem(points=25, **by(wang, "reward:1"))

    part = restore(spent="reward:1", points=8, **by(wang, "return:1"))
    rest = restore(spent="reward:1", **by(wang, "return:2"))

    assert uses(part.movement) == [(None, -5), (30, -3)]
    assert rest.points == 17
    assert lots(wang) == [(10, 0, 20), (10, 0, 30), (10, 0, None)]


def test_a_restore_into_a_dying_lot_gets_the_least_life(wang):
    earn(points=10, expires_at=NOW + 12 * DAY, **by(wang, "sale:1"))
    redeem(points=10, **by(wang, "reward:1"))

    restore(spent="reward:1", points=4, **by(wang, "return:1", NOW + 2 * DAY))
    restore(spent="reward:1", points=3, **by(wang, "return:2", NOW + 3 * DAY))
    restore(spent="reward:1", points=3, **by(wang, "return:3", NOW + 40 * DAY))

    assert lots(wang) == [(0, 0, 12), (0, 0, 13), (3, 0, 50)]  # the first two have expired since
    assert list(Movement.objects.filter(kind="expire").values_list("points", flat=True)) == [4, 3]


def test_no_more_comes_back_than_was_spent(wang):
    earn(points=10, **by(wang, "sale:1"))
    redeem(points=10, **by(wang, "reward:1"))
    restore(spent="reward:1", points=6, **by(wang, "return:1"))
    before = books()

    with pytest.raises(MoreThanOpen, match=r"5\D+4"):
        restore(spent="reward:1", points=5, **by(wang, "return:2"))
    for cause in ("sale:1", "return:1", "nothing"):
        with pytest.raises(UnknownCause):
            restore(spent=cause, **by(wang, "return:2"))

    assert books() == before
    restore(spent="reward:1", **by(wang, "return:2"))
    with pytest.raises(MoreThanOpen, match=r"\b0\b"):
        restore(spent="reward:1", **by(wang, "return:3"))


def test_a_hold_is_captured_and_released_in_parts(wang):
    earn_three(wang)
    hold(points=25, **by(wang, "hold:1"))
    assert (holds(wang), lots(wang)) == (Balances(0, 5, 25), [(0, 10, 20), (0, 10, 30), (5, 5, None)])

    captured = capture(held="hold:1", points=12, **by(wang, "order:1"))
    release(held="hold:1", points=6, **by(wang, "order:2"))

    assert uses(captured.movement) == [(20, 10), (30, 2)]
    assert (holds(wang), lots(wang)) == (Balances(0, 11, 7), [(0, 0, 20), (1, 7, 30), (10, 0, None)])
    with pytest.raises(MoreThanOpen):
        capture(held="hold:1", points=8, **by(wang, "order:3"))
    restore(spent="order:1", **by(wang, "return:1"))
    capture(held="hold:1", **by(wang, "order:3"))
    assert holds(wang) == Balances(0, 23, 0)


def test_what_is_released_after_its_lot_died_gets_the_least_life(wang):
    earn(points=10, expires_at=NOW + 2 * DAY, **by(wang, "sale:1"))
    hold(points=6, **by(wang, "hold:1"))

    release(held="hold:1", points=1, **by(wang, "order:1", NOW + DAY))
    release(held="hold:1", points=2, **by(wang, "order:2", NOW + 2 * DAY))
    capture(held="hold:1", **by(wang, "order:3", NOW + 3 * DAY))

    assert holds(wang) == Balances(0, 2, 0)
    assert lots(wang) == [(0, 0, 2), (2, 0, 12)]
    assert Movement.objects.get(kind="expire").points == 5


def test_growth_is_counted_and_never_spent():
    wang = MemberFactory.create(name="王芳")
    growth = PointKind.objects.get(code="growth")
    earn(member=wang, kind=growth, points=50, key="sale:1", now=NOW)

    for verb in (redeem, hold):
        with pytest.raises(NotSpendable):
            verb(member=wang, kind=growth, points=10, key="reward:1", now=NOW)

    assert Account.objects.get(member=wang, kind=growth).active == 50
