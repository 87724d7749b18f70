"""Insight at the desk: pages of one's own stores, portraits, groups, how the shop scores, goals."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from members.goals.models import Goal
from members.kit.windows import start_of_day
from members.purchases.models import Product
from members.scores.actions import score_everybody
from members.scores.models import MemberScore, RfmScheme, ScoreNight, StoreDay, Tally
from tests.factories import NOW, MemberFactory
from tests.members.shops import past_of
from tests.world import text_of

SCORES = "/admin/members/memberscore/"
PAGES = ("overview/", "cells/", "cohorts/", "goods/", "group/?cell=champion", "")
SCHEME = "/admin/members/rfmscheme/1/change/"
GOALS = "/admin/members/goal/"
NIGHT = start_of_day(NOW)


@pytest.fixture
def crowd(world):
    """Sixty more members of the clerk's store with pasts, and a night."""
    chance = random.Random(1)
    stores = [world.here.store, world.here.store]
    goods = [Product.objects.create(sku=f"P{n}", name=f"P{n}", category="茶叶" if n % 2 else "点心") for n in range(4)]
    pasts = [past_of(stores, goods, place, NOW, chance, 8) for place in range(60)]
    score_everybody(as_of=NIGHT)
    return pasts


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_full_and_empty_in_both_languages(world, crowd, page, language):
    client = world.client("analyst", language)
    assert client.get(f"{SCORES}{page}").status_code == 200

    for rows in (MemberScore, Tally, StoreDay, ScoreNight):
        rows.objects.all().delete()

    answer = client.get(f"{SCORES}{page}")
    assert answer.status_code == 200
    if page not in ("", "group/?cell=champion"):
        assert ("After the first night" if language == "en" else "首晚计算之后") in text_of(answer)


def test_every_figure_of_the_overview_says_n_and_the_night(world, crowd):
    page = text_of(world.client("analyst").get(f"{SCORES}overview/"))

    assert "n = 62 members, 9 Mar" in page
    assert "Not enough data yet for forecasts" in page
    assert "members who bought: " in page
    assert "of 200" in page
    assert "Index of loyalty" in page


def test_a_manager_reads_the_figures_of_their_stores_alone(world, crowd):
    manager, analyst = world.client("manager"), world.client("analyst")

    assert "n = 61 members" in text_of(manager.get(f"{SCORES}overview/"))
    assert "n = 62 members" in text_of(analyst.get(f"{SCORES}overview/"))
    assert "n = 61 members" in text_of(manager.get(f"{SCORES}cells/"))
    found = text_of(manager.get(f"{SCORES}group/?source=till"))
    assert "This group 61 The others 0" in found
    assert "cannot be told from chance" in found
    choices = manager.get(f"{SCORES}group/").content.decode()
    assert world.here.store.name_en in choices
    assert world.there.store.name_en not in choices


def test_a_clerk_reads_nothing_of_it(world):
    client = world.client("clerk")

    assert {client.get(f"{SCORES}{page}").status_code for page in PAGES} == {403}
    assert "Members at a glance" not in text_of(client.get("/admin/"))
    assert "Portrait" not in text_of(client.get(f"/admin/members/member/{world.here.member.pk}/change/"))


def test_the_members_page_leads_to_the_portrait(world, crowd):
    client = world.client("manager")
    number = world.here.member.pk
    assert f"{SCORES}{number}/portrait/" in client.get(f"/admin/members/member/{number}/change/").content.decode()

    page = text_of(client.get(f"{SCORES}{number}/portrait/"))

    assert world.here.member.name in page
    assert "Engagement" in page
    assert client.get(f"{SCORES}{world.there.member.pk}/portrait/").status_code == 404
    assert client.get(f"{SCORES}999999/portrait/").status_code == 404


def test_a_member_of_today_has_a_portrait_that_says_when_it_fills(world):
    newcomer = MemberFactory.create(home_store=world.here.store)

    page = text_of(world.client("manager").get(f"{SCORES}{newcomer.pk}/portrait/"))

    assert "No figures of this member yet" in page


