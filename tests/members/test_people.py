"""What members say of themselves: birthdays by the moon and without a year, names in the reader's order, refusals."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st
from zhdate import ZhDate

from loyalty.merging.actions import merge_members, undo_merge
from members.counter.actions import cues_for
from members.kit.traits import TRAITS, Asking, Question
from members.people.actions import birthday_after, describe
from members.people.models import Person
from members.people.rules import (
    BadGender,
    HalfBirthday,
    NoSuchDay,
    NoSuchMonth,
    TextTooLong,
    days_of,
    kept_in,
    lunar_birthdays_on,
    name_for,
    next_birthday,
    solar_of,
)
from members.profiles.actions import find_member, update_profile
from members.profiles.models import Member
from members.profiles.rules import BadBirthday, BadName
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory

DAY = timedelta(days=1)
TODAY = date(2026, 3, 9)  # the 21st of the first lunar month


@pytest.fixture
def wang(db):
    return MemberFactory.create(name="王芳", phone="13800000001", home_store=StoreFactory.create(), now=NOW - 90 * DAY)


TABLE_IS_OFF = {(2057, 9)}  # the second library's printed table puts this new moon, seconds from midnight, a day early


def test_every_month_begins_where_a_second_library_has_it():
    months = [(year, month) for year in range(1902, 2100) for month in range(1, 13)]

    assert {
        (year, month)
        for year, month in months
        if solar_of(year, month, 1) != ZhDate(year, month, 1).to_datetime().date()
    } == TABLE_IS_OFF


@pytest.mark.parametrize(
    ("year", "month", "day", "falls_on"),
    [
        (2026, 1, 1, date(2026, 2, 17)),
        (2025, 1, 1, date(2025, 1, 29)),
        (2026, 8, 15, date(2026, 9, 25)),
        (2025, 12, 29, date(2026, 2, 16)),
        (1978, 8, 15, date(1978, 9, 17)),
    ],
)
def test_feasts_fall_where_calendars_print_them(year, month, day, falls_on):
    assert solar_of(year, month, day) == falls_on
    assert month * 100 + day in lunar_birthdays_on(falls_on)


def test_a_leap_month_has_days_of_its_own_but_no_birthdays():
    assert days_of(2025, 6, is_leap=True) == 29
    first = solar_of(2025, 6, 1, is_leap=True)

    assert first == date(2025, 7, 25)
    assert kept_in(2025, 6, 1) == date(2025, 6, 25)
    assert lunar_birthdays_on(first) == frozenset()


def test_a_missing_30th_is_kept_on_the_29th():
    assert days_of(2025, 12) == 29

    assert kept_in(2025, 12, 30) == date(2026, 2, 16)
    assert lunar_birthdays_on(date(2026, 2, 16)) == {1229, 1230}


@given(month=st.integers(1, 12), day=st.integers(1, 30), today=st.dates(date(1950, 1, 1), date(2090, 12, 31)))
def test_a_lunar_birthday_comes_within_thirteen_months_and_is_found_by_its_day(month, day, today):
    coming = next_birthday("lunar", month, day, today)

    assert 0 <= (coming - today).days <= 385
    assert month * 100 + day in lunar_birthdays_on(coming)


@given(born=st.dates(date(1904, 1, 1), date(2020, 12, 31)), today=st.dates(date(2021, 1, 1), date(2099, 12, 31)))
def test_a_solar_birthday_is_never_a_year_away(born, today):
    assert 0 <= (next_birthday("solar", born.month, born.day, today) - today).days <= 365


@pytest.mark.parametrize(
    ("month", "day", "today", "days"),
    [
        (3, 9, TODAY, 0),
        (3, 8, TODAY, 364),
        (2, 29, date(2026, 2, 27), 1),
        (2, 29, date(2026, 2, 28), 0),
        (2, 29, date(2028, 2, 28), 1),
        (1, 1, date(2026, 12, 31), 1),
    ],
)
def test_days_to_a_solar_birthday(month, day, today, days):
    assert (next_birthday("solar", month, day, today) - today).days == days


@pytest.mark.parametrize(
    ("family", "given_name", "chinese", "english"),
    [
        ("欧阳", "娜娜", "欧阳娜娜", "欧阳娜娜"),
        ("Smith", "Anna", "Smith Anna", "Anna Smith"),
        ("", "Anna", "Anna", "Anna"),
        ("", "", "", ""),
    ],
)
def test_names_stand_in_the_readers_order(family, given_name, chinese, english):
    assert (name_for(family, given_name, "zh-hans"), name_for(family, given_name, "en")) == (chinese, english)


def test_a_lunar_birthday_without_a_year_leaves_the_date_of_birth_alone(wang):
    describe(member=wang, now=NOW, calendar="lunar", birth_month=1, birth_day=24)

    wang.refresh_from_db()
    assert wang.birth_on is None
    assert birthday_after(wang, TODAY) == date(2026, 3, 12)


def test_a_lunar_birthday_with_its_year_also_says_the_date_of_birth(wang):
    describe(member=wang, now=NOW, calendar="lunar", birth_month=8, birth_day=15, lunar_year=1978)

    wang.refresh_from_db()
    assert wang.birth_on == date(1978, 9, 17)
    assert birthday_after(wang, TODAY) == date(2026, 9, 25)


def test_born_in_a_leap_month_kept_in_the_ordinary_one(wang):
    describe(member=wang, now=NOW, calendar="lunar", birth_month=4, birth_day=1, lunar_year=2020, is_leap=True)

    wang.refresh_from_db()
    assert wang.birth_on == date(2020, 5, 23)
    assert birthday_after(wang, TODAY) == kept_in(2026, 4, 1)


def test_who_said_nothing_has_the_birthday_of_the_date_of_birth(wang):
    wang = update_profile(member=wang, now=NOW, birth_on=date(1990, 3, 10))

    assert birthday_after(wang, TODAY) == date(2026, 3, 10)
    assert birthday_after(MemberFactory.create(), TODAY) is None


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"calendar": "lunar", "birth_month": 1}, HalfBirthday),
        ({"birth_month": 1, "birth_day": 2}, HalfBirthday),
        ({"calendar": "mayan", "birth_month": 1, "birth_day": 2}, HalfBirthday),
        ({"calendar": "solar", "birth_month": 2, "birth_day": 30}, NoSuchDay),
        ({"calendar": "solar", "birth_month": 13, "birth_day": 1}, NoSuchDay),
        ({"calendar": "lunar", "birth_month": 1, "birth_day": 31}, NoSuchDay),
        ({"calendar": "lunar", "birth_month": 12, "birth_day": 30, "lunar_year": 2025}, NoSuchDay),
        ({"calendar": "lunar", "birth_month": 4, "birth_day": 1, "lunar_year": 2021, "is_leap": True}, NoSuchMonth),
        ({"calendar": "lunar", "birth_month": 4, "birth_day": 1, "lunar_year": 9999}, NoSuchMonth),
        ({"calendar": "lunar", "birth_month": 4, "birth_day": 1, "is_leap": True}, HalfBirthday),
        ({"calendar": "lunar", "birth_month": 4, "birth_day": 1, "lunar_year": 2099}, BadBirthday),
        ({"calendar": "solar", "birth_month": 4, "birth_day": 1, "lunar_year": 1990}, HalfBirthday),
        ({"gender": "unicorn"}, BadGender),
        ({"occupation": "x" * 101}, TextTooLong),
        ({"family_name": "a\u202eb"}, BadName),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(wang, said, refusal):
    describe(member=wang, now=NOW, gender="female", occupation="教师")
    before = Person.objects.values().get(member=wang), Member.objects.values().get(pk=wang.pk)

    with pytest.raises(refusal):
        describe(member=wang, now=NOW + DAY, **said)

    assert (Person.objects.values().get(member=wang), Member.objects.values().get(pk=wang.pk)) == before


def test_what_is_left_out_stays_and_what_is_emptied_goes(wang):
    describe(member=wang, now=NOW, gender="female", occupation=" 教师 ", interests="茶")

    person = describe(member=wang, now=NOW, interests="")

    assert (person.gender, person.occupation, person.interests) == ("female", "教师", "")


def test_who_has_no_name_is_called_by_the_two_parts_and_others_keep_theirs(wang):
    nameless = MemberFactory.create(name="", phone="13800000009")

    describe(member=nameless, now=NOW, family_name="李", given_name="雷")
    describe(member=wang, now=NOW, family_name="汪", given_name="芳")

    assert find_member(kind="phone", value="13800000009").name == "李雷"
    assert find_member(kind="phone", value="13800000001").name == "王芳"


def test_the_counter_speaks_of_a_lunar_birthday(wang):
    describe(member=wang, now=NOW, calendar="lunar", birth_month=1, birth_day=24)
    clerk = UserFactory.create(username="clerk", role="clerk")

    with override("en"):
        words = [cue.words for cue in cues_for(member=wang, user=clerk, now=NOW)]

    assert "Birthday in 3 days" in words


def asked(code, operator, value):
    trait = TRAITS[code]
    return set(
        Member.objects.filter(trait.answer(Question(operator, value), Asking(now=NOW))).values_list("name", flat=True)
    )


@pytest.fixture
def four(wang):
    """By the moon in three days, by the sun without a year in April, by date of birth tomorrow, and unknown."""
    describe(member=wang, now=NOW, calendar="lunar", birth_month=1, birth_day=24, gender="female")
    update_profile(member=wang, now=NOW, birth_on=date(1990, 8, 1))  # the day that is kept counts
    describe(member=MemberFactory.create(name="李强"), now=NOW, calendar="solar", birth_month=4, birth_day=2)
    MemberFactory.create(name="陈晨", birth_on=date(1985, 3, 10))
    MemberFactory.create(name="赵云")


@pytest.mark.parametrize(
    ("code", "operator", "value", "names"),
    [
        ("birthday_in", "at_most", 7, {"王芳", "陈晨"}),
        ("birthday_in", "between", (2, 7), {"王芳"}),
        ("birthday_month", "one_of", ["this"], {"王芳", "陈晨"}),
        ("birthday_month", "one_of", ["next"], {"李强"}),
        ("birthday_month", "none_of", ["3"], {"李强", "赵云"}),
        ("birthday_month", "one_of", ["8"], set()),
        ("birthday_month", "unknown", None, {"赵云"}),
        ("gender", "one_of", ["female"], {"王芳"}),
        ("gender", "one_of", ["unsaid"], {"李强", "陈晨", "赵云"}),
        ("gender", "none_of", ["female"], {"李强", "陈晨", "赵云"}),
    ],
)
def test_segments_ask_by_the_day_that_is_kept(four, code, operator, value, names):
    assert asked(code, operator, value) == names


def test_what_the_twin_said_goes_over_and_comes_back_unless_the_survivor_spoke(wang):
    owner = UserFactory.create(username="owner", is_superuser=True, sees_all_stores=True)
    twin = MemberFactory.create(name="王方", phone="13900000002", home_store=wang.home_store, now=NOW - 80 * DAY)
    describe(member=twin, now=NOW, occupation="教师")

    merge = merge_members(survivor=wang, duplicate=twin, choices={}, by=owner, reason="same", key="m1", now=NOW)
    assert Person.objects.get(member=wang).occupation == "教师"
    undo_merge(merge=merge, by=owner, now=NOW)

    assert Person.objects.get(member=twin).occupation == "教师"
    describe(member=wang, now=NOW, occupation="医生")
    merge_members(survivor=wang, duplicate=twin, choices={}, by=owner, reason="same", key="m2", now=NOW)
    assert Person.objects.get(member=wang).occupation == "医生"


def test_members_say_it_in_the_portal_and_a_refusal_stands_at_its_field(client, wang):
    wang.user = UserFactory.create(username="w", is_staff=False)
    wang.save(update_fields=["user"])
    client.force_login(wang.user)

    bad = client.post("/me/about/", {"calendar": "solar", "birth_month": "2", "birth_day": "31"})
    assert bad.status_code == 200
    assert bad.context["form"].errors.keys() == {"birth_day"}
    assert not Person.objects.exists()

    good = client.post("/me/about/", {"gender": "female", "calendar": "lunar", "birth_month": "12", "birth_day": "30"})
    assert good.url == "/me/about/?saved=1"
    assert (Person.objects.get().calendar, Person.objects.get().birth_day) == ("lunar", 30)
    assert client.get(good.url).status_code == 200


def test_staff_of_the_store_write_it_down_and_those_who_may_only_look_do_not(client, wang):
    client.force_login(UserFactory.create(username="manager", role="manager", stores=[wang.home_store]))
    url = reverse("admin:member_about", args=[wang.pk])

    assert client.post(url, {"occupation": "教师"}).status_code == 302
    assert Person.objects.get(member=wang).occupation == "教师"

    client.force_login(UserFactory.create(username="analyst", role="analyst", stores=[wang.home_store]))
    assert client.get(url).status_code == 200
    assert client.post(url, {"occupation": "医生"}).status_code == 403
    assert Person.objects.get(member=wang).occupation == "教师"
