"""Whole and fresh profiles: by the shop's weights, at night and at once, confirmed by one tap, and reminders."""

from datetime import date, timedelta

import pytest
from django.db import connection

from loyalty.deeds.actions import report_completions
from loyalty.earning.models import Event
from loyalty.ledger.models import Account, PointKind
from loyalty.merging.actions import merge_members
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule
from loyalty.tasks import plan_night, run_chunk
from members.addresses.actions import settle_at
from members.completeness.actions import compute_changed, compute_range, confirm, remind_range, standing_of
from members.completeness.models import Fullness, FullnessRule, ProfilePart
from members.consents.actions import Said, say
from members.consents.models import Wording
from members.counter.actions import cues_for
from members.history.models import Change
from members.kit.models import Chunk
from members.kit.traits import TRAITS, Asking, Question
from members.messaging.models import Message
from members.people.actions import describe
from members.privacy.actions import erase
from members.profiles.actions import add_identity, update_profile
from members.profiles.models import CustomField, Member
from tests.conftest import triggers_asleep
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory

DAY = timedelta(days=1)
LONG_AGO = NOW - timedelta(days=900)


@pytest.fixture
def wang(db):
    """Enrolled two and a half years ago: a name and a phone, 40 of 100."""
    return MemberFactory.create(name="王芳", phone="13800000001", home_store=StoreFactory.create(), now=LONG_AGO)


@pytest.fixture
def owner(db):
    return UserFactory.create(username="owner", is_superuser=True, sees_all_stores=True)


def age_history(member):
    """Let all changes of a member be two years old: the trigger dates them today, and nobody may edit them."""
    with triggers_asleep():
        Change.objects.filter(member=member).update(changed_at=LONG_AGO)


def fill_in(member):
    update_profile(member=member, now=NOW, birth_on=date(1990, 5, 1))
    describe(member=member, now=NOW, gender="female")
    add_identity(member=member, kind="email", text="wang@example.com")
    settle_at(member=member, now=NOW, country="CN", city="上海市")


def test_a_profile_is_as_whole_as_the_weights_say(wang):
    standing = standing_of(wang, NOW)
    assert standing.percent == 40
    assert [part.title for part in standing.missing] == ["生日", "地址", "电子邮箱", "性别"] or len(
        standing.missing
    ) == 4
    assert {part.page for part in standing.missing} == {"about_me", "my_address", ""}

    fill_in(wang)

    assert standing_of(wang, NOW).percent == 100
    assert standing_of(wang, NOW).missing == []


def test_a_lunar_birthday_is_one_and_further_fields_count_if_the_shop_says_so(wang):
    field = CustomField.objects.create(code="pets", kind="number", name_zh="宠物", name_en="Pets")
    ProfilePart.objects.all().delete()
    assert standing_of(wang, NOW).is_fine
    ProfilePart.objects.create(code="birthday", weight=1)
    ProfilePart.objects.create(code="custom.pets", weight=2)

    describe(member=wang, now=NOW, calendar="lunar", birth_month=8, birth_day=15)
    assert standing_of(wang, NOW).percent == 33
    update_profile(member=wang, now=NOW, custom={"pets": 0})
    assert standing_of(wang, NOW).percent == 100
    CustomField.objects.filter(pk=field.pk).update(is_archived=True)

    assert standing_of(wang, NOW).percent == 100


def test_what_was_not_confirmed_for_long_is_old_until_the_member_says_it_is_right(wang):
    fill_in(wang)
    age_history(wang)
    assert len(standing_of(wang, NOW).stale) == 3  # phone, e-mail and address, after 24 months
    compute_range(first=0, last=2**62, now=NOW)
    assert len(Fullness.objects.get().stale) == 3

    confirm(member=wang, now=NOW)

    assert Fullness.objects.get().stale == []
    assert standing_of(wang, NOW).is_fine
    assert len(standing_of(wang, NOW + 800 * DAY).stale) == 3


def test_a_change_makes_its_part_fresh_and_no_other(wang):
    fill_in(wang)
    age_history(wang)

    settle_at(member=wang, now=NOW, country="CN", city="杭州市")

    assert len(standing_of(wang, NOW).stale) == 2


def test_the_night_writes_only_what_changed_and_a_minute_finds_what_did(wang):
    MemberFactory.create(name="", phone="13900000002", now=LONG_AGO)
    assert compute_range(first=0, last=2**62, now=NOW) == 2
    assert compute_range(first=0, last=2**62, now=NOW + DAY) == 0

    fill_in(wang)
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment = cursor.fetchone()[0]
    assert compute_changed(now=moment) == 1

    found = Fullness.objects.get(member=wang)
    assert (found.percent, found.completed_at) == (100, moment)
    update_profile(member=wang, now=NOW, birth_on=None)
    compute_range(first=0, last=2**62, now=NOW)
    found.refresh_from_db()
    assert (found.percent, found.completed_at) == (80, moment)


def test_the_night_computes_and_reminds_in_its_chunks(wang):
    FullnessRule.objects.update(is_on=True)
    plan_night(slot="2026-03-09", as_of=NOW)

    run_chunk(Chunk.objects.get(name="fullness").pk)

    assert Fullness.objects.get().percent == 40
    assert Chunk.objects.get(name="fullness").outcome == {"changed": 1, "reminded": 1}


