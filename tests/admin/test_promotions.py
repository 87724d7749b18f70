"""Promotions as marketing sets them up: said in fields, shown in words and on a basket, confirmed, switched off."""

import re
from datetime import timedelta

import pytest

from loyalty.checkout.actions import sell
from loyalty.checkout.rules import Asked
from loyalty.limits.actions import open_budget
from loyalty.promotions.actions import change_promotion
from loyalty.promotions.models import PayTerms, Promotion, PromotionVersion
from members.purchases.models import Product, Sale
from members.purchases.rules import Line, Receipt
from tests.factories import NOW
from tests.world import text_of

LIST = "/admin/loyalty/promotion/"
PLAIN = {
    "is_on": "on", "effect": "amount_off", "amount": "5", "percent": "10", "rounding": "down", "buys": "2", "gets": "1",
    "together": "all", "priority": "100", "combines": "on",
}  # fmt: skip


@pytest.fixture
def spring(world) -> Promotion:
    return Promotion.objects.create(code="spring", name_zh="春茶", name_en="Spring tea")


def say(world, promotion, *, confirm=True, who="marketer", language="en", **says):
    """Post the form: once to see what it means and, where nothing is refused, once more to confirm."""
    client, address = world.client(who, language), f"{LIST}{promotion.pk}/say/"
    said = {name: value for name, value in (PLAIN | says).items() if value is not None}
    shown = client.post(address, said)
    seen = re.search(r'name="seen" value="(\w+)"', shown.content.decode())
    if not confirm or seen is None:
        return shown
    return client.post(address, said | {"confirm": "1", "seen": seen[1]})


def off_promotion(store, member, **more):
    receipt = Receipt("P1", NOW, "CNY", 20_000, lines=[Line("TEA", "龙井", 2, 20_000)])
    return sell(member=member, store=store, till=None, receipt=receipt, asked=Asked(**more), now=NOW)


def test_marketing_says_a_promotion_in_fields_sees_it_in_words_and_on_a_basket_and_confirms(world, spring):
    budget = open_budget(code="let", name_zh="让利", name_en="Prices", total=500_000, is_for_prices=True)
    says = {
        "effect": "percent_off", "percent": "15", "most": "50", "lines_category": "茶叶", "tier": ["gold"],
        "first_day": "2026-04-01", "last_day": "2026-04-30", "min_amount": "100", "times_day": "1",
        "amount_month": "80", "budget": str(budget.pk), "group": "spring", "stops": "on", "combines": None,
    }  # fmt: skip

    shown = text_of(say(world, spring, confirm=False, **says))

    assert "15% off; tier Gold" in shown
    assert "on: categories 茶叶" in shown
    assert "at most CN¥50.00 off a sale; at most once a day" in shown
    assert "at most CN¥80.00 off a month" in shown
    assert "does not combine with other promotions" in shown
    assert "On a basket such as this" in shown
    assert "−CN¥50.00" in shown
    assert not spring.versions.exists()

    assert say(world, spring, **says).status_code == 302

    version = spring.versions.get()
    assert (version.effect, version.percent, version.most, version.combines) == ("percent_off", 15, 5_000, False)
    assert version.lines == {"category": ["茶叶"]}
    assert version.limits == {"times": {"day": 1}, "amount": {"month": 8_000}}
    assert {"min_amount": 10_000} in version.conditions["all"]
    assert (version.budget, version.created_by) == (budget, world.people["marketer"])


