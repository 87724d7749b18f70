"""What the shop owes foots with the movements to the point; what is expected of it follows the shop's own history."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone, translation

from loyalty import tasks
from loyalty.ledger.actions import (
    adjust,
    bring_in,
    claw_back,
    earn,
    hold,
    redeem,
    release,
    restore,
    settle_range,
    transfer,
    undo_claw_back,
    write_off,
)
from loyalty.ledger.models import Account, Movement, PointKind
from loyalty.liability.actions import close_night, close_nights, journal, outlooks, take_range
from loyalty.liability.models import LiabilityCell, LiabilityDay, LiabilityLapse
from loyalty.liability.rules import Cell, cohorts_of, money_of, outlook, run_off
from members.kit.models import Chunk
from members.kit.refusals import Refusal
from tests.factories import NOW, MemberFactory
from tests.loyalty.bookkeeping import DAY, EVERYTHING, by

pytestmark = pytest.mark.django_db
NIGHT = date(2027, 3, 9)
LATE = NOW + 365 * DAY


def deeds(chance: random.Random, member: Any, friend: Any, now: Any, key: str) -> list[Callable[[], Any]]:
    """What a member may do, or may happen to them."""
    earned, spent, held = (
        list(Movement.objects.of(member).filter(kind=kind).values_list("key", "points")) or [("none", 1)]
        for kind in ("earn", "spend", "hold")
    )
    old, points = chance.choice(earned)
    clawed = Movement.objects.filter(kind="claw_back").values_list("key", flat=True).last() or "none"
    who = by(member, key, now)
    return [
        lambda: earn(points=chance.randrange(50, 200), expires_at=now + 100 * DAY, **who),
        lambda: earn(points=60, activates_at=now + 9 * DAY, idle_months=3, **who),
        lambda: bring_in(points=40, **who),
        lambda: redeem(points=chance.randrange(20, 150), **who),
        lambda: hold(points=30, **who),
        lambda: release(held=chance.choice(held)[0], **who),
        lambda: restore(spent=chance.choice(spent)[0], **who),
        lambda: claw_back(earned=old, points=points, **who),
        lambda: undo_claw_back(clawed=clawed, **who),
        lambda: adjust(points=chance.choice((-25, 25)), reason="counted", **who),
        lambda: transfer(giver=member, receiver=friend, kind=who["kind"], points=20, key=key, now=now),
        lambda: write_off(points=1, actor="a", approver="b", **who),
    ]


def a_year(members: list[Any]) -> None:
    """Whatever can happen to points, by chance but always the same."""
    chance = random.Random(7)
    for step in range(160):
        member, friend = chance.sample(members, 2)
        with suppress(Refusal):
            chance.choice(deeds(chance, member, friend, NOW + 2 * step * DAY, f"step:{step}"))()


@pytest.fixture
def after_a_year(wang, li, points) -> PointKind:
    PointKind.objects.filter(pk=points.pk).update(money_per_thousand=1_234)
    a_year([wang, li, MemberFactory.create(name="陈静")])
    settle_range(**EVERYTHING, now=LATE)
    take_range(first=0, last=2**62, day=NIGHT)
    close_night(day=NIGHT)
    return PointKind.objects.get(pk=points.pk)


def moved(*kinds: str, **more: str) -> int:
    return Movement.objects.filter(kind__in=kinds, **more).aggregate(sum=Sum("points"))["sum"] or 0


def test_the_cohorts_foot_with_accounts_and_movements_to_the_point(after_a_year):
    sums = Account.objects.aggregate(Sum("pending"), Sum("active"), Sum("held"))
    cells = LiabilityCell.objects.aggregate(*(Sum(name) for name in ("issued", "used", "lapsed", "open")))
    night = LiabilityDay.objects.get()
    cohorts = [cohort for cohort, _outlook in outlooks(day=NIGHT, kind=after_a_year)]
    credits = ("earn", "import", "adjust", "transfer", "write_off")

    assert min(moved(kind, target="programme") for kind in ("spend", "expire", "claw_back", "adjust")) > 0
    assert moved("restore", cause__kind="spend") * moved("restore", cause__kind="claw_back") > 0
    assert night.open - night.debt == sum(sums.values())
    assert cells["open__sum"] == night.open
    assert cells["used__sum"] == moved("spend") - moved("restore", cause__kind="spend")
    assert cells["lapsed__sum"] == moved("expire")
    assert cells["issued__sum"] == moved(*credits, source="programme")
    assert all(cohort.repaid >= 0 for cohort in cohorts)
    assert sum(cohort.issued - cohort.used - cohort.lapsed - cohort.taken - cohort.repaid for cohort in cohorts) == (
        night.open
    )


def test_what_is_expected_adds_up_to_what_is_open(after_a_year):
    night = LiabilityDay.objects.get()
    found = outlooks(day=NIGHT, kind=after_a_year)

    assert all(each.used + each.lapsed + each.taken == cohort.open for cohort, each in found)
    assert night.expected_use == sum(each.used for _cohort, each in found)
    assert 0 < night.expected_use <= night.open


def test_the_journal_foots_with_the_movements_and_debit_equals_credit(after_a_year):
    lines = list(journal(start=NOW - 40 * DAY, end=LATE + DAY))

    sums = Account.objects.aggregate(Sum("pending"), Sum("active"), Sum("held"))
    assert sum(line.points for line in lines) == sum(sums.values())
    assert sum(line.debit for line in lines) == sum(line.credit for line in lines) > 0
    assert all((line.debit == 0) != (line.credit == 0) or line.debit == line.credit == 0 for line in lines)
    assert {line.month.day for line in lines} == {1}


def test_a_month_of_the_journal_reads_like_a_journal(wang, points):
    PointKind.objects.filter(pk=points.pk).update(money_per_thousand=1_000)
    earn(points=500, **by(wang, "sale:1"))
    redeem(points=200, **by(wang, "reward:1", NOW + DAY))

    with translation.override("en"):
        lines = [
            (line.what, line.account, line.points, line.debit, line.credit)
            for line in journal(start=NOW, end=NOW + 2 * DAY)
        ]

    assert lines == [
        ("issued", "Cost of points", 0, 500, 0),
        ("issued", "Points liability", 500, 0, 500),
        ("used", "Revenue from points", 0, 0, 200),
        ("used", "Points liability", -200, 200, 0),
    ]


def test_lapses_to_come_stand_by_the_shops_day(wang, points):
    earn(points=10, expires_at=NOW + 3 * DAY, **by(wang, "sale:1"))
    earn(points=20, expires_at=NOW + 3 * DAY + timedelta(hours=13), **by(wang, "sale:2"))  # after the shop's midnight
    earn(points=30, expires_at=NOW + 91 * DAY, **by(wang, "sale:3"))
    redeem(points=4, **by(wang, "reward:1"))

    take_range(first=0, last=2**62, day=NOW.date())

    lapses = LiabilityLapse.objects.order_by("lapses_on").values_list("lapses_on", "points")
    assert list(lapses) == [(date(2026, 3, 12), 6), (date(2026, 3, 13), 20)]


def test_ranges_add_up_to_the_whole(after_a_year):
    whole = sorted(LiabilityCell.objects.values_list("kind", "cohort", "month", "issued", "used", "taken", "open"))
    LiabilityCell.objects.all().delete()

    for account in Account.objects.values_list("pk", flat=True):
        take_range(first=account, last=account, day=NIGHT + DAY)

    parts = LiabilityCell.objects.values_list("kind", "cohort", "month", "issued", "used", "taken", "open")
    assert sorted(parts) == whole


def test_the_rates_are_those_of_the_cohorts_that_lived_through_the_age():
    def cell(cohort: int, month: int, used: int = 0, lapsed: int = 0, issued: int = 0, left: int = 0) -> Cell:
        return Cell(date(2026, cohort, 1), date(2026, month, 1), issued, used, lapsed, 0, left)

    cells = [
        cell(1, 1, used=10, issued=100, left=40),
        cell(1, 2, used=20, lapsed=30),
        cell(2, 2, used=30, issued=100, left=70),
        cell(3, 3, used=5, issued=100, left=95),  # still in its first month: says nothing yet
    ]

    first, second = run_off(cohorts_of(cells), date(2026, 3, 1))
    january, february, march = cohorts_of(cells)

    assert (first.used, first.lapsed) == (0.2, 0)
    assert (second.used, second.lapsed) == (20 / 90, 30 / 90)
    assert outlook(february, [first, second], date(2026, 3, 1)).lapsed == round(70 * 30 / 90)
    assert outlook(march, [first, second], date(2026, 3, 1)).lapsed == round(95 * 0.8 * 30 / 90)
    assert (
        outlook(january, [first, second], date(2026, 3, 1)).used == 40
    )  # older than anything seen: written down by nobody


@pytest.mark.parametrize(("points", "money"), [(1_000, 1_234), (1, 1), (0, 0), (-1_000, -1_234), (405, 500)])
def test_points_have_their_value_in_whole_minor_units(points, money):
    assert money_of(points, 1_234) == money


def test_the_night_takes_the_liability_once_and_closes_it_when_all_of_it_is_there(wang, points):
    earn(points=500, **by(wang, "sale:1"))
    tonight = timezone.localdate()
    tasks.plan_night(slot=tonight.isoformat(), as_of=timezone.now())
    assert close_nights() == 0

    for chunk in Chunk.objects.order_by("pk").values_list("pk", flat=True):
        tasks.run_chunk(chunk)
        tasks.run_chunk(chunk)

    assert (close_nights(), close_nights()) == (1, 0)
    night = LiabilityDay.objects.get()
    assert (night.taken_on, night.open, night.is_complete) == (tonight, 500, True)
