"""Marketing draws a rule, tries it on past sales, reads what would have come of it, takes it as a file, goes on."""

from datetime import date

import pytest

from loyalty.backtest.actions import ask_backtest
from loyalty.backtest.models import Backtest
from loyalty.backtest.rules import Whom
from loyalty.drafting.models import RuleDraft
from loyalty.ledger.models import PointKind
from loyalty.promotions.actions import keep_promotion
from loyalty.promotions.models import Promotion
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.tasks import run_chunk
from members.kit.models import Chunk
from tests.factories import NOW
from tests.world import text_of

DESK = "/admin/loyalty/backtest/"
SAYS = {
    "is_on": "on", "about": "sale", "effect": "per_amount", "points": "2", "per_amount": "1", "rounding": "down",
    "basis": "paid", "stacking": "add", "uses_tier_multiplier": "on", "together": "all", "priority": "100",
    "waits": "days", "pending_days": "0", "lives": "",
}  # fmt: skip


@pytest.fixture
def rule(world) -> EarningRule:
    return EarningRule.objects.get(code="spend")


def drawn(client, rule, **more) -> str:
    """The address of the page of a draft, drawn on the form of the rule."""
    said = SAYS | {"kind": RuleVersion.objects.filter(rule=rule).first().kind_id} | more
    answer = client.post(f"/admin/loyalty/earningrule/{rule.pk}/say/", said | {"try": "1"})
    assert answer.status_code == 302, text_of(answer)
    return answer["Location"]


def work() -> None:
    """What a worker would do."""
    for chunk in Chunk.objects.unfinished().filter(slot__contains=":").values_list("pk", flat=True):
        run_chunk(chunk)


def test_a_draft_goes_from_the_form_to_the_result_and_back_to_the_form(world, rule):
    client = world.client("marketer")
    versions = RuleVersion.objects.count()

    page = drawn(client, rule)
    asks = text_of(client.get(page))
    assert "Points: 2 for each CN¥1.00" in asks
    assert "last month (1 Feb 2026 – 28 Feb 2026)" in asks
    asked = client.post(page, {"period": "own", "first": "2026-03-01", "last": "2026-03-09"})
    made = Backtest.objects.latest("pk")
    assert asked["Location"] == f"{DESK}{made.pk}/change/"
    running = client.get(f"{DESK}{made.pk}/change/").content.decode()
    assert "every 2s" in running
    assert "Stop it" in running
    work()

    state = client.get(f"{DESK}{made.pk}/state/")
    said = text_of(state)
    assert "every 2s" not in state.content.decode()
    assert "This rule really gave 12,000" in said
    assert "The draft would have given 24,000" in said
    assert "Difference +12,000" in said
    assert "Difference +12,000" in text_of(client.get(f"{DESK}{made.pk}/change/"))
    assert "Members with more 2" in said
    assert "王小明" in said
    assert f"/say/?draft={made.draft_id}" in state.content.decode()
    file = b"".join(client.get(f"{DESK}{made.pk}/members.csv").streaming_content).decode()
    assert f"{world.here.member.number},here,1,6000,12000,6000" in file
    begun = client.get(f"/admin/loyalty/earningrule/{rule.pk}/say/?draft={made.draft_id}").content.decode()
    assert 'name="points" value="2"' in begun
    assert "1 Mar 2026 – 9 Mar 2026" in text_of(client.get(page))
    assert "+12,000" in text_of(client.get(DESK))
    assert RuleVersion.objects.count() == versions


def test_it_can_be_stopped_once(world, rule):
    client = world.client("marketer")
    client.post(drawn(client, rule), {"period": "months_1"})
    made = Backtest.objects.latest("pk")

    stopped = text_of(client.post(f"{DESK}{made.pk}/cancel/", follow=True))
    again = text_of(client.post(f"{DESK}{made.pk}/cancel/", follow=True))

    made.refresh_from_db()
    assert made.status == "cancelled"
    assert "thrown away" in stopped
    assert "This backtest was over already." in again


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"period": "own"}, "This is needed here."),
        ({"period": "own", "first": "2026-03-05", "last": "2026-03-01"}, "it ends before it begins"),
        ({"period": "own", "first": "2026-03-05", "last": "2026-03-30"}, "has not come yet"),
        ({"period": "own", "first": "2020-03-05", "last": "2026-03-01"}, "3 years at most"),
        ({}, "This field is required."),
    ],
)
def test_days_that_cannot_be_looked_at_are_said_at_their_field(world, rule, said, words):
    client, before = world.client("marketer"), Backtest.objects.count()

    answer = client.post(drawn(client, rule), said)

    assert words in text_of(answer)
    assert Backtest.objects.count() == before


