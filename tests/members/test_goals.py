"""Goals: what is measured, how far it is, whether in time; and what is refused."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from members.goals.actions import keep_goal, progress
from members.goals.models import Goal
from members.goals.rules import BadGoal, BadPeriod, Sums, progress_of
from members.scores.models import StoreDay
from tests.factories import NOW, StoreFactory, UserFactory

TODAY = timezone.localdate(NOW)
FIRST, LAST = TODAY - timedelta(days=10), TODAY + timedelta(days=9)


def night(days_ago, members):
    return Sums(TODAY - timedelta(days=days_ago), members, 0, 0, 0, 0, 0)


def far(nights, target=200, today=TODAY, kind="members"):
    return progress_of(kind=kind, target=target, starts_on=FIRST, ends_on=LAST, nights=nights, today=today)


@pytest.mark.parametrize(
    ("members", "percent", "state"),
    [(200, 100, "reached"), (260, 100, "reached"), (150, 50, "on_track"), (120, 20, "behind"), (90, 0, "behind")],
)
def test_progress_is_the_part_of_the_way_from_where_it_began(members, percent, state):
    found = far([night(12, 100), night(0, members)])

    assert (found.percent, found.state, found.start) == (percent, state, 100)


def test_a_goal_that_is_over_is_missed_or_reached():
    over = LAST + timedelta(days=1)

    assert far([night(10, 100), night(0, 150)], today=over).state == "missed"
    assert far([night(10, 100), night(0, 201)], today=over).state == "reached"


def test_a_goal_without_a_night_is_not_measured_yet():
    assert far([]).state == "unmeasured"
    assert far([], today=FIRST - timedelta(days=1)).state == "coming"
    assert far([night(1, 0)], kind="retention").value is None


def test_a_goal_that_began_above_its_target_is_about_staying_there():
    assert far([night(10, 300), night(0, 100)]).percent == 50


@pytest.fixture
def goal(db):
    return Goal(name="grow", kind="members", target=30, starts_on=FIRST, ends_on=LAST, owner=UserFactory.create())


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"target": 0}, BadGoal),
        ({"kind": "active", "target": 101}, BadGoal),
        ({"ends_on": FIRST - timedelta(days=1)}, BadPeriod),
    ],
)
def test_a_goal_that_cannot_be_is_refused_and_not_written(goal, said, refusal):
    with pytest.raises(refusal):
        keep_goal(goal=goal, **said)

    assert not Goal.objects.exists()


def test_a_goal_of_one_store_is_measured_by_its_members_alone(goal):
    here, there = StoreFactory.create(code="a"), StoreFactory.create(code="b")
    for store, members in ((here, 20), (there, 70)):
        for days_ago, more in ((20, 0), (0, 5)):
            StoreDay.objects.create(
                taken_on=TODAY - timedelta(days=days_ago), store=store, members=members + more, buyers=10, repeaters=5,
                active=5, before=4, stayed=1, engagement=1, spend=1,
            )  # fmt: skip
    keep_goal(goal=goal, store=here)

    found = progress(goal, TODAY)

    assert (found.start, found.value, found.percent, found.nights) == (20, 25, 50, 1)
    assert progress(keep_goal(goal=goal, store=None), TODAY).value == 100
    assert progress(keep_goal(goal=goal, kind="retention", target=50), TODAY).value == 25
    assert progress(keep_goal(goal=goal, starts_on=date(2026, 3, 1)), TODAY).start == 25
