"""Members who may be one person: found by what is alike, once for each two, and never again once told apart."""

from datetime import date
from itertools import combinations
from typing import Any

import pytest
from django.db import connection
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.duplicates import sql
from loyalty.duplicates.actions import alike_to, ask_again, find_alike, tell_apart
from loyalty.duplicates.models import Likeness, Mark
from loyalty.duplicates.rules import (
    MOST_ALIKE,
    AlreadyDecided,
    NotBoth,
    NotDecided,
    Reason,
    score_of,
    words_of,
)
from loyalty.merging.actions import merge_members, undo_merge
from members.people.actions import describe
from members.privacy.actions import erase
from members.profiles.actions import update_profile
from members.profiles.models import Identity, Member
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory

pytestmark = pytest.mark.django_db
EVERYBODY = {"first": 0, "last": 2**62, "now": NOW}
BORN = date(1990, 5, 17)


@pytest.fixture
def store():
    return StoreFactory.create()


@pytest.fixture
def owner():
    return UserFactory.create(username="owner", is_superuser=True)


def member(**says: Any) -> Member:
    return MemberFactory.create(**says)


def found() -> list[tuple[int, int, list[str]]]:
    find_alike(**EVERYBODY)
    return list(Likeness.objects.order_by("member", "other").values_list("member", "other", "reasons"))


def reasons_of(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    """What is alike of two members, found by the night; nothing when they are not shown."""
    member(**one), member(**other)
    rows = found()
    assert len(rows) <= 1
    return set(rows[0][2]) if rows else set()


# What is alike.


@pytest.mark.parametrize(
    ("one", "other", "reasons"),
    [
        ({"name": "王明", "phone": "13812345678"}, {"name": "李", "phone": "", "card": "138 1234 5678"}, {"number"}),
        ({"name": "王小明", "phone": "+852 9123 4567"}, {"name": "李", "phone": "", "card": "91234567"}, {"number"}),
        ({"name": "王", "email": "Anna.Li@gmail.com"}, {"name": "李", "email": "annali+x@googlemail.com"}, {"email"}),
        ({"name": "王", "wechat": "WangFang1"}, {"name": "李", "wechat": "wangfang1"}, {"handle"}),
        ({"name": "王小明", "birth_on": BORN}, {"name": "王 小明", "birth_on": BORN}, {"name_birthday"}),
        ({"name": "小明 王", "birth_on": BORN}, {"name": "王小明", "birth_on": BORN}, {"name_birthday"}),
        ({"name": "Li, Anna", "birth_on": BORN}, {"name": "ａｎｎａ　ＬＩ", "birth_on": BORN}, {"name_birthday"}),
        ({"name": "欧阳·静雯", "birth_on": BORN}, {"name": "欧阳静雯", "birth_on": BORN}, {"name_birthday"}),
        ({"name": "王芳", "phone": "13812345678"}, {"name": "王芳", "phone": "13900005678"}, {"name_digits"}),
    ],
    ids=[
        "a phone as a card", "a short one", "dots and tags", "small and large letters", "a space", "western order",
        "full width", "a dot", "last digits",
    ],
)  # fmt: skip
def test_what_is_alike_is_found_with_its_reason(one, other, reasons):
    assert reasons_of(one, other) == reasons


def test_alike_names_need_more_than_a_birthday(store):
    one, two = {"name": "王小明", "birth_on": BORN}, {"name": "王晓明", "birth_on": BORN}
    assert reasons_of(one, two) == set()
    Member.objects.update(home_store=store)

    assert {tuple(sorted(each[2])) for each in found()} == {("alike_birthday", "store")}


def test_a_name_misspelt_on_the_same_day_and_with_alike_phones_is_found():
    one = {"name": "Anna Green", "birth_on": BORN, "phone": "13812345678"}
    two = {"name": "Ana Green", "birth_on": BORN, "phone": "13900005678"}

    assert reasons_of(one, two) == {"alike_birthday", "digits"}


def test_a_birthday_by_the_moon_or_without_a_year_counts_with_the_name():
    one, two = member(name="王小明"), member(name="王小明")
    for each in (one, two):
        describe(member=each, now=NOW, calendar="lunar", birth_month=8, birth_day=15)

    assert found() == [(one.pk, two.pk, ["name_day"])]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "王芳"}, {"name": "王芳"}),
        ({"name": "王芳", "birth_on": BORN}, {"name": "王方", "birth_on": BORN}),
        ({"name": "王芳", "phone": "13812345678", "birth_on": BORN}, {
            "name": "王芳", "phone": "13900005678", "birth_on": date(1971, 1, 2),
        }),
        ({"name": "", "birth_on": BORN}, {"name": "", "birth_on": BORN}),
        ({"name": "王小明", "phone": "13812345678"}, {"name": "李强", "phone": "13912345678"}),
    ],
    ids=["a name alone", "two short names", "another birthday", "no names", "alike phones alone"],
)  # fmt: skip
def test_what_is_not_enough_is_not_shown(one, other, store):
    assert reasons_of(one | {"home_store": store}, other | {"home_store": store}) == set()


