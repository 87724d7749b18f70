"""What a draft would have given for past sales: the statement in the database says what the sums say, sale by sale."""

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from loyalty.ledger.models import PointKind
from loyalty.reckoning.rules import Version
from loyalty.replay.actions import tell
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule
from loyalty.tiers.models import TierChange
from tests.factories import NOW
from tests.loyalty.pasts import START, Past, expected, gather
from tests.loyalty.sayings import said

pytestmark = pytest.mark.django_db
OURS = 10**6  # the id of a rule that nobody has
CODES = st.lists(st.sampled_from(["SH", "BJ", "nowhere"]), min_size=1, max_size=2)
TESTS = st.one_of(
    st.builds(lambda wants: {"store": wants}, CODES),
    st.sampled_from(
        [
            {"channel": ["web"]}, {"tender": ["cash"]}, {"attribute": {"wrap": ["yes"]}},
            {"attribute": {"wrap": ["no"], "x": ["1"]}}, {"dates": {"from": "2026-02-01"}},
            {"dates": {"from": "2026-01-20", "to": "2026-02-19"}}, {"weekday": [1, 6, 7]},
            {"hours": [["08:30", "12:00"], ["20:00", "24:00"]]}, {"member_day": [8, 18, 28]},
            {"tier": ["silver"]}, {"tier": ["member", "gold"]},
            {"segment": ["quiet"]}, {"not": {"segment": ["regulars", "quiet"]}},
            {"first_purchase": True}, {"nth_purchase": [2, 5]},
            {"every_purchases": 3}, {"birthday_month": True}, {"min_amount": 3_333}, {"min_quantity": 3},
            {"product": ["TEA", "CUP"]}, {"category": ["tea"]}, {"brand": ["Oven", "Hill"]},
        ]
    ),
)  # fmt: skip
TREES = st.one_of(
    st.just({}),
    st.recursive(
        TESTS,
        lambda inner: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=5,
    ),
)
LINES = st.sampled_from(
    [{}, {}, {"category": ["tea"]}, {"product": ["CAKE", "CUP"], "brand": ["Hill"]}, {"not_brand": ["Leaf"]}]
)
PERIODS = st.sampled_from(["day", "week", "month", "year", "ever"])
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "times": st.dictionaries(PERIODS, st.integers(1, 4), min_size=1, max_size=2),
        "points": st.dictionaries(PERIODS, st.integers(1, 120), min_size=1, max_size=2),
        "per_sale": st.integers(1, 60),
        "cooldown_hours": st.sampled_from([5, 48, 24 * 9]),
    },
)
SAYINGS = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(["per_amount", "per_amount", "fixed", "multiply"]),
        "points": st.sampled_from([1, 3, 40, 999_999]),
        "per_amount": st.sampled_from([1, 100, 700, 3_333]),
        "percent": st.sampled_from([101, 150, 333, 1_000]),
        "rounding": st.sampled_from(["down", "nearest", "up"]),
        "basis": st.sampled_from(["paid", "full"]),
        "uses_tier_multiplier": st.booleans(),
        "conditions": TREES,
        "lines": LINES,
        "limits": LIMITS,
    }
)


@pytest.fixture(params=[3, 4])
def pasts(request) -> list[Past]:
    """Sales of two months beside two rules that give for an amount, one of them for tea only."""
    kind = PointKind.objects.get(code="points")
    leaf = EarningRule.objects.create(code="leaf", name_zh="茶", name_en="Leaf")
    says: dict[str, Any] = {"points": 2, "per_amount": 300, "basis": "full", "lines": {"category": ["tea"]}}
    change_rule(rule=leaf, now=START - timedelta(days=9), by=None, kind=kind, **says)
    return gather(random.Random(request.param))


def drafted(**says: Any) -> Version:
    """A draft that gives points."""
    return said("draft", rule_id=OURS, kind_id=PointKind.objects.get(code="points").pk, **says)


def told(draft: Version) -> dict[int, int]:
    """What the statement says the draft would have given, after limits."""
    rows = tell(draft, first=0, last=2**62, since=START - timedelta(days=1), until=NOW + timedelta(days=1))
    return {row.sale: row.given for row in rows}


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(says=SAYINGS)
@example(says={"effect": "per_amount", "conditions": {"tier": ["gold"]}, "rounding": "nearest"})
@example(says={"effect": "per_amount", "conditions": {"not": {"segment": ["regulars"]}}})
@example(says={"effect": "multiply", "percent": 150, "lines": {"not_brand": ["Leaf"]}, "rounding": "up"})
@example(says={"effect": "fixed", "points": 5, "limits": {"times": {"week": 1, "month": 2}, "cooldown_hours": 48}})
@example(says={"effect": "per_amount", "conditions": {"not": {"birthday_month": True}}})
def test_the_statement_gives_for_every_sale_what_the_sums_give(pasts, says):
    draft = drafted(**says)

    wanted = {sale: points for sale, points in expected(draft, pasts).items() if points}

    assert {sale: points for sale, points in told(draft).items() if points} == wanted


def test_the_crowd_rises_so_that_tiers_of_then_matter(pasts):
    assert TierChange.objects.filter(reason="sale").count() >= 4
