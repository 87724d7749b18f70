"""What promotions take off a basket: the sums alone, without a database."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from loyalty.checkout.rules import BelowMinimum, MoreThanShare, NotInSteps, PayingOff, pay
from loyalty.conditions.case import Case, Goods
from loyalty.ledger.rules import NotEnoughPoints
from loyalty.limits.rules import Given, Usage
from loyalty.pricing.rules import Offer, PayRate, Priced, price, spread
from loyalty.promotions.actions import FIELDS, ready
from loyalty.promotions.rules import read_offer

NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
NUMBERS = count(1)
PLAIN: dict[str, Any] = {
    "promotion__code": "spring", "promotion__name_zh": "春季", "promotion__name_en": "Spring", "number": 1,
    "valid_from": datetime(2020, 1, 1, tzinfo=UTC), "is_on": True, "effect": "amount_off", "amount": 500,
    "is_per_piece": False, "percent": 10, "most": None, "rounding": "down", "buys": 2, "gets": 1, "sets": None,
    "conditions": {}, "lines": {}, "got_lines": {}, "limits": {}, "budget_id": None, "priority": 100, "group": "",
    "stops": False, "combines": True,
}  # fmt: skip
RATE = PayRate(NOON, True, 1, 100, 100, 1, 1, 100)


def offer(code: str = "spring", **says: Any) -> Offer:
    number = next(NUMBERS)
    row = {**PLAIN, "id": number, "promotion_id": number, "promotion__code": code, **read_offer(says)}
    return ready(tuple(row[name] for name in FIELDS))


def case(*lines: tuple[str, int, int], **more: Any) -> Case:
    """Lines as (SKU, pieces, minor units)."""
    goods = tuple(Goods(n, sku, sku.lower(), "", pieces, amount) for n, (sku, pieces, amount) in enumerate(lines, 1))
    return Case(at=NOON, amount=sum(line.amount for line in goods), lines=goods, **more)


def priced(basket: Case, *offers: Offer, usage: Usage | None = None, rooms: Any = None) -> Priced:
    return price(offers, basket, usage=usage or Usage(), rooms=rooms or {})


def offs(found: Priced) -> dict[str, int]:
    return {each.offer.rule_code: each.off for each in found.taken}


def reasons(found: Priced) -> dict[str, list[str]]:
    return {reason: [each.rule_code for each in missed] for reason, missed in found.unfired.items()}


def by_line(found: Priced) -> list[dict[int, int]]:
    return [each.by_line for each in found.taken]


def test_an_amount_off_is_shared_over_the_lines_and_never_goes_below_nothing():
    basket = case(("TEA", 1, 1_000), ("CAKE", 1, 500), ("BAG", 1, 0))

    assert by_line(priced(basket, offer(amount=100))) == [{1: 66, 2: 34}]
    assert by_line(priced(basket, offer(amount=9_999))) == [{1: 1_000, 2: 500}]


def test_an_amount_off_each_piece_takes_no_piece_below_nothing():
    found = priced(case(("TEA", 3, 1_000), ("NUT", 4, 40)), offer(amount=20, is_per_piece=True))

    assert by_line(found) == [{1: 60, 2: 40}]


def test_percent_of_chosen_lines_is_rounded_once_and_capped():
    basket = case(("TEA", 1, 333), ("TEA", 1, 333), ("CAKE", 1, 9_000))

    tea = {"lines": {"product": ["TEA"]}, "effect": "percent_off", "percent": 50}
    assert by_line(priced(basket, offer(**tea))) == [{1: 166, 2: 167}]
    assert by_line(priced(basket, offer(**tea, most=100))) == [{1: 49, 2: 51}]
    assert priced(basket, offer(**tea, most=100)).taken[0].why == {"full": 333, "cut": [["most", 100]]}
    assert priced(case(("A", 1, 105)), offer(effect="percent_off", percent=10, rounding="up")).off == 11
    assert priced(case(("A", 1, 105)), offer(effect="percent_off", percent=10, rounding="nearest")).off == 11
    assert priced(case(("A", 1, 105)), offer(effect="percent_off", percent=10)).off == 10


def test_buy_two_get_one_gives_the_cheapest_pieces_first_and_at_most_so_many_sets():
    tea = {"effect": "buy_get", "percent": 100, "lines": {"category": ["tea", "pot"]}}
    basket = case(("TEA", 4, 4_000), ("POT", 3, 900), ("CAKE", 9, 9))

    assert by_line(priced(basket, offer(**tea))) == [{2: 600}]
    assert by_line(priced(basket, offer(**tea, sets=1))) == [{2: 300}]
    assert reasons(priced(case(("TEA", 2, 2_000)), offer(**tea))) == {"pieces": ["spring"]}


def test_what_is_got_may_be_other_goods_at_a_part_of_their_price():
    says = {"effect": "buy_get", "percent": 50, "buys": 2, "lines": {"product": ["TEA"]},
            "got_lines": {"product": ["CAKE"]}}  # fmt: skip

    assert by_line(priced(case(("TEA", 5, 5_000), ("CAKE", 3, 1_000)), offer(**says))) == [{2: 333}]
    assert reasons(priced(case(("TEA", 1, 1_000), ("CAKE", 3, 900)), offer(**says))) == {"pieces": ["spring"]}


def test_no_piece_counts_as_bought_and_as_got():
    says = {"effect": "buy_get", "percent": 100, "buys": 2, "lines": {"product": ["TEA", "POT"]},
            "got_lines": {"product": ["POT"]}}  # fmt: skip

    assert by_line(priced(case(("TEA", 1, 1_000), ("POT", 2, 600)), offer(**says))) == [{2: 300}]
    assert priced(case(("POT", 2, 600)), offer(**says)).off == 0
    assert by_line(priced(case(("TEA", 2, 2_000), ("POT", 1, 300)), offer(**says))) == [{2: 300}]


def test_what_costs_nothing_is_neither_bought_nor_got():
    says = {"effect": "buy_get", "percent": 100, "lines": {"product": ["TEA", "BAG"]}}

    assert reasons(priced(case(("TEA", 2, 2_000), ("BAG", 5, 0)), offer(**says))) == {"pieces": ["spring"]}


def test_promotions_take_off_one_after_another_what_those_before_left():
    basket = case(("TEA", 1, 1_000))
    half = {"effect": "percent_off", "percent": 50}

    found = priced(basket, offer("first", amount=200, priority=1), offer("half", **half))

    assert offs(found) == {"first": 200, "half": 400}


def test_conditions_look_at_the_basket_before_any_promotion():
    basket = case(("TEA", 1, 1_000))

    found = priced(basket, offer("first", amount=900), offer("big", amount=50, conditions={"min_amount": 1_000}))

    assert offs(found) == {"first": 900, "big": 50}


def test_of_a_group_the_one_that_takes_most_wins_and_one_that_stops_ends_it():
    basket = case(("TEA", 1, 1_000))

    found = priced(
        basket, offer("small", amount=100, group="g"), offer("large", amount=300, group="g", stops=True), offer("late")
    )

    assert offs(found) == {"large": 300}
    assert reasons(found) == {"beaten": ["small"], "stopped": ["late"]}


def test_one_that_does_not_combine_is_weighed_against_all_others_together():
    basket = case(("TEA", 1, 1_000))
    a, b = offer("a", amount=200), offer("b", amount=200)

    assert offs(priced(basket, a, b, offer("alone", amount=399, combines=False))) == {"a": 200, "b": 200}
    found = priced(basket, a, b, offer("alone", amount=401, combines=False))
    assert offs(found) == {"alone": 401}
    assert reasons(found) == {"alone": ["a", "b"]}


def test_limits_count_what_was_taken_off_before_and_a_budget_is_borne_whole_or_not_at_all():
    basket = case(("TEA", 1, 1_000))
    once, capped = offer(limits={"times": {"day": 1}}), offer(limits={"amount": {"month": 600}})
    before = Usage([Given(once.rule, NOON, 500), Given(capped.rule, NOON, 500)])

    assert reasons(priced(basket, once, usage=before)) == {"times_day": ["spring"]}
    assert priced(basket, capped, usage=before).taken[0].why == {"full": 500, "cut": [["month", 100]]}
    before.add(Given(capped.rule, NOON, 100))
    assert reasons(priced(basket, capped, usage=before)) == {"amount_month": ["spring"]}
    dear = offer()
    object.__setattr__(dear, "budget", 7)
    assert reasons(priced(basket, dear, rooms={7: 499})) == {"budget": ["spring"]}
    assert priced(basket, dear, rooms={7: 500}).off == 500


def test_a_basket_without_lines_is_one_line():
    basket = Case(at=NOON, amount=1_000)

    found = priced(basket, offer(amount=100), offer("tea", lines={"product": ["TEA"]}))

    assert by_line(found) == [{0: 100}]
    assert reasons(found) == {"lines": ["tea"]}


@pytest.fixture
def in_english():
    with override("en"):
        yield


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_shares_add_up_and_none_is_more_than_its_weight(whole, weights):
    whole = min(whole, sum(weights))

    shares = spread(whole, dict(enumerate(weights)))

    assert sum(shares.values()) == whole
    assert all(0 < share <= weights[place] for place, share in shares.items())


def test_points_pay_so_much_and_the_last_minor_units_cost_points_rounded_up():
    odd = PayRate(NOON, True, 1, 3, 10, 1, 1, 100)

    assert pay(RATE, amount=1_237, asked="max", active=5_000).points == 1_237
    paid = pay(odd, amount=1_237, asked="max", active=5_000)
    assert (paid.points, paid.amount) == (372, 1_237)
    assert pay(odd, amount=1_237, asked=371, active=5_000).amount == 1_236
    assert pay(odd, amount=1_237, asked=372, active=5_000).amount == 1_237
    assert pay(RATE, amount=1_237, asked=0, active=5_000) is None


def test_the_points_that_clear_an_amount_need_no_step():
    steps = PayRate(NOON, True, 1, 100, 100, 100, 100, 100)

    assert pay(steps, amount=1_237, asked=1_237, active=5_000).amount == 1_237
    assert pay(steps, amount=1_237, asked="max", active=1_236).points == 1_200
    assert pay(steps, amount=1_237, asked="max", active=99) is None


def test_points_pay_at_most_their_share(in_english):
    half = PayRate(NOON, True, 1, 100, 100, 1, 1, 50)

    assert pay(half, amount=1_001, asked="max", active=5_000).amount == 500
    with pytest.raises(MoreThanShare, match="At most 500 points can pay for this, not 501"):
        pay(half, amount=1_001, asked=501, active=5_000)


def test_what_points_may_not_pay_is_refused(in_english):
    steps = PayRate(NOON, True, 1, 100, 100, 200, 100, 100)

    with pytest.raises(PayingOff):
        pay(None, amount=1_000, asked=100, active=100)
    with pytest.raises(PayingOff):
        pay(None, amount=1_000, asked="max", active=100)
    with pytest.raises(NotEnoughPoints):
        pay(steps, amount=1_000, asked=300, active=299)
    with pytest.raises(BelowMinimum, match="At least 200 points pay at once, not 100"):
        pay(steps, amount=1_000, asked=100, active=1_000)
    with pytest.raises(NotInSteps, match="steps of 100, not 250"):
        pay(steps, amount=1_000, asked=250, active=1_000)
    with pytest.raises(BelowMinimum, match="At least 10 points"):
        pay(PayRate(NOON, True, 1, 10, 1, 1, 1, 100), amount=1_000, asked=9, active=9)


@given(st.integers(0, 10**7), st.integers(1, 1_000), st.integers(1, 1_000), st.integers(1, 100), st.integers(0, 10**6))
def test_as_much_as_may_be_paid_with_points_is_never_too_much(amount, points, worth, share, active):
    rate = PayRate(NOON, True, 1, points, worth, 1, 1, share)

    paid = pay(rate, amount=amount, asked="max", active=active)

    if paid is not None:
        assert 0 < paid.amount <= amount * share // 100
        assert 0 < paid.points <= active
        assert pay(rate, amount=amount, asked=paid.points, active=active) == paid