def test_a_mark_that_many_share_says_nothing(store):
    for _each in range(MOST_ALIKE + 1):
        member(name="王小明", birth_on=date(1990, 1, 1), home_store=store)

    assert found() == []


def test_the_database_weighs_every_mix_of_reasons_as_the_rules_do():
    mixes = [list(each) for size in range(1, len(Reason) + 1) for each in combinations(Reason, size)]
    with connection.cursor() as cursor:
        for mix in mixes:
            cursor.execute(sql.SCORE.replace("{reasons}", "%s::text[]"), [[str(each) for each in mix]])
            assert cursor.fetchone()[0] == score_of(mix), mix


def test_the_points_written_are_those_of_the_rules(store):
    makes = [
        {"name": "王小明", "birth_on": BORN, "phone": "13812345678"},
        {"name": "王 小明", "birth_on": BORN, "phone": "13900005678", "email": "wang@example.com"},
        {"name": "小明", "birth_on": BORN, "phone": "", "card": "13812345678"},
        {"name": "王小明", "birth_on": date(1980, 5, 17), "phone": "", "email": "w.ang@example.com"},
    ]
    for says in makes:
        member(**says, home_store=store)
    find_alike(**EVERYBODY)

    rows = list(Likeness.objects.values_list("score", "reasons"))
    assert len(rows) >= 4
    assert [score for score, _reasons in rows] == [score_of(Reason(each) for each in why) for _score, why in rows]


# Once for each two.


NAMES = st.sampled_from(["王小明", "王 小明", "小明 王", "王晓明", "王芳", "Anna Green", "Green Anna", "Ana Green", ""])
LIVES = st.lists(
    st.tuples(NAMES, st.sampled_from([BORN, date(1991, 2, 3), None]), st.sampled_from(["5678", "0001"])),
    min_size=2, max_size=6,
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives=LIVES, splits=st.integers(0, 6), dismissed=st.integers(0, 14), order=st.permutations(range(6)))
def test_two_stand_together_once_whoever_is_looked_at_and_told_apart_never_again(
    fresh, lives, splits, dismissed, order
):
    with fresh():
        shop, by = StoreFactory.create(), UserFactory.create(is_superuser=True)
        people = [
            member(name=name, birth_on=born, phone=f"138{place:04}{last}", home_store=shop)
            for place, (name, born, last) in enumerate(lives)
        ]
        ids = [each.pk for each in people]
        middle = ids[min(splits, len(ids) - 1)]
        for first, last in [(middle, 2**62), (0, middle - 1)]:  # ranges in any order
            find_alike(first=first, last=last, now=NOW)
        whole = set(Likeness.objects.values_list("member", "other"))

        Likeness.objects.all().delete()
        Mark.objects.all().delete()
        for place in order:  # one after the other, as nights find who is new
            if place < len(ids):
                find_alike(first=ids[place], last=ids[place], now=NOW)
        assert set(Likeness.objects.values_list("member", "other")) == whole
        assert all(one < two for one, two in whole)
        assert {pair for each in people for pair in of(each, by)} == whole

        rows = list(Likeness.objects.order_by("pk"))
        if rows:
            apart = rows[dismissed % len(rows)]
            tell_apart(likeness=apart, by=by, now=NOW)
            Mark.objects.all().delete()
            find_alike(**EVERYBODY)
            assert set(Likeness.objects.undecided().values_list("member", "other")) == whole - {
                (apart.member_id, apart.other)
            }
            assert (apart.member_id, apart.other) not in {pair for each in people for pair in of(each, by)}


def of(each: Member, by: Any) -> set[tuple[int, int]]:
    """Whom the desk shows beside a member."""
    return {(min(each.pk, row.pk), max(each.pk, row.pk)) for row in alike_to(member=each, user=by, most=20)}


