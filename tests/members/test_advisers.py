"""Who looks after a member: chosen among those who may see them, vacant once they left."""

import pytest

from loyalty.merging.actions import merge_members
from members.advisers.actions import adviser_of, advisers_for, entrust
from members.advisers.models import Advising
from members.advisers.rules import NotAnAdviser
from members.counter.actions import cues_for
from members.history.models import Change
from members.history.panels import Speaker
from members.kit.traits import TRAITS, Asking, Question
from members.privacy.actions import erase
from members.profiles.actions import MemberMerged
from members.profiles.models import Member
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory


@pytest.fixture
def wang(db):
    return MemberFactory.create(name="王芳", phone="13800000001", home_store=StoreFactory.create())


@pytest.fixture
def anna(wang):
    return UserFactory.create(username="anna", role="clerk", stores=[wang.home_store])


@pytest.fixture
def owner(db):
    return UserFactory.create(username="owner", first_name="", is_superuser=True, sees_all_stores=True)


def asked(operator, value=None):
    question = TRAITS["adviser"].answer(Question(operator, value), Asking(NOW))
    return set(Member.objects.filter(question).values_list("name", flat=True))


def test_those_who_may_see_the_store_may_be_advisers(wang, anna, owner):
    UserFactory.create(username="elsewhere", stores=[StoreFactory.create()])
    UserFactory.create(username="gone", stores=[wang.home_store], is_active=False)
    UserFactory.create(username="customer", is_staff=False, stores=[wang.home_store])

    assert set(advisers_for(wang.home_store)) == {anna, owner}
    for user in (
        Member.objects.none().model._meta.get_field("user").related_model.objects.exclude(pk__in=[anna.pk, owner.pk])
    ):
        with pytest.raises(NotAnAdviser):
            entrust(member=wang, adviser=user, now=NOW)
    assert not Advising.objects.exists()


def test_a_member_has_one_adviser_since_a_day_and_can_lose_them(wang, anna, owner):
    entrust(member=wang, adviser=anna, now=NOW)
    entrust(member=wang, adviser=anna, now=NOW.replace(year=2027))
    assert (adviser_of(wang).adviser, adviser_of(wang).since) == (anna, NOW)

    entrust(member=wang, adviser=owner, now=NOW)
    entrust(member=wang, adviser=None, now=NOW)

    assert adviser_of(wang) is None
    speaker = Speaker(Change.objects.order_by("pk"))
    assert [speaker.words(each) for each in speaker.changes] == ["— → Anna", "Anna → owner", "owner → —"]


def test_who_left_leaves_a_vacant_place(wang, anna, owner):
    entrust(member=wang, adviser=anna, now=NOW)
    MemberFactory.create(name="李强")
    assert asked("one_of", ["anna"]) == asked("known") == {"王芳"}
    assert asked("none_of", ["anna"]) == {"李强"}

    anna.is_active = False
    anna.save()

    assert adviser_of(wang).is_vacant
    assert asked("unknown") == {"王芳", "李强"}
    cue = next(cue for cue in cues_for(member=wang, user=owner, now=NOW) if cue.icon == "support_agent")
    assert cue.tone == "warn"


def test_a_merge_keeps_the_survivors_adviser_and_an_erasure_lets_them_go(wang, anna, owner):
    twin = MemberFactory.create(name="王方", phone="13900000002", home_store=wang.home_store)
    entrust(member=wang, adviser=anna, now=NOW)
    entrust(member=twin, adviser=owner, now=NOW)
    merge_members(survivor=wang, duplicate=twin, choices={}, by=owner, reason="same", key="m", now=NOW)
    twin.refresh_from_db()

    assert adviser_of(wang).adviser == anna
    with pytest.raises(MemberMerged):
        entrust(member=twin, adviser=anna, now=NOW)
    erase(member=wang, by=owner, reason="asked", now=NOW)
    assert not Advising.objects.exists()


def test_staff_choose_on_a_page_and_filter_the_list(client, wang, anna):
    MemberFactory.create(name="李强", home_store=wang.home_store)
    manager = UserFactory.create(username="manager", role="manager", stores=[wang.home_store])
    client.force_login(manager)
    page = f"/admin/members/member/{wang.pk}/adviser/"

    other = UserFactory.create(username="elsewhere", stores=[StoreFactory.create()])
    assert client.post(page, {"adviser": other.pk}).status_code == 200
    assert client.post(page, {"adviser": anna.pk}).status_code == 302

    def listed(said):
        text = client.get("/admin/members/member/", {"adviser": said}).content.decode()
        return {name for name in ("王芳", "李强") if name in text}

    assert listed("anna") == {"王芳"}
    assert listed("nobody") == {"李强"}
    assert listed("mine") == listed("vacant") == set()
    assert "Anna" in client.get(f"/admin/members/member/{wang.pk}/change/").content.decode()
    client.force_login(anna)
    assert listed("mine") == {"王芳"}
    assert client.post(page, {"adviser": ""}).status_code == 403
