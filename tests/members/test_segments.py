"""Segments: what they may say, who is in them since when and why, audiences, lists, and every no."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.db.utils import DatabaseError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.tasks import plan_night, run_chunk
from members.kit.models import Chunk
from members.kit.refusals import Malformed, Refusal
from members.profiles.models import CustomField, Member
from members.purchases.models import Sale
from members.segments.actions import (
    ask_refresh,
    change_segment,
    close_refreshes,
    freeze,
    make_list,
    members_in,
    members_now,
    members_of,
    refresh,
    segments_of,
    what_is_known,
)
from members.segments.models import Audience, Membership, Segment, SegmentSize, SegmentVersion
from members.segments.panels import Use, drifting, register_use, stay_in, uses_of, why
from members.segments.rules import DEEPEST, read_tree, tree_of_text, words_of
from tests.factories import NOW, MemberFactory, StoreFactory, TillFactory

pytestmark = pytest.mark.django_db
BOUGHT = {"trait": "bought", "is": "yes"}
ENGLISH = {"trait": "language", "is": "one_of", "value": ["en"]}


@pytest.fixture
def store():
    return StoreFactory.create(code="here")


@pytest.fixture
def wang(store):
    return MemberFactory.create(name="王芳", home_store=store, phone="13812345678")


@pytest.fixture
def anna(store):
    return MemberFactory.create(name="Anna Green", home_store=store, language="en")


def segment(code="buyers", tree=BOUGHT, **says):
    made = Segment.objects.create(code=code, name_zh=f"人群 {code}", name_en=f"Segment {code}", **says)
    change_segment(segment=made, tree=tree, by=None, now=NOW)
    return made


def buys(member, days=1, amount=100_00):
    return Sale.objects.create(
        member=member, store=member.home_store, receipt=f"{days}-{amount}", happened_at=NOW - timedelta(days=days),
        currency="CNY", amount=amount,
    )  # fmt: skip


def nested(depth, leaf=BOUGHT):
    tree = leaf
    for _level in range(depth):
        tree = {"not": tree}
    return tree


def test_a_refresh_lets_members_in_and_out_and_keeps_the_past(wang, anna):
    buyers = segment(tree={"trait": "bought", "is": "yes", "with": {"days": 30}})
    buys(wang)

    first = refresh(segment=buyers, now=NOW)
    later = NOW + timedelta(days=40)
    second = refresh(segment=buyers, now=later)

    assert (first.size, first.entered, first.left) == (1, 1, 0)
    assert (second.size, second.entered, second.left) == (0, 0, 1)
    assert segments_of([wang.pk, anna.pk], NOW) == {wang.pk: {"buyers"}, anna.pk: set()}
    assert segments_of([wang.pk], later) == {wang.pk: set()}
    assert list(members_in(buyers, later - timedelta(seconds=1))) == [wang]
    assert not members_in(buyers, NOW - timedelta(seconds=1)).exists()


def test_a_refresh_of_the_same_moment_changes_nothing(wang):
    buyers = segment()
    buys(wang)

    first = refresh(segment=buyers, now=NOW)
    again = refresh(segment=buyers, now=NOW)

    assert first.pk == again.pk
    assert Membership.objects.count() == 1


def test_who_comes_back_has_two_stays(wang):
    buyers = segment(tree={"trait": "bought", "is": "yes", "with": {"days": 30}})
    buys(wang)
    refresh(segment=buyers, now=NOW)
    refresh(segment=buyers, now=NOW + timedelta(days=40))
    buys(wang, days=-50)

    refresh(segment=buyers, now=NOW + timedelta(days=60))

    assert [stay.until is None for stay in Membership.objects.order_by("since")] == [False, True]


def test_a_member_who_was_merged_leaves(wang, anna):
    everybody = segment(tree={})
    refresh(segment=everybody, now=NOW)
    Member.objects.filter(pk=anna.pk).update(merged_into=wang.pk)

    done = refresh(segment=everybody, now=NOW + timedelta(days=1))

    assert (done.size, done.left) == (1, 1)


def test_the_clause_that_let_somebody_in_is_said_in_words(wang, anna):
    either = segment(tree={"all": [{"any": [BOUGHT, ENGLISH]}, {"trait": "has_phone", "is": "yes"}]})
    buys(wang)
    refresh(segment=either, now=NOW)

    with translation.override("en"):
        assert stay_in(either, wang, what_is_known()).words == "has bought something"
        assert stay_in(either, anna, what_is_known()).words == "language is English"
        lines = why(tree=either.says["tree"], member=anna, now=NOW)
    assert [(line.holds, line.depth) for line in lines] == [(True, 0), (True, 1), (False, 2), (True, 2), (True, 1)]


def test_the_same_tree_again_is_no_new_version_and_old_ones_stay(wang):
    buyers = segment()

    assert change_segment(segment=buyers, tree=BOUGHT, by=None, now=NOW) == 1
    assert change_segment(segment=buyers, tree=ENGLISH, by=None, now=NOW) == 2

    assert [each.says["tree"] for each in SegmentVersion.objects.order_by("number")] == [BOUGHT, ENGLISH]
    with pytest.raises(DatabaseError, match="Cannot update"):
        SegmentVersion.objects.update(number=9)


def test_who_saves_over_somebody_elses_change_is_told(wang):
    buyers = segment()
    change_segment(segment=buyers, tree=ENGLISH, by=None, now=NOW)

    with pytest.raises(Refusal) as refused:
        change_segment(segment=buyers, tree=BOUGHT, by=None, now=NOW, seen=1)

    assert refused.value.code == "segment_changed"
    assert Segment.objects.get().says["tree"] == ENGLISH


WRONG = [
    ([], "bad_segment"),
    ("everybody", "bad_segment"),
    ({"all": []}, "bad_segment"),
    ({"all": BOUGHT}, "bad_segment"),
    ({"some": [BOUGHT]}, "bad_segment"),
    ({"all": [BOUGHT], "any": [BOUGHT]}, "bad_segment"),
    ({**BOUGHT, "sql": "1=1"}, "bad_segment"),
    ({"not": None}, "bad_segment"),
    ({"segment": "gone"}, "unknown_segment"),
    ({"segment": ["buyers"]}, "unknown_segment"),
    ({"list": 999}, "unknown_list"),
    ({"list": True}, "unknown_list"),
    ({"did": {"deed": "flew"}, "but_not": {"deed": "bought"}, "days": 3}, "unknown_deed"),
    ({"did": {"deed": "bought"}, "days": 3}, "unknown_deed"),
    ({"did": {"deed": "bought"}, "but_not": {"deed": "bought"}, "days": 0}, "bad_segment"),
    ({"did": {"deed": "bought"}, "but_not": {"deed": "bought"}, "days": 3, "when": "soon"}, "bad_segment"),
    ({"trait": "further.gone", "is": "known"}, "unknown_trait"),
    (nested(DEEPEST), "segment_too_deep"),
    (nested(1_200), "segment_too_deep"),
    ({"any": [BOUGHT] * 10_000}, "segment_too_large"),
    ({"all": [{"any": [BOUGHT] * 60}] * 4}, "segment_too_large"),
]


@pytest.mark.parametrize(("tree", "code"), WRONG, ids=range(len(WRONG)))
def test_what_is_no_tree_is_refused_and_changes_nothing(wang, tree, code):
    buyers = segment()

    with pytest.raises(Malformed) as refused:
        change_segment(segment=buyers, tree=tree, by=None, now=NOW)

    assert refused.value.code == code
    with translation.override("zh-hans"):
        chinese = str(refused.value)
    with translation.override("en"):
        assert chinese != str(refused.value)
    assert Segment.objects.get().says["tree"] == BOUGHT
    assert SegmentVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 100_000, "segment_too_deep"),
        ('{"not":' * 20_000, "segment_too_deep"),
        ("{" + " " * 1_000_000, "segment_too_large"),
        ("{'all': []}", "bad_segment"),
        ("9" * 5_000, "bad_segment"),
        ("", "bad_segment"),
    ],
)
def test_deep_and_huge_json_is_refused(text, code):
    with pytest.raises(Malformed) as refused:
        tree_of_text(text)

    assert refused.value.code == code


def test_segments_cannot_stand_in_themselves(wang):
    one, two = segment("one"), segment("two", {"segment": "one"})
    three = segment("three", {"not": {"segment": "two"}})

    for here, tree in ((one, {"all": [BOUGHT, {"segment": "three"}]}), (three, {"segment": "three"})):
        with pytest.raises(Refusal) as refused:
            change_segment(segment=here, tree=tree, by=None, now=NOW)
        assert refused.value.code == "segment_in_itself"
        assert "three → " in str(refused.value)
    assert Segment.objects.get(code="one").says["tree"] == BOUGHT
    assert two.version == 1


def test_segments_of_segments_may_not_grow_without_end(wang):
    segment("s0", {"any": [BOUGHT] * 150})
    for number in range(1, 3):
        segment(f"s{number}", {"any": [{"segment": f"s{number - 1}"}] * 2})

    with pytest.raises(Refusal) as refused:
        segment("s3", {"any": [{"segment": "s2"}] * 4})

    assert refused.value.code == "segment_too_large"


def test_a_segment_over_a_deleted_field_keeps_who_was_in_it_and_says_so(wang):
    CustomField.objects.create(code="taste", name_zh="口味", name_en="Taste", kind="text")
    sweet = segment("sweet", {"trait": "further.taste", "is": "unknown"})
    fine = segment("fine", {})
    refresh(segment=sweet, now=NOW)
    CustomField.objects.all().delete()

    with pytest.raises(Refusal, match=r"further\.taste"):
        refresh(segment=sweet, now=NOW + timedelta(days=1))
    night(NOW + timedelta(days=1))

    sweet.refresh_from_db()
    assert "further.taste" in sweet.trouble
    assert list(members_in(sweet, NOW + timedelta(days=2))) == [wang]
    assert SegmentSize.objects.get(segment=fine).size == 1
    assert "further.taste" in words_of(sweet.says["tree"], what_is_known())


def night(as_of):
    plan_night(slot=as_of.date().isoformat(), as_of=as_of)
    for chunk in Chunk.objects.unfinished().order_by("pk"):
        run_chunk(chunk.pk)
    close_refreshes()


def test_the_night_refreshes_all_live_segments_once(wang, anna):
    buyers, everybody = segment(), segment("everybody", {})
    asleep = segment("asleep", {}, is_live=False)
    empty = Segment.objects.create(code="empty", name_zh="空", name_en="empty")
    buys(wang)

    night(NOW)
    night(NOW)

    sizes = {(each.segment_id, each.size) for each in SegmentSize.objects.all()}
    assert sizes == {(buyers.pk, 1), (everybody.pk, 2)}
    assert not Membership.objects.filter(segment__in=[asleep, empty]).exists()


def test_a_size_that_jumps_is_shown_until_it_settles(store):
    everybody = segment(tree={}, drift_percent=50)
    for _number in range(10):
        MemberFactory.create(home_store=store)
    refresh(segment=everybody, now=NOW)
    assert drifting() == []
    for _number in range(8):
        MemberFactory.create(home_store=store)

    refresh(segment=everybody, now=NOW + timedelta(days=1))

    assert [size.segment for size in drifting()] == [everybody]
    refresh(segment=everybody, now=NOW + timedelta(days=2))
    assert drifting() == []


def test_a_changed_segment_does_not_drift(store):
    here = segment(tree=BOUGHT)
    for _number in range(10):
        MemberFactory.create(home_store=store)
    refresh(segment=here, now=NOW)
    change_segment(segment=here, tree={}, by=None, now=NOW)

    refresh(segment=here, now=NOW + timedelta(days=1))

    assert drifting() == []


def test_a_large_shop_is_refreshed_by_workers(wang, monkeypatch):
    monkeypatch.setattr("members.segments.actions.AT_ONCE", 0)
    buyers = segment(tree={})

    assert ask_refresh(segment=buyers, now=NOW) is None
    for chunk in Chunk.objects.filter(name="segment"):
        run_chunk(chunk.pk)
    assert close_refreshes() == 1

    assert SegmentSize.objects.get().size == 1


def test_a_frozen_audience_never_changes(wang, anna):
    buyers = segment()
    buys(wang)
    kept = freeze(segment=buyers, name="Spring", key="1", by=None, now=NOW)
    buys(anna)

    again = freeze(segment=buyers, name="Summer", key="1", by=None, now=NOW)

    assert again.pk == kept.pk
    assert (again.name, again.size) == ("Spring", 1)
    assert list(members_of(kept)) == [wang]
    with pytest.raises(DatabaseError, match="Cannot update"):
        Audience.objects.update(size=9)


def test_an_audience_without_a_name_is_refused(wang):
    buyers = segment()

    with pytest.raises(Refusal) as refused:
        freeze(segment=buyers, name="  ", key="1", by=None, now=NOW)

    assert refused.value.code == "no_name"
    assert not Audience.objects.exists()


def test_a_list_finds_members_however_they_are_written(wang, anna):
    texts = ["138 1234-5678", "+86 13812345678", anna.number, "13700000000", "nonsense!"]

    listed = make_list(name="guests", texts=texts, by=None)

    assert (listed.size, listed.unknown) == (2, 2)
    found = members_now(read_tree({"list": listed.pk}, what_is_known()), now=NOW)
    assert set(found) == {wang, anna}


@pytest.mark.parametrize(("name", "count", "code"), [("", 1, "no_name"), ("x", 100_001, "list_too_long")])
def test_a_list_that_cannot_be_kept_is_refused(wang, name, count, code):
    with pytest.raises(Refusal) as refused:
        make_list(name=name, texts=["13812345678"] * count, by=None)

    assert refused.value.code == code


def test_rooms_above_say_what_asks_for_a_segment(wang):
    buyers = segment()
    segment("both", {"all": [{"segment": "buyers"}, ENGLISH]})
    register_use(lambda here: [Use("Rule", "double", "/rules/1/")] if here.code == "buyers" else [])

    assert [(use.what, use.name) for use in uses_of(buyers)][-1] == ("Rule", "double")
    assert len(uses_of(buyers)) == 2


HOSTILE = [
    "'; DROP TABLE members_member; --",
    "1) OR (1=1",
    '"; SELECT pg_sleep(9)',
    "%s%s%(x)s",
    "a__contains",
    "*/ OR 1=1",
]
keys = st.sampled_from(
    ["all", "any", "not", "trait", "is", "value", "with", "segment", "list", "did", "but_not", "days"]
)
words = st.sampled_from(
    ["spend", "name", "at_least", "contains", "one_of", "buyers", "bought", "after", *HOSTILE]
) | st.text(max_size=9)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | words, inner, max_size=4),
    max_leaves=12,
)


@given(tree=junk)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_as_a_tree_is_read_or_refused(wang, tree):
    known = what_is_known()
    read = None
    with suppress(Malformed):
        read = read_tree(tree, known)
    if read is not None:
        assert list(members_now(read, now=NOW, known=known)) in ([], [wang])


@pytest.mark.parametrize("text", HOSTILE)
def test_sql_in_a_text_is_a_text(wang, text):
    CustomField.objects.create(code="taste", name_zh="口味", name_en="Taste", kind="text")
    Member.objects.filter(pk=wang.pk).update(name=text, custom={"taste": text})
    tree = {
        "all": [
            {"trait": "name", "is": "equal", "value": text},
            {"trait": "further.taste", "is": "equal", "value": text},
            {"trait": "products", "is": "none_of", "value": [text]},
        ]
    }

    found = members_now(read_tree(tree, what_is_known()), now=NOW)

    assert list(found) == [wang]
    assert text not in str(found.query.sql_with_params()[0])


def test_a_tree_of_ten_clauses_is_one_query(wang):
    tree = {"all": [BOUGHT, {"any": [ENGLISH] * 8}, {"not": {"trait": "spend", "is": "at_least", "value": 1}}]}
    read = read_tree(tree, what_is_known())
    known = what_is_known()

    with CaptureQueriesContext(connection) as asked:
        members_now(read, now=NOW, known=known).count()

    assert len(asked) == 1


def test_a_till_reads_segments_and_who_of_its_store_is_in_them(wang, anna, store):
    there = StoreFactory.create(code="there")
    stranger = MemberFactory.create(name="欧阳静雯", home_store=there)
    everybody = segment("everybody", {})
    refresh(segment=everybody, now=NOW)
    till = TillFactory.create(store=store)
    ask = {"headers": {"authorization": f"Bearer {till.key}"}}

    listed = Client().get("/api/v1/segments", **ask).json()
    inside = Client().get("/api/v1/segments/everybody/members", **ask).json()
    of_one = Client().get(f"/api/v1/members/{wang.number}/segments", **ask).json()

    assert [(each["code"], each["members"]) for each in listed["segments"]] == [("everybody", 2)]
    assert {each["number"] for each in inside["members"]} == {wang.number, anna.number}
    assert stranger.number not in json.dumps(inside)
    assert of_one == {"segments": ["everybody"]}
    assert Client().get("/api/v1/segments/nothing/members", **ask).status_code == 404
    assert Client().get("/api/v1/segments/everybody/members?after=x", **ask).status_code == 400
