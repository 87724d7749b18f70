"""Rules with conditions, limits and budgets at work on real sales: one by one, many at once, late, and all at once."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.batches.actions import record_sales
from loyalty.conditions.case import BadCondition, EmptyWindow, OverlappingWindows
from loyalty.earning.actions import quote, record_sale
from loyalty.earning.models import Award, Judgement
from loyalty.ledger.models import Account, Movement, PointKind
from loyalty.limits.actions import room_of, set_pool
from loyalty.limits.models import Budget
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.rulebook.rules import BadMultiplier, BadNumber, EventMissing, NoAmount, TwoLives
from members.kit.refusals import Refusal
from members.people.actions import describe
from members.profiles.models import Member
from members.purchases.actions import Bought
from members.purchases.models import Product
from members.purchases.rules import Line, Receipt
from members.stores.models import Store
from tests.factories import NOW, MemberFactory, StoreFactory
from tests.races import all_at_once

pytestmark = pytest.mark.django_db
LONG_AGO = NOW - timedelta(days=900)


def rule(code: str, *, now: Any = LONG_AGO, **says: Any) -> RuleVersion:
    """A rule on points, said through the verb."""
    made, _new = EarningRule.objects.get_or_create(code=code, defaults={"name_zh": code, "name_en": code})
    kind = PointKind.objects.get(code=says.pop("kind", "points"))
    return change_rule(rule=made, now=now, by=None, kind=kind, **says)


def budget(total: int, **more: Any) -> Budget:
    made = Budget.objects.create(code="spring", name_zh="春节", name_en="Spring", **more)
    set_pool(budget=made, store=None, total=total)
    return made


def receipt(number: str, amount: int = 10_000, **more: Any) -> Receipt:
    return Receipt(**({"receipt": number, "happened_at": NOW, "currency": "CNY", "amount": amount} | more))


def record(member: Member, store: Store, sale: Receipt, now: Any = NOW) -> Any:
    return record_sale(member=member, store=store, till=None, receipt=sale, now=now)


def given_by(recorded: Any) -> dict[str, int]:
    return {award.version.rule_code: award.points for award in recorded.awards}


def test_a_double_weekend_in_two_stores_for_gold_with_a_budget_doubles_there_then_for_them_until_it_is_spent():
    shanghai, beijing = StoreFactory.create(code="SH"), StoreFactory.create(code="BJ")
    spring = budget(150)
    rule(
        "double", effect="multiply", percent=200, budget=spring,
        conditions={"all": [{"store": ["SH"]}, {"tier": ["gold"]}, {"weekday": [1]}]},
    )  # fmt: skip
    gold = MemberFactory.create(name="王芳", now=LONG_AGO)
    plain = MemberFactory.create(name="李强", now=LONG_AGO)
    record(gold, shanghai, receipt("big", 600_000, happened_at=NOW - timedelta(days=3)))  # lifts to gold, on a Friday

    assert given_by(record(gold, shanghai, receipt("1"))) == {"spend": 125, "climb": 100, "double": 125}
    assert given_by(record(plain, shanghai, receipt("2"))) == {"spend": 100, "climb": 100}
    assert given_by(record(gold, beijing, receipt("3"))) == {"spend": 125, "climb": 100}
    assert given_by(record(gold, shanghai, receipt("4"))) == {"spend": 125, "climb": 100, "double": 25}
    assert given_by(record(gold, shanghai, receipt("5"))) == {"spend": 125, "climb": 100, "double": 0}
    assert room_of(budget=spring.pk, store=None) == 0
    assert Award.objects.get(sale__receipt="4", version__rule__code="double").why["cut"] == [["budget", 25]]
    double = RuleVersion.objects.get(rule__code="double").pk
    assert Judgement.objects.get(sale__receipt="2").unfired == {"tier": [double]}
    assert Judgement.objects.get(sale__receipt="3").unfired == {"store": [double]}


def test_a_sale_delivered_a_day_late_is_judged_by_the_rules_and_limits_of_its_own_day():
    store, wang = StoreFactory.create(), MemberFactory.create(name="王芳", now=LONG_AGO)
    rule("daily", effect="fixed", points=10, limits={"times": {"day": 1}})
    rule("daily", effect="fixed", points=77, limits={"times": {"day": 1}}, now=NOW - timedelta(hours=1))
    yesterday = NOW - timedelta(days=1)

    today = record(wang, store, receipt("today"))
    late = record(wang, store, receipt("late", happened_at=yesterday))
    later = record(wang, store, receipt("later", happened_at=yesterday + timedelta(minutes=5)))

    assert [given_by(each).get("daily") for each in (today, late, later)] == [77, 10, None]


def test_a_quote_promises_just_what_the_sale_then_gives_and_takes_nothing_from_the_budget():
    store, wang = StoreFactory.create(), MemberFactory.create(name="王芳", now=LONG_AGO)
    spring = budget(30)
    rule("bonus", effect="fixed", points=50, budget=spring, conditions={"first_purchase": True})

    promised = quote(member=wang, store=store, receipt=receipt("1"), now=NOW)
    assert room_of(budget=spring.pk, store=None) == 30
    recorded = record(wang, store, receipt("1"))

    assert given_by(promised) == given_by(recorded) == {"spend": 100, "climb": 100, "bonus": 30}


def test_products_are_known_by_category_and_brand():
    store, wang = StoreFactory.create(), MemberFactory.create(name="王芳", now=LONG_AGO)
    Product.objects.create(sku="LJ", name="龙井", category="tea", brand="Leaf")
    rule("tea", lines={"category": ["tea"]}, points=2)
    lines = [Line("LJ", "龙井", 1, 6_000), Line("X", "", 1, 4_000)]

    recorded = record(wang, store, receipt("1", lines=lines))

    assert given_by(recorded)["tea"] == 120


@pytest.mark.django_db(transaction=True)
def test_concurrent_sales_never_overrun_a_budget_nor_lose_a_point_of_it():
    store = StoreFactory.create()
    spring = budget(500)
    rule("bonus", effect="fixed", points=60, budget=spring)
    people = [MemberFactory.create(name=f"会员{n}", now=LONG_AGO) for n in range(12)]

    recorded = all_at_once(lambda n: record(people[n], store, receipt(f"r{n}")), 12)

    assert not [each for each in recorded if isinstance(each, Exception)]
    assert sum(given_by(each)["bonus"] for each in recorded) == 500
    assert room_of(budget=spring.pk, store=None) == 0


@pytest.mark.django_db(transaction=True)
def test_concurrent_sales_of_one_member_never_overrun_a_limit():
    store, wang = StoreFactory.create(), MemberFactory.create(name="王芳", now=LONG_AGO)
    rule("daily", effect="fixed", points=10, limits={"times": {"day": 3}, "points": {"day": 25}})

    recorded = all_at_once(lambda n: record(wang, store, receipt(f"r{n}")), 10)

    assert sorted(given_by(each).get("daily", 0) for each in recorded) == [0] * 7 + [5, 10, 10]


@pytest.mark.parametrize(
    ("says", "refusal"),
    [
        ({"effect": "multiply", "percent": 0}, BadMultiplier),
        ({"effect": "multiply", "percent": 100_000}, BadMultiplier),
        ({"points": 0}, BadNumber),
        ({"per_amount": -5}, BadNumber),
        ({"conditions": {"moon": ["full"]}}, BadCondition),
        ({"conditions": {"store": []}}, BadCondition),
        ({"conditions": {"store": ["A"], "tier": ["B"]}}, BadCondition),
        ({"conditions": {"dates": {"from": "2026-02-02", "to": "2026-02-01"}}}, EmptyWindow),
        ({"conditions": {"hours": [["18:00", "09:00"]]}}, EmptyWindow),
        ({"conditions": {"hours": [["09:00", "12:00"], ["11:00", "13:00"]]}}, OverlappingWindows),
        ({"lines": {"colour": ["red"]}}, BadCondition),
        ({"expires_after_months": 3, "expires_on": date(2027, 1, 1)}, TwoLives),
        ({"waits": "event"}, EventMissing),
        ({"trigger": "review"}, NoAmount),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_and_the_old_one_stands(says, refusal):
    rule("bonus", effect="fixed", points=5)
    before = list(RuleVersion.objects.order_by("pk").values())

    with pytest.raises(refusal) as told:
        rule("bonus", now=NOW, **says)

    assert isinstance(told.value, Refusal)
    assert str(told.value)
    assert list(RuleVersion.objects.order_by("pk").values()) == before


CONDITIONS = st.sampled_from(
    [
        {}, {"store": ["SH"]}, {"weekday": [1, 3, 5]}, {"min_amount": 5_000}, {"tier": ["silver", "gold"]},
        {"first_purchase": True}, {"every_purchases": 3}, {"birthday_month": True}, {"not": {"store": ["SH"]}},
        {"any": [{"min_amount": 8_000}, {"member_day": [9, 20]}]}, {"hours": [["00:00", "12:00"]]},
    ]
)  # fmt: skip
LIMITS = st.sampled_from(
    [
        {}, {"times": {"day": 1}}, {"points": {"month": 150}}, {"per_sale": 40}, {"cooldown_hours": 48},
        {"times": {"ever": 2}},
    ]
)  # fmt: skip
RULES = st.lists(
    st.fixed_dictionaries(
        {
            "effect": st.sampled_from(["per_amount", "fixed", "multiply"]),
            "points": st.integers(1, 40),
            "percent": st.sampled_from([150, 200, 300]),
            "stacking": st.sampled_from(["add", "multiply"]),
            "rounding": st.sampled_from(["down", "nearest", "up"]),
            "conditions": CONDITIONS,
            "limits": LIMITS,
            "priority": st.integers(0, 3),
            "group": st.sampled_from(["", "", "g"]),
            "stops": st.booleans(),
            "kind": st.sampled_from(["points", "points", "growth"]),
            "is_budgeted": st.booleans(),
        }
    ),
    max_size=6,
)
BIRTHDAYS = st.sampled_from(
    [
        {}, {"calendar": "solar", "birth_month": 2, "birth_day": 29},
        {"calendar": "lunar", "birth_month": 1, "birth_day": 5},
    ]
)  # fmt: skip
SALES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 23), st.integers(0, 30_000), st.booleans()), min_size=1, max_size=8
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=RULES, sales=SALES, birthday=BIRTHDAYS)
def test_whatever_the_rules_many_sales_come_to_the_same_as_one_by_one(rules, sales, birthday, fresh):
    with fresh():
        here, there = StoreFactory.create(code="SH"), StoreFactory.create(code="BJ")
        one, two = (MemberFactory.create(now=LONG_AGO, birth_on=date(1990, 3, 5)) for _ in range(2))
        for member in (one, two):
            describe(member=member, now=NOW, **birthday)
        budgets: dict[int, Budget] = {}
        for number, says in enumerate(rules):
            said = {name: value for name, value in says.items() if name != "is_budgeted"}
            if says["is_budgeted"]:
                said["budget"] = budgets[number] = Budget.objects.create(code=f"b{number}", name_zh="", name_en="")
                set_pool(budget=said["budget"], store=None, total=200)
            rule(f"r{number}", **said)
        bought = [
            (
                here if is_here else there,
                receipt(f"s{n}", amount, happened_at=NOW - timedelta(days=40 - day, hours=hour)),
            )
            for n, (day, hour, amount, is_here) in enumerate(sales)
        ]
        ordered = sorted(bought, key=lambda each: each[1].happened_at)

        for store, each in ordered:
            record(one, store, each)
        for made in budgets.values():  # the second member finds the budgets as the first did
            spent = 200 - room_of(budget=made.pk, store=None)
            set_pool(budget=made, store=None, total=200 + spent)
        outcomes = record_sales(sales=[Bought(two.pk, store.pk, None, each) for store, each in bought], now=NOW)

        assert [each.refusal for each in outcomes] == [None] * len(bought)
        assert state(one) == state(two)


def state(member: Member) -> list[Any]:
    """All that sales did to a member."""
    awards = Award.objects.filter(member=member).order_by("sale__happened_at", "sale__receipt", "version")
    judgements = Judgement.objects.filter(member=member).order_by("sale__happened_at", "sale__receipt")
    movements = Movement.objects.of(member).order_by("account__kind", "happened_at", "active_after")
    return [
        list(awards.values_list("sale__receipt", "version", "points", "multiplier", "why", "reserved", "is_limited")),
        list(judgements.values_list("sale__receipt", "unfired")),
        list(Account.objects.of(member).order_by("kind").values_list("kind", "pending", "active")),
        list(movements.values_list("kind", "points", "active_after", "happened_at")),
        list(member.tier_changes.order_by("pk").values_list("before", "after", "total", "happened_at")),
    ]