def test_a_draft_runs_once_at_a_time(world, rule):
    client = world.client("marketer")
    page = drawn(client, rule)
    client.post(page, {"period": "months_1"})
    before = Backtest.objects.count()

    answer = client.post(page, {"period": "months_3"})

    assert "being tried already" in text_of(answer)
    assert Backtest.objects.count() == before


def test_a_rule_about_an_event_cannot_be_tried(world, rule):
    client, before = world.client("marketer"), Backtest.objects.count()
    page = drawn(client, rule, about="review", effect="fixed")

    assert "Only rules about sales" in text_of(client.get(page))
    client.post(page, {"period": "months_1"})

    assert Backtest.objects.count() == before


def test_a_draft_that_cannot_be_read_sends_back_to_the_rule(world, rule):
    client = world.client("marketer")
    page = drawn(client, rule)
    RuleDraft.objects.update(says={})

    assert "cannot be read any more" in text_of(client.get(page, follow=True))
    made = Backtest.objects.latest("pk")
    assert "cannot be read any more" in text_of(client.get(f"{DESK}{made.pk}/change/"))


def test_a_form_that_says_nonsense_keeps_no_draft(world, rule):
    client, before = world.client("marketer"), RuleDraft.objects.count()
    said = SAYS | {"kind": 1, "points": "0", "try": "1"}

    answer = client.post(f"/admin/loyalty/earningrule/{rule.pk}/say/", said)

    assert answer.status_code == 200
    assert RuleDraft.objects.count() == before


def test_those_who_read_results_neither_try_nor_stop(world, rule):
    page = drawn(world.client("marketer"), rule)
    made = Backtest.objects.latest("pk")
    client = world.client("analyst")

    assert client.post(page, {"period": "months_1"}).status_code == 403
    assert client.post(f"{DESK}{made.pk}/cancel/").status_code == 403
    result = text_of(client.get(f"{DESK}{made.pk}/change/"))
    assert "This rule really gave" in result
    assert "Go on with this draft" not in result
    assert Backtest.objects.latest("pk") == made


def test_members_of_other_stores_stand_on_no_list_of_those_who_see_some(world, rule):
    made = Backtest.objects.latest("pk")
    marketer = world.people["marketer"]
    marketer.sees_all_stores = False
    marketer.save()
    marketer.posts.create(store=world.here.store)
    client = world.client("marketer")

    page = text_of(client.get(f"{DESK}{made.pk}/change/"))
    file = b"".join(client.get(f"{DESK}{made.pk}/members.csv").streaming_content).decode()

    for text in (page, file):
        assert not [secret for secret in world.there.secrets if secret in text]
    assert world.here.member.name in page
    assert world.here.member.number in file


def test_whose_sales_are_looked_at_is_said_in_words(world, rule):
    client = world.client("marketer")
    said = {"period": "months_12", "stores": ["here"], "tiers": ["gold"], "enrolled_to": "2026-01-31"}

    client.post(drawn(client, rule), said)
    made = Backtest.objects.latest("pk")

    assert (made.first_on, made.last_on) == (date(2025, 3, 1), date(2026, 2, 28))
    assert "who hold Gold now; at home in 静安店 in English; who joined until 31 Jan 2026" in text_of(
        client.get(f"{DESK}{made.pk}/change/")
    )


