"""Sales become points: by the till's door, one by one and by the thousand."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from loyalty.batches.actions import record_sales
from loyalty.conditions.case import Case
from loyalty.earning.actions import record_sale
from loyalty.earning.models import Award
from loyalty.ledger.models import Account, Movement, PointKind
from loyalty.limits.rules import Usage
from loyalty.reckoning.rules import Terms, judge_case
from loyalty.rulebook.actions import change_rule, rulebook
from loyalty.rulebook.models import EarningRule
from loyalty.rulebook.rules import VersionInPast
from loyalty.tiers.models import Ladder, Standing, Tier, TierChange
from members.kit.models import IdempotentAnswer
from members.messaging.models import Message
from members.purchases.actions import Bought
from members.purchases.models import Sale, SaleLine
from members.purchases.rules import Receipt, ReceiptReused, SaleBeforeEnrolment, SaleInFuture
from tests.factories import NOW, MemberFactory, StoreFactory, TillFactory
from tests.loyalty.sayings import said
from tests.races import all_at_once

pytestmark = pytest.mark.django_db


def receipt(number: str = "r1", amount: int = 12_000, **more: Any) -> Receipt:
    return Receipt(**({"receipt": number, "happened_at": NOW, "currency": "CNY", "amount": amount} | more))


def body(**changes: Any) -> dict[str, Any]:
    return {
        "member": {"kind": "phone", "value": "139 1234 5678"},
        "amount": 12_050,
        "lines": [
            {"sku": "TEA", "name": "龙井", "quantity": 2, "amount": 10_000, "discount": 500},
            {"sku": "CAKE", "name": "桂花糕", "quantity": 1, "amount": 2_050},
        ],
    } | changes


def post(till: Any, path: str, data: Any, key: str = "k1") -> Any:
    raw = data if isinstance(data, str | bytes) else json.dumps(data)
    headers = {"Authorization": f"Bearer {till.key}", "Idempotency-Key": key}
    return Client().post(f"/api/v1/{path}", raw, content_type="application/json", headers=headers)


def traces() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Sale, SaleLine, Award, Movement, Message, IdempotentAnswer))


def test_a_till_posts_a_sale_and_the_member_has_points_growth_and_a_message():
    till = TillFactory.create()
    wang = MemberFactory.create(name="王芳", phone="13912345678", home_store=till.store)

    answer = post(till, "sales", body())

    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert said["points"] == 120
    assert said["balances"] == {"points": 120, "growth": 120}
    assert said["progress"]["tier"]["code"] == "member"
    assert said["progress"]["missing"] == 880
    sale = Sale.objects.get(member=wang)
    assert (sale.amount, sale.store, sale.till) == (12_050, till.store, till)
    assert sale.lines.count() == 2
    assert Message.objects.of(wang).get().template == "points_earned"


def test_a_sale_is_at_most_eight_statements():
    till = TillFactory.create()
    MemberFactory.create(name="王芳", phone="13912345678", home_store=till.store)
    post(till, "sales", body(), key="warm")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert post(till, "sales", body(), key="measured").status_code == 201

    written = [q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]
    assert len(written) <= 8, "\n".join(written)


def test_the_same_key_and_content_gets_the_same_answer_and_changes_nothing():
    till = TillFactory.create()
    MemberFactory.create(name="王芳", phone="13912345678")
    first = post(till, "sales", body())
    before = traces()

    again = post(till, "sales", body())

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replay"] == "true"
    assert traces() == before


def test_the_same_receipt_under_another_key_is_told_to_be_a_repeat():
    till = TillFactory.create()
    MemberFactory.create(name="王芳", phone="13912345678")
    at = timezone.now().isoformat()
    post(till, "sales", body(receipt="A-1", happened_at=at), key="k1")

    again = post(till, "sales", body(receipt="A-1", happened_at=at), key="k2")

    assert again.json()["is_repeat"] is True
    assert Sale.objects.count() == 1
    assert Account.objects.get(kind__code="points").active == 120


def test_the_same_receipt_with_other_content_is_refused():
    wang = MemberFactory.create(name="王芳", phone="13912345678")
    store = StoreFactory.create()
    record_sale(member=wang, store=store, till=None, receipt=receipt(), now=NOW)
    before = traces()

    with pytest.raises(ReceiptReused):
        record_sale(member=wang, store=store, till=None, receipt=receipt(amount=99), now=NOW)

    assert traces() == before


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"member": {"kind": "phone", "value": "13900000000"}}, 404, "unknown_member"),
        ({"member": {"kind": "phone", "value": "abc"}}, 400, "bad_phone"),
        ({"member": "13912345678"}, 400, "bad_field"),
        ({"amount": -1, "lines": []}, 400, "bad_amount"),
        ({"amount": 10**15, "lines": []}, 400, "bad_amount"),
        ({"amount": 12.5}, 400, "bad_field"),
        ({"amount": "120"}, 400, "bad_field"),
        ({"amount": True}, 400, "bad_field"),
        ({"amount": None}, 400, "bad_field"),
        ({"amount": 999}, 400, "lines_do_not_add_up"),
        ({"lines": [{"amount": 12_050, "quantity": 0}]}, 400, "bad_quantity"),
        ({"lines": [{"amount": 1}] * 501}, 400, "too_many_lines"),
        ({"lines": "all"}, 400, "bad_field"),
        ({"currency": "XYZ"}, 400, "unknown_currency"),
        ({"currency": "USD"}, 400, "unknown_currency"),
        ({"happened_at": "2999-01-01T00:00:00+08:00"}, 400, "sale_in_future"),
        ({"happened_at": "1999-01-01T00:00:00+08:00"}, 409, "sale_before_enrolment"),
        ({"happened_at": "yesterday"}, 400, "bad_field"),
        ({"happened_at": 5}, 400, "bad_field"),
        ({"tender": "seashells"}, 400, "bad_field"),
        ({"receipt": "x" * 201}, 400, "bad_field"),
    ],
)
def test_a_sale_that_cannot_be_is_refused_with_a_code_and_leaves_no_trace(change, status, code):
    till = TillFactory.create()
    MemberFactory.create(name="王芳", phone="13912345678")
    before = traces()

    answer = post(till, "sales", body(**change))

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.content
    assert answer.json()["error"]["detail"]
    assert traces() == before


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{not json", 400, "not_json"),
        (b'{"amount": NaN}', 400, "not_json"),
        (b'{"amount": 1e309}', 400, "bad_field"),
        (b"[" * 100_000, 400, "not_json"),
        (b'{"member": {"kind": "card", "value": "\\u0000"}, "amount": 1}', 400, "unusable_text"),
        (b'{"member": {"kind": "card", "value": "\\ud800"}, "amount": 1}', 400, "unusable_text"),
        (b'{"x": "' + b"a" * 10_000_000 + b'"}', 413, "body_too_large"),
        (b"\xff\xfe", 400, "not_json"),
        (b"[]", 400, "bad_field"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_a_code(raw, status, code):
    till = TillFactory.create()

    answer = post(till, "sales", raw)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_revoked_and_an_unknown_key_get_the_same_answer():
    till = TillFactory.create()
    till.revoked_at = timezone.now()
    till.save()

    revoked = post(till, "sales", body())
    till.key = "rk_nobody"
    unknown = post(till, "sales", body())

    assert revoked.status_code == unknown.status_code == 401
    assert revoked.content == unknown.content
    assert revoked.json()["error"]["code"] == "unknown_till"


def test_two_tills_may_use_the_same_key():
    one, two = TillFactory.create(), TillFactory.create()
    MemberFactory.create(name="王芳", phone="13912345678")

    answers = [post(till, "sales", body()) for till in (one, two)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert Sale.objects.count() == 2


def test_a_quote_says_what_the_sale_will_earn_and_writes_nothing():
    till = TillFactory.create()
    MemberFactory.create(name="王芳", phone="13912345678")
    before = traces()

    quoted = post(till, "quotes", body()).json()

    assert traces() == before
    sold = post(till, "sales", body()).json()
    assert (quoted["points"], quoted["progress"]) == (sold["points"], sold["progress"])


def test_a_sale_that_reaches_a_tier_lifts_at_once_and_says_welcome():
    wang = MemberFactory.create(name="王芳", phone="13912345678")
    store = StoreFactory.create()

    recorded = record_sale(member=wang, store=store, till=None, receipt=receipt(amount=500_000), now=NOW)
    after = record_sale(member=wang, store=store, till=None, receipt=receipt("r2", amount=10_000), now=NOW)

    assert recorded.is_rise
    assert recorded.progress.step.code == "gold"
    assert Standing.objects.get(member=wang).tier.code == "gold"
    change = TierChange.objects.get(member=wang)
    assert (change.before.code, change.after.code, change.reason, change.total) == ("member", "gold", "sale", 5_000)
    assert Message.objects.of(wang).filter(template="tier_reached", channel="inbox").exists()
    assert after.balances["points"] == 5_000 + 125  # gold earns a quarter more


def test_a_late_sale_is_judged_by_the_rules_and_the_tier_of_its_own_moment():
    wang = MemberFactory.create(name="王芳", phone="13912345678", now=NOW - timedelta(days=30))
    store = StoreFactory.create()
    kind = PointKind.objects.get(code="points")
    change_rule(
        rule=EarningRule.objects.get(code="spend"),
        now=NOW - timedelta(days=1),
        by=None,
        kind=kind,
        points=3,
        per_amount=100,
    )
    record_sale(member=wang, store=store, till=None, receipt=receipt(amount=500_000), now=NOW)

    late = record_sale(
        member=wang,
        store=store,
        till=None,
        receipt=receipt("late", amount=10_000, happened_at=NOW - timedelta(days=2)),
        now=NOW,
    )

    points = next(award for award in late.awards if award.version.kind_code == "points")
    assert (points.points, points.multiplier, points.version.number) == (100, 100, 1)


@pytest.mark.parametrize(
    ("rounding", "amount", "multiplier", "expected"),
    [
        ("down", 199, 100, 1),
        ("up", 101, 100, 2),
        ("up", 100, 100, 1),
        ("nearest", 149, 100, 1),
        ("nearest", 150, 100, 2),
        ("down", 199, 150, 2),
        ("nearest", 0, 100, 0),
        ("up", 0, 100, 0),
    ],
)
def test_points_are_rounded_once_at_the_end(rounding, amount, multiplier, expected):
    rule = said(rounding=rounding)

    verdict = judge_case([rule], Case(at=NOW, amount=amount), terms=Terms(multiplier), usage=Usage())

    assert [award.points for award in verdict.awards] == [expected]


def test_many_sales_come_to_the_same_as_one_by_one():
    store = StoreFactory.create()
    one = MemberFactory.create(name="王芳", phone="13912345678", now=NOW - timedelta(days=800))
    two = MemberFactory.create(name="李强", phone="13912345679", now=NOW - timedelta(days=800))
    receipts = [
        receipt(f"r{n}", amount=37_700 + 977 * n, happened_at=NOW - timedelta(days=790 - 13 * n)) for n in range(60)
    ]

    for each in receipts:
        record_sale(member=one, store=store, till=None, receipt=each, now=NOW)
    shuffled = [receipts[n] for n in (*range(30, 60), *range(30))]
    outcomes = record_sales(sales=[Bought(two.pk, store.pk, None, each) for each in shuffled], now=NOW)

    def state(member):
        return (
            list(Account.objects.of(member).order_by("kind").values_list("kind", "pending", "active", "held")),
            list(
                Movement.objects.of(member)
                .order_by("account__kind", "happened_at", "pk")
                .values_list("kind", "points", "active_after", "happened_at")
            ),
            list(
                Award.objects.filter(member=member)
                .order_by("sale__happened_at", "version")
                .values_list("points", "multiplier")
            ),
            list(
                TierChange.objects.filter(member=member)
                .order_by("pk")
                .values_list("before", "after", "total", "happened_at")
            ),
            list(Standing.objects.filter(member=member).values_list("tier", "since")),
            sorted((m.template, m.channel, json.dumps(m.context)) for m in Message.objects.of(member)),
        )

    assert all(outcome.refusal is None for outcome in outcomes)
    assert state(one) == state(two)


def test_a_thousand_sales_in_one_request_get_a_result_each():
    till = TillFactory.create()
    MemberFactory.create(name="王芳", phone="13912345678")
    sales = [body(receipt=f"r{n}") for n in range(3)]
    sales[1] = body(receipt="bad", amount=-5, lines=[])
    sales.append(body(receipt="who", member={"kind": "card", "value": "NOBODY"}))

    answer = post(till, "sales/bulk", {"sales": sales})

    said = answer.json()
    assert (answer.status_code, said["recorded"], said["refused"]) == (200, 2, 2)
    assert [r["error"] and r["error"]["code"] for r in said["results"]] == [None, "bad_amount", None, "unknown_member"]
    assert Account.objects.get(kind__code="points").active == 240
    assert post(till, "sales/bulk", {"sales": sales}).json() == said
    assert Sale.objects.count() == 2


def test_more_than_a_thousand_sales_are_refused():
    till = TillFactory.create()

    answer = post(till, "sales/bulk", {"sales": [{}] * 1_001})

    assert answer.json()["error"]["code"] == "too_many_sales"


def test_a_rule_version_cannot_begin_before_the_one_it_follows():
    rule = EarningRule.objects.get(code="spend")
    kind = PointKind.objects.get(code="points")
    change_rule(rule=rule, now=NOW, by=None, kind=kind, points=2, per_amount=100)

    with pytest.raises(VersionInPast):
        change_rule(rule=rule, now=NOW - timedelta(days=1), by=None, kind=kind, points=3, per_amount=100)

    assert rule.versions.count() == 2


def test_a_changed_rule_or_tier_counts_from_the_next_sale_in_every_process():
    before = rulebook()
    Tier.objects.filter(code="gold").update(multiplier=200)

    after = rulebook()

    assert before is not after
    assert next(step for step in after.climb.steps if step.code == "gold").multiplier == 200


def test_without_a_ladder_sales_still_earn():
    TierChange.objects.all().delete()
    Tier.objects.all().delete()
    Ladder.objects.all().delete()
    wang = MemberFactory.create(name="王芳", phone="13912345678")

    recorded = record_sale(member=wang, store=StoreFactory.create(), till=None, receipt=receipt(), now=NOW)

    assert (recorded.balances["points"], recorded.progress) == (120, None)


def test_future_and_early_sales_are_refused_by_the_verb_too():
    wang = MemberFactory.create(name="王芳", phone="13912345678")
    store = StoreFactory.create()
    for moment, refusal in ((NOW + timedelta(hours=1), SaleInFuture), (NOW - timedelta(days=9), SaleBeforeEnrolment)):
        with pytest.raises(refusal):
            record_sale(member=wang, store=store, till=None, receipt=receipt(happened_at=moment), now=NOW)

    assert not Sale.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_request_fifty_times_at_once_is_one_sale():
    till = TillFactory.create()
    MemberFactory.create(name="王芳", phone="13912345678")

    answers = all_at_once(lambda _number: post(till, "sales", body()), 50)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["sale"] for answer in answers}) == 1
    assert Sale.objects.count() == 1
    assert Account.objects.get(kind__code="points").active == 120
