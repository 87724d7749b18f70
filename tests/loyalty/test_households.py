"""Families that spend together: who belongs, who draws how much from whom, and that nobody overdraws."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from loyalty.households.actions import (
    accept,
    admit,
    decline,
    dissolve,
    hand_over,
    invite,
    leave,
    seat_of,
    set_giving,
    set_limit,
    start_household,
)
from loyalty.households.models import Draw, Household, HouseholdRule, Invitation, Seat
from loyalty.households.rules import (
    AlreadyInHousehold,
    DrawKeyReused,
    DrawTooLarge,
    HeadMustHandOver,
    HouseholdFull,
    HouseholdsOff,
    JoinedTooSoon,
    NoHousehold,
    NoInvitation,
    NotInHousehold,
    NotTheHead,
    SeatReasonMissing,
)
from loyalty.ledger.actions import earn, prove_range
from loyalty.ledger.models import Account, Movement, PointKind
from loyalty.ledger.rules import MoreThanOpen, NotEnoughPoints, UnknownCause
from loyalty.merging.rules import InHousehold
from loyalty.pooling.actions import Together, pool_of, restore_together, spend_together
from members.kit.rates import counters
from members.messaging.models import Message
from members.profiles.models import Member
from tests.factories import NOW, MemberFactory, TillFactory, UserFactory
from tests.loyalty.bookkeeping import EVERYTHING, by
from tests.loyalty.test_gifts import signed_in
from tests.loyalty.test_merging import merged
from tests.races import all_at_once
from tests.world import text_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def a_fixed_day(points):
    HouseholdRule.objects.update_or_create(pk=1, defaults={"most_members": 3, "draws_a_month": 100})
    cache.clear()
    counters().flushdb()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def mother(points: PointKind) -> Member:
    return MemberFactory.create(name="王芳", phone="13800000001")


@pytest.fixture
def son(points: PointKind) -> Member:
    return MemberFactory.create(name="李小明", phone="13800000002")


@pytest.fixture
def aunt(points: PointKind) -> Member:
    return MemberFactory.create(name="王静", phone="13800000003")


def family(head: Member, *others: Member) -> Household:
    household = start_household(head=head, now=NOW)
    for each in others:
        invite(head=head, guest=each, now=NOW)
        accept(member=each, household=household.pk, now=NOW)
    return household


def spend(member: Member, points: int, key: str = "tea", now: Any = NOW) -> Together:
    return spend_together(member=member, kind=PointKind.objects.get(code="points"), points=points, key=key, now=now)


def active(*members: Member) -> list[int]:
    held = dict(Account.objects.filter(kind__code="points").values_list("member", "active"))
    return [held.get(member.pk, 0) for member in members]


def has_proof() -> bool:
    return prove_range(**EVERYTHING, now=NOW) == 0


def refuses(no: type[Exception], verb: Any, **said: Any) -> None:
    models = (Household, Seat, Invitation, Draw, Movement, Account)
    before = [list(model.objects.order_by("pk").values_list()) for model in models]
    with pytest.raises(no):
        verb(**said)
    assert before == [list(model.objects.order_by("pk").values_list()) for model in models]


def test_one_asks_the_other_accepts_and_both_see_what_they_have(mother, son, points):
    earn(points=100, **by(mother, "a"))
    earn(points=20, **by(son, "a"))
    family(mother, son)

    pool = pool_of(member=son, kind=points, now=NOW)

    assert (pool.together, pool.may_draw) == (120, 100)
    assert [(each.seat.member, each.active, each.is_head) for each in pool.holders] == [
        (mother, 100, True),
        (son, 20, False),
    ]
    assert list(Message.objects.of(son).values_list("template", flat=True)) == ["household_invited"]


def test_ones_own_points_go_first_and_then_the_soonest_to_lapse_of_the_others(mother, son, aunt):
    family(mother, son, aunt)
    earn(points=20, **by(son, "own"))
    earn(points=30, expires_at=NOW + 20 * DAY, **by(mother, "later"))
    earn(points=30, expires_at=NOW + 5 * DAY, **by(mother, "first"))
    earn(points=30, expires_at=NOW + 10 * DAY, **by(aunt, "second"))

    spent = spend(son, 70)

    assert spent.parts == {son.pk: 20, mother.pk: 30, aunt.pk: 20}
    assert active(mother, son, aunt) == [30, 0, 10]
    assert has_proof()
    assert set(Message.objects.filter(template="household_drawn").values_list("member", flat=True)) == {
        mother.pk,
        aunt.pk,
    }


def test_what_is_given_back_goes_to_those_who_lent_before_the_spender(mother, son):
    family(mother, son)
    earn(points=20, **by(son, "own"))
    earn(points=50, **by(mother, "a"))
    spend(son, 60)

    restore_together(member=son, spent="tea", points=45, key="back", now=NOW)

    assert active(mother, son) == [50, 5]
    assert pool_of(member=son, kind=PointKind.objects.get(code="points"), now=NOW).may_draw == 100
    refuses(MoreThanOpen, restore_together, member=son, spent="tea", points=16, key="more", now=NOW)
    restore_together(member=son, spent="tea", key="rest", now=NOW)
    assert active(mother, son) == [50, 20]
    assert has_proof()
    refuses(UnknownCause, restore_together, member=mother, spent="tea", key="x", now=NOW)


def test_the_same_key_spends_once_and_another_number_is_refused(mother, son):
    family(mother, son)
    earn(points=50, **by(mother, "a"))

    assert spend(son, 30).is_replay is False
    assert spend(son, 30).is_replay is True
    refuses(DrawKeyReused, spend, member=son, points=31)
    assert active(mother) == [20]


def test_a_month_of_drawing_has_an_end_which_the_head_sets(mother, son):
    family(mother, son)
    earn(points=500, **by(mother, "a"))

    refuses(DrawTooLarge, spend, member=son, points=101)
    set_limit(head=mother, member=son, points=30)
    spend(son, 30)
    refuses(DrawTooLarge, spend, member=son, points=1, key="more")
    assert spend(son, 30, key="next month", now=NOW + 25 * DAY)
    set_limit(head=mother, member=son, points=None)
    assert spend(son, 70, key="again", now=NOW + 25 * DAY)
    refuses(NotTheHead, set_limit, head=son, member=son, points=1_000)


def test_who_keeps_theirs_is_not_drawn_on(mother, son):
    family(mother, son)
    earn(points=50, **by(mother, "a"))
    set_giving(member=mother, gives=False)

    refuses(NotEnoughPoints, spend, member=son, points=10)
    assert spend(mother, 50).parts == {mother.pk: 50}


def test_pending_points_and_debts_of_others_are_no_ones_to_spend(mother, son):
    family(mother, son)
    earn(points=50, activates_at=NOW + DAY, **by(mother, "a"))

    refuses(NotEnoughPoints, spend, member=son, points=10)
    assert spend(son, 10, now=NOW + DAY).parts == {mother.pk: 10}


def test_who_leaves_takes_their_points_along_and_waits_before_joining_another(mother, son, aunt):
    family(mother, son)
    earn(points=50, **by(son, "a"))
    other = start_household(head=aunt, now=NOW)

    leave(member=son, now=NOW)

    refuses(NotEnoughPoints, spend, member=mother, points=10)
    assert active(son) == [50]
    invite(head=aunt, guest=son, now=NOW)
    refuses(JoinedTooSoon, accept, member=son, household=other.pk, now=NOW + DAY)
    invite(head=aunt, guest=son, now=NOW + 30 * DAY)
    assert accept(member=son, household=other.pk, now=NOW + 31 * DAY)


def test_the_head_hands_over_or_dissolves(mother, son, aunt):
    household = family(mother, son)

    refuses(HeadMustHandOver, leave, member=mother, now=NOW)
    refuses(NotInHousehold, hand_over, head=mother, heir=aunt)
    refuses(NotTheHead, dissolve, head=son, now=NOW)
    hand_over(head=mother, heir=son)
    leave(member=mother, now=NOW)
    dissolve(head=son, now=NOW)
    household.refresh_from_db()
    assert household.ended_at == NOW
    assert seat_of(son) is None


def test_one_household_a_member_and_so_many_places(mother, son, aunt):
    fourth = MemberFactory.create(name="赵敏")
    family(mother, son, aunt)

    refuses(HouseholdFull, invite, head=mother, guest=fourth, now=NOW)
    refuses(AlreadyInHousehold, start_household, head=son, now=NOW)
    start_household(head=fourth, now=NOW)
    refuses(AlreadyInHousehold, invite, head=fourth, guest=son, now=NOW)


def test_an_invitation_is_for_one_and_not_for_ever(mother, son, aunt):
    household = start_household(head=mother, now=NOW)
    invite(head=mother, guest=son, now=NOW)

    refuses(NoInvitation, accept, member=aunt, household=household.pk, now=NOW)
    refuses(NoInvitation, accept, member=son, household=household.pk, now=NOW + 14 * DAY)
    decline(member=son, household=household.pk, now=NOW)
    refuses(NoInvitation, accept, member=son, household=household.pk, now=NOW)


def test_staff_seat_somebody_with_a_reason(mother, son):
    start_household(head=mother, now=NOW)

    refuses(SeatReasonMissing, admit, head=mother, guest=son, reason=" ", actor="anna", now=NOW)
    seat = admit(head=mother, guest=son, reason="asked at the counter", actor="anna", now=NOW)
    assert (seat.reason, seat.actor) == ("asked at the counter", "anna")


def test_without_a_household_or_where_there_are_none(mother):
    refuses(NoHousehold, spend, member=mother, points=1)
    HouseholdRule.objects.update(is_on=False)
    refuses(HouseholdsOff, start_household, head=mother, now=NOW)


def test_who_sits_in_a_household_is_not_merged_away(mother, son):
    family(mother, son)
    owner = UserFactory.create(username="owner", is_superuser=True)

    with pytest.raises(InHousehold):
        merged(mother, son, owner)

    assert seat_of(son) is not None


def test_the_page_leads_from_the_first_step_to_the_last(mother, son):
    hers, his = signed_in(mother), signed_in(son)
    hers.post("/household/start/")
    hers.post("/household/invite/", {"to": "13800000002"})

    words = text_of(his.get("/household/"))
    assert "王* asks you to join" in words
    his.post("/household/accept/", {"household": Household.objects.get().pk})
    earn(points=77, **by(mother, "a"))
    spend(son, 7)

    words = text_of(his.get("/household/"))
    assert "70" in words
    assert "李小明 from 王芳" in words
    assert "Leave now" in text_of(his.get("/household/?leave=1"))
    his.post("/household/give/", {"gives": "0"})
    his.post("/household/leave/")
    assert seat_of(son) is None


def test_the_page_does_nothing_for_a_household_of_others(mother, son, aunt):
    family(mother, son)
    client = signed_in(aunt)

    for step in ("limit", "hand-over", "dissolve", "leave", "accept"):
        client.post(f"/household/{step}/", {"member": son.pk, "points": "5", "household": Household.objects.get().pk})

    assert Household.objects.get().head == mother.pk
    assert Seat.objects.current().count() == 2
    assert not Seat.objects.filter(draws_a_month=5).exists()


def test_a_till_sees_the_household_and_spends_out_of_it_once(mother, son):
    family(mother, son)
    earn(points=50, **by(mother, "a"))
    earn(points=5, **by(son, "a"))
    headers = {"authorization": f"Bearer {TillFactory.create().key}", "idempotency-key": "1"}
    client = Client(headers=headers)
    said = {"member": {"kind": "phone", "value": "13800000002"}, "points": 20}

    first = client.post("/api/v1/household-spendings", said, content_type="application/json")
    second = client.post("/api/v1/household-spendings", said, content_type="application/json")
    seen = client.get(f"/api/v1/members/{son.number}/household").json()

    assert (first.status_code, first.json()) == (201, {"points": 20, "own": 5, "drawn": 15})
    assert second.json() == first.json()
    assert (seen["together"], seen["may_draw"]) == (35, 85)
    assert [each["name"] for each in seen["members"]] == ["王*", "李**"]
    assert client.get("/api/v1/members/0000000000/household").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_all_spend_at_once_and_nobody_overdraws(mother, son, aunt):
    HouseholdRule.objects.update(draws_a_month=1_000)
    family(mother, son, aunt)
    for member, points in ((mother, 100), (son, 40), (aunt, 60)):
        earn(points=points, **by(member, "a"))
    people = [mother, son, aunt]

    done = all_at_once(lambda n: spend(people[n % 3], 30, key=f"k{n}"), 12)

    assert sum(1 for each in done if isinstance(each, Together)) == 6
    assert sum(1 for each in done if isinstance(each, NotEnoughPoints)) == 6
    assert sum(active(*people)) == 20
    assert min(active(*people)) >= 0
    assert has_proof()


@pytest.mark.django_db(transaction=True)
def test_the_last_place_is_taken_once(mother, son, aunt):
    fourth = MemberFactory.create(name="赵敏")
    household = family(mother, son)
    for each in (aunt, fourth):
        invite(head=mother, guest=each, now=NOW)

    done = all_at_once(lambda n: accept(member=[aunt, fourth][n % 2], household=household.pk, now=NOW), 4)

    assert sum(1 for each in done if isinstance(each, Seat)) == 1
    assert Seat.objects.current().count() == 3
