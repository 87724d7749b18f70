"""The pages of members and sales: what matters now, in words; enrolment and changes through the verbs."""

from datetime import timedelta

import pytest

from loyalty.ledger.actions import claw_back, earn, hold
from loyalty.ledger.models import PointKind
from members.profiles.models import CustomField, Identity, Member
from tests.factories import NOW
from tests.world import formset, text_of

DAY = timedelta(days=1)


def test_a_members_page_says_what_matters_now(world):
    member, kind = world.here.member, PointKind.objects.get(code="points")
    earn(member=member, kind=kind, points=70, key="a", now=NOW, activates_at=NOW + DAY)
    earn(member=member, kind=kind, points=20, key="b", now=NOW, expires_at=NOW + 3 * DAY)
    hold(member=member, kind=kind, points=5, key="c", now=NOW)

    words = text_of(world.client("clerk").get(f"/admin/members/member/{member.pk}/change/"))

    assert "6,015" in words
    assert "70 pending, the first on 10 Mar" in words
    assert "5 held for an open order" in words
    assert "15 lapse on 12 Mar" in words
    assert "Gold" in words
    assert "4,000 more growth to reach Diamond" in words
    assert "138****5678" in words
    for link in ("members/sale", "loyalty/movement", "loyalty/tierchange"):
        response = world.client("clerk").get(f"/admin/{link}/?q={member.number}")
        assert member.name in text_of(response)


def test_debt_shows_in_words(world):
    member = world.here.member
    kind = PointKind.objects.get(code="points")
    PointKind.objects.filter(pk=kind.pk).update(debt_limit=100)
    earn(member=member, kind=kind, points=50, key="x", now=NOW)
    hold(member=member, kind=kind, points=6050, key="y", now=NOW)
    claw_back(member=member, kind=kind, earned="x", points=50, key="z", now=NOW)

    words = text_of(world.client("clerk").get(f"/admin/members/member/{member.pk}/change/"))

    assert "-50 Debt after a return" in words


def test_a_sales_page_shows_lines_and_the_reason_of_each_award_in_words(world):
    sale = world.here.objects["members_sale"]

    words = text_of(world.client("clerk").get(f"/admin/members/sale/{sale.pk}/change/"))

    assert "龙井" in words
    assert "+6,000 Points Points for spending v2 CN¥6,000.00 at 1 for each CN¥1.00" in words


def test_enrolment_goes_through_the_verb_and_shows_its_refusal_in_the_form(world):
    client = world.client("clerk")
    said = {"name": "新人", "phone": "137 0000 0000", "language": "zh-hans", "home_store": world.here.store.pk}

    assert client.post("/admin/members/member/add/", said).status_code == 302
    new = Member.objects.get(name="新人")
    assert new.source == "admin"
    assert Identity.objects.get(member=new).value == "+8613700000000"

    again = client.post("/admin/members/member/add/", said | {"name": "又一人"})
    assert again.status_code == 200
    assert "Another member already has this phone" in text_of(again)
    assert not Member.objects.filter(name="又一人").exists()


def test_a_profile_is_changed_by_the_verb_with_further_fields_and_another_identity(world):
    CustomField.objects.create(code="pet", name_zh="宠物", name_en="Pet", kind="choice", choices=["cat", "dog"])
    CustomField.objects.create(code="vip", name_zh="贵宾", name_en="VIP", kind="yes_no")
    member = world.here.member
    address = f"/admin/members/member/{member.pk}/change/"
    said = {
        "name": "王大明",
        "language": "en",
        "birth_on": "1990-05-01",
        "further_taste": "salty",
        "further_pet": "dog",
    }
    said |= {"further_vip": "true", "new_kind": "card", "new_value": "vip 0042"} | formset("identities")

    response = world.client("manager").post(address, said)

    member.refresh_from_db()
    assert response.status_code == 302, text_of(response)
    assert (member.name, member.language, str(member.birth_on)) == ("王大明", "en", "1990-05-01")
    assert member.custom == {"taste": "salty", "pet": "dog", "vip": True}
    assert Identity.objects.get(member=member, kind="card").value == "VIP0042"
    assert "VIP: yes" in text_of(world.client("clerk").get(address))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"birth_on": "2030-01-01"}, "cannot be a birthday"),
        ({"new_value": "13987654321"}, "Another member already has"),
    ],
)
def test_a_profile_that_is_refused_changes_nothing(world, wrong, words):
    member = world.here.member
    said = {"name": "王大明", "language": "en", "new_kind": "phone"} | wrong | formset("identities")

    response = world.client("manager").post(f"/admin/members/member/{member.pk}/change/", said)

    assert words in text_of(response)
    assert Member.objects.get(pk=member.pk).name == "王小明"