def test_a_second_night_writes_nothing_and_a_changed_name_takes_the_two_away():
    one = member(name="王小明", birth_on=BORN)
    member(name="王小明", birth_on=BORN)
    assert find_alike(**EVERYBODY) == {"looked_at": 2, "found": 1, "gone": 0}
    assert find_alike(**EVERYBODY) == {"looked_at": 0, "found": 0, "gone": 0}

    update_profile(member=one, now=NOW, name="赵云")

    assert find_alike(**EVERYBODY) == {"looked_at": 1, "found": 0, "gone": 1}


def test_who_was_merged_is_gone_and_comes_back_with_an_undoing(owner):
    one, two = member(name="王小明", birth_on=BORN), member(name="王小明", birth_on=BORN)
    find_alike(**EVERYBODY)
    merge = merge_members(survivor=one, duplicate=two, choices={}, by=owner, reason="same", key="1", now=NOW)
    assert not Likeness.objects.current().exists()  # at once
    assert found() == []

    undo_merge(merge=merge, by=owner, now=NOW)

    assert found() == [(one.pk, two.pk, ["name_birthday"])]


def test_an_erasure_takes_marks_and_both_sides_along(owner):
    one, two, three = (member(name="王小明", birth_on=BORN) for _each in range(3))
    find_alike(**EVERYBODY)
    assert Likeness.objects.count() == 3

    erase(member=two, by=owner, reason="asked", now=NOW)

    assert list(Likeness.objects.values_list("member", "other")) == [(one.pk, three.pk)]
    assert not Mark.objects.filter(member=two).exists()
    assert len(found()) == 1


def test_who_is_kept_unused_is_not_looked_at():
    one = member(name="王小明", birth_on=BORN)
    member(name="王小明", birth_on=BORN)
    Member.objects.filter(pk=one.pk).update(restricted_at=NOW)

    assert found() == []


def test_what_is_kept_of_a_profile_cannot_be_read():
    member(name="王小明", birth_on=BORN, email="wang@example.com")
    sql.keep_marks(first=0, last=2**62)

    assert Mark.objects.count() >= 4
    assert all(isinstance(value, int) for value in Mark.objects.values_list("value", flat=True))


# Who decides.


def test_told_apart_is_kept_with_who_and_when_and_can_be_taken_back(owner):
    member(name="王小明", birth_on=BORN), member(name="王小明", birth_on=BORN)
    find_alike(**EVERYBODY)
    likeness = Likeness.objects.get()
    with pytest.raises(NotDecided):
        ask_again(likeness=likeness, by=owner)

    told = tell_apart(likeness=likeness, by=owner, now=NOW)
    assert (told.decided_by, told.decided_at) == (owner, NOW)
    with pytest.raises(AlreadyDecided):
        tell_apart(likeness=likeness, by=owner, now=NOW)

    assert ask_again(likeness=likeness, by=owner).decided_at is None


def test_who_does_not_see_both_sees_neither_and_decides_nothing(store):
    one, two = member(name="王小明", birth_on=BORN, home_store=store), member(name="王小明", birth_on=BORN)
    find_alike(**EVERYBODY)
    manager = UserFactory.create(role="manager", stores=[store])

    assert not Likeness.objects.visible_to(manager).exists()
    assert alike_to(member=one, user=manager) == []
    with pytest.raises(NotBoth):
        tell_apart(likeness=Likeness.objects.get(), by=manager, now=NOW)
    assert Likeness.objects.undecided().count() == 1
    assert [each.pk for each in alike_to(member=one, user=UserFactory.create(sees_all_stores=True))] == [two.pk]


def test_who_enrolled_today_is_seen_at_the_desk_before_the_night(owner):
    one = member(name="王小明", birth_on=BORN)
    find_alike(**EVERYBODY)
    two = member(name="王小明", birth_on=BORN, phone="13700001234")
    Identity.objects.filter(member=two).update(verified_at=NOW)

    (alike,) = alike_to(member=two, user=owner)
    assert (alike.pk, alike.reasons) == (one.pk, ["name_birthday"])
    assert "1234" not in alike.masked_phone
    assert not Likeness.objects.exists()


def test_reasons_stand_in_words_the_weightiest_first():
    with translation.override("en"):
        said = words_of(["store", "name_birthday", "number"])

    assert said == "one number, once as a phone and once as a card · same name, same birthday · same home store"
