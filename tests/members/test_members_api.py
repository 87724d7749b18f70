"""What shops' own systems read: members by traits, what a member amounts to."""

import os
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from members.kit.filters import MOST, read_filters
from members.kit.rates import counters
from members.kit.traits import TRAITS, BadTraitParameter, BadTraitValue, UnknownOperator, UnknownTrait, all_traits
from members.kit.windows import start_of_day
from members.profiles.models import CustomField
from members.purchases.actions import write_sales
from members.scores.actions import score_everybody
from tests.factories import NOW, MemberFactory, StoreFactory, TillFactory
from tests.world import sold


@pytest.fixture(autouse=True)
def fresh_counters():
    cache.clear()
    counters().flushdb()


@pytest.fixture
def shop(db):
    """Two stores: three members in one, who spent 100.00, 50.00 and nothing, and one in the other."""
    here, there = StoreFactory.create(code="here"), StoreFactory.create(code="there")
    people = [
        MemberFactory.create(name=name, phone=phone, home_store=store, language=language, now=NOW)
        for name, phone, store, language in (
            ("王小明", "13812345601", here, "zh-hans"),
            ("欧阳静雯", "13812345602", here, "en"),
            ("李雷", "13812345603", here, "en"),
            ("韩梅梅", "13812345604", there, "en"),
        )
    ]
    for person, amount in zip(people, (10_000, 5_000, 0, 90_000), strict=True):
        if amount:
            sell(person, amount)
    return here, people


def sell(member, amount):
    """A sale as the till told it."""
    write_sales(sales=[sold(member, NOW, amount)])


def ask(store, path, **said):
    """What a till of this store is answered."""
    till = TillFactory.create(store=store)
    return Client(headers={"accept-language": "en"}).get(
        f"/api/v1/{path}", said, headers={"authorization": f"Bearer {till.key}"}
    )


def numbers(response) -> list[str]:
    assert response.status_code == 200, response.json()
    return [each["number"] for each in response.json()["members"]]


def test_members_of_the_tills_store_are_listed_masked_a_page_at_a_time(shop):
    here, people = shop

    first = ask(here, "members", page_size=2)
    second = ask(here, "members", page_size=2, after=first.json()["next"])

    assert numbers(first) + numbers(second) == [each.number for each in people[:3]]
    assert second.json()["next"] is None
    assert first.json()["members"][0]["name"] == "王**"
    for text in (first.content.decode(), second.content.decode()):
        assert "138123456" not in text
        assert "小明" not in text


