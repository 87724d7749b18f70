"""Members and the identities by which they are found."""

import itertools
import json
from datetime import date, timedelta

import pytest
from django.db import connection
from django.utils.translation import override

from members.kit.refusals import Refusal
from members.profiles.actions import (
    IdentityTaken,
    Newcomer,
    NoIdentity,
    UnknownMember,
    add_identity,
    enrol,
    enrol_many,
    find_member,
    guess_kind,
    masked_phone,
    update_profile,
    verify_identity,
)
from members.profiles.models import CustomField, Identity, Member
from members.profiles.rules import (
    BadBirthday,
    BadEmail,
    BadField,
    BadIdentity,
    BadName,
    BadPhone,
    check_custom,
    clean_name,
    mask,
    mask_name,
    normalise,
)
from tests.factories import NOW, MemberFactory, StoreFactory, TillFactory, UserFactory
from tests.races import all_at_once

PHONE = "+8613812345678"


@pytest.fixture
def till():
    return TillFactory.create()


@pytest.fixture
def call(client, till):
    """Call the API as the till does; a POST without a key of its own gets a new one."""
    keys = itertools.count()

    def call(method, path, data=None, key=None, by=till):
        headers = {"Authorization": f"Bearer {by.key}"}
        if method == "post":
            headers["Idempotency-Key"] = f"call-{next(keys)}" if key is None else key
            return client.post(path, json.dumps(data), content_type="application/json", headers=headers)
        return client.get(path, data, headers=headers)

    return call


@pytest.mark.parametrize(
    "text",
    [
        "13812345678", " 138 1234 5678 ", "138-1234-5678", "+86 138 1234 5678", "+86-13812345678", "86 13812345678",
        "008613812345678", "１３８１２３４５６７８", "＋８６１３８１２３４５６７８", "(138)12345678",
        "\u202a138\u00a01234\u00a05678\u202c", "138–1234–5678",
    ],
)  # fmt: skip
def test_a_phone_is_the_same_however_it_is_written(text):
    assert normalise("phone", text, "CN") == PHONE


@pytest.mark.parametrize(
    ("text", "country", "phone"),
    [
        ("650-253-0000", "US", "+16502530000"),
        ("+1 650 253 0000", "CN", "+16502530000"),
        ("021 6123 4567", "CN", "+862161234567"),
    ],
)
def test_a_phone_without_a_country_lies_in_the_shops(text, country, phone):
    assert normalise("phone", text, country) == phone


@pytest.mark.parametrize(
    "text", ["", "1381234567", "call 13812345678", "12345678901", "+", "1" * 300, "138\x0012345678"]
)
def test_what_is_no_phone_is_refused(text):
    with pytest.raises(BadPhone) as refusal:
        normalise("phone", text, "CN")
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("email", "  Wang.Fang@Example.COM ", "wang.fang@example.com"),
        ("email", "wang＠example.com", "wang@example.com"),
        ("card", "vip 0012-3456", "VIP00123456"),
        ("wechat", " oX_1-abcDEF ", "oX_1-abcDEF"),
        ("number", "1234 567 890", "1234567890"),
    ],
)
def test_other_identities_are_tidied(kind, text, value):
    assert normalise(kind, text, "CN") == value


@pytest.mark.parametrize(
    ("kind", "text", "refusal"),
    [
        ("email", "wang", BadEmail), ("email", "a@b@c.com", BadEmail), ("email", "a" * 250 + "@example.com", BadEmail),
        ("card", "卡号", BadIdentity), ("card", "", BadIdentity), ("wechat", "a b", BadIdentity),
        ("fax", "1", BadIdentity), ("number", "12x", BadIdentity),
    ],
)  # fmt: skip
def test_what_is_no_identity_is_refused(kind, text, refusal):
    with pytest.raises(refusal):
        normalise(kind, text, "CN")


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("phone", PHONE, "138****5678"), ("phone", "+85261234567", "+852****4567"),
        ("email", "wang@example.com", "w***@example.com"), ("card", "VIP00123456", "****3456"),
        ("wechat", "abc", "****"),
    ],
)  # fmt: skip
def test_masks_show_just_enough(kind, value, shown):
    assert mask(kind, value) == shown


@pytest.mark.parametrize(
    ("name", "shown"), [("王芳", "王*"), ("Anna Green", "Anna G."), ("", ""), ("欧阳娜娜", "欧***"), ("Cher", "C***")]
)
def test_a_till_sees_as_much_of_a_name_as_a_greeting_needs(name, shown):
    assert mask_name(name) == shown


