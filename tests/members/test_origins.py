"""How members came: a link that is kept until the card is ready, a friend's link, and nothing for who was here."""

import pytest
import time_machine
from django.core.cache import cache

import config.urls  # noqa: F401 - read before the demo is on, which has a page of its own
from loyalty.merging.actions import merge_members
from members.kit.rates import counters
from members.kit.traits import TRAITS, Asking, Question
from members.origins.actions import note_origin
from members.origins.models import JoinCode, Origin
from members.origins.rules import friend_behind, friends_token
from members.privacy.actions import erase
from members.privacy.panels import told
from members.profiles.models import Member
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory


@pytest.fixture(autouse=True)
def a_fixed_day(settings):
    settings.DEMO = True
    cache.clear()
    counters().flushdb()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def store(db):
    return StoreFactory.create()


@pytest.fixture
def poster(store):
    return JoinCode.objects.create(code="poster", name_zh="门口海报", name_en="Poster at the door", store=store)


@pytest.fixture
def wang(store):
    return MemberFactory.create(name="王芳", phone="13800000001", home_store=store)


def come(client, link, name="李雷"):
    """Follow a link, prove an address, become a member."""
    client.get(link)
    client.post("/accounts/login/", {"address": "new@example.com"})
    client.post("/accounts/login/code/", {"code": client.session["sign_in_asked"]["demo"]})
    page = client.get("/accounts/join/")
    store = page.context["form"].initial["store"] or StoreFactory.create()
    client.post("/accounts/join/", {"name": name, "store": store.pk})
    return Member.objects.get(name=name)


def test_a_poster_brings_people_to_its_store_and_is_remembered(client, poster, store):
    member = come(client, "/join/poster/")

    assert (member.source, member.home_store) == ("portal", store)
    assert (member.origin.code, member.origin.friend, member.origin.came_at) == (poster, None, NOW)


@pytest.mark.parametrize("link", ["/join/nothing/", "/join/off/", f"/join/{'x' * 300}/", "/join/1:forged/"])
def test_a_code_that_is_none_or_old_still_leads_in_and_leaves_nothing(client, poster, link):
    JoinCode.objects.create(code="off", name_zh="旧", name_en="Old", is_on=False)

    assert client.get(link)["Location"] == "/accounts/login/"
    come(client, link)

    assert not Origin.objects.exists()


def test_a_friends_link_is_theirs_alone(client, wang):
    token = friends_token(wang.pk)
    assert friend_behind(token) == wang.pk
    assert friend_behind(token.replace(str(wang.pk), "1", 1) + "x") is None

    member = come(client, f"/join/{token}/")

    assert (member.origin.code, member.origin.friend) == (None, wang.pk)


def test_who_was_a_member_already_or_brings_themselves_leaves_nothing(wang, poster, store):
    old = MemberFactory.create(name="老", home_store=store, now=NOW.replace(year=2025))

    assert note_origin(member=old, came_by="poster", now=NOW) is None
    assert note_origin(member=wang, came_by=friends_token(wang.pk), now=NOW) is None
    assert note_origin(member=wang, came_by=friends_token(10**12), now=NOW) is None
    assert note_origin(member=wang, came_by="poster", now=NOW).code == poster
    assert note_origin(member=wang, came_by=friends_token(old.pk), now=NOW).code == poster

    assert Origin.objects.count() == 1


def test_segments_ask_and_the_list_of_codes_counts(client, wang, poster, store):
    friend = MemberFactory.create(name="李强", home_store=store)
    note_origin(member=wang, came_by="poster", now=NOW)
    note_origin(member=friend, came_by=friends_token(wang.pk), now=NOW)

    def asked(code, operator, value=None):
        question = TRAITS[code].answer(Question(operator, value), Asking(NOW))
        return set(Member.objects.filter(question).values_list("name", flat=True))

    assert asked("join_code", "one_of", ["poster"]) == asked("join_code", "known") == {"王芳"}
    assert asked("join_code", "none_of", ["poster"]) == asked("by_friend", "yes") == {"李强"}
    client.force_login(UserFactory.create(username="marketer", role="marketer", sees_all_stores=True))
    assert client.get("/admin/members/joincode/").context["cl"].result_list[0].came_here == 1
    page = client.get(f"/admin/members/joincode/{poster.pk}/change/").content.decode()
    assert "<svg" in page
    assert "/join/poster/" in page
    assert "门口海报" in client.get(f"/admin/members/member/{wang.pk}/change/").content.decode()


def test_a_code_is_made_by_staff_and_its_word_stands(client, store):
    client.force_login(UserFactory.create(username="manager", role="manager", stores=[store]))
    said = {"code": "spring", "name_zh": "春", "name_en": "Spring", "store": store.pk, "is_on": "on"}

    assert client.post("/admin/members/joincode/add/", said).status_code == 302
    made = JoinCode.objects.get()
    client.post(f"/admin/members/joincode/{made.pk}/change/", said | {"code": "summer", "name_en": "Late spring"})

    made.refresh_from_db()
    assert (made.code, made.name_en) == ("spring", "Late spring")


def test_it_is_told_stays_in_a_merge_and_goes_with_the_person(wang, poster, store):
    owner = UserFactory.create(username="owner", is_superuser=True, sees_all_stores=True)
    twin = MemberFactory.create(name="王方", phone="13900000002", home_store=store)
    note_origin(member=twin, came_by="poster", now=NOW)
    merge_members(survivor=wang, duplicate=twin, choices={}, by=owner, reason="same", key="m", now=NOW)
    rows = next(each.rows for each in told(wang) if each.model == "members.Origin")
    assert rows[0]["code"] == "门口海报"

    erase(member=wang, by=owner, reason="asked", now=NOW)

    assert not Origin.objects.exists()


def test_members_find_their_link_as_words_and_as_a_code(client, wang):
    wang.user = UserFactory.create(username="w", is_staff=False)
    wang.save(update_fields=["user"])
    client.force_login(wang.user)

    text = client.get("/me/friends/").content.decode()

    assert "/join/" in text
    assert "<svg" in text
