"""Earning rules and budgets as marketing sets them up: said in fields, shown in words, confirmed."""

import re
from datetime import timedelta

import pytest

from loyalty.ledger.models import PointKind, Programme
from loyalty.limits.actions import take
from loyalty.limits.models import Budget, Pool
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.tiers.models import Ladder, Tier
from tests.factories import NOW
from tests.world import text_of

LIST = "/admin/loyalty/earningrule/"
PLAIN = {
    "is_on": "on", "about": "sale", "effect": "per_amount", "points": "2", "per_amount": "1.50", "rounding": "down",
    "stacking": "add", "basis": "paid", "uses_tier_multiplier": "on", "together": "all", "priority": "100",
    "waits": "days", "pending_days": "0",
}  # fmt: skip
WEEKEND = {
    "name_zh": "周末双倍", "name_en": "Double weekend", "first": "2026-03-14", "last": "2026-03-15", "percent": "2",
    "stores": ["here", "there"], "tiers": ["gold"], "total": "5000",
}  # fmt: skip


@pytest.fixture
def rule(world) -> EarningRule:
    return EarningRule.objects.create(code="tea", name_zh="茶", name_en="Tea")


def say(world, rule, *, confirm=True, **says):
    """Post the form: once to see what it means and, where nothing is refused, once more to confirm."""
    client, address = world.client("marketer"), f"{LIST}{rule.pk}/say/"
    said = PLAIN | {"kind": str(PointKind.objects.get(code="points").pk)} | says
    shown = client.post(address, said)
    seen = re.search(r'name="seen" value="(\w+)"', shown.content.decode())
    if not confirm or seen is None:
        return shown
    return client.post(address, said | {"confirm": "1", "seen": seen[1]})


def test_marketing_says_a_version_in_fields_sees_it_in_words_and_confirms(world, rule):
    says = {
        "store": ["here", "there"], "tier": ["gold"], "weekday": ["6", "7"], "hours": "18:00–22:00",
        "first_day": "2026-04-01", "last_day": "2026-04-30", "min_amount": "200", "category": "茶叶，点心",
        "times_day": "1", "points_month": "500", "lives": "months", "expires_after_months": "12",
        "expires_rounding": "month", "lines_not_product": "BAG",
    }  # fmt: skip

    shown = text_of(say(world, rule, confirm=False, **says))

    assert "This is what it will say" in shown
    assert "Points: 2 for each CN¥1.50 × the tier&#x27;s multiplier" in shown
    assert "in the stores 静安店 in English, 黄浦店 in English" in shown
    assert "at most once a day; at most 500 points a month" in shown
    assert "valid for 12 months; up to the end of the month" in shown
    assert not rule.versions.exists()

    assert say(world, rule, **says).status_code == 302

    version = rule.versions.get()
    assert (version.points, version.per_amount, version.number) == (2, 150, 1)
    tests = {name: wants for test in version.conditions["all"] for name, wants in test.items()}
    assert tests == {
        "store": ["here", "there"],
        "tier": ["gold"],
        "weekday": [6, 7],
        "hours": [["18:00", "22:00"]],
        "dates": {"from": "2026-04-01", "to": "2026-04-30"},
        "min_amount": 20_000,
        "category": ["茶叶", "点心"],
    }
    assert version.limits == {"times": {"day": 1}, "points": {"month": 500}}
    assert version.lines == {"not_product": ["BAG"]}
    assert (version.expires_after_months, version.expires_rounding) == (12, "month")
    assert version.created_by == world.people["marketer"]


def test_a_new_version_begins_from_what_the_last_one_says(world, rule):
    say(world, rule, store=["there"], min_amount="12.50", nth_purchase="3, 5", attribute="wrap: yes, no")

    page = world.client("marketer").get(f"{LIST}{rule.pk}/say/").content.decode()

    assert re.search(r'name="store" value="there"[^>]*checked', page)
    assert not re.search(r'name="store" value="here"[^>]*checked', page)
    assert re.search(r'name="min_amount" value="12.50"', page)
    assert re.search(r'name="nth_purchase" value="3, 5"', page)
    assert "wrap: yes, no</textarea>" in page