@pytest.mark.parametrize("name", ["\x00", "a\x07b", "\ud800", "a" * 101, "Anna\u202eneerG"])
def test_a_name_that_cannot_be_one_is_refused(name):
    with pytest.raises(BadName):
        clean_name(name)


def test_a_name_is_trimmed_and_otherwise_left_alone():
    assert clean_name("  Anna   Green ") == "Anna Green"
    assert clean_name("👩‍👧 王芳") == "👩‍👧 王芳"


FIELDS = [
    CustomField(code="size", kind="choice", choices=["S", "M"]),
    CustomField(code="pets", kind="number"),
    CustomField(code="since", kind="date"),
    CustomField(code="post", kind="yes_no"),
    CustomField(code="note", kind="text"),
]


def test_further_fields_are_stored_as_their_kinds():
    told = {"size": "M", "pets": "2", "since": "2020-02-29", "post": "是", "note": " 常客 "}

    checked = check_custom(FIELDS, told)

    assert checked == {"size": "M", "pets": 2, "since": "2020-02-29", "post": True, "note": "常客"}
    assert check_custom(FIELDS, {"size": "", "pets": None}) == {}


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("size", "XXL"), ("pets", "NaN"), ("pets", "many"), ("pets", True), ("pets", "1e99"), ("since", "2021-02-29"),
        ("post", "perhaps"), ("note", "a\x00"), ("note", {"a": 1}), ("note", "x" * 501), ("shoe", "41"),
        ("size", ["M"]),
    ],
)  # fmt: skip
def test_a_value_that_is_not_of_its_fields_kind_is_refused(code, value):
    with pytest.raises(BadField):
        check_custom(FIELDS, {code: value})


@pytest.mark.parametrize(
    ("text", "kind"),
    [("13812345678", "phone"), ("wang@example.com", "email"), ("9234567890", "number"), ("VIP-1", "card")],
)
def test_what_somebody_typed_is_guessed(text, kind):
    assert guess_kind(text) == kind


@pytest.mark.django_db
def test_a_member_is_found_by_every_identity_and_by_number():
    wang = MemberFactory.create(phone="138 1234 5678", email="Wang@example.com", card="vip-1001")

    assert find_member(kind="phone", value="+8613812345678") == wang
    assert find_member(kind="email", value="WANG@example.com") == wang
    assert find_member(kind="card", value="VIP 1001") == wang
    assert find_member(kind="number", value=wang.number) == wang


@pytest.mark.django_db
def test_nobody_is_found_by_an_unknown_phone():
    MemberFactory.create(phone="13812345678")

    with pytest.raises(UnknownMember) as refusal:
        find_member(kind="phone", value="13812345679")
    assert (refusal.value.code, refusal.value.status) == ("unknown_member", 404)


@pytest.mark.django_db
def test_numbers_have_ten_digits_and_do_not_follow_each_other():
    store = StoreFactory.create()

    numbers = [int(MemberFactory.create(home_store=store).number) for _ in range(20)]

    assert all(len(str(number)) == 10 for number in numbers)
    assert len(set(numbers)) == 20
    assert all(abs(after - before) > 1 for before, after in itertools.pairwise(numbers))


@pytest.mark.django_db
def test_an_identity_that_is_taken_is_refused_and_nothing_changes():
    wang = MemberFactory.create(phone="13812345678")

    with pytest.raises(IdentityTaken):
        MemberFactory.create(
            name="李强", email="li@example.com", phone="0086 138 1234 5678", home_store=wang.home_store
        )

    assert Member.objects.get() == wang
    assert list(Identity.objects.values_list("value", flat=True)) == [PHONE]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        ({"identities": {}}, NoIdentity),
        ({"identities": {"phone": ""}}, NoIdentity),
        ({"identities": {"number": "1234567890"}}, NoIdentity),
        ({"identities": {"phone": "12"}}, BadPhone),
        ({"name": "\x00"}, BadName),
        ({"birth_on": date(2027, 1, 1)}, BadBirthday),
        ({"birth_on": date(1800, 1, 1)}, BadBirthday),
        ({"custom": {"shoe": "41"}}, BadField),
        ({"language": "tlh"}, Refusal),
    ],
)
def test_a_member_who_cannot_be_is_refused_and_nothing_changes(told, refusal):
    store = StoreFactory.create()
    usual = {"name": "王芳", "identities": {"phone": "13812345678"}, "store": store, "source": "till", "now": NOW}

    with pytest.raises(refusal):
        enrol(**usual | told)

    assert not Member.objects.exists()
    assert not Identity.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_twenty_enrolments_of_one_phone_at_the_same_moment_are_one_member():
    store = StoreFactory.create()

    results = all_at_once(lambda _number: MemberFactory.create(phone="13812345678", home_store=store), 20)

    assert Member.objects.count() == Identity.objects.count() == 1
    assert sum(isinstance(result, Member) for result in results) == 1
    assert sum(isinstance(result, IdentityTaken) for result in results) == 19


