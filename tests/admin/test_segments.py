"""Marketing's desk of segments: the editor with and without JavaScript, scopes, comparing, freezing, and every no."""

import pytest
from django.db import connection
from django.db.models import Func, TextField, Value
from django.db.models.functions import Cast, Length
from django.db.models.lookups import GreaterThanOrEqual
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from members.kit.measures import sure
from members.kit.traits import TRAITS, Group, Kind, Trait
from members.profiles.models import Member
from members.segments.actions import change_segment
from members.segments.models import Audience, MemberList, Segment, SegmentVersion
from tests.factories import NOW
from tests.world import text_of

BOUGHT = {"r.kind": "all", "r.n": "1", "r-0.kind": "test", "r-0.trait": "bought", "r-0.is": "yes"}


@pytest.fixture
def segment(world):
    return world.shared["members_segment"]


@pytest.fixture
def page(segment):
    return reverse("admin:segment_say", args=[segment.pk])


def seen_of(response):
    text = response.content.decode()
    return text.partition('name="seen" value="')[2].partition('"')[0]


def test_the_page_shows_what_is_saved_with_its_count(world, page):
    text = text_of(world.client("marketer").get(page))

    assert "has bought something" in text
    assert "Members in it now 2" in text
    assert "of 4 whom you see" in text


def test_a_sample_shows_masked_phones(world, page):
    content = world.client("marketer").get(page).content.decode()

    assert "138****5678" in content
    assert world.here.phone not in content


def test_saving_needs_a_look_at_who_comes_and_goes(world, segment, page):
    client = world.client("marketer")
    said = {**BOUGHT, "r-0.trait": "home_store", "r-0.is": "one_of", "r-0.value": ["here"]}

    unseen = client.post(page, {**said, "do": "save"})

    assert "Go out 1" in text_of(unseen)
    assert SegmentVersion.objects.filter(segment=segment).count() == 1
    saved = client.post(page, {**said, "do": "save", "seen": seen_of(unseen)})
    assert saved.status_code == 302
    segment.refresh_from_db()
    assert segment.says["tree"] == {"all": [{"trait": "home_store", "is": "one_of", "value": ["here"]}]}
    assert segment.memberships.open().count() == 2


def test_what_was_seen_is_not_what_is_saved_when_a_field_changed(world, segment, page):
    client = world.client("marketer")
    seen = seen_of(client.post(page, {**BOUGHT, "do": "compare"}))

    again = client.post(page, {**BOUGHT, "r-0.is": "no", "do": "save", "seen": seen})

    assert again.status_code == 200
    assert SegmentVersion.objects.filter(segment=segment).count() == 1


def test_who_looked_before_somebody_else_saved_looks_again(world, segment, page):
    client = world.client("marketer")
    seen = seen_of(client.post(page, {**BOUGHT, "do": "compare"}))
    change_segment(segment=segment, tree={}, by=None, now=NOW)

    again = client.post(page, {**BOUGHT, "do": "save", "seen": seen})

    assert again.status_code == 200
    segment.refresh_from_db()
    assert segment.says["tree"] == {}


def slow(_question, _asking):
    """Holds for everybody, a third of a second each."""
    slept = Length(Cast(Func(Value(0.3), function="pg_sleep"), TextField()))
    return sure(GreaterThanOrEqual(slept, 0))


def test_what_takes_too_long_to_count_can_be_saved_all_the_same(world, segment, page, monkeypatch):
    monkeypatch.setattr("members.segments.actions.COUNT_SECONDS", 0.1)
    monkeypatch.setitem(TRAITS, "slow", Trait("slow", Group("slow", "Slow", 99), "slow", Kind.YES_NO, slow))
    client, said = world.client("marketer"), {**BOUGHT, "r-0.trait": "slow"}

    shown = client.post(page, {**said, "do": "compare"})

    assert "Counting this takes longer than 0.1 seconds" in text_of(shown)
    assert client.post(page, {**said, "do": "save", "seen": seen_of(shown)}).status_code == 302
    segment.refresh_from_db()
    assert segment.version == 2


def test_buttons_add_wrap_and_remove(world, page):
    client = world.client("marketer")

    added = client.post(page, {**BOUGHT, "do": "add-group:r"}).content.decode()
    wrapped = client.post(page, {**BOUGHT, "do": "wrap:r-0"}).content.decode()
    removed = client.post(page, {**BOUGHT, "do": "remove:r-0"}).content.decode()

    assert 'name="r-1-0.trait"' in added
    assert 'name="r-0-0.trait"' in wrapped
    assert 'name="r-0.trait"' not in removed


