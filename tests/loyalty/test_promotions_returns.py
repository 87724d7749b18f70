"""Goods that come back after promotions and points: what was paid for them, to the last minor unit, and no more."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.checkout.actions import quote_basket, sell
from loyalty.checkout.models import PaidBack
from loyalty.checkout.rules import Asked, PayingOff
from loyalty.ledger.models import Account, Lot, Movement, PointKind
from loyalty.ledger.rules import NotEnoughPoints
from loyalty.limits.actions import room_of
from loyalty.promotions.actions import set_pay_terms
from loyalty.promotions.models import Applied, Undone
from loyalty.returns.actions import Counter, cancel_return, exchange, preview_return, record_return
from loyalty.returns.rules import LineAsked, MoreThanBought, ReturnAsked
from members.profiles.models import Member
from members.purchases.models import Return, Sale
from members.purchases.rules import Line
from members.stores.models import Store
from tests.factories import NOW, MemberFactory, StoreFactory
from tests.loyalty.test_promotions import active, basket, give, points_pay, prices, promotion, quoted, sold
from tests.loyalty.test_rules_on_sales import LONG_AGO, receipt

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=2)
BOTH = Asked(apply_offers=True, pay_points="max")


@pytest.fixture
def store() -> Store:
    return StoreFactory.create(code="SH")


@pytest.fixture
def wang() -> Member:
    return MemberFactory.create(name="王芳", now=LONG_AGO)


def wanted(number: str, *lines: tuple[Any, ...], amount: int | None = None, sale: str = "S1") -> ReturnAsked:
    return ReturnAsked(number, sale, LATER, [LineAsked(*line) for line in lines], amount)


def back(member: Member, store: Store, asked: ReturnAsked) -> Any:
    return record_return(member=member, at=Counter(store, store), asked=asked, now=LATER)


def test_a_line_comes_back_for_what_was_paid_for_it_in_money_and_points(wang, store):
    promotion("half", effect="percent_off", percent=50, lines={"product": ["TEA"]})
    points_pay()
    give(wang, 700)
    sold(wang, store, basket(), BOTH)  # 3,000 of tea and 4,000 of cake, 700 of it by points

    outcome = back(wang, store, wanted("R1", ("TEA", 1))).outcome

    assert (outcome.amount, outcome.by_points, outcome.restored) == (1_500, 150, 150)
    assert active(wang) == 63 + 150 - 13  # of 63 earned on money the share of the line
    assert Applied.objects.get().returned == 1_500


def test_returning_by_and_by_gives_back_exactly_what_was_paid(wang, store):
    budget = prices(5_000)
    promotion("odd", amount=333, budget=budget)
    points_pay()
    give(wang, 1_001)
    done = sold(wang, store, basket(), BOTH)

    backs = [
        back(wang, store, wanted(f"R{n}", (sku, 1))).outcome for n, sku in enumerate(["CAKE", "TEA"] * 2 + ["CAKE"])
    ]

    assert sum(each.amount - each.by_points for each in backs) == done.answer["to_pay"]
    assert sum(each.by_points for each in backs) == 1_001
    assert sum(each.restored for each in backs) == 1_001
    assert active(wang) == 1_001
    assert Lot.objects.filter(member=wang, account__kind__code="points").order_by("pk").first().remaining == 1_001
    assert room_of(budget=budget.pk, store=None) == 5_000
    with pytest.raises(MoreThanBought):
        back(wang, store, wanted("R9", ("TEA", 1)))


def test_limits_have_again_what_came_back(wang, store):
    promotion("once", amount=500, limits={"times": {"month": 1}})
    sold(wang, store, basket())

    assert quoted(wang, store, basket("S2")).answer["taken_off"] == 0
    back(wang, store, wanted("R1", ("TEA", 2), ("CAKE", 3)))

    assert quoted(wang, store, basket("S2")).answer["taken_off"] == 500


def test_a_return_that_is_cancelled_takes_points_budget_and_limit_again(wang, store):
    budget = prices(5_000)
    promotion("five", amount=500, budget=budget, limits={"times": {"month": 1}})
    points_pay()
    give(wang, 1_000)
    sold(wang, store, basket(), BOTH)
    points = active(wang)
    made = back(wang, store, wanted("R1", ("TEA", 2)))
    assert room_of(budget=budget.pk, store=None) == 4_800

    cancel_return(goods_return=Return.objects.get(pk=made.goods_return), now=LATER)

    assert active(wang) == points
    assert room_of(budget=budget.pk, store=None) == 4_500
    assert Applied.objects.get().returned == 0
    outcome = back(wang, store, wanted("R2", ("TEA", 2), ("CAKE", 3))).outcome
    assert (outcome.by_points, outcome.restored, outcome.amount) == (1_000, 1_000, 9_500)
    assert room_of(budget=budget.pk, store=None) == 5_000


def test_a_preview_shows_the_part_that_goes_back_as_points_and_writes_nothing(wang, store):
    promotion("five", amount=500)
    points_pay()
    give(wang, 950)
    sold(wang, store, basket(), BOTH)

    shown = preview_return(member=wang, at=Counter(store, store), asked=wanted("R1", ("TEA", 2)), now=LATER)

    assert (shown.outcome.amount, shown.outcome.by_points, shown.outcome.restored) == (5_700, 570, 570)
    assert [each.objects.count() for each in (Return, Undone, PaidBack)] == [0, 0, 0]


def test_a_sale_without_lines_comes_back_by_amounts(wang, store):
    promotion("five", amount=500)
    points_pay()
    give(wang, 100)
    sold(wang, store, receipt("S1", 1_500), BOTH)

    first = back(wang, store, wanted("R1", amount=333)).outcome
    rest = back(wang, store, wanted("R2", amount=667)).outcome

    assert [first.by_points, rest.by_points, first.restored, rest.restored] == [33, 67, 33, 67]
    assert Applied.objects.get().returned == 500


def test_an_exchange_sells_at_a_price_and_gives_back_at_a_price_or_does_neither(wang, store):
    promotion("half", effect="percent_off", percent=50)
    points_pay()
    give(wang, 500)
    sold(wang, store, basket(), BOTH)
    at, new = Counter(store, store), basket("S2", Line("POT", "茶壶", 1, 8_000), happened_at=LATER)

    with pytest.raises(NotEnoughPoints):
        exchange(member=wang, at=at, asked=wanted("R1", ("TEA", 2)), receipt=new, now=LATER,
                 price=Asked(apply_offers=True, pay_points=5_000))  # fmt: skip
    assert not Return.objects.exists()
    done = exchange(member=wang, at=at, asked=wanted("R1", ("TEA", 2)), receipt=new, now=LATER,
                    price=Asked(apply_offers=True, pay_points=300))  # fmt: skip

    assert (done.returned.outcome.amount, done.returned.outcome.by_points) == (3_000, 300)
    assert (done.price["taken_off"], done.price["to_pay"]) == (4_000, 3_700)
    assert Sale.objects.get(receipt="S2").amount == 4_000


EFFECTS = st.one_of(
    st.fixed_dictionaries({"effect": st.just("amount_off"), "amount": st.integers(1, 3_000),
                           "is_per_piece": st.booleans()}),
    st.fixed_dictionaries({"effect": st.just("percent_off"), "percent": st.integers(1, 100),
                           "rounding": st.sampled_from(["down", "nearest", "up"]),
                           "most": st.none() | st.integers(1, 2_000)}),
    st.fixed_dictionaries({"effect": st.just("buy_get"), "buys": st.integers(1, 3), "gets": st.integers(1, 2),
                           "percent": st.integers(1, 100), "sets": st.none() | st.integers(1, 2),
                           "lines": st.just({"product": ["A", "B"]}),
                           "got_lines": st.sampled_from([{}, {"product": ["B", "C"]}])}),
)  # fmt: skip
BESIDE = st.fixed_dictionaries({
    "priority": st.integers(1, 3), "group": st.sampled_from(["", "", "g"]), "stops": st.booleans(),
    "combines": st.booleans(), "limits": st.sampled_from([{}, {"times": {"day": 1}}, {"amount": {"day": 700}}]),
    "conditions": st.sampled_from([{}, {"min_amount": 1_500}, {"min_quantity": 3}]), "has_budget": st.booleans(),
})  # fmt: skip
LINES = st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(1, 4), st.integers(0, 2_000)), min_size=0, max_size=5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    says=st.lists(st.tuples(EFFECTS, BESIDE), max_size=4),
    lines=LINES,
    points=st.integers(0, 3_000),
    rate=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 100)),
    order=st.randoms(use_true_random=False),
)
def test_for_any_promotions_the_sale_is_the_quote_and_returning_all_gives_all_back(
    fresh: Callable[[], AbstractContextManager[None]], wang, store, says, lines, points, rate, order
):
    with fresh():
        budget = prices(2_500)
        for number, (effect, beside) in enumerate(says):
            more = {name: each for name, each in beside.items() if name != "has_budget"}
            promotion(f"p{number}", **effect, **more, budget=budget if beside["has_budget"] else None)
        if points:
            give(wang, points)
        points_pay(now=LONG_AGO)
        kind = PointKind.objects.get(code="points")
        set_pay_terms(kind=kind, now=NOW, by=None, points=rate[0], worth=rate[1], most_share=rate[2])
        goods = [Line(sku, "", pieces, amount) for sku, pieces, amount in lines] or [Line("A", "", 1, 5)]
        promised = quoted(wang, store, basket("S1", *goods), BOTH).answer

        done = sold(wang, store, basket("S1", *goods), BOTH).answer

        assert done == promised
        assert sum(line["taken_off"] for line in done["lines"]) == done["taken_off"]
        assert sum(each["off"] for each in done["offers"]) == done["taken_off"]
        assert all(0 <= line["amount"] <= line["price"] and line["to_pay"] >= 0 for line in done["lines"])
        pieces = [place for place, line in enumerate(goods, 1) for _piece in range(line.quantity)]
        order.shuffle(pieces)
        backs = [back(wang, store, wanted(f"R{n}", (place, 1))).outcome for n, place in enumerate(pieces)]
        assert sum(each.amount - each.by_points for each in backs) == done["to_pay"]
        assert all(0 <= each.by_points <= each.amount for each in backs)
        assert sum(each.restored for each in backs) == done["by_points"]["points"]
        assert active(wang) == points
        assert room_of(budget=budget.pk, store=None) == 2_500
        again = quoted(wang, store, basket("S2", *goods), BOTH).answer
        assert again["offers"] == done["offers"]


def test_paying_off_means_off_also_for_max(wang, store):
    give(wang, 100)

    with pytest.raises(PayingOff):
        quote_basket(member=wang, store=store, receipt=basket(), asked=BOTH, now=NOW)
    with pytest.raises(PayingOff):
        sell(member=wang, store=store, till=None, receipt=basket(), asked=BOTH, now=NOW)

    assert not Movement.objects.filter(member=wang, kind="spend").exists()
    assert Account.objects.get(member=wang, kind__code="points").active == 100
    assert not Sale.objects.exists()


def test_a_cancelled_return_takes_no_more_of_a_promotions_budget_than_there_is_left(wang, store):
    budget = prices(1_000)
    promotion("off", amount=1_000, budget=budget)
    asked = Asked(apply_offers=True)
    sold(wang, store, basket(), asked)
    made = back(wang, store, wanted("R1", ("TEA", 2), ("CAKE", 3)))
    sold(wang, store, receipt("S2", amount=4_000), asked)  # takes what came free

    cancel_return(goods_return=Return.objects.get(pk=made.goods_return), now=LATER)
    back(wang, store, wanted("R2", ("TEA", 2), ("CAKE", 3)))

    assert room_of(budget=budget.pk, store=None) == 0
    assert sum(Applied.objects.values_list("reserved", flat=True)) == 1_000