@pytest.mark.django_db(transaction=True)
def test_crossed_identities_do_not_wait_for_each_other():
    store = StoreFactory.create()
    ways = [{"phone": "13812345678", "email": "w@example.com"}, {"email": "w@example.com", "phone": "13812345678"}]

    def join(number):
        told = {"name": "王芳", "store": store, "source": "till", "now": NOW}
        return enrol(identities=ways[number % 2], **told)

    results = all_at_once(join, 16)

    assert Member.objects.count() == 1
    assert sum(isinstance(result, IdentityTaken) for result in results) == 15


def newcomers(numbers, name="李强"):
    return [Newcomer("phone", f"+86138{number:08d}", name, NOW) for number in numbers]


@pytest.mark.django_db
def test_an_import_enrols_who_is_new_and_finds_the_others(django_assert_max_num_queries):
    wang = MemberFactory.create(phone="13800000003")

    with django_assert_max_num_queries(8):
        found = enrol_many(rows=newcomers([1, 2, 3, 2, 4]), store=wang.home_store, source="import")

    assert len(found) == 4
    assert found["phone", "+8613800000003"] == wang.pk
    assert Member.objects.count() == 4
    assert Member.objects.identified_by(kind="phone", value="+8613800000002").get().name == "李强"
    assert enrol_many(rows=newcomers([1, 2, 3, 4]), store=wang.home_store, source="import") == found


@pytest.mark.django_db(transaction=True)
def test_imports_that_overlap_enrol_everybody_once():
    store = StoreFactory.create()

    def take(number):
        numbers = range(number * 50, number * 50 + 200)
        return enrol_many(rows=newcomers(numbers if number % 2 else reversed(numbers)), store=store, source="import")

    results = all_at_once(take, 8)

    assert all(isinstance(result, dict) and len(result) == 200 for result in results)
    assert Member.objects.count() == Identity.objects.count() == 550
    merged = {}
    for result in results:
        assert all(merged.setdefault(identity, member) == member for identity, member in result.items())


@pytest.mark.django_db
def test_an_identity_is_added_once_and_never_taken_from_another():
    wang, li = MemberFactory.create(), MemberFactory.create(name="李强", email="li@example.com")

    first = add_identity(member=wang, kind="email", text="wang@example.com")
    second = add_identity(member=wang, kind="email", text=" WANG@example.com")
    with pytest.raises(IdentityTaken):
        add_identity(member=wang, kind="email", text="li@example.com")

    assert first == second
    assert Identity.objects.get(value="li@example.com").member == li


@pytest.mark.django_db
def test_the_first_proof_of_an_identity_stands():
    wang = MemberFactory.create(phone="13812345678")

    verify_identity(member=wang, kind="phone", value=PHONE, now=NOW)
    verify_identity(member=wang, kind="phone", value=PHONE, now=NOW + timedelta(days=1))

    assert Identity.objects.get().verified_at == NOW
    with pytest.raises(UnknownMember):
        verify_identity(member=wang, kind="phone", value="13812345679", now=NOW)


@pytest.mark.django_db
def test_a_profile_changes_where_it_was_told_to():
    CustomField.objects.create(code="pets", kind="number", name_zh="宠物", name_en="pets")
    CustomField.objects.create(code="note", kind="text", name_zh="备注", name_en="note")
    wang = MemberFactory.create(birth_on=date(1990, 5, 1), custom={"pets": 1, "note": "常客"})

    update_profile(member=wang, now=NOW, name=" 王小芳 ", custom={"pets": 2, "note": ""})

    wang.refresh_from_db()
    assert (wang.name, wang.birth_on, wang.custom) == ("王小芳", date(1990, 5, 1), {"pets": 2})