@pytest.mark.parametrize(
    "order", ["remove:r", "wrap:r", "wrap:r-9", "remove:x", "add-test:r-0", "add-moon:r", "::", "save"]
)
def test_orders_that_make_no_sense_change_nothing(world, segment, page, order):
    response = world.client("marketer").post(page, {**BOUGHT, "do": order})

    assert response.status_code == 200
    assert 'name="r-0.trait"' in response.content.decode()
    assert SegmentVersion.objects.filter(segment=segment).count() == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"r-0.trait": "spend", "r-0.is": "at_least", "r-0.value": "lots"}, "“lots” cannot be compared"),
        ({"r-0.trait": "spend", "r-0.is": "at_least", "r-0.value": "-1"}, "“-1” cannot be compared"),
        ({"r-0.trait": "age", "r-0.is": "between", "r-0.value": "9", "r-0.value2": "3"}, "no larger than"),
        ({"r-0.trait": "enrolled", "r-0.is": "since", "r-0.value": "2026-02-30"}, "a day such as"),
        ({"r-0.trait": "home_store", "r-0.is": "one_of", "r-0.value": "gone"}, "one of the choices"),
        ({"r-0.p-days": "many"}, "a number of days"),
        ({"r-0.kind": "segment", "r-0.segment": "buyers"}, "would stand in itself"),
        ({"r-0.kind": "list", "r-0.list": "99"}, "no list of members"),
        ({"r-0.kind": "moon"}, "cannot stand in a segment"),
        ({"r-0.kind": "did", "r-0.did": "bought", "r-0.but_not": "read", "r-0.days": "0"}, "a number of days"),
        ({"r-0.trait": "1) OR (1=1", "r-0.is": "yes"}, "There is no trait"),
    ],
)
def test_what_cannot_be_used_is_said_and_not_saved(world, segment, page, said, words):
    response = world.client("marketer").post(page, {**BOUGHT, **said, "do": "compare"})

    assert response.status_code == 200
    assert words in text_of(response)
    assert not seen_of(response)
    assert SegmentVersion.objects.filter(segment=segment).count() == 1


def test_more_than_a_page_holds_is_refused(world, page):
    many = {"r.kind": "all", "r.n": "90"} | {f"r-{n}.kind": "test" for n in range(90)}
    deep = {"-".join(["r"] + ["0"] * n) + ".kind": "all" for n in range(12)}
    deep |= {"-".join(["r"] + ["0"] * n) + ".n": "1" for n in range(12)}

    for said in (many, deep):
        assert "A page holds at most" in text_of(world.client("marketer").post(page, said))


def test_a_manager_counts_and_explains_only_members_of_their_stores(world, segment):
    client = world.client("manager")

    listed = client.get("/admin/members/segment/").content.decode()
    shown = text_of(client.get(f"/admin/members/segment/{segment.pk}/change/?member={world.there.member.number}"))
    inside = client.get(reverse("admin:segment_members", args=[segment.pk])).content.decode()

    assert ">1<" in listed.replace(" ", "").replace("\n", "")
    assert "1 members in your stores" in shown
    assert "Nobody in your stores is found by that." in shown
    assert world.here.member.number in inside
    assert world.there.member.number not in inside


def test_the_page_says_why_somebody_is_in_it(world, segment):
    address = f"/admin/members/segment/{segment.pk}/change/?member={world.here.phone}"

    text = text_of(world.client("marketer").get(address))

    assert "in it since" in text
    assert "✓ has bought something is so" in text


def test_a_members_page_lists_their_segments(world, segment):
    text = text_of(world.client("manager").get(f"/admin/members/member/{world.here.member.pk}/change/"))

    assert "Buyers" in text


def test_an_audience_is_frozen_once_per_press(world, segment):
    client, address = world.client("marketer"), reverse("admin:segment_freeze", args=[segment.pk])

    for _press in range(2):
        client.post(address, {"name": "Autumn", "key": "2"})

    assert Audience.objects.filter(name="Autumn").count() == 1
    assert Audience.objects.get(name="Autumn").rows.count() == 2


@pytest.mark.parametrize("who", ["clerk", "manager", "service", "analyst"])
def test_who_may_not_change_segments_does_not(world, segment, page, who):
    client = world.client(who)

    answers = [
        client.post(page, {**BOUGHT, "do": "compare"}),
        client.post(reverse("admin:segment_refresh", args=[segment.pk])),
        client.post(reverse("admin:segment_freeze", args=[segment.pk]), {"name": "x", "key": "9"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert Audience.objects.count() == 1


def test_a_list_is_pasted_and_says_who_was_not_found(world):
    response = world.client("marketer").post(
        "/admin/members/memberlist/add/", {"name": "friends", "pasted": "13812345678\n13700000000\n"}, follow=True
    )

    made = MemberList.objects.get(name="friends")
    assert (made.size, made.unknown) == (1, 1)
    assert "1 members stand on the list; 1 lines were not found." in text_of(response)


def test_an_empty_list_is_refused(world):
    response = world.client("marketer").post("/admin/members/memberlist/add/", {"name": "friends", "pasted": " \n"})

    assert "Paste at least one phone" in text_of(response)
    assert not MemberList.objects.filter(name="friends").exists()


def test_the_list_asks_no_more_with_more_segments(world):
    client = world.client("marketer")
    here = {"trait": "home_store", "is": "one_of", "value": ["here"]}

    def asked():
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/admin/members/segment/").status_code == 200
        return len(queries)

    asked()
    change_segment(segment=world.shared["members_segment"], tree=here, by=None, now=NOW)
    before = asked()
    for number in range(30):
        made = Segment.objects.create(code=f"s{number}", name_zh="群", name_en="Group")
        change_segment(segment=made, tree={"all": [here, {"segment": "buyers"}]}, by=None, now=NOW)

    assert asked() == before


def test_a_new_segment_is_said_next(world):
    response = world.client("marketer").post(
        "/admin/members/segment/add/",
        {"code": "new", "name_zh": "新", "name_en": "New", "is_live": "on", "drift_percent": "20"},
    )

    assert response.status_code == 302
    assert response["Location"] == reverse("admin:segment_say", args=[Segment.objects.get(code="new").pk])


def test_a_segment_with_the_whole_shop_in_it_says_so(world, page):
    response = world.client("marketer").post(page, {"r.kind": "all", "r.n": "0", "do": "compare"})

    assert "everybody" in text_of(response)
    assert f"Members in it now {Member.objects.count()}" in text_of(response)
