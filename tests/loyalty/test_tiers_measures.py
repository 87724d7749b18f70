"""What ladders count: several measures together, four windows, several ladders; one by one and in batches alike."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.translation import override
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from loyalty.batches.actions import record_sales
from loyalty.benefits.actions import main_plan_of
from loyalty.earning.actions import quote, record_sale
from loyalty.ledger.models import PointKind
from loyalty.returns.actions import Counter, record_return
from loyalty.returns.rules import ReturnAsked
from loyalty.tiers.actions import load_climbs, standing_of
from loyalty.tiers.models import Ladder, Need, Standing, Tier, TierChange
from loyalty.tiers.rules import (
    Ask,
    BadMultiplier,
    EmptyWindow,
    Measure,
    RetentionTooHigh,
    SameThreshold,
    Step,
    TiersOutOfOrder,
    check_steps,
    check_window,
)  # fmt: skip
from members.kit.names import named
from members.messaging.models import Message
from members.profiles.models import Member
from members.purchases.actions import Bought
from members.purchases.models import Sale
from members.purchases.rules import Receipt
from members.segments.models import Membership, Segment
from members.segments.panels import uses_of
from tests.factories import NOW, MemberFactory, StoreFactory
from tests.loyalty.ladders import buy, grow, main, night, other_ladder, shanghai, tier, tier_of, way_of

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
TONIGHT = shanghai(2026, 3, 10)


@pytest.fixture
def wang() -> Member:
    return MemberFactory.create(name="王芳", now=shanghai(2024, 3, 15, 12))


def need(code: str, basis: str, threshold: int, combines: str = "all", **says: Any) -> None:
    Need.objects.create(tier=tier(code), basis=basis, threshold=threshold, **says)
    Tier.objects.filter(code=code).update(combines=combines)


def tea_lovers() -> Segment:
    return Segment.objects.get_or_create(code="tea", defaults={"name_zh": "茶客", "name_en": "Tea lovers"})[0]


def enter(member: Member, since: Any, until: Any = None) -> None:
    """The member is in the segment from then until then."""
    Membership.objects.create(member=member, segment=tea_lovers(), since=since, until=until, version=1)


@pytest.mark.parametrize(
    ("since", "until", "reached"),
    [
        (NOW - 900 * DAY, None, True),  # whatever the window
        (NOW - 3 * DAY, NOW - 2 * DAY, False),
        (NOW - 3 * DAY, NOW - DAY, True),  # the sale was the moment before
        (NOW, None, False),
        (None, None, False),
    ],
)
def test_a_tier_asks_for_being_in_a_segment_at_the_moment_that_counts(wang, since, until, reached):
    need("silver", "segment", 1, segment=tea_lovers())
    grow(wang, 1_000, NOW - 10 * DAY)
    if since is not None:
        enter(wang, since, until)

    recorded = buy(wang, 100, NOW - DAY - timedelta(seconds=1))

    assert recorded.is_rise == reached
    assert tier_of(wang) == ("silver" if reached else None)


def test_the_night_lifts_who_came_into_the_segment_and_drops_who_left(wang):
    need("silver", "segment", 1, segment=tea_lovers())
    grow(wang, 1_000, NOW - 10 * DAY)
    enter(wang, NOW - DAY, TONIGHT + DAY)

    night(TONIGHT)
    assert tier_of(wang) == "silver"
    night(TONIGHT + 2 * DAY)
    assert tier_of(wang) == "member"


def test_a_member_reads_of_an_invitation_and_not_of_a_segment(wang):
    need("silver", "segment", 1, segment=tea_lovers())
    grow(wang, 1_000, NOW - 10 * DAY)

    with override("en"):
        assert main_plan_of(wang, NOW).rise.words == "an invitation from the shop"
    assert [use.name for use in uses_of(tea_lovers())] == [named(tier("silver"))]


@pytest.mark.parametrize(
    "says",
    [
        {"basis": "segment", "threshold": 1},
        {"basis": "segment", "threshold": 2, "segment": True},
        {"basis": "purchases", "threshold": 1, "segment": True},
    ],
)
def test_the_database_refuses_a_need_of_no_segment_or_of_half_a_one(says):
    segment = tea_lovers() if says.pop("segment", False) else None

    with pytest.raises(IntegrityError, match="need_of_segment_names_it"), transaction.atomic():
        Need.objects.create(tier=tier("silver"), segment=segment, **says)

    assert not Need.objects.exists()


def test_a_ladder_itself_does_not_count_segments():
    with pytest.raises(IntegrityError, match="ladder_counts_something"), transaction.atomic():
        other_ladder("tea", "segment", {"one": 1})

    assert not Ladder.objects.filter(code="tea").exists()


@pytest.mark.parametrize("combines", ["all", "any"])
@pytest.mark.parametrize(("growth", "visits"), [(True, True), (True, False), (False, True), (False, False)])
def test_a_tier_asks_for_all_or_any_of_its_measures(wang, combines, growth, visits):
    need("silver", "purchases", 2, combines)
    if growth:
        grow(wang, 1_000, NOW - 10 * DAY)
    for day in range(2 if visits else 1):
        buy(wang, 100, NOW - day * DAY)

    night(TONIGHT)

    reached = (growth and visits) if combines == "all" else (growth or visits)
    assert tier_of(wang) == ("silver" if reached else None)


@pytest.mark.parametrize("back", [0, 40_000, 100_000])
def test_what_came_back_counts_for_nothing_also_beside_other_measures(wang, back):
    need("silver", "spend", 80_000)
    need("silver", "purchases", 2)
    main(basis="growth", window="anniversary")
    grow(wang, 5_000, NOW - 9 * DAY)
    for day, amount in ((8, 5_000), (7, 100_000)):
        buy(wang, amount, NOW - day * DAY)
    store = wang.home_store
    sale = Sale.objects.get(member=wang, amount=100_000)
    if back:
        asked = ReturnAsked("B1", sale.receipt, NOW - 6 * DAY, amount=back)
        record_return(member=wang, at=Counter(store, store), asked=asked, now=NOW)

    climb = load_climbs()[0]
    found = standing_of(member=wang.pk, climb=climb, at=NOW)

    totals = dict(zip(climb.measures, (found.total, *found.more), strict=True))
    assert (totals[Measure("spend")], totals[Measure("purchases")]) == (105_000 - back, 1 if back == 100_000 else 2)


def test_the_sale_that_completes_the_measures_lifts_at_once_and_says_so(wang):
    need("silver", "months", 2)
    grow(wang, 1_000, NOW - 100 * DAY)
    first = buy(wang, 100, shanghai(2026, 1, 31, 23))
    again = buy(wang, 100, shanghai(2026, 1, 31, 23, 30))
    basket = Receipt(receipt="q", happened_at=NOW, currency="CNY", amount=100)
    asked = quote(member=wang, store=StoreFactory.create(), receipt=basket, now=NOW)
    second = buy(wang, 100, shanghai(2026, 2, 1, 0, 1))

    assert [first.is_rise, again.is_rise, asked.is_rise, second.is_rise] == [False, False, True, True]
    assert way_of(wang) == [("member", "silver", "sale")]


def test_points_of_a_kind_count_what_was_given_and_not_what_was_spent(wang):
    kind = PointKind.objects.get(code="points")
    other_ladder("engaged", "points", {"bronze": 100}, kind=kind)
    grow(wang, 100, NOW - DAY, code="points")
    from loyalty.ledger.actions import redeem

    redeem(member=wang, kind=kind, points=60, key="r", now=NOW)

    night(TONIGHT)

    assert tier_of(wang, "engaged") == "bronze"


@pytest.mark.parametrize(
    ("moment", "counts"),
    [
        (shanghai(2025, 3, 15), False),
        (shanghai(2026, 3, 14, 23, 59), False),
        (shanghai(2026, 3, 15), True),
        (shanghai(2026, 3, 20), True),
    ],
)
def test_a_members_own_year_begins_on_the_day_of_the_enrolment(wang, moment, counts):
    main(window="anniversary")
    grow(wang, 1_000, moment)

    night(shanghai(2026, 4, 1))

    assert tier_of(wang) == ("silver" if counts else None)
    climb = load_climbs()[0]
    at_once = standing_of(member=wang.pk, climb=climb, at=shanghai(2026, 4, 1))
    assert at_once.total == (1_000 if counts else 0)
    assert climb.starts_at(shanghai(2026, 4, 1), wang.enrolled_at) == shanghai(2026, 3, 15)


@pytest.mark.parametrize(
    ("moment", "begins"),
    [
        (shanghai(2025, 2, 27, 23), shanghai(2024, 2, 29)),
        (shanghai(2025, 2, 28), shanghai(2025, 2, 28)),
        (shanghai(2028, 2, 28), shanghai(2027, 2, 28)),
        (shanghai(2028, 2, 29), shanghai(2028, 2, 29)),
    ],
)
def test_who_joined_on_29_february_begins_the_year_on_the_28th(moment, begins):
    li = MemberFactory.create(name="李强", now=shanghai(2024, 2, 29, 18))
    main(window="anniversary")
    grow(li, 999, begins - timedelta(seconds=1))
    grow(li, 1_000, begins)

    climb = load_climbs()[0]

    assert climb.starts_at(moment, li.enrolled_at) == begins
    assert standing_of(member=li.pk, climb=climb, at=moment).total == 1_000


def test_ladders_beside_the_main_one_rise_in_the_sale_and_are_judged_at_night(wang):
    other_ladder("visits", "purchases", {"guest": 0, "friend": 2, "family": 3}, months=1)

    for day in (5, 4, 3):
        recorded = buy(wang, 60_000, NOW - day * DAY)

    assert (tier_of(wang), tier_of(wang, "visits")) == ("silver", "family")
    assert recorded.progress.step.code == "silver"
    assert way_of(wang, "visits") == [("guest", "friend", "sale"), ("friend", "family", "sale")]
    assert Message.objects.of(wang).filter(template="tier_reached", channel="inbox").count() == 3
    night(TONIGHT + 60 * DAY)
    assert (tier_of(wang), tier_of(wang, "visits")) == ("silver", "guest")


def test_on_a_ladder_that_counts_ever_a_term_has_no_beginning_and_can_be_read(wang):
    main(window="lifetime")
    other_ladder("visits", "purchases", {"guest": 0, "friend": 1}, window="lifetime")

    buy(wang, 150_000, NOW - 9 * DAY)
    night(TONIGHT)

    found = {standing.ladder.code: standing.counts_from for standing in wang.standings.select_related("ladder")}
    assert found == {"main": None, "visits": None}


def test_terms_that_were_written_with_an_endless_beginning_are_mended(wang):
    buy(wang, 150_000, NOW - 9 * DAY)
    mend = import_module("loyalty.migrations.0120_standings_that_count_ever").FORGET
    with connection.cursor() as cursor:
        cursor.execute("UPDATE loyalty_standing SET counts_from = '-infinity'")

        cursor.execute(mend)

    assert wang.standings.get().counts_from is None


def test_the_place_of_a_ladder_says_which_is_the_main_one(wang):
    other_ladder("visits", "purchases", {"guest": 0, "friend": 1})
    Ladder.objects.filter(code="main").update(position=10)

    recorded = buy(wang, 100, NOW)

    assert recorded.progress.step.code == "friend"


def state_of(member: Member) -> list[Any]:
    """Where a member stands on every ladder, how they came there, and with which multipliers."""
    return [
        list(Standing.objects.filter(member=member).order_by("ladder").values_list("ladder", "tier", "since", "until")),
        list(
            TierChange.objects.filter(member=member)
            .order_by("ladder", "happened_at", "pk")
            .values_list("ladder", "before", "after", "total", "until", "happened_at")
        ),
        list(member.sales.order_by("happened_at").values_list("awards__points", "awards__multiplier")),
    ]


SALES = st.lists(
    st.tuples(st.integers(1, 500), st.integers(0, 900_000)), min_size=1, max_size=14, unique_by=lambda sale: sale[0]
)


class BatchesAgree(TestCase):
    """Whatever a ladder counts: sales in a batch do what they do one by one."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        sales=SALES,
        window=st.sampled_from(["rolling", "calendar", "anniversary", "lifetime"]),
        basis=st.sampled_from(["growth", "spend", "purchases", "months"]),
        asks=st.sets(st.sampled_from(["purchases", "months", "spend"]), max_size=2),
        combines=st.sampled_from(["all", "any"]),
        validity=st.sampled_from(["", "months", "next_year"]),
        split=st.integers(0, 14),
        stay=st.none() | st.tuples(st.integers(250, 500), st.integers(1, 240)),
    )
    def test_a_batch_of_sales_comes_to_the_same_as_one_by_one(
        self, sales, window, basis, asks, combines, validity, split, stay
    ):
        one, two = (MemberFactory.create(name=name, now=NOW - 700 * DAY) for name in ("王芳", "李强"))
        main(window=window, basis=basis, validity=validity, months=6, validity_months=4)
        if basis in {"purchases", "months"}:
            for code, floor in (("silver", 2), ("gold", 4), ("diamond", 7)):
                Tier.objects.filter(code=code).update(threshold=floor)
        for place, ask in enumerate(sorted(asks - {basis}), 1):
            need("gold", ask, 3 * place, combines)
        if stay:
            need("gold", "segment", 1, combines, segment=tea_lovers())
            for member in (one, two):
                enter(member, *(NOW - days * DAY for days in stay))
        other_ladder("visits", "purchases", {"guest": 0, "friend": 2, "family": 5}, window=window, validity=validity)
        receipts = [
            Receipt(receipt=str(days), happened_at=NOW - days * DAY, currency="CNY", amount=amount)
            for days, amount in sorted(sales, reverse=True)
        ]

        for each in receipts:
            record_sale(member=one, store=one.home_store, till=None, receipt=each, now=NOW)
        for part in (receipts[:split], receipts[split:]):
            record_sales(sales=[Bought(two.pk, two.home_store_id, None, each) for each in part], now=NOW)

        assert state_of(one) == state_of(two)