@pytest.mark.django_db
def test_a_profile_change_that_is_refused_changes_nothing():
    wang = MemberFactory.create()

    with pytest.raises(BadBirthday):
        update_profile(member=wang, now=NOW, name="李强", birth_on=date(2030, 1, 1))

    wang.refresh_from_db()
    assert wang.name == "王芳"


@pytest.mark.django_db
def test_staff_see_members_of_their_stores_only():
    wang, li = MemberFactory.create(), MemberFactory.create(name="李强")

    assert list(Member.objects.visible_to(UserFactory.create(stores=[wang.home_store]))) == [wang]
    assert set(Member.objects.visible_to(UserFactory.create(sees_all_stores=True))) == {wang, li}


@pytest.mark.django_db
def test_phones_are_masked_wherever_many_are_shown():
    assert masked_phone(MemberFactory.create(phone="13812345678")) == "138****5678"
    assert masked_phone(MemberFactory.create(phone="", card="VIP1")) == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    [
        "13812345678",
        "+86 138 1234 5678",
        "5678",
        "345 678",
        "wang@example.com",
        "WANG@EXAMPLE.COM",
        "vip 1001",
        "王",
        "王芳",
        "芳",
    ],
)
def test_staff_find_a_member_by_what_they_know(text):
    wang = MemberFactory.create(phone="13812345678", email="wang@example.com", card="VIP1001")
    MemberFactory.create(name="李强", phone="13999990000", home_store=wang.home_store)

    assert list(Member.objects.search(text)) == [wang]
    assert list(Member.objects.search(wang.number)) == [wang]


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "   ", "567", "%", "_", "no such", "\x00", "\ud800", "'; --", "赵"])
def test_staff_find_nobody_by_what_nobody_has(text):
    MemberFactory.create(phone="13812345678")

    assert not Member.objects.search(text).exists()


@pytest.mark.django_db
def test_names_are_found_in_small_letters_too():
    anna = MemberFactory.create(name="Anna Green")

    assert list(Member.objects.search("anna g")) == [anna]


@pytest.mark.django_db
def test_a_search_stays_within_what_the_person_may_see():
    wang = MemberFactory.create(phone="13812345678")
    MemberFactory.create(phone="13912345678")
    anna = UserFactory.create(stores=[wang.home_store])

    assert list(Member.objects.visible_to(anna).search("5678")) == [wang]


