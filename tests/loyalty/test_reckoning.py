"""What a sale earns: conditions, multipliers, groups, caps, and every reason why a rule gave nothing."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.conditions.case import Case, Goods
from loyalty.limits.rules import Given, Usage
from loyalty.reckoning.rules import Terms, Verdict, Version, cut_to_budget, in_units, judge_case
from members.people.rules import Birthday
from tests.loyalty.sayings import said

SHANGHAI = ZoneInfo("Asia/Shanghai")
FRIDAY = datetime(2026, 11, 20, 19, 30, tzinfo=SHANGHAI)
TEA = Goods(1, "TEA", "tea", "Leaf", 2, 6_000)
CAKE = Goods(2, "CAKE", "cake", "Oven", 1, 4_000, 500)
BASKET = Case(at=FRIDAY, store="SH1", channel="till", tender="wechat", amount=10_000, discount=500, lines=(TEA, CAKE))


def judged(*versions: Version, case: Case = BASKET, usage: Usage | None = None, **terms: int) -> Verdict:
    """The verdict of versions on a case, most important first."""
    ordered = sorted(versions, key=lambda each: (each.priority, each.rule))
    return judge_case(ordered, case, terms=Terms(**terms), usage=usage or Usage())


def points(verdict: Verdict) -> list[int]:
    """The points of each award."""
    return [award.points for award in verdict.awards]


@pytest.mark.parametrize(
    ("conditions", "missed"),
    [
        ({}, None),
        ({"store": ["SH1", "BJ1"]}, None),
        ({"store": ["BJ1"]}, "store"),
        ({"channel": ["web"]}, "channel"),
        ({"tender": ["wechat", "alipay"]}, None),
        ({"product": ["TEA"]}, None),
        ({"category": ["coffee"]}, "category"),
        ({"brand": ["Leaf"]}, None),
        ({"min_amount": 10_000}, None),
        ({"min_amount": 10_001}, "min_amount"),
        ({"min_quantity": 4}, "min_quantity"),
        ({"weekday": [5]}, None),
        ({"weekday": [6, 7]}, "weekday"),
        ({"hours": [["18:00", "19:30"]]}, "hours"),
        ({"hours": [["19:30", "24:00"]]}, None),
        ({"dates": {"from": "2026-11-20", "to": "2026-11-20"}}, None),
        ({"dates": {"to": "2026-11-19"}}, "dates"),
        ({"member_day": [8, 18]}, "member_day"),
        ({"member_day": [20]}, None),
        ({"all": [{"store": ["SH1"]}, {"not": {"tender": ["cash"]}}]}, None),
        ({"not": {"store": ["SH1"]}}, "not"),
        ({"any": [{"store": ["BJ1"]}, {"min_amount": 20_000}]}, "min_amount"),
        ({"any": [{"store": ["BJ1"]}, {"weekday": [5]}]}, None),
    ],
)
def test_a_rule_fires_where_its_conditions_hold_and_says_which_did_not(conditions, missed):
    version = said(conditions=conditions)

    verdict = judged(version)

    assert points(verdict) == ([] if missed else [100])
    assert verdict.unfired == ({missed: [version.id]} if missed else {})


@pytest.mark.parametrize(
    ("conditions", "case", "fires"),
    [
        ({"tier": ["gold"]}, {"tiers": frozenset(["gold"])}, True),
        ({"tier": ["gold"]}, {"tiers": frozenset(["silver"])}, False),
        ({"segment": ["vip", "tea"]}, {"segments": frozenset(["tea"])}, True),
        ({"segment": ["vip"]}, {"segments": frozenset()}, False),
        ({"first_purchase": True}, {"purchase": 1}, True),
        ({"first_purchase": True}, {"purchase": 2}, False),
        ({"nth_purchase": [3, 5]}, {"purchase": 5}, True),
        ({"every_purchases": 5}, {"purchase": 10}, True),
        ({"every_purchases": 5}, {"purchase": 11}, False),
        ({"birthday_month": True}, {"birthday": Birthday("solar", 11, 1)}, True),
        ({"birthday_month": True}, {"birthday": Birthday("lunar", 10, 1)}, True),
        ({"birthday_month": True}, {"birthday": Birthday("lunar", 11, 1)}, False),
        ({"birthday_month": True}, {"birthday": None}, False),
        ({"attribute": {"wrap": ["yes"]}}, {"attributes": {"wrap": "yes"}}, True),
        ({"attribute": {"wrap": ["yes"]}}, {}, False),
    ],
)
def test_a_rule_asks_who_bought_and_what_the_till_knows(conditions, case, fires):
    verdict = judged(said(conditions=conditions), case=Case(at=FRIDAY, amount=10_000, **case))

    assert points(verdict) == ([100] if fires else [])


def test_only_the_lines_that_a_rule_chooses_count_before_or_after_discount():
    tea = said("tea", lines={"category": ["tea"]})
    not_tea = said("rest", lines={"not_category": ["tea"]}, basis="full")
    coffee = said("coffee", lines={"product": ["COFFEE"]})

    verdict = judged(tea, not_tea, coffee)

    assert [(a.version.rule_code, a.points, a.why) for a in verdict.awards] == [
        ("tea", 60, {"of": 6_000, "lines": [1]}),
        ("rest", 45, {"of": 4_500, "lines": [2]}),
    ]
    assert verdict.unfired == {"lines": [coffee.id]}


def test_the_part_paid_with_points_earns_nothing_unless_the_rule_says_so():
    case = Case(at=FRIDAY, amount=10_000, by_points=2_500)

    verdict = judged(said(), said(counts_paid_by_points=True), case=case)

    assert points(verdict) == [75, 100]


def test_a_doubling_gives_the_extra_points_as_an_award_of_its_own():
    base, double = said(), said("double", effect="multiply", percent=200)

    verdict = judged(base, double, multiplier=125)

    assert [(a.version.rule_code, a.points, a.multiplier) for a in verdict.awards] == [
        ("spend", 125, 125),
        ("double", 125, 100),
    ]
    assert verdict.awards[1].why == {"base": 125}


@pytest.mark.parametrize(
    ("stacking", "extras"), [("add", [100, 200]), ("multiply", [100, 400])], ids=["add", "multiply"]
)
def test_multipliers_add_or_multiply_as_they_say(stacking, extras):
    base = said()
    double = said("double", effect="multiply", percent=200, stacking=stacking)
    triple = said("triple", effect="multiply", percent=300, stacking=stacking)

    verdict = judged(base, double, triple)

    assert points(verdict) == [100, *extras]


def test_multipliers_together_stay_below_the_programmes_highest_and_say_so():
    base = said()
    double = said("double", effect="multiply", percent=200, stacking="multiply")
    triple = said("triple", effect="multiply", percent=300, stacking="multiply")

    verdict = judged(base, double, triple, most_percent=400)

    assert points(verdict) == [100, 100, 200]
    assert verdict.awards[2].why["cut"] == [["multiplier", 400]]


def test_a_doubling_of_some_lines_doubles_just_what_these_lines_earned():
    base, double = said(), said("double", effect="multiply", percent=200, lines={"category": ["tea"]})

    verdict = judged(base, double)

    assert points(verdict) == [100, 60]


def test_a_doubling_of_nothing_gives_nothing_and_says_so():
    growth = said(kind_id=2, kind__code="growth")
    double = said("double", effect="multiply", percent=200)

    verdict = judged(growth, double)

    assert points(verdict) == [100]
    assert verdict.unfired == {"nothing_to_multiply": [double.id]}


def test_of_a_group_the_best_wins_and_the_others_say_that_they_were_beaten():
    small, large, other = said(group="g"), said(group="g", points=3), said()

    verdict = judged(small, large, other)

    assert points(verdict) == [300, 100]
    assert verdict.unfired == {"beaten": [small.id]}


def test_a_rule_that_stops_keeps_the_less_important_from_firing():
    later, first = said(priority=200), said(priority=1, stops=True, effect="fixed", points=7)

    verdict = judged(later, first)

    assert points(verdict) == [7]
    assert verdict.unfired == {"stopped": [later.id]}


def test_caps_give_what_is_left_of_them_and_say_what_they_cut():
    version = said(limits={"per_sale": 90, "points": {"day": 120, "month": 1_000}})
    usage = Usage([Given(version.rule, FRIDAY - timedelta(hours=1), 50), Given(999, FRIDAY, 999)])

    verdict = judged(version, usage=usage)

    assert points(verdict) == [70]
    assert verdict.awards[0].why == {"full": 100, "cut": [["per_sale", 90], ["day", 70]]}


@pytest.mark.parametrize(
    ("limits", "before", "reason"),
    [
        ({"times": {"day": 1}}, timedelta(hours=2), "times_day"),
        ({"times": {"day": 1}}, timedelta(hours=20), None),
        ({"times": {"week": 1}}, timedelta(days=4), "times_week"),
        ({"times": {"week": 1}}, timedelta(days=5), None),
        ({"times": {"month": 1}}, timedelta(days=19), "times_month"),
        ({"times": {"month": 1}}, timedelta(days=20), None),
        ({"times": {"year": 1}}, timedelta(days=300), "times_year"),
        ({"times": {"ever": 1}}, timedelta(days=3_000), "times_ever"),
        ({"cooldown_hours": 24}, timedelta(hours=23), "cooldown"),
        ({"cooldown_hours": 24}, timedelta(hours=24), None),
        ({"cooldown_hours": 24}, timedelta(hours=-23), "cooldown"),
    ],
)
def test_a_rule_that_fired_often_enough_waits_for_the_next_period_of_the_shops_calendar(limits, before, reason):
    version = said(limits=limits)

    verdict = judged(version, usage=Usage([Given(version.rule, FRIDAY - before, 10)]))

    assert verdict.unfired == ({reason: [version.id]} if reason else {})


def test_an_award_that_was_taken_back_whole_leaves_its_limit_free_again():
    version = said(limits={"times": {"day": 1}})

    assert points(judged(version, usage=Usage([Given(version.rule, FRIDAY, 0)]))) == [100]


@pytest.mark.parametrize(
    ("life", "expires"),
    [
        ({}, None),
        ({"expires_after_months": 12}, datetime(2027, 11, 20, 19, 30, tzinfo=SHANGHAI)),
        ({"expires_after_months": 12, "expires_rounding": "month"}, datetime(2027, 12, 1, tzinfo=SHANGHAI)),
        ({"expires_after_months": 12, "expires_rounding": "quarter"}, datetime(2028, 1, 1, tzinfo=SHANGHAI)),
        ({"expires_after_months": 1, "expires_rounding": "year"}, datetime(2027, 1, 1, tzinfo=SHANGHAI)),
        ({"expires_on": date(2028, 2, 29)}, datetime(2028, 3, 1, tzinfo=SHANGHAI)),
        ({"idle_months": 6}, None),  # the ledger counts from the last activity
    ],
)
def test_points_live_as_long_as_their_rule_says(life, expires):
    (award,) = judged(said(**life)).awards

    assert award.expires_at == expires


def test_points_that_would_come_dead_are_not_given_and_the_reason_says_so():
    version = said(expires_on=date(2026, 11, 1))

    assert judged(version).unfired == {"expired": [version.id]}


def test_points_wait_for_days_or_until_returns_are_over():
    days, returns = said(pending_days=3), said(waits="returns")

    first, second = judged(days, returns, return_days=14).awards

    assert first.activates_at == FRIDAY + timedelta(days=3)
    assert second.activates_at == FRIDAY + timedelta(days=14)


def test_a_budget_in_money_counts_the_price_of_points_and_cuts_whole_points():
    (award,) = judged(said(budget_id=1, budget__price=1_500)).awards

    assert in_units(award) == 150
    cut_to_budget(award, 100)

    assert (award.points, award.reserved, award.why["cut"]) == (66, 100, [["budget", 66]])


@given(
    amounts=st.lists(st.integers(0, 100_000), min_size=1, max_size=6),
    percents=st.lists(st.integers(101, 400), max_size=3),
    chosen=st.sets(st.integers(1, 6)),
)
def test_however_lines_are_cut_the_parts_add_up_to_the_whole(amounts, percents, chosen):
    lines = tuple(Goods(place, f"S{place}", "", "", 1, amount) for place, amount in enumerate(amounts, start=1))
    case = Case(at=FRIDAY, amount=sum(amounts), lines=lines)
    mine = {"product": [f"S{place}" for place in sorted(chosen)] or ["none"]}
    rest = {"not_product": mine["product"]}
    bases = [said(per_amount=1), said(per_amount=1, lines=mine), said(per_amount=1, lines=rest)]
    multipliers = [said(effect="multiply", percent=percent) for percent in percents]

    whole = judged(bases[0], *multipliers, case=case, most_percent=10_000)
    parts = judged(*bases[1:], *multipliers, case=case, most_percent=10_000)

    total = sum(amounts)
    extras = [total * (percent - 100) // 100 for percent in percents] if total else []
    assert points(whole) == [total, *extras]
    assert sum(points(parts)) == sum(points(whole))
