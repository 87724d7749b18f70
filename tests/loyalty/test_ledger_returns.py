"""Returns of what lapsed, returns that are cancelled, points that wait for an event or lapse without activity."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty.ledger.actions import (
    Credit,
    activate,
    cancel_pending,
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
    undo_claw_back,
    write_off,
)
from loyalty.ledger.models import Account, Balances, Lot, Movement
from loyalty.ledger.rules import (
    WHEN_TOLD,
    AlreadyUndone,
    BadLife,
    DebtLimitReached,
    KeyReused,
    MoreThanOpen,
    NotEnoughPoints,
    NotPending,
    UnknownCause,
)
from tests.factories import NOW
from tests.loyalty.bookkeeping import DAY, EVERYTHING, books, by, holds, lots, uses
from tests.races import all_at_once

pytestmark = pytest.mark.django_db

# Claw-backs of what lapsed


def test_what_lapsed_is_not_taken_a_second_time(wang):
    earn(points=10, expires_at=NOW + DAY, **by(wang, "sale:1"))
    earn(points=50, **by(wang, "sale:2"))

    taken = claw_back(earned="sale:1", points=10, **by(wang, "return:1", NOW + 2 * DAY))
    again = claw_back(earned="sale:1", points=10, **by(wang, "return:1", NOW + 3 * DAY))

    assert (taken.points, holds(wang)) == (0, Balances(0, 50, 0))
    assert (again.movement, again.is_replay) == (taken.movement, True)
    with pytest.raises(MoreThanOpen):
        claw_back(earned="sale:1", points=1, **by(wang, "return:2", NOW + 2 * DAY))
    assert prove_range(**EVERYTHING, now=NOW) == 0


def test_of_an_earning_that_partly_lapsed_only_what_was_spent_is_taken_from_others(wang):
    earn(points=10, expires_at=NOW + DAY, **by(wang, "sale:1"))
    redeem(points=6, **by(wang, "reward:1"))
    earn(points=50, **by(wang, "sale:2"))

    first = claw_back(earned="sale:1", points=5, **by(wang, "return:1", NOW + 2 * DAY))
    second = claw_back(earned="sale:1", points=5, **by(wang, "return:2", NOW + 2 * DAY))

    assert [first.points, second.points] == [1, 5]
    assert holds(wang) == Balances(0, 44, 0)


def test_points_given_back_in_a_new_lot_still_belong_to_their_earning(wang):
    earn(points=10, expires_at=NOW + 5 * DAY, **by(wang, "sale:1"))
    redeem(points=10, **by(wang, "reward:1"))
    restore(spent="reward:1", **by(wang, "undo:1"))
    earn(points=50, expires_at=NOW + 6 * DAY, **by(wang, "sale:2"))

    own = claw_back(earned="sale:1", points=4, **by(wang, "return:1"))
    late = claw_back(earned="sale:1", points=6, **by(wang, "return:2", NOW + 11 * DAY))

    assert (uses(own.movement), late.points) == ([(10, 4)], 0)


def test_a_cut_claw_back_is_repeated_only_by_the_same_number(wang):
    earn(points=50, **by(wang, "sale:1"))
    redeem(points=50, **by(wang, "reward:1"))
    cut = claw_back(earned="sale:1", points=40, **by(wang, "return:1"))
    before = books()

    for other in (30, 41, 50):
        with pytest.raises(KeyReused):
            claw_back(earned="sale:1", points=other, **by(wang, "return:1"))

    again = claw_back(earned="sale:1", points=40, **by(wang, "return:1"))
    assert (cut.points, again.movement, again.points) == (30, cut.movement, 30)
    assert books() == before


# Cancelled returns


def test_undoing_a_claw_back_puts_the_points_back_where_they_were(wang):
    earn(points=10, expires_at=NOW + 40 * DAY, **by(wang, "sale:1"))
    earn(points=10, expires_at=NOW + 30 * DAY, **by(wang, "sale:2"))
    redeem(points=15, **by(wang, "reward:1"))
    before = lots(wang)
    claw_back(earned="sale:1", points=5, **by(wang, "return:1"))

    undone = undo_claw_back(clawed="return:1", **by(wang, "cancel:1"))
    again = undo_claw_back(clawed="return:1", **by(wang, "cancel:1", NOW + DAY))

    assert (undone.points, undone.active, lots(wang)) == (5, 5, before)
    assert (again.movement, again.is_replay) == (undone.movement, True)
    assert claw_back(earned="sale:1", points=10, **by(wang, "return:2")).points == 10


def test_undoing_a_claw_back_of_pending_points_lets_them_wait_again(wang):
    earn(points=10, activates_at=NOW + DAY, **by(wang, "sale:1"))
    claw_back(earned="sale:1", points=10, **by(wang, "return:1"))

    undo_claw_back(clawed="return:1", **by(wang, "cancel:1"))

    assert holds(wang) == Balances(10, 0, 0)
    settle_range(**EVERYTHING, now=NOW + DAY)
    assert holds(wang) == Balances(0, 10, 0)


def test_pending_points_whose_time_came_meanwhile_come_back_active(wang):
    earn(points=10, activates_at=NOW + DAY, expires_at=NOW + 60 * DAY, **by(wang, "sale:1"))
    claw_back(earned="sale:1", points=10, **by(wang, "return:1"))

    undo_claw_back(clawed="return:1", **by(wang, "cancel:1", NOW + 2 * DAY))

    assert (holds(wang), lots(wang)) == (Balances(0, 10, 0), [(10, 0, 60)])


def test_undoing_a_claw_back_repays_the_debt_first_and_no_more_than_that(wang):
    earn(points=20, expires_at=NOW + 60 * DAY, **by(wang, "sale:1"))
    redeem(points=12, **by(wang, "reward:1"))
    claw_back(earned="sale:1", points=20, **by(wang, "return:1"))
    earn(points=5, **by(wang, "sale:2"))

    undo_claw_back(clawed="return:1", **by(wang, "cancel:1"))

    assert holds(wang) == Balances(0, 13, 0)
    assert lots(wang) == [(8, 0, 60), (5, 0, 60), (0, 0, None)]  # five of the debt were repaid meanwhile
    assert prove_range(**EVERYTHING, now=NOW) == 0


def test_points_of_a_dead_lot_come_back_with_the_least_life(wang):
    earn(points=10, expires_at=NOW + 5 * DAY, **by(wang, "sale:1"))
    claw_back(earned="sale:1", points=10, **by(wang, "return:1"))

    undo_claw_back(clawed="return:1", **by(wang, "cancel:1", NOW + 9 * DAY))

    assert lots(wang) == [(0, 0, 5), (10, 0, 19)]


def test_what_cannot_be_undone_changes_nothing(wang):
    earn(points=10, **by(wang, "sale:1"))
    claw_back(earned="sale:1", points=4, **by(wang, "return:1"))
    claw_back(earned="sale:1", points=4, **by(wang, "return:2"))
    undo_claw_back(clawed="return:1", **by(wang, "cancel:1"))
    before = books()

    with pytest.raises(AlreadyUndone):
        undo_claw_back(clawed="return:1", **by(wang, "cancel:2"))
    with pytest.raises(KeyReused):
        undo_claw_back(clawed="return:2", **by(wang, "cancel:1"))
    with pytest.raises(UnknownCause):
        undo_claw_back(clawed="sale:1", **by(wang, "cancel:2"))

    assert books() == before


@pytest.mark.django_db(transaction=True)
def test_a_return_cancelled_twenty_times_at_once_is_cancelled_once(wang):
    earn(points=50, **by(wang, "sale:1"))
    claw_back(earned="sale:1", points=50, **by(wang, "return:1"))

    answers = all_at_once(lambda n: undo_claw_back(clawed="return:1", **by(wang, f"cancel:{n}")), 20)

    assert len([each for each in answers if isinstance(each, AlreadyUndone)]) == 19
    assert holds(wang) == Balances(0, 50, 0)


# Points that wait for an event


def test_the_event_makes_points_active_and_gives_them_their_life(wang):
    earn(points=30, activates_at=WHEN_TOLD, **by(wang, "review:1"))
    settle_range(**EVERYTHING, now=NOW + 900 * DAY)
    assert holds(wang) == Balances(30, 0, 0)

    told = activate(earned="review:1", expires_at=NOW + 930 * DAY, **by(wang, "told:1", NOW + 900 * DAY))
    again = activate(earned="review:1", **by(wang, "told:1", NOW + 901 * DAY))

    assert (told.points, told.active, again.is_replay) == (30, 30, True)
    assert lots(wang) == [(30, 0, 930)]


def test_an_event_that_never_came_takes_the_pending_points_back(wang):
    earn(points=30, activates_at=WHEN_TOLD, **by(wang, "review:1"))

    gone = cancel_pending(earned="review:1", **by(wang, "never:1"))
    again = cancel_pending(earned="review:1", **by(wang, "never:1"))

    assert (gone.points, again.is_replay, holds(wang)) == (30, True, Balances(0, 0, 0))


def test_an_event_after_a_claw_back_revives_nothing(wang):
    earn(points=30, activates_at=NOW + DAY, **by(wang, "review:1"))
    earn(points=30, **by(wang, "sale:1"))
    claw_back(earned="review:1", points=30, **by(wang, "return:1"))
    before = books()

    for verb, earned in ((activate, "review:1"), (cancel_pending, "review:1"), (activate, "sale:1")):
        with pytest.raises(NotPending):
            verb(earned=earned, **by(wang, "told:1"))
    with pytest.raises(UnknownCause):
        activate(earned="nothing", **by(wang, "told:1"))
    settle_range(**EVERYTHING, now=NOW + 2 * DAY)

    assert books() == before


def test_what_is_left_after_a_claw_back_becomes_active_and_no_more(wang):
    earn(points=30, activates_at=WHEN_TOLD, **by(wang, "review:1"))
    claw_back(earned="review:1", points=20, **by(wang, "return:1"))

    assert activate(earned="review:1", **by(wang, "told:1")).points == 10
    settle_range(**EVERYTHING, now=NOW + 2 * DAY)
    assert holds(wang) == Balances(0, 10, 0)


# Points that lapse without activity


def ends(member: Any) -> list[str]:
    """The days on which what is left lapses."""
    return [f"{lot.expires_at:%m-%d}" for lot in Lot.objects.filter(member=member).open().soonest_expiring_first()]


@pytest.mark.parametrize("activity", ["earn", "earn_many", "redeem", "capture"])
def test_activity_gives_idle_points_all_their_months_again(wang, points, activity):
    earn(points=30, idle_months=2, **by(wang, "sale:1"))
    hold(points=1, **by(wang, "hold:1"))
    assert ends(wang) == ["05-09"]

    later = NOW + 20 * DAY
    match activity:
        case "earn":
            earn(points=5, idle_months=2, **by(wang, "sale:2", later))
        case "earn_many":
            earn_many(credits=[Credit(wang.pk, points.pk, 5, "sale:2", later, later, None, 2)])
        case "redeem":
            redeem(points=5, **by(wang, "reward:1", later))
        case "capture":
            capture(held="hold:1", **by(wang, "capture:1", later))

    assert set(ends(wang)) == {"05-29"}
    settle_range(**EVERYTHING, now=NOW + 62 * DAY)
    assert holds(wang).active > 0
    settle_range(**EVERYTHING, now=NOW + 82 * DAY)
    assert holds(wang).active == 0


def test_what_is_no_activity_extends_nothing(wang):
    earn(points=30, idle_months=2, **by(wang, "sale:1"))

    hold(points=1, **by(wang, "hold:1", NOW + DAY))
    release(held="hold:1", **by(wang, "release:1", NOW + 2 * DAY))
    claw_back(earned="sale:1", points=5, **by(wang, "return:1", NOW + 3 * DAY))

    assert set(ends(wang)) == {"05-09"}


def test_points_that_are_given_away_go_on_idling(wang, li, points):
    earn(points=30, idle_months=2, **by(wang, "sale:1"))
    transfer(giver=wang, receiver=li, kind=points, points=10, key="gift:1", now=NOW)

    redeem(points=1, **by(li, "reward:1", NOW + DAY))

    assert (ends(wang), ends(li)) == (["05-09"], ["05-10"])


@pytest.mark.parametrize(
    "life", [{"idle_months": 0}, {"idle_months": 121}, {"idle_months": 2, "expires_at": NOW + DAY}]
)
def test_points_lapse_by_one_rule_only(wang, life):
    with pytest.raises(BadLife):
        earn(points=30, **life, **by(wang, "sale:1"))

    assert not Account.objects.exists()


# Order, names, and members who have nothing


def two_lots_and_a_debt(wang: Any) -> None:
    """Ten points that die soon and ten that die late, both out; and a debt of twelve."""
    earn(points=10, expires_at=NOW + 20 * DAY, **by(wang, "soon"))
    earn(points=10, expires_at=NOW + 40 * DAY, **by(wang, "late"))
    earn(points=12, expires_at=NOW + DAY / 2, **by(wang, "first"))


@pytest.mark.parametrize("way", ["restore", "release", "receive"])
def test_the_points_that_die_soonest_repay_a_debt(wang, li, points, way):
    two_lots_and_a_debt(wang)
    redeem(points=12, **by(wang, "spent"))
    if way == "receive":
        transfer(giver=wang, receiver=li, kind=points, points=20, key="gift:1", now=NOW)
    else:
        (hold if way == "release" else redeem)(points=20, **by(wang, "out"))
    claw_back(earned="first", points=12, **by(wang, "return:1"))

    match way:
        case "restore":
            restore(spent="out", **by(wang, "back"))
        case "release":
            release(held="out", **by(wang, "back"))
        case "receive":
            transfer(giver=li, receiver=wang, kind=points, points=20, key="gift:2", now=NOW)

    assert [(left, day) for left, _held, day in lots(wang) if left] == [(8, 40)]


def test_a_refused_verb_leaves_no_account_behind(wang, li, points):
    for refusal, verb in (
        (NotEnoughPoints, lambda: redeem(points=1, **by(wang, "reward:1"))),
        (UnknownCause, lambda: capture(held="hold:1", **by(wang, "capture:1"))),
        (UnknownCause, lambda: claw_back(earned="sale:1", points=1, **by(wang, "return:1"))),
        (UnknownCause, lambda: undo_claw_back(clawed="return:1", **by(wang, "cancel:1"))),
        (UnknownCause, lambda: activate(earned="sale:1", **by(wang, "told:1"))),
        (MoreThanOpen, lambda: write_off(points=1, actor="anna", approver="bo", **by(wang, "forgive:1"))),
        (NotEnoughPoints, lambda: transfer(giver=wang, receiver=li, kind=points, points=1, key="gift:1", now=NOW)),
    ):
        with pytest.raises(refusal):
            verb()

    assert not Account.objects.exists()


def test_names_and_reasons_of_any_length_are_kept_as_far_as_they_fit(wang):
    long = "安" * 400
    earn(points=20, reason=long, actor=long, **by(wang, "sale:1"))
    redeem(points=20, **by(wang, "reward:1"))
    claw_back(earned="sale:1", points=20, **by(wang, "return:1"))
    write_off(points=20, actor="a" * 150, approver="b" * 150, **by(wang, "forgive:1"))

    assert len(Movement.objects.get(key="sale:1").reason) == 200
    assert Movement.objects.get(key="forgive:1").actor == f"{'a' * 150}, {'b' * 150}"


def test_a_claw_back_that_the_limit_leaves_nothing_of_is_refused_and_written_nowhere(wang):
    earn(points=40, **by(wang, "sale:1"))
    redeem(points=40, **by(wang, "reward:1"))
    claw_back(earned="sale:1", points=30, **by(wang, "return:1"))
    before = books()

    with pytest.raises(DebtLimitReached):
        claw_back(earned="sale:1", points=10, **by(wang, "return:2"))

    assert books() == before


@pytest.mark.django_db(transaction=True)
def test_twenty_gifts_of_the_same_hundred_points_at_once_are_one(wang, li, points):
    earn(points=100, **by(wang, "sale:1"))

    def give(number: int) -> Any:
        return transfer(giver=wang, receiver=li, kind=points, points=100, key=f"gift:{number}", now=NOW)

    answers = all_at_once(give, 20)

    assert len([each for each in answers if isinstance(each, NotEnoughPoints)]) == 19
    assert (holds(wang), holds(li)) == (Balances(0, 0, 0), Balances(0, 100, 0))
    assert prove_range(**EVERYTHING, now=NOW + timedelta(seconds=1)) == 0


def test_a_member_with_idle_points_is_settled_like_any_other(wang):
    earn(points=30, idle_months=1, **by(wang, "sale:1"))

    settle_member(member=wang, now=NOW + 31 * DAY)

    assert holds(wang) == Balances(0, 0, 0)
