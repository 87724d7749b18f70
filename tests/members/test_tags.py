"""Tags: put on one member or a whole list, renewed, taken off, lapsing by themselves, and never without a trace."""

from datetime import timedelta

import pytest

from loyalty.merging.actions import merge_members, undo_merge
from loyalty.tasks import plan_night, run_chunk
from members.kit.models import Chunk
from members.kit.traits import TRAITS, Asking, Question
from members.privacy.actions import erase
from members.privacy.panels import told
from members.profiles.models import Member
from members.tags.actions import lapse_range, names_of, put_on, put_on_many, tags_of, take_off
from members.tags.models import Tag, Tagging
from members.tags.rules import TagArchived, TagGuarded, WhyTooLong
from members.timeline.actions import page_of
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory

DAY = timedelta(days=1)


@pytest.fixture
def wang(db):
    return MemberFactory.create(name="王芳", phone="13800000001", home_store=StoreFactory.create(), now=NOW - 90 * DAY)


@pytest.fixture
def nuts(db):
    return Tag.objects.create(code="nuts", name_zh="坚果过敏", name_en="Allergic to nuts", colour="red")


@pytest.fixture
def trial(db):
    return Tag.objects.create(code="trial", name_zh="试用", name_en="On trial", days=30)


@pytest.fixture
def clerk(wang):
    return UserFactory.create(username="clerk", role="clerk", stores=[wang.home_store])


@pytest.fixture
def owner(db):
    return UserFactory.create(username="owner", is_superuser=True, sees_all_stores=True)


def codes(member, at=NOW):
    return [each.tag.code for each in tags_of(member, at)]


def test_a_tag_stands_since_by_whom_and_why_until_it_is_taken_off(wang, nuts, clerk):
    put_on(member=wang, tag=nuts, by=clerk, why=" told us ", now=NOW)
    put_on(member=wang, tag=nuts, by=None, why="again", now=NOW + DAY)

    one = Tagging.objects.get()
    assert (one.since, one.until, one.by, one.why) == (NOW, None, clerk, "told us")
    take_off(member=wang, tag=nuts, by=clerk, now=NOW + 2 * DAY)
    take_off(member=wang, tag=nuts, by=None, now=NOW + 3 * DAY)

    one.refresh_from_db()
    assert (one.ended_at, one.ended_by) == (NOW + 2 * DAY, clerk)
    assert codes(wang, NOW + 4 * DAY) == []


def test_a_tag_lapses_by_itself_and_is_renewed_by_putting_it_on_again(wang, trial):
    put_on(member=wang, tag=trial, by=None, now=NOW)
    put_on(member=wang, tag=trial, by=None, now=NOW + 10 * DAY)
    assert codes(wang, NOW + 39 * DAY) == ["trial"]
    assert codes(wang, NOW + 40 * DAY) == []  # whether the night was there or not

    put_on(member=wang, tag=trial, by=None, now=NOW + 50 * DAY)

    stood = Tagging.objects.order_by("pk").values_list("since", "until", "ended_at")
    assert list(stood) == [
        (NOW, NOW + 40 * DAY, NOW + 40 * DAY),
        (NOW + 50 * DAY, NOW + 80 * DAY, None),
    ]


def test_the_night_ends_what_has_lapsed(wang, trial, nuts):
    put_on(member=wang, tag=trial, by=None, now=NOW)
    put_on(member=wang, tag=nuts, by=None, now=NOW)

    assert lapse_range(first=0, last=2**62, now=NOW + 29 * DAY) == 0
    plan_night(slot="2026-05-01", as_of=NOW + 50 * DAY)
    run_chunk(Chunk.objects.get(name="tags").pk)

    assert list(Tagging.objects.filter(ended_at=None).values_list("tag__code", flat=True)) == ["nuts"]
    assert lapse_range(first=0, last=2**62, now=NOW + 60 * DAY) == 0


def test_many_are_tagged_at_once_and_those_who_had_it_are_counted_apart(wang, trial, owner):
    others = [MemberFactory.create(home_store=wang.home_store) for _each in range(3)]
    put_on(member=wang, tag=trial, by=None, now=NOW - DAY)
    everybody = [wang.pk, *(each.pk for each in others)]

    assert put_on_many(members=everybody, tag=trial, by=owner, why="list", now=NOW) == (3, 1)
    assert put_on_many(members=everybody, tag=trial, by=owner, why="list", now=NOW) == (0, 0)

    assert Tagging.objects.count() == 4
    assert names_of(everybody) in ({pk: "trial" for pk in everybody}, {})


@pytest.mark.parametrize(
    ("change", "why", "refusal"),
    [
        ({"is_archived": True}, "", TagArchived),
        ({"is_guarded": True}, "", TagGuarded),
        ({}, "x" * 201, WhyTooLong),
    ],
)
def test_what_may_not_be_put_on_is_refused_and_nobody_has_it(wang, nuts, clerk, change, why, refusal):
    for name, value in change.items():
        setattr(nuts, name, value)

    with pytest.raises(refusal):
        put_on(member=wang, tag=nuts, by=clerk, why=why, now=NOW)

    assert not Tagging.objects.exists()