def test_the_page_says_what_to_know_about_limits_budget_company_and_tiers(world):
    tea = EarningRule.objects.create(code="tea", name_zh="茶", name_en="Tea")
    growth = PointKind.objects.get(code="growth")
    change_rule(rule=tea, now=NOW, by=None, kind=growth, effect="multiply", percent=200)
    PointKind.objects.filter(code="growth").update(money_per_thousand=1_000)
    climb, budget = EarningRule.objects.get(code="climb"), world.shared["loyalty_budget"]
    client = world.client("marketer")
    page = drawn(
        client, climb, kind=growth.pk, points="9", budget=budget.pk, group="best", stops="on", times_day="1",
        first_purchase="on",
    )  # fmt: skip
    client.post(page, {"period": "own", "first": "2026-03-01", "last": "2026-03-09"})
    work()

    said = text_of(client.get(f"{DESK}{Backtest.objects.latest('pk').pk}/change/"))

    assert "would have used 108,000. It would have run out on 8 Mar." in said
    assert "The difference is worth CN¥960.00" in said
    for words in (
        "the multiplier, as it is today, of the tier that the member held then",
        "Limits begin to count on the first day", "as though it always won in its group", "it would stop count as",
        "numbered without those that came back whole", "not with more or less to multiply",
    ):  # fmt: skip
        assert words in said
    assert "Tiers of" in said
    assert "Diamond" in said


def test_a_period_without_a_sale_says_so(world, rule):
    client = world.client("marketer")
    client.post(drawn(client, rule), {"period": "own", "first": "2024-03-01", "last": "2024-03-09"})
    work()

    said = text_of(client.get(f"{DESK}{Backtest.objects.latest('pk').pk}/change/"))

    assert "No sale of these days and members would have earned anything" in said
    assert "Download everybody" not in said


def test_a_promotion_goes_from_its_form_to_the_result_and_back(world):
    client, promotion = world.client("marketer"), Promotion.objects.get(code="welcome")
    says = {
        "is_on": "on", "effect": "percent_off", "amount": "5", "percent": "10", "rounding": "down", "buys": "2",
        "gets": "1", "together": "all", "priority": "100", "combines": "on", "times_month": "9",
    }  # fmt: skip
    versions = promotion.versions.count()

    drawn = client.post(f"/admin/loyalty/promotion/{promotion.pk}/say/", says | {"try": "1"})
    assert "10% off" in text_of(client.get(drawn["Location"]))
    client.post(drawn["Location"], {"period": "own", "first": "2026-03-01", "last": "2026-03-09"})
    made = Backtest.objects.latest("pk")
    work()

    state = client.get(f"{DESK}{made.pk}/change/")
    said = text_of(state)
    assert "This promotion really took off CN¥2.00" in said
    assert "The draft would have taken off CN¥1,200.00" in said
    assert "Sales touched by the draft 2" in said
    assert "Past sales stand at the prices paid then" in said
    assert "The promotion is tried by itself" in said
    assert "Biggest discounts of the draft" in said
    assert "王小明" in said
    address = f"/admin/loyalty/promotion/{promotion.pk}/say/?draft={made.promotion_draft_id}"
    assert address in state.content.decode()
    assert 'value="9"' in client.get(address).content.decode()
    file = b"".join(client.get(f"{DESK}{made.pk}/members.csv").streaming_content).decode()
    assert f"{world.here.member.number},here,1,1.00,600.00,599.00" in file
    assert "+CN¥1,198.00" in text_of(client.get(DESK))
    assert "1 Mar 2026 – 9 Mar 2026" in text_of(client.get(drawn["Location"]))
    assert promotion.versions.count() == versions


def test_the_biggest_discounts_of_other_stores_are_not_shown_to_those_who_see_some(world):
    draft = keep_promotion(promotion=Promotion.objects.get(code="welcome"), by=None, amount=100)
    asked = {"first": date(2026, 3, 1), "last": date(2026, 3, 8), "whom": Whom()}
    made = ask_backtest(draft=draft, by=None, now=NOW, **asked)
    work()
    marketer = world.people["marketer"]
    marketer.sees_all_stores = False
    marketer.save()
    marketer.posts.create(store=world.here.store)

    page = text_of(world.client("marketer").get(f"{DESK}{made.pk}/change/"))

    assert "Biggest discounts of the draft" in page
    assert world.here.member.name in page
    assert not [secret for secret in world.there.secrets if secret in page]
