"""What a promotion would have taken off past sales: the statement says what the sums say, sale by sale."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from loyalty.limits.rules import Given, Usage
from loyalty.pricing.rules import Offer, price
from loyalty.repricing.actions import tell
from tests.factories import NOW
from tests.loyalty.pasts import START, Past, cases, gather
from tests.loyalty.test_promotions_sums import offer
from tests.loyalty.test_replay import LINES, PERIODS, TREES

pytestmark = pytest.mark.django_db
CHOICES = st.sampled_from(
    [{"category": ["tea"]}, {"product": ["CAKE", "CUP"], "brand": ["Hill"]}, {"not_brand": ["Leaf"]}, {"brand": ["no"]}]
)
SAYINGS = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(["amount_off", "percent_off", "buy_get", "buy_get"]),
        "amount": st.sampled_from([1, 334, 5_000, 10**12]),
        "is_per_piece": st.booleans(),
        "percent": st.sampled_from([1, 33, 50, 100]),
        "most": st.sampled_from([None, None, 1, 2_500]),
        "rounding": st.sampled_from(["down", "nearest", "up"]),
        "buys": st.integers(1, 3),
        "gets": st.integers(1, 2),
        "sets": st.sampled_from([None, None, 1, 2]),
        "conditions": TREES,
        "lines": st.one_of(LINES, CHOICES),
        "got_lines": LINES,
        "limits": st.fixed_dictionaries(
            {},
            optional={
                "times": st.dictionaries(PERIODS, st.integers(1, 4), min_size=1, max_size=2),
                "amount": st.dictionaries(PERIODS, st.integers(1, 9_000), min_size=1, max_size=2),
                "cooldown_hours": st.sampled_from([5, 48, 24 * 9]),
            },
        ),
    }
).map(lambda says: says | ({"lines": {"category": ["tea"]}} if not says["lines"] else {}))


@pytest.fixture(params=[3, 4])
def pasts(request) -> list[Past]:
    """Sales of two months."""
    return gather(random.Random(request.param))


def expected(draft: Offer, pasts: Sequence[Past]) -> dict[int, int]:
    """What the sums take off each sale, sale after sale, where nothing else is on offer."""
    usage: dict[int, Usage] = {past.member: Usage() for past in pasts}
    found = {}
    for past, case in cases(pasts):
        taken = price([draft], case, usage=usage[past.member], rooms={}).off
        usage[past.member].add(Given(draft.rule, timezone.localtime(past.at), taken))
        found[past.sale] = taken
    return found


def told(draft: Offer) -> dict[int, int]:
    """What the statement says the draft would have taken off, after limits."""
    rows = tell(draft, first=0, last=2**62, since=START - timedelta(days=1), until=NOW + timedelta(days=1))
    return {row.sale: row.given for row in rows if row.given}


TEA: dict[str, Any] = {"lines": {"category": ["tea"]}}


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(says=SAYINGS)
@example(says={"effect": "amount_off", "amount": 5_000})
@example(says={"effect": "amount_off", "amount": 334, "is_per_piece": True})
@example(says={"effect": "percent_off", "percent": 33, "rounding": "up", "conditions": {"tier": ["gold"]}})
@example(says={"effect": "percent_off", "percent": 20, "conditions": {"segment": ["quiet"]}})
@example(says={"effect": "percent_off", "percent": 100, "lines": {"not_brand": ["Leaf"]}})
@example(says={"effect": "buy_get", "buys": 1, "percent": 50, "lines": {"not_brand": ["no"]}})
@example(says={"effect": "buy_get", "buys": 1, "gets": 2, "percent": 100, **TEA, "got_lines": {"not_brand": ["Leaf"]}})
def test_the_statement_takes_off_every_sale_what_the_sums_take_off(pasts, says):
    draft = offer(**says)

    wanted = {sale: taken for sale, taken in expected(draft, pasts).items() if taken}

    assert told(draft) == wanted


def test_the_crowd_buys_enough_to_get_something(pasts):
    draft = offer(effect="buy_get", buys=2, gets=1, percent=100, lines={"not_brand": ["no"]})

    assert len(told(draft)) >= 10
