"""The history of profiles: every change stands there, whoever made it, and is never rewritten."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.merging.actions import merge_members, preview_merge, undo_merge
from members.history.models import Change
from members.history.panels import Speaker
from members.kit.hands import Hand, held
from members.people.actions import describe
from members.privacy.actions import erase, retain
from members.privacy.panels import told
from members.profiles.actions import Newcomer, add_identity, enrol_many, update_profile
from members.profiles.models import CustomField, Identity, Member
from members.profiles.rules import BadName, mask
from members.timeline.actions import page_of
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory

DAY = timedelta(days=1)


@pytest.fixture
def wang(db):
    CustomField.objects.create(code="pets", name_zh="宠物", name_en="Pets", kind="number")
    return MemberFactory.create(name="王芳", phone="13800000001", home_store=StoreFactory.create(), now=NOW - 90 * DAY)


@pytest.fixture
def owner(db):
    return UserFactory.create(username="owner", is_superuser=True, sees_all_stores=True)


def history(member):
    return list(
        Change.objects.of_family(member).order_by("pk").values_list("field", "before", "after", "door", "by__username")
    )


def test_a_change_stands_with_what_was_what_is_who_and_by_which_door(wang, owner):
    with held(lambda: Hand("staff", owner.pk)):
        update_profile(member=wang, now=NOW, name="王小芳", birth_on=date(1990, 5, 1), custom={"pets": 2})
    with held(lambda: Hand("member")):
        describe(member=wang, now=NOW, occupation="教师", calendar="lunar", birth_month=8, birth_day=15)

    assert history(wang) == [
        ("name", "王芳", "王小芳", "staff", "owner"),
        ("birth_on", "", "1990-05-01", "staff", "owner"),
        ("custom.pets", "", "2", "staff", "owner"),
        ("occupation", "", "教师", "member", None),
        ("calendar", "", "lunar", "member", None),
        ("birth_month", "", "8", "member", None),
        ("birth_day", "", "15", "member", None),
    ]


def test_the_same_again_and_a_refusal_leave_no_line(wang):
    update_profile(member=wang, now=NOW, name="王芳")
    describe(member=wang, now=NOW)
    with pytest.raises(BadName):
        update_profile(member=wang, now=NOW, name="x" * 101)

    assert history(wang) == []


def test_whoever_forgets_to_say_who_they_are_is_written_down_as_the_house(wang):
    Member.objects.filter(pk=wang.pk).update(name="王方")

    assert history(wang) == [("name", "王芳", "王方", "", None)]


def test_contacts_stand_masked_and_enrolling_is_no_change(wang):
    assert history(wang) == []

    identity = add_identity(member=wang, kind="email", text="Wang.Fang@example.com")
    add_identity(member=wang, kind="email", text="wang.fang@example.com")
    identity.delete()
    rows = [Newcomer("phone", f"+8613900000{number:03}", "", NOW) for number in range(30)]
    enrol_many(rows=rows, store=wang.home_store, source="import")

    assert history(wang) == [
        ("email", "", "w***@example.com", "", None),
        ("email", "w***@example.com", "", "", None),
    ]
    assert Change.objects.count() == 2


VALUES = st.one_of(
    st.tuples(st.just("phone"), st.from_regex(r"\+(86)?[0-9]{7,13}", fullmatch=True)),
    st.tuples(st.just("email"), st.from_regex(r"[a-z.]{1,9}@[a-z]{1,9}\.com", fullmatch=True)),
    st.tuples(st.sampled_from(["card", "wechat"]), st.from_regex(r"[0-9A-Z]{3,20}", fullmatch=True)),
)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(each=VALUES)
def test_the_database_masks_as_the_pages_do(each):
    with connection.cursor() as cursor:
        cursor.execute("SELECT history_mask(%s, %s)", each)
        assert cursor.fetchone()[0] == mask(*each)


def test_nobody_rewrites_history(wang):
    update_profile(member=wang, now=NOW, name="王方")

    with pytest.raises(DatabaseError), transaction.atomic():
        Change.objects.update(after="x")

    assert history(wang) == [("name", "王芳", "王方", "", None)]


def test_two_who_become_one_have_one_history_and_a_preview_leaves_none(wang, owner):
    twin = MemberFactory.create(name="王方", phone="13900000002", home_store=wang.home_store, now=NOW - 80 * DAY)
    update_profile(member=twin, now=NOW, birth_on=date(1990, 5, 1))
    preview_merge(survivor=wang, duplicate=twin, by=owner, now=NOW)
    assert Change.objects.count() == 1

    merge = merge_members(survivor=wang, duplicate=twin, choices={}, by=owner, reason="same", key="m", now=NOW)
    assert history(wang) == [
        ("birth_on", "", "1990-05-01", "", None),
        ("phone", "", "139****0002", "merge", "owner"),
        ("birth_on", "", "1990-05-01", "merge", "owner"),
    ]
    undo_merge(merge=merge, by=owner, now=NOW)

    assert history(wang)[-1] == ("birth_on", "1990-05-01", "", "merge", "owner")
    assert history(twin)[-1] == ("phone", "", "139****0002", "merge", "owner")


def test_an_erased_person_has_no_history(wang, owner):
    update_profile(member=wang, now=NOW, name="王小芳", custom={"pets": 2})
    describe(member=wang, now=NOW, occupation="教师")
    add_identity(member=wang, kind="email", text="wang@example.com")

    erase(member=wang, by=owner, reason="asked", now=NOW)

    assert not Change.objects.exists()


def test_the_member_is_told_and_old_lines_go_at_night(wang):
    update_profile(member=wang, now=NOW, name="王小芳")
    rows = next(each.rows for each in told(wang) if each.model == "members.Change")
    assert [(row["before"], row["after"]) for row in rows] == [("王芳", "王小芳")]

    later = Change.objects.get().changed_at + 6 * 366 * DAY

    assert retain(code="changes", first=0, last=2**62, now=later - 2 * 366 * DAY) == 0
    assert retain(code="changes", first=0, last=2**62, now=later) == 1


def test_it_stands_in_the_members_time_in_words(wang, owner):
    CustomField.objects.create(code="vegan", name_zh="素食", name_en="Vegan", kind="yes_no")
    update_profile(member=wang, now=NOW, language="en", birth_on=date(1990, 5, 1), custom={"vegan": True, "pets": 3})
    other = StoreFactory.create(code="other", name_zh="徐汇店", name_en="Xuhui")
    Member.objects.filter(pk=wang.pk).update(home_store=other)

    lines = [line.shown.words for line in page_of(member=wang, user=owner, wanted=["change"]).lines]

    assert len(lines) == 5
    assert any("徐汇店" in line for line in lines)
    assert any("素食" in line and "是" in line for line in lines)
    assert any("1990" in line and "5" in line for line in lines)
    CustomField.objects.get(code="pets").delete()
    gone = next(change for change in Change.objects.all() if change.field == "custom.pets")
    assert Speaker([gone]).title(gone) == "pets"


def test_each_door_says_whose_hand_it_was(client, wang):
    manager = UserFactory.create(username="manager", role="manager", stores=[wang.home_store])
    wang.user = UserFactory.create(username="w", is_staff=False)
    wang.save(update_fields=["user"])

    client.force_login(manager)
    client.post(f"/admin/members/member/{wang.pk}/about/", {"occupation": "教师"})
    client.force_login(wang.user)
    client.post("/me/about/", {"occupation": "医生"})

    assert history(wang) == [
        ("occupation", "", "教师", "staff", "manager"),
        ("occupation", "教师", "医生", "member", None),
    ]
    assert Identity.objects.filter(member=wang).count() == 1
