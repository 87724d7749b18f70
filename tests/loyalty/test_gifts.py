"""Points that members give to each other: what is allowed, through the page and the till, and never twice."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from loyalty.gifts.actions import TRIES_AN_HOUR, give
from loyalty.gifts.models import Gift, GiftRule
from loyalty.gifts.rules import (
    GiftDayFull,
    GiftKeyReused,
    GiftMonthFull,
    GiftsOff,
    GiftTooEarly,
    GiftTooLarge,
    GiftToOneself,
    GiftTooSmall,
)
from loyalty.ledger.actions import earn, prove_range
from loyalty.ledger.models import Account, Lot, Movement, PointKind
from loyalty.ledger.rules import NotEnoughPoints
from members.kit.rates import counters
from members.messaging.models import Message
from members.profiles.models import Member
from members.signin.actions import Address, open_account
from tests.factories import NOW, MemberFactory, TillFactory
from tests.loyalty.bookkeeping import EVERYTHING, by
from tests.loyalty.test_rules_on_sales import LONG_AGO
from tests.races import all_at_once
from tests.world import text_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def a_fixed_day(points):
    """Wang may give 10 to 100 at once, 150 a day, 200 a month."""
    GiftRule.objects.filter(kind=points).update(is_on=True, least=10, most=100, most_a_day=150, most_a_month=200)
    cache.clear()
    counters().flushdb()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def wang(points: PointKind) -> Member:
    member = MemberFactory.create(name="王芳", phone="13800000001", now=LONG_AGO)
    earn(points=500, expires_at=NOW + 90 * DAY, **by(member, "before"))
    return member


@pytest.fixture
def li(points: PointKind) -> Member:
    return MemberFactory.create(name="李强", phone="13800000002", now=LONG_AGO)


def given(giver: Member, receiver: Member, points: int = 50, key: str = "1", **more: Any) -> Gift:
    said = {"kind": PointKind.objects.get(code="points"), "now": NOW} | more
    return give(giver=giver, receiver=receiver, points=points, key=key, **said)


def active(member: Member) -> int:
    account = Account.objects.of(member).filter(kind__code="points").first()
    return account.active if account else 0


def refuses(no: type[Exception], giver: Member, receiver: Member, points: int, **more: Any) -> None:
    before = (active(giver), active(receiver), Gift.objects.count(), Message.objects.count(), Movement.objects.count())
    with pytest.raises(no):
        given(giver, receiver, points, **{"key": "no"} | more)
    assert before == (
        active(giver), active(receiver), Gift.objects.count(), Message.objects.count(), Movement.objects.count()
    )  # fmt: skip


def signed_in(member: Member) -> Client:
    client = Client(headers={"accept-language": "en"})
    phone = member.identities.get(kind="phone").value
    client.force_login(open_account(member=member, address=Address("phone", phone), now=NOW), BACKEND)
    return client


def test_a_gift_keeps_the_expiry_and_both_are_told(wang, li):
    given(wang, li, note="for  tea")

    assert (active(wang), active(li)) == (450, 50)
    assert Lot.objects.get(member=li).expires_at == NOW + 90 * DAY
    assert set(Message.objects.values_list("member", "template")) == {
        (wang.pk, "gift_given"),
        (li.pk, "gift_received"),
    }
    assert Message.objects.get(member=li).context["note"] == "for tea"
    assert Message.objects.get(member=li).context["other"] == "王*"
    assert prove_range(**EVERYTHING, now=NOW) == 0


def test_the_same_key_gives_once_and_other_content_is_refused(wang, li):
    first = given(wang, li)

    assert given(wang, li) == first
    with pytest.raises(GiftKeyReused):
        given(wang, li, 60)
    assert active(wang) == 450


def test_two_givers_with_the_same_key_do_not_meet_at_the_receiver(wang, li):
    chen = MemberFactory.create(name="陈静", now=LONG_AGO)
    earn(points=50, **by(chen, "before"))

    given(wang, li)
    given(chen, li)

    assert active(li) == 100


@pytest.mark.parametrize(("asked", "no"), [(9, GiftTooSmall), (101, GiftTooLarge)])
def test_too_few_or_too_many_at_once(wang, li, asked, no):
    refuses(no, wang, li, asked)


def test_a_day_and_a_month_have_their_ends(wang, li):
    given(wang, li, 100)
    refuses(GiftDayFull, wang, li, 60)

    given(wang, li, 50, key="2")
    refuses(GiftMonthFull, wang, li, 60, now=NOW + DAY)
    given(wang, li, 50, key="3", now=NOW + DAY)
    assert given(wang, li, 60, key="4", now=NOW + 25 * DAY)


def test_newcomers_wait_and_nobody_gives_to_themselves_or_what_they_lack(wang, li):
    new = MemberFactory.create(name="新人", now=NOW - DAY)
    earn(points=50, **by(new, "before"))

    refuses(GiftTooEarly, new, li, 20)
    refuses(GiftToOneself, wang, wang, 20)
    refuses(NotEnoughPoints, li, wang, 20)


def test_what_is_switched_off_or_no_points_to_spend_is_not_given(wang, li):
    growth = PointKind.objects.get(code="growth")
    earn(member=wang, kind=growth, points=50, key="g", now=NOW)

    refuses(GiftsOff, wang, li, 20, kind=growth)
    GiftRule.objects.update(is_on=False)
    refuses(GiftsOff, wang, li, 20)


def test_the_page_names_the_receiver_by_half_a_name_before_anything_moves(wang, li):
    client = signed_in(wang)
    said = {"to": "138 0000 0002", "points": "50", "kind": "points", "note": "tea", "key": "k"}

    words = text_of(client.post("/points/give/", said))

    assert "李*" in words
    assert "李强" not in words
    assert active(wang) == 500
    done = client.post("/points/give/", said | {"confirm": "1"}, follow=True)
    assert "Given: 50" in text_of(done)
    client.post("/points/give/", said | {"confirm": "1"})
    assert (active(wang), active(li)) == (450, 50)


def test_the_page_says_no_beside_the_field(wang, li):
    client = signed_in(wang)
    said = {"to": "13800000002", "points": "101", "kind": "points", "key": "k"}

    assert "At most 100 points are given at once." in text_of(client.post("/points/give/", said))
    assert "No member has this phone" in text_of(client.post("/points/give/", said | {"to": "13899999999"}))
    assert active(wang) == 500


def test_nobody_looks_through_the_members_by_giving_to_them(wang, li):
    client = signed_in(wang)
    said = {"to": "13899999999", "points": "50", "kind": "points", "key": "k"}
    for _number in range(TRIES_AN_HOUR):
        client.post("/points/give/", said)

    words = text_of(client.post("/points/give/", said | {"to": "13800000002"}))

    assert "Too many tries" in words
    assert "李*" not in words


def test_nobody_sees_what_another_gave(wang, li):
    gift = given(wang, li)

    words = text_of(signed_in(li).get(f"/points/give/?done={gift.pk}"))

    assert "Given: 50" not in words


def at_till(key: str = "1", **more: Any) -> Any:
    till = TillFactory.create()
    said = {
        "giver": {"kind": "phone", "value": "13800000001"},
        "receiver": {"kind": "phone", "value": "13800000002"},
        "points": 50,
    }
    headers = {"authorization": f"Bearer {till.key}", "idempotency-key": key}
    return Client(headers=headers), said | more


def test_a_till_gives_once_on_the_members_request(wang, li):
    client, said = at_till()

    first = client.post("/api/v1/gifts", said, content_type="application/json")
    second = client.post("/api/v1/gifts", said, content_type="application/json")

    assert (first.status_code, first.json()["active"]) == (201, 450)
    assert second.json() == first.json()
    assert second.headers["Idempotent-Replay"] == "true"
    assert active(li) == 50


def test_a_till_hears_why_not(wang, li):
    client, said = at_till(points=101)

    response = client.post("/api/v1/gifts", said, content_type="application/json")

    assert (response.status_code, response.json()["error"]["code"]) == (409, "gift_too_large")
    assert active(wang) == 500


@pytest.mark.django_db(transaction=True)
def test_twenty_concurrent_gifts_of_the_same_100_points_through_the_door(points):
    GiftRule.objects.update_or_create(kind=points, defaults={"is_on": True, "most_a_day": 5_000, "most_a_month": 5_000})
    wang = MemberFactory.create(name="王芳", phone="13800000001", now=LONG_AGO)
    friends = [MemberFactory.create(name=f"会员{n}", phone=f"1380000{n:04}", now=LONG_AGO) for n in range(100, 120)]
    earn(points=100, **by(wang, "before"))
    client = signed_in(wang)

    def ask(number: int) -> Any:
        own = Client(headers={"accept-language": "en"})
        own.cookies = client.cookies
        said = {"to": friends[number].number, "points": "100", "kind": "points", "key": f"k{number}", "confirm": "1"}
        return own.post("/points/give/", said).status_code

    answers = all_at_once(ask, 20)

    assert sorted(answers) == [200] * 19 + [302]
    assert active(wang) == 0
    assert sum(map(active, friends)) == 100
    assert prove_range(**EVERYTHING, now=NOW) == 0