def test_members_are_reminded_at_most_every_so_many_months_and_as_they_allow(wang):
    refuser = MemberFactory.create(name="李强", phone="13900000002", now=LONG_AGO)
    newcomer = MemberFactory.create(name="赵云", phone="13900000003", now=NOW - DAY)
    restricted = MemberFactory.create(name="陈晨", phone="13900000004", now=LONG_AGO)
    Member.objects.filter(pk=restricted.pk).update(restricted_at=NOW)
    Wording.objects.get_or_create(
        purpose="care", version=1, defaults={"text_zh": "x", "text_en": "x", "written_at": NOW}
    )
    for member, is_given in ((wang, True), (refuser, False)):
        said = Said(source="portal")
        say(member=member, purpose="care", channel="inbox", is_given=is_given, said=said, key="1", now=LONG_AGO)
    compute_range(first=0, last=2**62, now=NOW)
    assert remind_range(first=0, last=2**62, now=NOW) == 0
    FullnessRule.objects.update(is_on=True)

    assert remind_range(first=0, last=2**62, now=NOW) == 2
    assert remind_range(first=0, last=2**62, now=NOW + 100 * DAY) == 1  # who joined the day before is known by now
    assert remind_range(first=0, last=2**62, now=NOW + 200 * DAY) == 2

    sent = Message.objects.filter(template="profile_reminder", channel="inbox").exclude(status="suppressed")
    assert set(sent.values_list("member__name", flat=True)) <= {"王芳", "赵云"}
    assert sent.filter(member=wang).count() == 2
    assert not Message.objects.filter(member=restricted).exists()
    assert newcomer.pk


def test_a_whole_profile_is_reported_once_and_a_rule_gives_points_for_it(wang, owner):
    kind = PointKind.objects.get(code="points")
    rule = EarningRule.objects.create(code="whole", name_zh="完善资料", name_en="Whole profile")
    change_rule(
        rule=rule, now=NOW - 10 * DAY, by=None, kind=kind, effect="fixed", points=50, trigger="profile_completed"
    )
    compute_range(first=0, last=2**62, now=NOW)
    assert report_completions(now=NOW) == 0
    fill_in(wang)
    compute_range(first=0, last=2**62, now=NOW)

    assert report_completions(now=NOW) == 1
    assert report_completions(now=NOW) == 0
    update_profile(member=wang, now=NOW, birth_on=None)
    compute_range(first=0, last=2**62, now=NOW)
    update_profile(member=wang, now=NOW, birth_on=date(1990, 5, 1))
    compute_range(first=0, last=2**62, now=NOW + DAY)
    assert report_completions(now=NOW + DAY) == 0

    assert Event.objects.get().code == "profile_completed"
    assert Account.objects.get(member=wang, kind=kind).active == 50


def test_segments_ask_and_the_clerk_hears(wang, owner):
    fill_in(wang)
    age_history(wang)
    MemberFactory.create(name="李强", phone="13900000002", now=NOW)
    compute_range(first=0, last=2**62, now=NOW)

    def asked(code, operator, value=None):
        question = TRAITS[code].answer(Question(operator, value), Asking(NOW))
        return set(Member.objects.filter(question).values_list("name", flat=True))

    assert asked("completeness", "at_least", 90) == asked("stale", "yes") == {"王芳"}
    assert asked("completeness", "less_than", 90) == asked("stale", "no") == {"李强"}
    cues = cues_for(member=Member.objects.get(name="李强"), user=owner, now=NOW)
    assert [cue for cue in cues if "40 %" in cue.words]
    assert [cue for cue in cues_for(member=wang, user=owner, now=NOW) if cue.icon == "history"]


def test_the_home_page_says_what_is_missing_and_one_tap_confirms(client, wang):
    fill_in(wang)
    age_history(wang)
    update_profile(member=wang, now=NOW, birth_on=None)
    wang.user = UserFactory.create(username="w", is_staff=False)
    wang.save(update_fields=["user"])
    client.force_login(wang.user)
    assert 'id="fullness"' not in client.get("/").content.decode()  # nothing is known of a newcomer's
    compute_range(first=0, last=2**62, now=NOW)

    text = client.get("/").content.decode()
    assert "80%" in text
    assert "/me/still-right/" in text
    assert client.post("/me/still-right/").status_code == 302

    assert "/me/still-right/" not in client.get("/").content.decode()
    update_profile(member=wang, now=NOW, birth_on=date(1990, 5, 1))
    assert 'id="fullness"' not in client.get("/").content.decode()


def test_it_goes_with_the_person_and_a_twin_is_not_counted(wang, owner):
    twin = MemberFactory.create(name="王方", phone="13900000002", home_store=wang.home_store, now=LONG_AGO)
    compute_range(first=0, last=2**62, now=NOW)
    merge_members(survivor=wang, duplicate=twin, choices={}, by=owner, reason="same", key="m", now=NOW)
    fill_in(wang)
    compute_range(first=0, last=2**62, now=NOW)
    assert dict(Fullness.objects.values_list("member__name", "percent")) == {"王芳": 100, "王方": 40}

    erase(member=wang, by=owner, reason="asked", now=NOW)

    assert not Fullness.objects.exists()
