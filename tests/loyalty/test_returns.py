"""Goods that come back: line by line, in parts, with preview, cancelled, exchanged, too early, all at once."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty.earning.models import Award
from loyalty.ledger.actions import redeem
from loyalty.ledger.models import Account, Movement, PointKind
from loyalty.limits.actions import room_of
from loyalty.returns.actions import (
    Counter,
    Made,
    cancel_return,
    exchange,
    match_waiting,
    preview_return,
    record_return,
)  # fmt: skip
from loyalty.returns.models import TakenBack
from loyalty.returns.rules import (
    LineAsked,
    LinesNeeded,
    MoreThanBought,
    MoreThanPaid,
    NotCancellable,
    NothingReturned,
    PreviewChanged,
    ReturnAsked,
    ReturnBeforeSale,
    ReturnReused,
    UnknownLine,
)
from members.profiles.models import Member
from members.purchases.models import Product, Return, Sale, SaleLine
from members.purchases.rules import Line, SaleInFuture
from members.stores.models import Store
from tests.factories import NOW, MemberFactory, StoreFactory, TillFactory
from tests.loyalty.test_earning import post
from tests.loyalty.test_rules_on_sales import LONG_AGO, budget, receipt, record, rule
from tests.races import all_at_once

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=3)
MINUTE = timedelta(minutes=1)
TEA, CAKE = Line("TEA", "龙井", 2, 6_000), Line("CAKE", "桂花糕", 3, 4_000)


@pytest.fixture
def store() -> Store:
    return StoreFactory.create(code="SH")


@pytest.fixture
def wang() -> Member:
    return MemberFactory.create(name="王芳", now=LONG_AGO)


def asked(number: str = "R1", *lines: tuple[Any, ...], sale: str = "S1", **more: Any) -> ReturnAsked:
    wanted = [LineAsked(*line) for line in lines]
    return ReturnAsked(number, sale, more.pop("at", LATER), wanted, more.pop("amount", None))


def back(member: Member, store: Store, wanted: ReturnAsked, **more: Any) -> Made:
    return record_return(member=member, at=Counter(store, store), asked=wanted, now=LATER, **more)


def active(member: Member) -> dict[str, int]:
    return dict(Account.objects.of(member).values_list("kind__code", "active"))


def snapshot(member: Member) -> list[Any]:
    """All that a refusal must leave alone."""
    return [
        list(Account.objects.of(member).order_by("pk").values()),
        Movement.objects.of(member).count(),
        list(Award.objects.order_by("pk").values_list("pk", "returned")),
        list(Sale.objects.order_by("pk").values_list("returned_amount")),
        list(SaleLine.objects.order_by("pk").values_list("returned_quantity", "returned_amount")),
        list(Return.objects.order_by("pk").values()),
    ]


def test_a_part_comes_back_with_its_part_of_the_points_and_the_rest_with_the_rest(wang, store):
    record(wang, store, receipt("S1", lines=[TEA, CAKE]))

    first = back(wang, store, asked("R1", (1, 1)))
    second = back(wang, store, asked("R2", ("TEA", 1), ("CAKE", 3)))

    assert (first.outcome.amount, first.outcome.balances) == (3_000, {"points": 70, "growth": 70})
    assert [(t.rule, t.points, t.taken) for t in first.outcome.awards] == [("spend", 30, 30), ("climb", 30, 30)]
    assert (second.outcome.amount, active(wang)) == (7_000, {"points": 0, "growth": 0})
    assert Sale.objects.get().returned_amount == 10_000


def test_many_small_parts_come_to_exactly_the_whole_and_never_more(wang, store):
    record(wang, store, receipt("S1", amount=9_999, lines=[Line("NUT", "", 7, 9_999)]))

    for n in range(7):
        back(wang, store, asked(f"R{n}", (1, 1)))

    assert sum(Return.objects.values_list("amount", flat=True)) == 9_999
    assert active(wang) == {"points": 0, "growth": 0}
    with pytest.raises(MoreThanBought):
        back(wang, store, asked("R8", (1, 1)))


def test_a_bonus_on_some_lines_goes_back_with_these_lines_alone(wang, store):
    Product.objects.create(sku="TEA", name="龙井", category="tea")
    rule("tea", effect="multiply", percent=200, lines={"category": ["tea"]})
    record(wang, store, receipt("S1", lines=[TEA, CAKE]))

    cake = back(wang, store, asked("R1", ("CAKE", 3)))
    tea = back(wang, store, asked("R2", ("TEA", 2)))

    assert {t.rule: t.points for t in cake.outcome.awards} == {"spend": 40, "climb": 40}
    assert {t.rule: t.points for t in tea.outcome.awards} == {"spend": 60, "climb": 60, "tea": 60}


def test_points_come_from_pending_first_and_from_debt_last(wang, store):
    PointKind.objects.filter(code="points").update(debt_limit=50)
    rule("later", effect="fixed", points=40, pending_days=30)
    record(wang, store, receipt("S1"))
    redeem(member=wang, kind=PointKind.objects.get(code="points"), points=90, key="gift", now=NOW)

    made = back(wang, store, asked("R1", amount=10_000))

    points = Account.objects.of(wang).get(kind__code="points")
    assert (points.pending, points.active) == (0, -50)
    assert {t.rule: (t.points, t.taken) for t in made.outcome.awards} == {
        "spend": (100, 60), "climb": (100, 100), "later": (40, 40),
    }  # fmt: skip
    assert made.outcome.debt == 50


def test_budgets_and_limits_get_back_what_was_theirs(wang, store):
    spring = budget(100)
    rule("bonus", effect="fixed", points=60, budget=spring, limits={"times": {"day": 1}})
    record(wang, store, receipt("S1"))
    assert room_of(budget=spring.pk, store=None) == 40

    back(wang, store, asked("R1", amount=5_000))
    assert room_of(budget=spring.pk, store=None) == 70
    back(wang, store, asked("R2", amount=5_000))

    assert room_of(budget=spring.pk, store=None) == 100
    again = record(wang, store, receipt("S2", happened_at=NOW + timedelta(minutes=5)))
    assert [a.points for a in again.awards if a.version.rule_code == "bonus"] == [60]


def test_a_tier_reached_by_the_sale_is_given_back_with_it(wang, store):
    record(wang, store, receipt("S1", amount=120_000))
    assert wang.standings.get().tier.code == "silver"

    made = back(wang, store, asked("R1", amount=60_000))

    assert (made.outcome.tier_before, made.outcome.tier_after) == ("silver", "member")
    assert wang.tier_changes.order_by("-pk")[0].reason == "return"


def test_the_preview_changes_nothing_and_the_return_does_just_what_it_said(wang, store):
    record(wang, store, receipt("S1", amount=120_000, lines=[Line("TEA", "", 2, 120_000)]))
    before = snapshot(wang)
    wanted = asked("R1", (1, 1))

    seen = preview_return(member=wang, at=Counter(store, store), asked=wanted, now=LATER)
    assert snapshot(wang) == before
    made = back(wang, store, wanted, token=seen.token)

    assert (made.outcome.facts, made.token) == (seen.outcome.facts, seen.token)


def test_a_return_whose_preview_no_longer_holds_is_refused_and_nothing_is_lost(wang, store):
    record(wang, store, receipt("S1"))
    wanted = asked("R1", amount=5_000)
    seen = preview_return(member=wang, at=Counter(store, store), asked=wanted, now=LATER)
    redeem(member=wang, kind=PointKind.objects.get(code="points"), points=30, key="gift", now=NOW)
    before = snapshot(wang)

    with pytest.raises(PreviewChanged):
        back(wang, store, wanted, token=seen.token)

    assert snapshot(wang) == before


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        (asked(), NothingReturned),
        (asked("R1", (1, 0)), NothingReturned),
        (asked("R1", (1, 1), amount=5), NothingReturned),
        (asked("R1", amount=-5), NothingReturned),
        (asked("R1", amount=500), LinesNeeded),
        (asked("R1", (3, 1)), UnknownLine),
        (asked("R1", ("GOLD", 1)), UnknownLine),
        (asked("R1", (1, 1), (1, 1)), UnknownLine),
        (asked("R1", (1, 3)), MoreThanBought),
        (asked("R1", (1, 1, 6_001)), MoreThanPaid),
        (asked("R1", (1, 1), at=NOW - timedelta(days=1)), ReturnBeforeSale),
        (asked("R1", (1, 1), at=LATER + timedelta(days=1)), SaleInFuture),
    ],
)
def test_what_was_never_bought_cannot_come_back_and_nothing_changes(wang, store, wanted, refusal):
    record(wang, store, receipt("S1", lines=[TEA, CAKE]))
    before = snapshot(wang)

    with pytest.raises(refusal) as told:
        back(wang, store, wanted)

    assert str(told.value)
    assert snapshot(wang) == before


def test_the_same_return_again_changes_nothing_and_another_under_its_receipt_is_refused(wang, store):
    record(wang, store, receipt("S1", lines=[TEA, CAKE]))
    first = back(wang, store, asked("R1", (1, 1)))
    before = snapshot(wang)

    again = back(wang, store, asked("R1", (1, 1)))
    with pytest.raises(ReturnReused):
        back(wang, store, asked("R1", (1, 2)))

    assert (again.goods_return, again.is_repeat, again.outcome.amount) == (first.goods_return, True, 3_000)
    assert snapshot(wang) == before


def test_a_return_before_its_sale_waits_and_is_matched_when_the_sale_comes(wang, store):
    early = back(wang, store, asked("R1", (1, 2)))
    assert (early.state, match_waiting(now=LATER)) == ("waiting", 0)

    record(wang, store, receipt("S1", lines=[TEA, CAKE]))

    assert match_waiting(now=LATER) == 1
    assert match_waiting(now=LATER) == 0
    assert active(wang) == {"points": 40, "growth": 40}
    assert Return.objects.get().state == "done"


def test_a_waiting_return_that_its_sale_cannot_bear_is_refused_with_words_and_not_tried_again(wang, store):
    back(wang, store, asked("R1", (1, 9)))
    record(wang, store, receipt("S1", lines=[TEA, CAKE]))

    assert match_waiting(now=LATER) == 0

    made = Return.objects.get()
    assert (made.state, made.amount, made.lines.count()) == ("refused", 0, 0)
    assert "9" in made.refusal
    assert active(wang) == {"points": 100, "growth": 100}
    assert Sale.objects.get().returned_amount == 0
    assert back(wang, store, asked("R1", (1, 9))).state == "refused"  # the till hears of it when it asks again
    with pytest.raises(NotCancellable):
        cancel_return(goods_return=made, now=LATER)


def test_a_cancelled_return_undoes_itself_and_the_goods_can_come_back_again(wang, store):
    spring = budget(100)
    rule("bonus", effect="fixed", points=60, budget=spring, pending_days=30)
    record(wang, store, receipt("S1", amount=120_000, lines=[Line("TEA", "", 2, 120_000)]))
    before = (active(wang), wang.standings.get().tier_id, room_of(budget=spring.pk, store=None))
    made = back(wang, store, asked("R1", (1, 2)))

    cancelled = cancel_return(goods_return=Return.objects.get(pk=made.goods_return), now=LATER + MINUTE)

    assert (active(wang), wang.standings.get().tier_id, room_of(budget=spring.pk, store=None)) == before
    assert Account.objects.of(wang).get(kind__code="points").pending == 60
    with pytest.raises(NotCancellable):
        cancel_return(goods_return=cancelled, now=LATER)
    assert back(wang, store, asked("R2", (1, 2))).outcome.balances == {"points": 0, "growth": 0}


def test_an_exchange_is_a_return_and_a_sale_or_neither(wang, store):
    record(wang, store, receipt("S1", lines=[TEA, CAKE]))
    before = snapshot(wang)
    at = Counter(store, store)

    with pytest.raises(MoreThanBought):
        exchange(member=wang, at=at, asked=asked("R1", (1, 3)), receipt=receipt("S2", happened_at=LATER), now=LATER)
    assert snapshot(wang) == before
    done = exchange(
        member=wang, at=at, asked=asked("R1", (1, 2)), receipt=receipt("S2", 8_000, happened_at=LATER), now=LATER
    )

    assert done.returned.outcome.amount == 6_000
    assert active(wang) == {"points": 120, "growth": 120}


@pytest.mark.django_db(transaction=True)
def test_the_same_goods_over_many_counters_at_once_come_back_once(wang, store):
    record(wang, store, receipt("S1", lines=[TEA, CAKE]))

    made = all_at_once(lambda n: back(wang, store, asked(f"R{n}", (1, 2))), 8)

    assert sum(1 for each in made if isinstance(each, Made)) == 1
    assert {type(each) for each in made} == {Made, MoreThanBought}
    assert active(wang) == {"points": 40, "growth": 40}
    assert TakenBack.objects.count() == 2


def test_a_till_previews_takes_back_cancels_and_exchanges():
    till = TillFactory.create()
    wang = MemberFactory.create(name="王芳", phone="13912345678", now=LONG_AGO)
    record(wang, till.store, receipt("S1", lines=[TEA, CAKE]))
    who = {"kind": "phone", "value": "13912345678"}
    wanted = {"member": who, "sale_receipt": "S1", "receipt": "R1", "lines": [{"sku": "TEA", "quantity": 1}]}

    seen = post(till, "returns/preview", wanted)
    assert not Return.objects.exists()
    made = post(till, "returns", wanted | {"token": seen.json()["token"]}, key="k1")
    again = post(till, "returns", wanted | {"token": seen.json()["token"]}, key="k1")
    stale = post(till, "returns", wanted | {"receipt": "R2", "token": seen.json()["token"]}, key="k2")
    undone = post(till, f"returns/{made.json()['goods_return']}/cancel", {}, key="k3")
    strange = post(TillFactory.create(), f"returns/{made.json()['goods_return']}/cancel", {}, key="k4")
    body = {"returned": wanted | {"receipt": "R3"}, "sale": {"member": who, "amount": 5_000, "receipt": "S2"}}
    swapped = post(till, "exchanges", body, key="k5")

    assert (seen.status_code, seen.json()["amount"], seen.json()["balances"]["points"]) == (200, 3_000, 70)
    assert (made.status_code, again.json()) == (201, made.json())
    assert made.json()["taken"][0] == {"rule": "spend", "kind": "points", "points": 30, "taken": 30}
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "preview_changed")
    assert (undone.status_code, undone.json()["state"]) == (200, "cancelled")
    assert (strange.status_code, strange.json()["error"]["code"]) == (404, "unknown_return")
    assert (swapped.status_code, swapped.json()["sale"]["balances"]["points"]) == (201, 120)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sale_receipt": None}, "bad_field"),
        ({"lines": "all"}, "bad_field"),
        ({"lines": [{"quantity": 1}]}, "bad_field"),
        ({"lines": [{"line": 1, "quantity": 1.5}]}, "bad_field"),
        ({"lines": [{"line": 1, "quantity": 9}]}, "more_than_bought"),
        ({"lines": []}, "nothing_returned"),
        ({"sale_store": "nowhere"}, "unknown_store"),
        ({"member": {"kind": "phone", "value": "13900000000"}}, "unknown_member"),
    ],
)
def test_a_return_that_cannot_be_read_or_made_gets_a_code_and_changes_nothing(changes, code):
    till = TillFactory.create()
    wang = MemberFactory.create(name="王芳", phone="13912345678", now=LONG_AGO)
    record(wang, till.store, receipt("S1", lines=[TEA, CAKE]))
    who = {"kind": "phone", "value": "13912345678"}
    before = snapshot(wang)

    answer = post(till, "returns", {"member": who, "sale_receipt": "S1", "lines": [{"line": 1}]} | changes)

    assert answer.json()["error"]["code"] == code
    assert snapshot(wang) == before


def test_a_return_of_lapsed_points_that_was_cancelled_can_be_made_again(wang, store):
    rule("short", effect="fixed", points=50, expires_after_months=1)
    record(wang, store, receipt("S1", lines=[TEA, CAKE]))
    at = NOW + timedelta(days=60)
    wanted = asked("R1", ("TEA", 2), ("CAKE", 3), at=at)
    first = record_return(member=wang, at=Counter(store, store), asked=wanted, now=at)
    assert [(t.points, t.taken) for t in first.outcome.awards if t.rule == "short"] == [(50, 0)]

    cancel_return(goods_return=Return.objects.get(), now=at)
    again = record_return(
        member=wang, at=Counter(store, store), asked=asked("R2", ("TEA", 2), ("CAKE", 3), at=at), now=at
    )

    assert [(t.points, t.taken) for t in again.outcome.awards if t.rule == "short"] == [(50, 0)]
    assert active(wang) == {"points": 0, "growth": 0}


def test_a_cancelled_return_takes_no_more_of_its_budget_again_than_there_is_left(wang, store):
    spring = budget(60)
    rule("gift", effect="fixed", points=60, budget=spring)
    record(wang, store, receipt("S1", lines=[TEA, CAKE]))
    made = back(wang, store, asked("R1", ("TEA", 2), ("CAKE", 3)))
    record(wang, store, receipt("S2", amount=4_000), now=LATER)  # takes what came free

    cancel_return(goods_return=Return.objects.get(pk=made.goods_return), now=LATER)
    back(wang, store, asked("R2", ("TEA", 2), ("CAKE", 3)))

    assert room_of(budget=spring.pk, store=None) == 0
    assert sum(Award.objects.filter(version__budget=spring).values_list("reserved", flat=True)) == 60


def test_a_tier_from_a_till_whose_clock_runs_ahead_falls_with_its_sale(wang, store):
    ahead = NOW + timedelta(minutes=8)
    record(wang, store, receipt("S1", amount=600_000, happened_at=ahead))
    assert wang.standings.get().tier.code == "gold"

    wanted = ReturnAsked("R1", "S1", ahead, amount=600_000)
    record_return(member=wang, at=Counter(store, store), asked=wanted, now=NOW + MINUTE)

    assert wang.standings.get().tier.threshold == 0