def test_what_was_changed_after_the_preview_is_shown_again_before_it_stands(world, rule):
    client, address = world.client("marketer"), f"{LIST}{rule.pk}/say/"
    said = PLAIN | {"kind": str(PointKind.objects.get(code="points").pk)}
    seen = re.search(r'name="seen" value="(\w+)"', client.post(address, said).content.decode())[1]

    shown = client.post(address, said | {"points": "900", "confirm": "1", "seen": seen})

    assert "Points: 900 for each" in text_of(shown)
    assert not rule.versions.exists()


@pytest.mark.parametrize(
    ("says", "field", "words"),
    [
        ({"hours": "22:00-02:00"}, "hours", "is empty"),
        ({"hours": "10:00-12:00, 11:00-13:00"}, "hours", "overlap"),
        ({"hours": "evening"}, "hours", "cannot be used"),
        ({"first_day": "2026-04-02", "last_day": "2026-04-01"}, "last_day", "is empty"),
        ({"member_day": "8, 40"}, "member_day", "whole numbers from 1 to 31"),
        ({"nth_purchase": "first"}, "nth_purchase", "whole numbers"),
        ({"min_amount": "a lot"}, "min_amount", "not an amount of money"),
        ({"per_amount": "1.234"}, "per_amount", "not an amount of money"),
        ({"per_amount": ""}, "per_amount", "needed here"),
        ({"attribute": "wrap"}, "attribute", "cannot be used"),
        ({"effect": "multiply", "percent": "1"}, "percent", "from 101 to 1000"),
        ({"effect": "multiply", "percent": "double"}, "percent", "from 101 to 1000"),
        ({"about": "review"}, "effect", "gives fixed points"),
        ({"about": "other", "effect": "fixed"}, "other_event", "needed here"),
        ({"waits": "event"}, "waits_for", "need the event"),
        ({"lives": "day"}, "expires_on", "needed here"),
        ({"times_day": "0"}, "times_day", "greater than or equal to 1"),
        ({"store": ["nowhere"]}, "store", "Select a valid choice"),
        ({"as_text": "on", "tree": "all: [store: ["}, "tree", "line 1"),
        ({"as_text": "on", "tree": "colour: [red]"}, "tree", "cannot be used"),
        ({"as_text": "on", "tree": "all: &a [{store: [here]}, {any: *a}]"}, "tree", "line 1"),
    ],
)
def test_every_refusal_stands_at_its_field_and_nothing_is_kept(world, rule, says, field, words):
    page = say(world, rule, **says).content.decode()

    part = page.partition(f'<div class="field field-{field} wrong')[2].partition('<div class="field field-')[0]
    assert words in part
    assert not rule.versions.exists()


def test_refusals_are_said_in_chinese_too(world, rule):
    said = PLAIN | {"kind": "1", "hours": "22:00-02:00"}

    page = world.client("marketer", "zh-hans").post(f"{LIST}{rule.pk}/say/", said).content.decode()

    assert "结束早于开始" in page


def test_a_version_before_the_last_one_is_refused_at_its_field(world):
    rule = EarningRule.objects.get(code="spend")

    shown = text_of(say(world, rule, valid_from="2001-01-01T00:00"))

    assert "A new version begins after the one before it" in shown
    assert rule.versions.count() == 2


def test_conditions_that_the_fields_cannot_show_stay_as_text(world, rule):
    points = PointKind.objects.get(code="points")
    deep = {"any": [{"all": [{"store": ["here"]}, {"hours": [["18:00", "22:00"]]}]}, {"not": {"tender": ["cash"]}}]}
    change_rule(rule=rule, now=NOW - timedelta(days=9), by=None, kind=points, conditions=deep)

    page = world.client("marketer").get(f"{LIST}{rule.pk}/say/").content.decode()
    text = re.search(r'<textarea name="tree".*?>\s*(.*?)</textarea>', page, re.S)[1].replace("&#x27;", "'")
    saved = say(world, rule, as_text="on", tree=text + "- min_amount: 5000\n", store=["there"])

    assert re.search(r'name="as_text"[^>]*checked', page)
    assert saved.status_code == 302
    assert rule.versions.latest("number").conditions == {"any": [*deep["any"], {"min_amount": 5_000}]}