def test_all_filters_hold_together(shop):
    here, people = shop

    assert numbers(ask(here, "members", **{"spend.at_least": "5000", "spend.days": "3650"})) == [
        each.number for each in people[:2]
    ]
    assert numbers(ask(here, "members", **{"spend.at_least": "5000", "language.one_of": "en"})) == [people[1].number]
    assert numbers(ask(here, "members", **{"spend.between": "1,6000", "language.one_of": "en,zh-hans"})) == [
        people[1].number
    ]
    assert numbers(ask(here, "members", **{"spend.at_least": "1", "spend.less_than": "6000"})) == [people[1].number]
    assert numbers(ask(here, "members", **{"bought.no": ""})) == [people[2].number]
    assert numbers(ask(here, "members", **{"spend.at_least": "10001"})) == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"tier": "gold"}, "unknown_filter"),
        ({"spend": "1"}, "unknown_filter"),
        ({"shoe_size.at_least": "1"}, "unknown_trait"),
        ({"__class__.at_least": "1"}, "unknown_trait"),
        ({"name.begins": "王"}, "unknown_trait"),
        ({"spend.days": "30"}, "unknown_operator"),
        ({"spend.begins": "1"}, "unknown_operator"),
        ({"spend.at_least": "much"}, "bad_trait_value"),
        ({"spend.at_least": "nan"}, "bad_trait_value"),
        ({"spend.at_least": "1e309"}, "bad_trait_value"),
        ({"spend.at_least": "9" * 5_000}, "bad_trait_value"),
        ({"spend.at_least": "1; DROP TABLE members_member"}, "bad_trait_value"),
        ({"spend.between": "5"}, "bad_trait_value"),
        ({"spend.at_least": "1", "spend.days": "x"}, "bad_trait_parameter"),
        ({"spend.at_least": "1", "spend.shoe": "x"}, "bad_trait_parameter"),
        ({"language.one_of": "fr"}, "bad_trait_value"),
        ({"language.one_of": ""}, "bad_trait_value"),
        ({"birthday.since": "yesterday"}, "bad_trait_value"),
        ({f"spend.{way}": "1" for way in "abcdefghijklmnopqrstuvwxyz"}, "too_many_filters"),
        ({"spend.at_least": ["1", "2"]}, "unknown_filter"),
        ({"page_size": "0"}, "invalid"),
        ({"after": "-1"}, "invalid"),
        ({"kind": "phone"}, "invalid"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_code(shop, said, code):
    response = ask(shop[0], "members", **said)

    assert (response.status_code, response.json()["error"]["code"]) == (400, code)


def test_at_most_eight_conditions_are_asked_at_once(shop):
    ways = ["at_least", "more_than", "at_most", "less_than", "equal"]
    said = {f"{trait}.{way}": "1" for trait in ("spend", "age") for way in ways}

    response = ask(shop[0], "members", **said)

    assert len(said) > MOST
    assert response.json()["error"]["code"] == "too_many_filters"


@pytest.mark.django_db(transaction=True)
def test_a_question_that_takes_too_long_is_given_up(shop, monkeypatch):
    monkeypatch.setattr("members.segments.actions.FILTER_SECONDS", 0.2)
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    with psycopg.connect(database.geturl()) as other:
        other.execute("LOCK TABLE members_sale IN ACCESS EXCLUSIVE MODE")

        response = ask(shop[0], "members", **{"spend.at_least": "1"})

    assert (response.status_code, response.json()["error"]["code"]) == (409, "filters_take_too_long")
    assert len(numbers(ask(shop[0], "members", **{"spend.at_least": "1"}))) == 2


def test_a_till_asks_so_often_a_minute(shop, settings):
    settings.TILL_FILTERS_A_MINUTE = 2
    till = TillFactory.create(store=shop[0])
    client = Client(headers={"authorization": f"Bearer {till.key}"})

    answers = [client.get("/api/v1/members").status_code for _each in range(3)]

    assert answers == [200, 200, 429]
    assert client.get("/api/v1/members?kind=phone&value=13812345601").status_code == 200


def test_one_member_is_found_by_an_identity_as_before(shop):
    found = ask(shop[0], "members", kind="phone", value="138 1234 5601").json()

    assert found["number"] == shop[1][0].number
    assert found["identities"][0]["value"] == "138****5601"


def test_traits_say_what_may_be_asked_and_hide_free_text(shop):
    CustomField.objects.create(code="taste", name_zh="口味", name_en="Taste", kind="text")
    CustomField.objects.create(code="size", name_zh="尺码", name_en="Size", kind="number")

    listed = {each["code"]: each for each in ask(shop[0], "traits").json()["traits"]}

    assert listed["spend"]["operators"]["between"] == "numbers"
    assert "days" in [each["code"] for each in listed["spend"]["parameters"]]
    assert "further.size" in listed
    assert not {"name", "further.taste"} & listed.keys()
    assert numbers(ask(shop[0], "members", **{"further.size.at_least": "1"})) == []


@pytest.mark.django_db
def test_no_parameter_is_called_as_an_operator_is():
    for trait in all_traits().values():
        assert not {each.code for each in trait.parameters} & trait.compared_by.keys()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"no.at_least": "1"}, UnknownTrait),
        ({"spend.no": "1"}, UnknownOperator),
        ({"spend.at_least": ""}, BadTraitValue),
        ({"spend.at_least": "1", "spend.days": "-1"}, BadTraitParameter),
    ],
)
def test_filters_are_read_or_refused(said, error):
    with pytest.raises(error):
        read_filters(TRAITS, said)

    assert read_filters(TRAITS, {"page": "1"}) == []


def test_the_scores_of_a_member_are_those_of_the_night(shop):
    here, people = shop
    assert ask(here, f"members/{people[0].number}/scores").json()["error"]["code"] == "not_scored"
    score_everybody(as_of=start_of_day(NOW.replace(day=11)))

    said = ask(here, f"members/{people[0].number}/scores").json()

    assert (said["number"], said["sales"], said["spend"], said["store"]) == (people[0].number, 1, 10_000, "here")
    assert said["recency"] in range(1, 6)


def test_scores_of_another_stores_members_and_of_nobody_are_unknown(shop):
    for number in (shop[1][3].number, "0000000000"):
        response = ask(shop[0], f"members/{number}/scores")
        assert (response.status_code, response.json()["error"]["code"]) == (404, "unknown_member")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["members", "traits", "members/1/scores"])
def test_without_a_key_nothing_is_said(path):
    assert Client().get(f"/api/v1/{path}").status_code == 401