def test_a_guarded_tag_is_taken_off_by_managers_and_an_archived_one_by_all(wang, nuts, clerk):
    manager = UserFactory.create(username="manager", role="manager", stores=[wang.home_store])
    nuts.is_guarded = True
    nuts.save()
    put_on(member=wang, tag=nuts, by=manager, now=NOW)
    with pytest.raises(TagGuarded):
        take_off(member=wang, tag=nuts, by=clerk, now=NOW)
    assert codes(wang) == ["nuts"]

    nuts.is_guarded, nuts.is_archived = False, True
    nuts.save()
    take_off(member=wang, tag=nuts, by=clerk, now=NOW)

    assert codes(wang) == []


def test_segments_ask_which_tags_stand_and_which_are_new(wang, nuts, trial):
    li = MemberFactory.create(name="李强")
    put_on(member=wang, tag=nuts, by=None, now=NOW - 20 * DAY)
    put_on(member=wang, tag=trial, by=None, now=NOW - DAY)
    put_on(member=li, tag=trial, by=None, now=NOW - 60 * DAY)

    def asked(operator, value, **more):
        question = TRAITS["tag"].answer(Question(operator, value, more), Asking(NOW))
        return set(Member.objects.filter(question).values_list("name", flat=True))

    assert asked("any_of", ["nuts", "trial"]) == {"王芳"}
    assert asked("all_of", ["nuts", "trial"]) == {"王芳"}
    assert asked("none_of", ["trial"]) == {"李强"}
    assert asked("any_of", ["nuts"], days=7) == set()
    assert asked("any_of", ["trial"], days=7) == {"王芳"}


def test_a_merge_brings_tags_over_but_not_twice_and_an_undoing_gives_them_back(wang, nuts, trial, owner):
    twin = MemberFactory.create(name="王方", phone="13900000002", home_store=wang.home_store, now=NOW - 80 * DAY)
    put_on(member=wang, tag=nuts, by=None, now=NOW)
    put_on(member=twin, tag=nuts, by=None, now=NOW)
    put_on(member=twin, tag=trial, by=None, now=NOW)

    merge = merge_members(survivor=wang, duplicate=twin, choices={}, by=owner, reason="same", key="m", now=NOW)
    assert codes(wang) == ["nuts", "trial"]
    assert codes(twin) == ["nuts"]
    undo_merge(merge=merge, by=owner, now=NOW)

    assert codes(twin) == ["nuts", "trial"]
    assert codes(wang) == ["nuts"]


def test_the_member_is_told_and_an_erasure_lets_tags_go(wang, nuts, owner):
    put_on(member=wang, tag=nuts, by=owner, why="told us", now=NOW)
    assert page_of(member=wang, user=owner, wanted=["tag"]).lines[0].shown.more.startswith("owner · told us")

    rows = next(each.rows for each in told(wang) if each.model == "members.Tagging")
    assert (rows[0]["tag"], rows[0]["why"]) == ("坚果过敏", "told us")
    erase(member=wang, by=owner, reason="asked", now=NOW)

    assert not Tagging.objects.exists()


def test_clerks_tag_on_the_members_page(client, wang, nuts, trial, clerk):
    Tag.objects.create(code="vip", name_zh="贵宾", name_en="VIP", is_guarded=True)
    page = f"/admin/members/member/{wang.pk}/tags/"
    client.force_login(clerk)

    assert client.post(page, {"tag": Tag.objects.get(code="vip").pk}).status_code == 200
    assert client.post(page, {"tag": nuts.pk, "why": "x" * 300}).context["form"].errors.keys() == {"why"}
    assert not Tagging.objects.exists()
    assert client.post(page, {"tag": nuts.pk, "why": "told us"}).status_code == 302
    assert "told us" in client.get(page).content.decode()
    for place in ("change", "card"):
        assert "坚果过敏" in client.get(f"/admin/members/member/{wang.pk}/{place}/").content.decode()
    assert client.post(page, {"off": nuts.pk}).status_code == 302

    assert Tagging.objects.get().ended_by == clerk
    client.force_login(UserFactory.create(username="analyst", role="analyst", sees_all_stores=True))
    assert client.get(page).status_code == 200
    assert client.post(page, {"tag": nuts.pk}).status_code == 403


def test_a_whole_list_is_tagged_as_it_was_filtered_and_seen_before(client, wang, nuts):
    MemberFactory.create(name="李强", home_store=wang.home_store, source="portal")
    MemberFactory.create(name="外人", home_store=StoreFactory.create())
    manager = UserFactory.create(username="manager", role="manager", stores=[wang.home_store])
    client.force_login(manager)
    address = "/admin/members/member/tag-all/?source=till"

    seen = client.get(address)
    assert seen.context["count"] == 1
    assert [member.name for member in seen.context["sample"]] == ["王芳"]
    assert not Tagging.objects.exists()
    assert client.post(address, {"tag": "0"}).status_code == 200
    assert client.post(address, {"tag": nuts.pk, "why": "spring"}).status_code == 302

    assert [each.member for each in Tagging.objects.all()] == [wang]
    assert client.get("/admin/members/member/tag-all/?source=import").status_code == 302
    client.force_login(UserFactory.create(username="analyst", role="analyst", sees_all_stores=True))
    assert client.get(address).status_code == 403