def test_a_fixed_gift_for_a_review_takes_only_the_fields_that_matter(world, rule):
    saved = say(world, rule, about="review", effect="fixed", points="50", per_amount="", times_week="1")

    version = rule.versions.get()
    assert saved.status_code == 302
    assert (version.trigger, version.effect, version.points, version.limits) == (
        "review", "fixed", 50, {"times": {"week": 1}},
    )  # fmt: skip


def test_versions_are_listed_in_sentences_and_old_ones_stay(world):
    rule = EarningRule.objects.get(code="spend")
    old = list(rule.versions.values())

    say(world, rule, points="3", min_amount="100")

    page = text_of(world.client("marketer").get(f"{LIST}{rule.pk}/change/"))
    assert "Points: 3 for each CN¥1.50 × the tier&#x27;s multiplier; from CN¥100.00 up" in page
    assert "Points: 1 for each CN¥1.00" in page
    assert list(rule.versions.order_by("number").values())[: len(old)] == sorted(old, key=lambda row: row["number"])


def test_the_preview_and_the_list_say_what_is_suspicious(world, rule):
    says = {"last_day": "2026-03-01"}

    preview = text_of(say(world, rule, confirm=False, **says))
    say(world, rule, **says)

    assert "Its last day (2026-03-01) is over." in preview
    page = text_of(world.client("marketer").get(LIST))
    assert "1 thing to look at" in page
    assert "Its last day (2026-03-01) is over." in page


def test_codes_that_exist_are_no_finding_and_others_are(world, rule):
    points = PointKind.objects.get(code="points")
    known = {"all": [{"store": ["here"]}, {"tier": ["gold"]}, {"product": ["TEA"]}]}
    change_rule(rule=rule, now=NOW, by=None, kind=points, conditions=known)
    assert "nothing to look at" in text_of(world.client("marketer").get(LIST))

    change_rule(rule=rule, now=NOW, by=None, kind=points, conditions={"product": ["TEA", "COFFEE"]})

    assert "does not exist (products: COFFEE)" in text_of(world.client("marketer").get(LIST))


def test_tiers_of_another_ladder_are_no_choice_and_a_finding(world, rule):
    aside = Ladder.objects.create(code="tea", name_zh="茶友", name_en="Tea friends", position=9, basis="spend")
    Tier.objects.create(ladder=aside, code="leaf", name_zh="嫩叶", name_en="Young leaf", threshold=5)
    kind = PointKind.objects.get(code="points")
    change_rule(rule=rule, now=NOW - timedelta(days=1), by=None, kind=kind, conditions={"tier": ["leaf"]})

    assert "what does not exist" in text_of(world.client("marketer").get(LIST))
    form = text_of(world.client("marketer").get(f"{LIST}{EarningRule.objects.get(code='spend').pk}/say/"))
    assert "Young leaf" not in form


def test_a_new_rule_leads_to_what_it_says(world):
    client = world.client("marketer")

    answer = client.post(f"{LIST}add/", {"code": "new", "name_zh": "新", "name_en": "New"})

    rule = EarningRule.objects.get(code="new")
    assert answer["Location"] == f"{LIST}{rule.pk}/say/"
    assert client.get(answer["Location"]).status_code == 200