STEPS = [Step(n, code, code, code, floor, 100, "") for n, (code, floor) in enumerate((("a", 0), ("b", 10), ("c", 20)))]
VISITS = Measure("purchases")


def with_step(place: int, **says: Any) -> list[Step]:
    """The three steps, one of them changed."""
    from dataclasses import replace

    return [replace(step, **says) if n == place else step for n, step in enumerate(STEPS)]


@pytest.mark.parametrize(
    ("steps", "refusal"),
    [
        (with_step(2, threshold=5), TiersOutOfOrder),
        (with_step(2, threshold=10), SameThreshold),
        (with_step(1, multiplier=0), BadMultiplier),
        (with_step(1, multiplier=1_001), BadMultiplier),
        (with_step(1, retention=11), RetentionTooHigh),
        (with_step(2, retention=9), TiersOutOfOrder),
        (with_step(1, asks=(Ask(VISITS, 3, 4),)), RetentionTooHigh),
        (
            [STEPS[0], with_step(1, asks=(Ask(VISITS, 3, 3),))[1], with_step(2, asks=(Ask(VISITS, 2, 2),))[2]],
            TiersOutOfOrder,
        ),
    ],
)
def test_what_is_no_ladder_is_refused(steps, refusal):
    check_steps(STEPS)

    with pytest.raises(refusal) as refused:
        check_steps(steps)

    assert str(refused.value)


def test_a_window_of_no_months_is_refused():
    check_window(window="calendar", months=0)

    with pytest.raises(EmptyWindow):
        check_window(window="rolling", months=0)