def test_a_group_is_described_in_plain_sentences(world, crowd):
    page = text_of(world.client("analyst").get(f"{SCORES}group/?value=high&cell=champion"))
    nothing = text_of(world.client("analyst").get(f"{SCORES}group/?cell=nonsense"))
    spenders = text_of(world.client("analyst").get(f"{SCORES}group/?risk=low"))

    assert "This group 0" in page
    assert "Select a valid choice" in nothing
    assert "Higher by" in spenders
    assert "hardly chance" in spenders


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"days": 90}, (90, False, [])),
        (
            {"has_own_cuts": "on", "recency": "7, 30，60, 120", "frequency": "1,2,4,8", "spend": "10, 50, 100.50, 500"},
            (365, True, [1_000, 5_000, 10_050, 50_000]),
        ),
    ],
)
def test_the_marketer_says_how_the_shop_scores(world, said, kept):
    answer = world.client("marketer").post(SCHEME, {"days": 365} | said)

    assert answer.status_code == 302
    scheme = RfmScheme.objects.get()
    assert (scheme.days, scheme.has_own_cuts, scheme.spend) == kept


@pytest.mark.parametrize(
    "said",
    [
        {"recency": "7, 30, 60"},
        {"recency": "a, b, c, d"},
        {"recency": ""},
        {"spend": "1, 2, 3, 2.999"},
        {"frequency": "0, 1, 2, 3"},
        {"days": 5},
    ],
)
def test_cuts_that_cannot_be_are_refused_and_nothing_changes(world, said):
    good = {"days": 365, "has_own_cuts": "on", "recency": "7,30,60,90", "frequency": "1,2,3,4", "spend": "1,2,3,4"}

    answer = world.client("marketer").post(SCHEME, good | said)

    assert answer.status_code == 200
    assert list(RfmScheme.objects.values_list("days", "has_own_cuts")) == [(365, False)]
    assert world.client("analyst").post(SCHEME, good).status_code == 403
    assert not RfmScheme.objects.get().has_own_cuts


def goal_said(world, **more):
    today = timezone.localdate()
    return {
        "name": "Win back",
        "kind": "active",
        "store": world.here.store.pk,
        "target": 60,
        "starts_on": today,
        "ends_on": today + timedelta(days=30),
        "owner": world.people["manager"].pk,
    } | more


def test_a_manager_sets_a_goal_for_their_store_and_sees_how_far_it_is(world, crowd):
    client = world.client("manager")

    answer = client.post(f"{GOALS}add/", goal_said(world))

    goal = Goal.objects.get(name="Win back")
    assert answer.status_code == 302
    page = text_of(client.get(f"{GOALS}{goal.pk}/change/"))
    assert "of 60.0% until 8 Apr" in page
    assert "measured in 1 nights" in page
    assert "Win back" in text_of(client.get(GOALS))
    assert "Win back" in text_of(world.client("analyst").get(GOALS))


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": 101},
        {"target": 0},
        {"ends_on": "2020-01-01"},
        {"store": ""},
    ],
)
def test_a_goal_that_cannot_be_is_refused(world, wrong):
    answer = world.client("manager").post(f"{GOALS}add/", goal_said(world, **wrong))

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode() or "error" in answer.content.decode()
    assert not Goal.objects.filter(name="Win back").exists()


def test_a_manager_sets_no_goal_for_another_store_and_sees_none_of_all_stores(world):
    client = world.client("manager")
    everywhere = goal_said(world, store="", name="Everywhere")
    assert world.client("marketer").post(f"{GOALS}add/", everywhere).status_code == 302

    answer = client.post(f"{GOALS}add/", goal_said(world, store=world.there.store.pk))

    assert answer.status_code == 200
    assert not Goal.objects.filter(name="Win back").exists()
    assert "Everywhere" not in text_of(client.get(GOALS))


def test_the_list_takes_the_same_statements_for_one_member_and_for_many(world, crowd, django_assert_max_num_queries):
    client = world.client("analyst")
    client.get(SCORES)

    with django_assert_max_num_queries(16):
        client.get(SCORES)
    with django_assert_max_num_queries(24):
        client.get(f"{SCORES}overview/")
