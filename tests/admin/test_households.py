"""Households and gifts at the desk: seat somebody with a reason, see who drew and gave what, set the rules."""

import pytest

from loyalty.gifts.models import GiftRule
from loyalty.households.models import Seat
from members.profiles.models import Member
from tests.factories import NOW, MemberFactory
from tests.world import text_of


@pytest.fixture
def guest(world) -> Member:
    return MemberFactory.create(name="李小明", phone="13600000006", home_store=world.here.store, now=NOW)


def test_a_manager_seats_somebody_who_asked_at_the_counter(world, guest):
    said = {"head": world.here.member.number, "guest": guest.number, "reason": "asked at the counter"}

    response = world.client("manager").post("/admin/loyalty/seat/add/", said)

    seat = Seat.objects.current().get(member=guest)
    assert response.headers["Location"] == f"/admin/loyalty/seat/{seat.pk}/change/"
    assert (seat.household, seat.actor) == (world.here.objects["loyalty_seat"].household, "manager")


def test_who_has_no_household_becomes_the_head_of_a_new_one(world, guest):
    other = MemberFactory.create(name="王静", home_store=world.here.store, now=NOW)

    world.client("manager").post(
        "/admin/loyalty/seat/add/", {"head": other.number, "guest": guest.number, "reason": "x"}
    )

    assert Seat.objects.current().get(member=guest).household.head == other.pk


def test_a_refusal_stands_beside_the_form_and_nobody_is_seated(world, guest):
    client = world.client("manager")
    said = {"head": world.here.member.number, "guest": guest.number, "reason": ""}

    assert "This field is required" in text_of(client.post("/admin/loyalty/seat/add/", said))
    theirs = said | {"guest": world.there.member.number, "reason": "x"}
    assert "None of your members" in text_of(client.post("/admin/loyalty/seat/add/", theirs))
    assert not Seat.objects.filter(member=guest).exists()


def test_only_managers_seat_and_only_owners_change_the_rules(world, guest):
    rule = world.shared["loyalty_giftrule"]

    assert world.client("clerk").get("/admin/loyalty/seat/add/").status_code == 403
    said = {"is_on": "", "least": 5, "most": 50, "most_a_day": 60, "most_a_month": 70, "enrolled_days": 3}
    world.client("manager").post(f"/admin/loyalty/giftrule/{rule.pk}/change/", said)
    assert GiftRule.objects.get(pk=rule.pk).least == rule.least
    world.client("owner").post(f"/admin/loyalty/giftrule/{rule.pk}/change/", said)
    assert GiftRule.objects.get(pk=rule.pk).least == 5
