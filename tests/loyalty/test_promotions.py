"""Promotions and points as payment on real sales: quoted, sold, limited, budgeted, all at once, refused."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from loyalty.batches.actions import record_sales
from loyalty.checkout.actions import Quoted, Sold, quote_basket, sell
from loyalty.checkout.models import Checkout
from loyalty.checkout.rules import Asked, MoreThanShare, PayingOff, PriceChanged
from loyalty.conditions.case import EmptyWindow, OverlappingWindows
from loyalty.earning.models import Award
from loyalty.ledger.actions import earn
from loyalty.ledger.models import Account, Movement, PointKind
from loyalty.ledger.rules import NotEnoughPoints, NotSpendable
from loyalty.limits.actions import open_budget, room_of, set_pool
from loyalty.limits.models import Budget, Shard
from loyalty.limits.rules import BadBudget, BadLimit
from loyalty.promotions.actions import change_promotion, set_pay_terms, switch_off
from loyalty.promotions.models import Applied, PayTerms, Promotion, PromotionVersion
from loyalty.promotions.rules import BadPercent, BudgetForPoints, NothingChosen, TermsInPast
from loyalty.rulebook.rules import BadNumber, BudgetForPrices, VersionInPast
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.purchases.actions import Bought
from members.purchases.models import Product, Sale, SaleLine
from members.purchases.rules import Line, Receipt, ReceiptReused, TooManyLines
from members.stores.models import Store
from tests.factories import NOW, MemberFactory, StoreFactory
from tests.loyalty.test_rules_on_sales import LONG_AGO, receipt, record, rule
from tests.loyalty.test_rules_on_sales import given_by as points_by
from tests.races import all_at_once

pytestmark = pytest.mark.django_db
OFFERS = Asked(apply_offers=True)
TEA, CAKE = Line("TEA", "龙井", 2, 6_000), Line("CAKE", "桂花糕", 3, 4_000)


def promotion(code: str, *, now: Any = LONG_AGO, **says: Any) -> PromotionVersion:
    """A promotion, said through the verb."""
    made, _new = Promotion.objects.get_or_create(code=code, defaults={"name_zh": code, "name_en": code})
    return change_promotion(promotion=made, now=now, by=None, **says)


def points_pay(*, now: Any = LONG_AGO, **says: Any) -> PayTerms:
    return set_pay_terms(kind=PointKind.objects.get(code="points"), now=now, by=None, points=100, worth=100, **says)


def give(member: Member, points: int) -> None:
    kind = PointKind.objects.get(code="points")
    earn(member=member, kind=kind, points=points, key=f"gift:{points}", now=NOW - timedelta(days=1))


def prices(total: int) -> Budget:
    return open_budget(code="prices", name_zh="让利", name_en="Prices", total=total, is_for_prices=True)


def basket(number: str = "S1", *lines: Line, **more: Any) -> Receipt:
    chosen = lines or (TEA, CAKE)
    return receipt(number, sum(line.amount for line in chosen), lines=list(chosen), **more)


def sold(member: Member, store: Store, sale: Receipt, asked: Asked = OFFERS, now: Any = NOW) -> Sold:
    return sell(member=member, store=store, till=None, receipt=sale, asked=asked, now=now)


def quoted(member: Member, store: Store, sale: Receipt, asked: Asked = OFFERS) -> Quoted:
    return quote_basket(member=member, store=store, receipt=sale, asked=asked, now=NOW)


def active(member: Member) -> int:
    return sum(Account.objects.filter(member=member, kind__code="points").values_list("active", flat=True))


def snapshot() -> list[Any]:
    """All that a refusal must leave alone."""
    return [
        list(Account.objects.order_by("pk").values()),
        list(Shard.objects.order_by("pk").values_list("pk", "used")),
        [each.objects.count() for each in (Sale, Movement, Award, Applied, Checkout)],
    ]


@pytest.fixture
def store() -> Store:
    return StoreFactory.create(code="SH")


@pytest.fixture
def wang() -> Member:
    return MemberFactory.create(name="王芳", now=LONG_AGO)


def test_a_sale_is_written_at_what_promotions_leave_and_says_which_took_off_how_much_of_which_line(wang, store):
    Product.objects.create(sku="TEA", name="龙井", category="茶叶")
    tea = promotion("tea", effect="percent_off", percent=20, lines={"category": ["茶叶"]}, priority=1)
    promotion("five", amount=500, conditions={"min_amount": 10_000})

    done = sold(wang, store, basket())

    sale = Sale.objects.get()
    assert (sale.amount, sale.discount) == (8_300, 1_700)
    assert list(sale.lines.order_by("position").values_list("amount", "discount")) == [(4_528, 1_472), (3_772, 228)]
    assert list(Applied.objects.order_by("pk").values_list("version__promotion__code", "off", "lines")) == [
        ("tea", 1_200, {"1": 1_200}),
        ("five", 500, {"1": 272, "2": 228}),
    ]
    assert (done.answer["price"], done.answer["taken_off"], done.answer["to_pay"]) == (10_000, 1_700, 8_300)
    assert done.answer["lines"][0]["offers"] == [
        {"promotion": "tea", "version": tea.number, "off": 1_200},
        {"promotion": "five", "version": 1, "off": 272},
    ]
    assert done.answer["offers"][0]["words"] == {"zh": "立减 20%", "en": "20% off"}
    assert points_by(done.recorded) == {"spend": 83, "climb": 83}


def test_a_quote_says_just_what_the_sale_then_says_and_writes_nothing(wang, store):
    promotion("five", amount=500, budget=prices(800), limits={"times": {"day": 1}})
    points_pay()
    give(wang, 300)
    asked = Asked(apply_offers=True, pay_points="max")
    before = snapshot()

    promised = quoted(wang, store, basket(), asked)
    assert snapshot() == before
    done = sold(wang, store, basket(), asked)

    assert done.answer == promised.answer
    assert points_by(done.recorded) == points_by(promised.quote)
    assert done.answer["by_points"] == {"points": 300, "amount": 300}
    assert done.answer["to_pay"] == 9_200


def test_without_the_fields_a_sale_is_as_it_always_was(wang, store):
    promotion("five", amount=500)

    plain = sold(wang, store, basket(), asked=None)

    assert plain.answer == {}
    assert Sale.objects.get().amount == 10_000
    assert not Checkout.objects.exists()


def test_the_same_basket_again_is_told_the_same_price_and_another_is_refused(wang, store):
    promotion("five", amount=500)
    first = sold(wang, store, basket())
    promotion("five", amount=900, now=NOW)
    before = snapshot()

    again = sold(wang, store, basket())

    assert again.recorded.is_repeat
    assert again.answer == first.answer
    with pytest.raises(ReceiptReused):
        sold(wang, store, basket("S1", TEA))
    with pytest.raises(ReceiptReused):
        sold(wang, store, basket(), Asked())
    record(wang, store, receipt("plain"))
    with pytest.raises(ReceiptReused):
        sold(wang, store, receipt("plain"), Asked())
    assert Checkout.objects.count() == 1
    assert snapshot()[1] == before[1]


def test_a_late_sale_has_the_promotions_and_terms_of_its_own_day(wang, store):
    promotion("five", amount=500)
    promotion("five", amount=900, now=NOW - timedelta(hours=1))
    points_pay()
    set_pay_terms(
        kind=PointKind.objects.get(code="points"), now=NOW - timedelta(hours=1), by=None, points=100, worth=10
    )
    give(wang, 1_000)
    asked, yesterday = Asked(apply_offers=True, pay_points=100), NOW - timedelta(days=1)

    late = sold(wang, store, basket("S1", happened_at=yesterday), asked)
    today = sold(wang, store, basket("S2"), asked)

    assert [late.answer["to_pay"], today.answer["to_pay"]] == [9_400, 9_090]


def test_points_are_spent_before_those_of_the_sale_are_earned_and_earn_nothing(wang, store):
    points_pay()
    give(wang, 5_000)

    done = sold(wang, store, basket(), Asked(pay_points=5_000))

    assert points_by(done.recorded) == {"spend": 50, "climb": 50}
    assert done.recorded.balances["points"] == active(wang) == 50
    spent = Movement.objects.get(member=wang, kind="spend")
    assert (spent.points, spent.key) == (5_000, f"sale:{done.recorded.sale}:paid")
    assert [line["by_points"] for line in done.answer["lines"]] == [3_000, 2_000]


def test_a_rule_that_counts_what_is_paid_with_points_gives_all(wang, store):
    rule("all", counts_paid_by_points=True, points=1, per_amount=100)
    points_pay()
    give(wang, 5_000)

    done = sold(wang, store, basket(), Asked(pay_points=5_000))

    assert points_by(done.recorded)["all"] == 100


def test_points_that_are_due_to_come_or_to_lapse_count_as_the_ledger_will_count_them(wang, store):
    kind, day = PointKind.objects.get(code="points"), timedelta(days=1)
    earn(member=wang, kind=kind, points=70, key="gone", now=NOW - 3 * day, expires_at=NOW - day)
    earn(member=wang, kind=kind, points=30, key="come", now=NOW - 3 * day, activates_at=NOW - day)
    earn(member=wang, kind=kind, points=9, key="both", now=NOW - 3 * day, activates_at=NOW - 2 * day,
         expires_at=NOW - day)  # fmt: skip
    points_pay()

    done = sold(wang, store, basket(), Asked(pay_points="max"))

    assert done.answer["by_points"]["points"] == 30


def test_limits_of_one_member_hold_over_sales(wang, store):
    promotion("once", amount=500, limits={"times": {"month": 1}})
    promotion("some", amount=500, limits={"amount": {"month": 700}})

    offs = [sold(wang, store, basket(f"S{n}")).answer["taken_off"] for n in range(3)]

    assert offs == [1_000, 200, 0]
    assert Checkout.objects.get(sale__receipt="S2").unfired.keys() == {"times_month", "amount_month"}


def test_a_budget_that_cannot_bear_a_promotion_whole_bears_none_of_it(wang, store):
    budget = prices(900)
    promotion("dear", amount=500, budget=budget)

    offs = [sold(wang, store, basket(f"S{n}")).answer["taken_off"] for n in range(2)]

    assert offs == [500, 0]
    assert room_of(budget=budget.pk, store=None) == 400
    assert list(Checkout.objects.get(sale__receipt="S1").unfired) == ["budget"]


@pytest.mark.django_db(transaction=True)
def test_sales_at_once_never_overrun_a_budget_nor_a_limit(store):
    budget = prices(2_000)
    promotion("dear", amount=300, budget=budget)
    promotion("once", amount=7, limits={"times": {"ever": 1}})
    people = [MemberFactory.create(name=f"会员{n}", now=LONG_AGO) for n in range(4)]

    done = all_at_once(lambda n: sold(people[n % 4], store, basket(f"S{n}")), 12)

    assert not [each for each in done if isinstance(each, Exception)]
    assert Applied.objects.filter(version__promotion__code="dear").count() == 6
    assert room_of(budget=budget.pk, store=None) == 200
    assert Applied.objects.filter(version__promotion__code="once").count() == 4


@pytest.mark.django_db(transaction=True)
def test_the_same_points_pay_only_once_for_sales_at_once(wang, store):
    points_pay()
    give(wang, 1_000)

    done = all_at_once(lambda n: sold(wang, store, basket(f"S{n}"), Asked(pay_points=1_000)), 4)

    assert sum(isinstance(each, Sold) for each in done) == 1
    assert sum(isinstance(each, NotEnoughPoints) for each in done) == 3
    assert Sale.objects.count() == 1


def test_what_is_refused_changes_nothing(wang, store):
    promotion("five", amount=500, budget=prices(10_000))
    points_pay(most_share=50)
    give(wang, 6_000)
    before = snapshot()

    for refusal, asked in (
        (MoreThanShare, Asked(pay_points=5_001)),
        (NotEnoughPoints, Asked(pay_points=6_001)),
        (PriceChanged, Asked(apply_offers=True, to_pay=10_000)),
        (PriceChanged, Asked(apply_offers=True, pay_points=100, to_pay=9_500)),
    ):
        with pytest.raises(refusal):
            sold(wang, store, basket(), asked)
    many = [Line("TEA", "", 1, 100)] * 5_000
    for door in (sold, quoted):
        with pytest.raises(TooManyLines):
            door(wang, store, receipt("many", 500_000, lines=many))
    set_pay_terms(kind=PointKind.objects.get(code="points"), now=NOW, by=None, is_on=False)
    with pytest.raises(PayingOff):
        sold(wang, store, basket(), Asked(pay_points=100))

    assert snapshot() == before


def test_a_changed_price_says_what_changed(wang, store):
    promotion("five", amount=500)

    with (
        override("en"),
        pytest.raises(PriceChanged, match=r"CN¥100.00 was shown, CN¥95.00 is to pay now: five −CN¥5.00"),
    ):
        sold(wang, store, basket(), Asked(apply_offers=True, to_pay=10_000))
    assert sold(wang, store, basket(), Asked(apply_offers=True, to_pay=9_500)).answer["to_pay"] == 9_500


def test_a_quote_says_what_a_little_more_would_bring(wang, store):
    rule("double", effect="multiply", percent=200, conditions={"min_amount": 11_200})
    rule("far", effect="multiply", percent=200, conditions={"min_amount": 99_900})
    rule("gold", effect="fixed", points=5, conditions={"all": [{"min_amount": 11_200}, {"tier": ["gold"]}]})
    promotion("ten", effect="percent_off", percent=10, conditions={"min_amount": 11_200})
    promotion("three", effect="buy_get", buys=2, gets=1, percent=100, lines={"product": ["TEA"]})

    nearly = quoted(wang, store, basket()).answer["nearly"]

    assert {(each["about"], each["code"]): each["words"] for each in nearly} == {
        ("promotion", "ten"): {"zh": "再加 ¥12.00，再减 10%", "en": "CN¥12.00 more and you pay 10% less"},
        ("promotion", "three"): {"zh": "再加 1 件，其中 1 件免费", "en": "1 more and one is free"},
        ("rule", "double"): {"zh": "再加 ¥12.00，享积分 × 2", "en": "CN¥12.00 more and you earn × 2"},
    }


def test_nobody_is_told_of_what_they_had_already(wang, store):
    rule("double", effect="fixed", points=5, conditions={"min_amount": 9_000}, limits={"times": {"day": 1}})
    promotion("ten", amount=100, conditions={"min_amount": 9_000}, limits={"times": {"day": 1}})
    sold(wang, store, basket())

    assert quoted(wang, store, basket("S2", TEA)).answer["nearly"] == []


def test_many_promotions_cost_no_statement_more_and_none_when_nobody_asks(wang, store):
    sold(wang, store, basket("S0"))

    def statements(number: str, asked: Asked | None) -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            sold(wang, store, basket(number), asked)
        return len(seen)

    statements("S1", OFFERS)
    before = [statements("S2", OFFERS), statements("S3", None)]
    for number in range(200):
        promotion(f"p{number}", amount=1, conditions={"store": ["elsewhere"]})
    statements("S4", OFFERS)

    assert [statements("S5", OFFERS), statements("S6", None)] == before
    assert before[1] == 8


def test_a_member_in_many_sales_at_once_gets_no_promotion(wang, store):
    promotion("five", amount=500)

    record_sales(sales=[Bought(wang.pk, store.pk, None, basket())], now=NOW)

    assert Sale.objects.get().amount == 10_000


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (BadPercent, {"effect": "percent_off", "percent": 0}),
        (BadPercent, {"effect": "percent_off", "percent": 101}),
        (BadNumber, {"amount": 0}),
        (BadNumber, {"amount": -5}),
        (BadNumber, {"most": 0}),
        (BadNumber, {"gets": 0}),
        (NothingChosen, {"effect": "buy_get"}),
        (EmptyWindow, {"conditions": {"dates": {"from": "2026-02-02", "to": "2026-02-01"}}}),
        (OverlappingWindows, {"conditions": {"hours": [["10:00", "12:00"], ["11:00", "13:00"]]}}),
        (BadLimit, {"limits": {"points": {"day": 5}}}),
        (BadLimit, {"limits": {"amount": {"day": 0}}}),
        (BadLimit, {"limits": {"amount": 5}}),
    ],
)
def test_what_a_promotion_cannot_say_is_refused_and_nothing_changes(refusal, says):
    promotion("five", amount=500)

    with pytest.raises(refusal):
        promotion("five", **says)

    assert PromotionVersion.objects.get().amount == 500


def test_budgets_for_prices_and_for_points_are_not_mixed():
    money = prices(500)
    points = open_budget(code="points", name_zh="积分", name_en="Points", total=500)

    with pytest.raises(BudgetForPoints):
        promotion("five", budget=points)
    with pytest.raises(BudgetForPrices):
        rule("bonus", effect="fixed", points=1, budget=money)
    with pytest.raises(BadBudget):
        set_pool(budget=money, store=None, total=-1)

    assert not PromotionVersion.objects.exists()
    assert money.pools.get().total == 500


def test_versions_and_terms_follow_one_another_in_time():
    promotion("five", amount=500, now=NOW)
    points_pay(now=NOW)

    with pytest.raises(VersionInPast):
        promotion("five", amount=600, now=NOW - timedelta(days=1))
    with pytest.raises(TermsInPast):
        points_pay(now=NOW - timedelta(days=1))
    with pytest.raises(NotSpendable):
        set_pay_terms(kind=PointKind.objects.get(code="growth"), now=NOW, by=None)
    with pytest.raises(BadNumber):
        points_pay(now=NOW, most_share=101)

    assert [PromotionVersion.objects.count(), PayTerms.objects.count()] == [1, 1]


def test_a_promotion_that_is_switched_off_takes_nothing_and_is_switched_off_once(wang, store):
    five = promotion("five", amount=500).promotion

    switch_off(promotion=five, now=NOW, by=None)
    switch_off(promotion=five, now=NOW, by=None)

    assert sold(wang, store, basket()).answer["taken_off"] == 0
    assert [each.is_on for each in five.versions.order_by("number")] == [True, False]


def test_what_was_given_is_counted(wang, store):
    five = promotion("five", amount=500).promotion
    for number in ("S1", "S2"):
        sold(wang, store, basket(number))

    total = Promotion.objects.with_given().get(pk=five.pk)

    assert (total.times, total.given) == (2, 1_000)


def test_every_refusal_has_a_sentence_in_both_languages():
    wanted = (BadPercent, BudgetForPoints, NothingChosen, TermsInPast, MoreThanShare, PayingOff, PriceChanged)
    for refusal in wanted:
        said = set()
        for language in ("en", "zh-hans"):
            with override(language):
                said.add(str(refusal.sentence))
        assert len(said) == 2, refusal
    assert all(issubclass(refusal, Refusal) for refusal in wanted)


def test_a_sale_may_cost_nothing_at_all(wang, store):
    promotion("all", effect="percent_off", percent=100)

    done = sold(wang, store, basket())

    assert done.answer["to_pay"] == 0
    assert list(SaleLine.objects.order_by("position").values_list("amount", "discount")) == [(0, 6_000), (0, 4_000)]