def many_members(count):
    """So many members with phones, written by the database itself."""
    store = StoreFactory.create()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH made AS (
                INSERT INTO members_member (number, name, language, home_store_id, source, enrolled_at, custom)
                SELECT (1000000000 + n::bigint * 7919)::text, (ARRAY['王','李','张','Anna '])[n %% 4 + 1] || n,
                       'zh-hans', %s, 'import', %s, '{}' FROM generate_series(1, %s) n RETURNING id, number
            )
            INSERT INTO members_identity (member_id, kind, value)
            SELECT id, 'phone', '+86138' || lpad((id * 7919 %% 100000000)::text, 8, '0') FROM made
            """,
            [store.pk, NOW, count],
        )
        cursor.execute("ANALYZE members_member, members_identity")
    return store


@pytest.mark.django_db
def test_a_search_among_many_members_reads_indexes_only():
    store = many_members(100_000)
    anna = UserFactory.create(stores=[store])
    with connection.cursor() as cursor:  # what other tests left in the planner's memory of stores
        cursor.execute("ANALYZE members_store, members_storestaff")
    texts = [
        "13812345678", "5678", "45678", "wang@example.com", "VIP1001", "1000791900", "王12", "Anna", "王", "nna 12",
    ]  # fmt: skip

    for text, members in itertools.product(texts, [Member.objects.all(), Member.objects.visible_to(anna)]):
        plan = members.ids_meant_by(text).explain() + members.search(text).order_by("-pk")[:50].explain()

        assert "Seq Scan on members_identity" not in plan, f"{text}\n{plan}"
        assert "Seq Scan on members_member" not in plan, f"{text}\n{plan}"


@pytest.mark.django_db
def test_a_till_enrols_a_member_and_sees_no_contacts(call, till):
    told = {
        "name": "王芳",
        "identities": {"phone": "138 1234 5678", "email": "wang@example.com"},
        "birth_on": "1990-05-01",
    }

    answer = call("post", "/api/v1/members", told)

    assert answer.status_code == 201
    member = Member.objects.get()
    body = answer.json()
    assert body["number"] == member.number
    assert body["name"] == "王*"
    assert body["home_store"] == till.store.code
    assert [identity["value"] for identity in body["identities"]] == ["w***@example.com", "138****5678"]
    assert "12345678" not in answer.content.decode()


@pytest.mark.django_db
def test_an_enrolment_that_is_repeated_gets_the_same_answer(call):
    told = {"identities": {"phone": "13812345678"}}
    first = call("post", "/api/v1/members", told, key="k1")

    second = call("post", "/api/v1/members", told, key="k1")

    assert second.status_code == 201
    assert second.content == first.content
    assert second.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first.headers
    assert Member.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "key", "status", "code"),
    [
        ({"identities": {"phone": "13912345678"}}, "used", 409, "key_reused"),
        ({"identities": {"phone": "+86 138 1234 5678"}}, "new", 409, "identity_taken"),
        ({"identities": {"phone": "12"}}, "new", 400, "bad_phone"),
        ({"identities": {}}, "new", 400, "no_identity"),
        ({"identities": {"phone": "13912345678"}, "name": "x" * 101}, "new", 400, "invalid"),
        ({"identities": {"phone": ["13912345678"]}}, "new", 400, "invalid"),
        ({"identities": {"phone": "13912345678"}, "custom": {"shoe": "41"}}, "new", 400, "bad_field"),
        ({"identities": {"phone": "13912345678"}}, "", 400, "missing_key"),
        ({"identities": {"phone": "13912345678"}}, "k" * 201, 400, "bad_key"),
    ],
)
def test_an_enrolment_that_is_refused_says_why_and_changes_nothing(call, told, key, status, code):
    call("post", "/api/v1/members", {"identities": {"phone": "13812345678"}}, key="used")

    answer = call("post", "/api/v1/members", told, key=key)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert Member.objects.count() == 1


@pytest.mark.django_db
def test_what_a_till_may_not_say_is_not_believed(call, till):
    told = {"identities": {"phone": "13812345678"}, "number": "1", "source": "admin", "store": "other", "user": 1}

    answer = call("post", "/api/v1/members", told)

    assert answer.status_code == 201
    member = Member.objects.get()
    assert (member.source, member.home_store, member.user) == ("till", till.store, None)
    assert member.number != "1"


@pytest.mark.django_db
def test_every_till_of_the_shop_finds_a_member_by_the_exact_identity(call):
    wang = MemberFactory.create(phone="13812345678")

    by_phone = call("get", "/api/v1/members", {"kind": "phone", "value": "138-1234-5678"})
    by_number = call("get", f"/api/v1/members/{wang.number}")

    assert by_phone.json() == by_number.json()
    assert by_phone.json()["identities"] == [{"kind": "phone", "value": "138****5678", "is_verified": False}]


@pytest.mark.django_db
def test_finding_and_enrolling_take_few_statements(call, django_assert_max_num_queries):
    told = {"name": "王芳", "identities": {"phone": "13812345678", "email": "wang@example.com"}}
    call("get", "/api/v1/members", {"kind": "phone", "value": "13912345678"})  # the till's use is noted now

    with django_assert_max_num_queries(12):
        call("post", "/api/v1/members", told)
    with django_assert_max_num_queries(3):
        call("get", "/api/v1/members", {"kind": "phone", "value": "13812345678"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "asked", "status", "code"),
    [
        ("/api/v1/members", {"kind": "phone", "value": "13812345679"}, 404, "unknown_member"),
        ("/api/v1/members", {"kind": "phone", "value": "5678"}, 400, "bad_phone"),
        ("/api/v1/members", {"kind": "fax", "value": "1"}, 400, "invalid"),
        ("/api/v1/members", {"kind": "phone"}, 400, "invalid"),
        ("/api/v1/members/1234567890", None, 404, "unknown_member"),
        ("/api/v1/members/abc", None, 400, "bad_identity"),
    ],
)
def test_a_till_that_asks_for_nobody_is_told_so(call, path, asked, status, code):
    MemberFactory.create(phone="13812345678")

    with override("en"):
        answer = call("get", path, asked)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.django_db
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer rk_guess"}, {"Authorization": "Basic eDp5"}])
def test_nobody_comes_in_without_the_key_of_a_till(client, header):
    MemberFactory.create(phone="13812345678")

    answer = client.get("/api/v1/members", {"kind": "phone", "value": "13812345678"}, headers=header)

    assert answer.status_code == 401
    assert "138" not in answer.content.decode()