def test_the_form_begins_from_what_the_last_version_says(world, spring):
    change_promotion(
        promotion=spring, now=NOW, by=None, effect="buy_get", buys=3, gets=2, percent=50, sets=4,
        lines={"product": ["TEA", "POT"]}, got_lines={"brand": ["Leaf"]}, limits={"amount": {"week": 1_250}},
    )  # fmt: skip

    page = world.client("marketer").get(f"{LIST}{spring.pk}/say/").content.decode()

    for name, value in (("buys", "3"), ("sets", "4"), ("lines_product", "TEA, POT"), ("got_brand", "Leaf"),
                        ("amount_week", "12.50")):  # fmt: skip
        assert re.search(rf'name="{name}" value="{value}"', page), name


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ({"effect": "percent_off", "percent": "0"}, "greater than or equal to 1"),
        ({"effect": "percent_off", "percent": "101"}, "less than or equal to 100"),
        ({"amount": ""}, "This is needed here."),
        ({"amount": "0"}, "amount is a whole number from 1"),
        ({"amount": "-5"}, "is not an amount of money"),
        ({"effect": "buy_get"}, "needs to say which goods count"),
        ({"first_day": "2026-04-02", "last_day": "2026-04-01"}, "it ends before it begins"),
        ({"hours": "10:00-12:00, 11:00-13:00"}, "overlap"),
    ],
)
def test_what_cannot_be_said_stands_at_its_field_and_nothing_is_kept(world, spring, says, words):
    assert words in text_of(say(world, spring, **says))
    assert not spring.versions.exists()


def test_the_page_warns_of_what_would_cost_nothing_or_never_hold(world, spring):
    free = text_of(say(world, spring, confirm=False))
    gone = text_of(say(world, spring, confirm=False, min_amount="50", category="nowhere"))

    assert "A basket of up to CN¥5.00 would cost nothing" in free
    assert "names what does not exist" in gone


def test_the_list_says_what_runs_how_often_it_was_applied_and_what_it_took_off(world, spring):
    budget = open_budget(code="let", name_zh="让利", name_en="Prices", total=100_000, is_for_prices=True)
    change_promotion(promotion=spring, now=NOW - timedelta(days=1), by=None, amount=1_000, budget=budget)
    over = Promotion.objects.create(code="old", name_zh="旧", name_en="Old")
    change_promotion(promotion=over, now=NOW - timedelta(days=1), by=None, conditions={"dates": {"to": "2026-01-31"}})
    coming = Promotion.objects.create(code="new", name_zh="新", name_en="New")
    change_promotion(promotion=coming, now=NOW, by=None, valid_from=NOW + timedelta(days=3))
    off_promotion(world.here.store, world.here.member, apply_offers=True)

    page = text_of(world.client("marketer").get(LIST))

    assert "Spring tea running CN¥10.00 off" in page
    assert "1 CN¥10.00 CN¥10.00 / CN¥1,000.00" in page
    assert "Old over" in page
    assert "New coming" in page
    assert "Its last day (2026-01-31) is over." in page


def test_history_shows_every_version_and_it_can_be_switched_off(world, spring):
    change_promotion(promotion=spring, now=NOW - timedelta(days=1), by=None, amount=1_000)
    client, address = world.client("marketer"), f"{LIST}{spring.pk}/"
    assert "CN¥10.00 off" in text_of(client.get(f"{address}change/"))

    client.post(f"{address}off/")

    assert [each.is_on for each in spring.versions.order_by("number")] == [True, False]
    assert "switched off" in text_of(client.get(f"{address}change/"))


@pytest.mark.parametrize("who", ["clerk", "manager", "service", "analyst"])
def test_who_does_not_plan_promotions_changes_none(world, spring, who):
    client = world.client(who)

    assert client.post(f"{LIST}{spring.pk}/say/", PLAIN).status_code == 403
    assert client.post(f"{LIST}{spring.pk}/off/").status_code == 403
    assert client.post("/admin/loyalty/payterms/add/", {}).status_code == 403

    assert not spring.versions.exists()


def test_marketing_says_what_points_pay_and_never_edits_it(world):
    client, kind = world.client("marketer"), PayTerms.objects.get().kind_id
    said = {"is_on": "on", "kind": kind, "points": "100", "worth": "2.50", "least": "100", "step": "50",
            "most_share": "50", "valid_from": ""}  # fmt: skip

    assert client.post("/admin/loyalty/payterms/add/", said).status_code == 302
    assert client.post("/admin/loyalty/payterms/add/", said | {"most_share": "101"}).status_code == 200

    made = PayTerms.objects.latest("pk")
    assert (made.worth, made.least, made.step, made.most_share) == (250, 100, 50, 50)
    assert PayTerms.objects.count() == 2
    page = text_of(client.get("/admin/loyalty/payterms/"))
    assert "100 points pay CN¥2.50; from 100 points up; in steps of 50; at most 50% of a purchase" in page