def test_the_preset_makes_rule_version_and_budget_in_one_step(world):
    answer = world.client("marketer").post(f"{LIST}multiply/", WEEKEND)

    rule = EarningRule.objects.get(code="double-weekend-20260314")
    version, budget = rule.versions.get(), Budget.objects.get(code=rule.code)
    assert answer["Location"] == f"{LIST}{rule.pk}/change/"
    assert (version.effect, version.percent, version.budget) == ("multiply", 200, budget)
    assert version.conditions == {
        "all": [
            {"dates": {"from": "2026-03-14", "to": "2026-03-15"}},
            {"store": ["here", "there"]},
            {"tier": ["gold"]},
        ]
    }
    assert list(budget.pools.values_list("store", "total")) == [(None, 5_000)]


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ({"last": "2026-03-13"}, "is empty"),
        ({"percent": "20"}, "from 101 to 1000"),
        ({"total": "0"}, "greater than or equal to 1"),
        ({"first": ""}, "required"),
    ],
)
def test_a_preset_that_makes_no_sense_leaves_nothing_behind(world, says, words):
    rules = EarningRule.objects.count()

    page = text_of(world.client("marketer").post(f"{LIST}multiply/", WEEKEND | says))

    assert words in page
    assert (EarningRule.objects.count(), Budget.objects.count()) == (rules, 1)


def test_a_second_click_on_the_preset_is_refused(world):
    client = world.client("marketer")
    client.post(f"{LIST}multiply/", WEEKEND)

    page = text_of(client.post(f"{LIST}multiply/", WEEKEND))

    assert "There is a rule of this name that begins on that day already." in page
    assert RuleVersion.objects.filter(rule__code="double-weekend-20260314").count() == 1


def budget_with(world, **totals):
    """A budget set up in the admin; `shop` and store codes name totals."""
    said = {"code": "summer", "name_zh": "春季", "name_en": "Summer", "price": ""}
    said |= {f"total_{world.here.store.pk if name == 'here' else name}": total for name, total in totals.items()}
    return world.client("marketer").post("/admin/loyalty/budget/add/", said), said


def test_a_budget_has_a_total_for_the_shop_and_for_stores(world):
    answer, _said = budget_with(world, shop="10,000", here="2000")

    budget = Budget.objects.latest("pk")
    assert answer.status_code == 302, text_of(answer)
    pools = Pool.objects.filter(budget=budget).shop_first().values_list("store__code", "total")
    assert list(pools) == [(None, 10_000), ("here", 2_000)]
    take(budget=budget.pk, store=world.here.store.pk, amount=500, hint=1)
    page = text_of(world.client("marketer").get(f"/admin/loyalty/budget/{budget.pk}/change/"))
    assert "the whole shop 500 / 10,000 · 5%" in page
    assert "静安店 in English 500 / 2,000 · 25%" in page
    assert "No rule uses it yet." in page


def test_a_budget_in_money_is_typed_and_shown_as_money(world):
    world.client("marketer").post(
        "/admin/loyalty/budget/add/",
        {"code": "m", "name_zh": "钱", "name_en": "Money", "price": "10", "total_shop": "99.50"},
    )

    budget = Budget.objects.latest("pk")
    assert (budget.price, budget.pools.get().total) == (1_000, 9_950)
    page = world.client("marketer").get(f"/admin/loyalty/budget/{budget.pk}/change/").content.decode()
    assert 'value="99.50"' in page
    assert "CN¥0.00 / CN¥99.50" in text_of(world.client("marketer").get(f"/admin/loyalty/budget/{budget.pk}/change/"))


@pytest.mark.parametrize(
    ("total", "words"), [("400", "500 of this budget are used already"), ("0", "from 1 up"), ("x", "from 1 up")]
)
def test_a_total_below_what_is_used_is_refused_at_its_field(world, total, words):
    _answer, said = budget_with(world, shop="10000")
    budget = Budget.objects.latest("pk")
    take(budget=budget.pk, store=None, amount=500, hint=1)

    page = world.client("marketer").post(f"/admin/loyalty/budget/{budget.pk}/change/", said | {"total_shop": total})

    assert words in text_of(page)
    assert budget.pools.get().total == 10_000


def test_the_settings_of_the_programme_stand_under_set_up(world):
    load, owner = Programme.objects.get, world.client("owner")

    page = owner.get("/admin/loyalty/programme/", follow=True)
    owner.post("/admin/loyalty/programme/1/change/", {"return_days": "30", "most_percent": "500"})

    assert "days in which goods may come back" in text_of(page).lower()
    assert world.client("marketer").post("/admin/loyalty/programme/1/change/", {"return_days": "1"}).status_code == 403
    assert (load().return_days, load().most_percent) == (30, 500)
