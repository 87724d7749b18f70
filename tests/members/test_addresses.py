"""Where members live: written in either order, changed whole or not at all, asked by segments, told and forgotten."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from loyalty.merging.actions import merge_members, undo_merge
from members.addresses.actions import address_of, settle_at
from members.addresses.models import Address
from members.addresses.rules import AddressTooLong, BadCountry, BadPostcode, written
from members.extracts.actions import rows_for
from members.history.models import Change
from members.kit.traits import TRAITS, Asking, Question
from members.privacy.actions import erase
from members.profiles.models import Member
from members.profiles.rules import BadName
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory

DAY = timedelta(days=1)
SHANGHAI = {
    "country": "CN",
    "province": "上海市",
    "city": "上海市",
    "district": "静安区",
    "street": "南京西路 1 号",
    "postcode": "200040",
}
LONDON = {"country": "GB", "province": "", "city": "London", "district": ""} | {
    "street": "1 High St",
    "postcode": "n1 9gu",
}


@pytest.fixture
def wang(db):
    return MemberFactory.create(name="王芳", phone="13800000001", home_store=StoreFactory.create(), now=NOW - 90 * DAY)


@pytest.fixture
def owner(db):
    return UserFactory.create(username="owner", is_superuser=True, sees_all_stores=True)


@pytest.mark.parametrize(
    ("said", "language", "line"),
    [
        (SHANGHAI, "zh-hans", "上海市静安区南京西路 1 号 200040"),
        (SHANGHAI, "en", "上海市静安区南京西路 1 号 200040"),
        (LONDON, "en", "1 High St, London N1 9GU, United Kingdom"),
        (LONDON, "zh-hans", "1 High St, London N1 9GU, 英国"),
        (LONDON | {"street": "", "city": ""}, "en", "N1 9GU United Kingdom"),
        (SHANGHAI | {"country": "SG", "street": "", "postcode": ""}, "zh-hans", "新加坡上海市静安区"),
    ],
)
def test_an_address_is_written_in_the_order_of_its_world(wang, said, language, line):
    with translation.override(language):
        assert settle_at(member=wang, now=NOW, **said).line == line


def test_a_blank_address_is_not_kept_and_its_line_is_empty(wang):
    settle_at(member=wang, now=NOW, country="CN")

    assert not Address.objects.exists()
    assert address_of(wang).line == ""
    assert written(dict.fromkeys(SHANGHAI, ""), home="CN", language="en") == ""


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"country": "XX"}, BadCountry),
        ({"country": "ZZ"}, BadCountry),
        ({"postcode": "20004"}, BadPostcode),
        ({"postcode": "２０００４０x"}, BadPostcode),
        ({"street": "x" * 201}, AddressTooLong),
        ({"city": "x" * 41}, AddressTooLong),
        ({"street": "1 \u202e road"}, BadName),
        ({"street": "x" * 150 + "\u202e"}, BadName),
    ],
)
def test_what_cannot_be_an_address_is_refused_and_the_old_one_stands(wang, said, refusal):
    settle_at(member=wang, now=NOW, **SHANGHAI)

    with pytest.raises(refusal):
        settle_at(member=wang, now=NOW + DAY, **(SHANGHAI | said))

    assert Address.objects.get().street == SHANGHAI["street"]
    assert Address.objects.get().said_at == NOW


def test_segments_ask_for_city_and_province(wang):
    settle_at(member=wang, now=NOW, **SHANGHAI)
    MemberFactory.create(name="李强")

    def asked(code, operator, value=None):
        question = TRAITS[code].answer(Question(operator, value), Asking(NOW))
        return set(Member.objects.filter(question).values_list("name", flat=True))

    assert asked("city", "begins", "上海") == {"王芳"}
    assert asked("province", "equal", "上海市") == {"王芳"}
    assert asked("city", "unknown") == {"李强"}


def test_it_has_a_history_goes_over_in_a_merge_and_is_gone_with_the_person(wang, owner):
    twin = MemberFactory.create(name="王方", phone="13900000002", home_store=wang.home_store, now=NOW - 80 * DAY)
    settle_at(member=twin, now=NOW, **LONDON)
    settle_at(member=twin, now=NOW, **(LONDON | {"city": "Leeds"}))
    changes = Change.objects.filter(member=twin, field="city").order_by("pk").values_list("before", "after")
    assert list(changes) == [("", "London"), ("London", "Leeds")]

    merge = merge_members(survivor=wang, duplicate=twin, choices={}, by=owner, reason="same", key="m", now=NOW)
    assert Address.objects.get().member == wang
    undo_merge(merge=merge, by=owner, now=NOW)
    assert Address.objects.get().member == twin

    erase(member=twin, by=owner, reason="asked", now=NOW)
    assert not Address.objects.exists()


def test_lists_take_it_along_for_those_who_may_see_contacts(wang, owner):
    settle_at(member=wang, now=NOW, **LONDON)
    marketer = UserFactory.create(username="m", role="analyst", sees_all_stores=True)

    with translation.override("en"):
        whole = dict(zip(*rows_for([wang.pk], owner), strict=True))
        masked = dict(zip(*rows_for([wang.pk], marketer), strict=True))

    assert (whole["city"], whole["address"]) == ("London", "1 High St, London N1 9GU, United Kingdom")
    assert (masked["city"], masked["address"]) == ("London", "")


def test_members_say_it_in_the_portal_and_staff_in_the_admin(client, wang):
    wang.user = UserFactory.create(username="w", is_staff=False)
    wang.save(update_fields=["user"])
    client.force_login(wang.user)
    bad = client.post("/me/address/", SHANGHAI | {"postcode": "1"})
    assert bad.context["form"].errors.keys() == {"postcode"}
    long = client.post("/me/address/", SHANGHAI | {"street": "1 \u202e road"})
    assert long.context["form"].errors.keys() == {"street"}
    assert not Address.objects.exists()

    good = client.post("/me/address/", SHANGHAI)
    assert "南京西路" in client.get(good.url).content.decode()

    page = f"/admin/members/member/{wang.pk}/address/"
    client.force_login(UserFactory.create(username="manager", role="manager", stores=[wang.home_store]))
    assert client.post(page, SHANGHAI | {"street": "愚园路 2 号"}).status_code == 302
    assert Address.objects.get().street == "愚园路 2 号"
    assert Address.objects.get().said_at <= timezone.now()
    client.force_login(UserFactory.create(username="clerk", role="clerk", stores=[wang.home_store]))
    assert client.get(page).status_code == 200
    assert client.post(page, SHANGHAI).status_code == 403