def test_the_receipt_shows_price_what_was_taken_off_and_what_points_paid(world, spring):
    change_promotion(promotion=spring, now=NOW - timedelta(days=1), by=None, amount=1_000, conditions={"store": ["x"]})
    sale = off_promotion(world.here.store, world.here.member, apply_offers=True, pay_points=300).recorded.sale

    page = text_of(world.client("clerk").get(f"/admin/members/sale/{sale}/change/"))

    assert "How it came to its price price CN¥200.00 Welcome v1 · CN¥1.00 off −CN¥1.00" in page
    assert "paid with points 300 Points −CN¥3.00 paid with money CN¥196.00" in page
    assert "Took nothing off Spring tea v1 only in the stores x" in page
    assert "CN¥3.00 of it paid with points" in page
    assert Sale.objects.get(pk=sale).amount == 19_900


def test_a_member_reads_the_same_in_plain_words(world, spring):
    change_promotion(
        promotion=spring, now=NOW - timedelta(days=1), by=None, amount=1_000, conditions={"min_amount": 25_000}
    )
    sale = off_promotion(world.here.store, world.here.member, apply_offers=True, pay_points=300).recorded.sale

    page = text_of(world.client("member").get(f"/points/why/sale/{sale}/"))

    assert "price CN¥200.00 Welcome −CN¥1.00 300 points paid −CN¥3.00 paid with money CN¥196.00" in page
    assert "Nearly off the price Spring tea CN¥50.00 more would have brought it" in page


def test_offers_for_a_member_are_those_that_they_could_have_with_until_dates(world, spring):
    gold = {"tier": ["gold"]}
    dates = {"dates": {"to": "2026-03-31"}}
    Product.objects.create(sku="POT", name="茶壶")
    for code, says in (
        ("mine", {"conditions": {"all": [{"tier": ["silver", "gold"]}, dates]}}),
        ("diamonds", {"conditions": {"tier": ["diamond"]}}),
        ("far", {"conditions": {"store": ["there"]}}),
        ("over", {"conditions": {"dates": {"to": "2026-03-01"}}}),
        ("soon", {"conditions": {"all": [gold, {"dates": {"from": "2026-03-20"}}]}}),
        ("pots", {"effect": "buy_get", "lines": {"product": ["POT"]}, "percent": 100}),
    ):
        made = Promotion.objects.create(code=code, name_zh=code, name_en=code)
        change_promotion(promotion=made, now=NOW - timedelta(days=1), by=None, **says)

    page = text_of(world.client("member").get("/offers/"))

    assert "mine until 31 Mar" in page
    assert "soon from 20 Mar" in page
    assert "buy 1, get 1 free; on: products 茶壶" in page
    assert "Welcome on now less CN¥1.00 off" in page
    assert "100 points pay CN¥1.00" in page
    for hidden in ("diamonds", "far", "over", "Spring tea"):
        assert hidden not in page


def test_a_shop_without_offers_says_what_will_stand_here(world):
    change_promotion(promotion=Promotion.objects.get(), now=NOW, by=None, is_on=False)

    page = text_of(world.client("member", "zh-hans").get("/offers/"))

    assert "有适合您的优惠时会显示在这里" in page
    assert PromotionVersion.objects.count() == 2


def test_a_budget_for_prices_counts_money_and_is_not_offered_to_rules(world):
    client = world.client("marketer")
    said = {"code": "let", "name_zh": "让利", "name_en": "Let", "is_for_prices": "on", "total_shop": "1234.50"}

    assert client.post("/admin/loyalty/budget/add/", said | {"price": "1"}).status_code == 200
    assert client.post("/admin/loyalty/budget/add/", said).status_code == 302

    page = text_of(client.get("/admin/loyalty/budget/"))
    assert "CN¥0.00 / CN¥1,234.50" in page
    assert "Let" not in client.get("/admin/loyalty/earningrule/1/say/").content.decode().split('name="budget"')[1][:300]
