"""Tiers given by staff, sold and bought with points lie over what was earned; a return gives back what it carried."""

from datetime import timedelta

import pytest

from loyalty.grants.actions import buy_tier, give_tier, protect, sell_tier, take_back
from loyalty.grants.rules import GrantOver, NotForSale, PaymentMissing, TierOfAnotherLadder, UntilInPast
from loyalty.judging.actions import rejudge
from loyalty.ledger.actions import claw_back, earn
from loyalty.ledger.models import Account, Movement, PointKind
from loyalty.ledger.rules import NotEnoughPoints, ReasonMissing
from loyalty.tiers.models import Grant, Standing, Tier, TierChange
from members.kit.actions import KeyReused
from members.profiles.models import Member
from tests.factories import NOW, MemberFactory
from tests.loyalty.ladders import (
    buy,
    grow,
    main,
    night,
    other_ladder,
    shanghai,
    standing_of,
    tier,
    tier_of,
    until_of,
    way_of,
)  # fmt: skip

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
TONIGHT = shanghai(2026, 3, 10)
SPRING = shanghai(2026, 6, 10)


@pytest.fixture
def wang() -> Member:
    return MemberFactory.create(name="王芳", now=NOW - 400 * DAY)


def give(member: Member, code: str, until=SPRING, **says) -> Grant:
    said = {"reason": "投诉补偿", "actor": "staff:1", "key": "k1", "now": NOW} | says
    return give_tier(member=member, ladder=main(), tier=tier(code), until=until, **said)


def everything() -> list[object]:
    """All rows that a refusal must leave alone."""
    return [list(model.objects.order_by("pk").values()) for model in (Standing, TierChange, Grant, Movement, Account)]


def test_staff_give_a_tier_and_it_holds_until_its_day_whatever_happens(wang):
    give(wang, "gold")

    night(TONIGHT)
    buy(wang, 3_000_000, NOW + 2 * DAY)
    night(SPRING - DAY)
    assert (tier_of(wang), standing_of(wang).held_by, until_of(wang)) == ("gold", "manual", SPRING)
    night(SPRING)

    assert (tier_of(wang), standing_of(wang).held_by, until_of(wang)) == ("diamond", "earned", None)
    assert way_of(wang) == [("member", "gold", "manual"), ("gold", "diamond", "night")]
    change = TierChange.objects.earliest("pk")
    assert (change.note, change.actor, change.until) == ("投诉补偿", "staff:1", SPRING)


def test_a_manual_tier_may_be_lower_and_what_was_earned_comes_back(wang):
    main(validity="months")
    buy(wang, 600_000, NOW - DAY)
    earned = until_of(wang)
    give(wang, "member")
    buy(wang, 1_000, NOW + DAY)
    assert tier_of(wang) == "member"

    night(SPRING)

    assert (tier_of(wang), until_of(wang)) == ("gold", earned)


def test_a_sale_in_a_batch_does_not_lift_whom_staff_fixed(wang):
    from loyalty.batches.actions import record_sales
    from tests.world import sold

    give(wang, "silver")

    record_sales(sales=[sold(wang, NOW + DAY, 3_000_000)], now=NOW + DAY)

    assert tier_of(wang) == "silver"


@pytest.mark.parametrize(
    ("says", "refusal"),
    [
        ({"until": NOW}, UntilInPast),
        ({"until": NOW - DAY}, UntilInPast),
        ({"reason": "  "}, ReasonMissing),
    ],
)
def test_what_staff_cannot_give(wang, says, refusal):
    before = everything()

    with pytest.raises(refusal):
        give(wang, "gold", **says)

    assert everything() == before


def test_a_tier_of_another_ladder_is_refused(wang):
    other_ladder("tea", "purchases", {"leaf": 1})
    before = everything()

    with pytest.raises(TierOfAnotherLadder):
        give_tier(
            member=wang, ladder=main(), tier=tier("leaf", "tea"), until=SPRING, reason="x", actor="a", key="k", now=NOW
        )

    assert everything() == before


def test_the_same_key_gives_once_and_other_content_is_refused(wang):
    first = give(wang, "gold")
    before = everything()

    assert give(wang, "gold") == first
    with pytest.raises(KeyReused):
        give(wang, "diamond")

    assert everything() == before


def test_a_sold_tier_holds_for_its_months_and_a_second_sale_prolongs_it(wang):
    Tier.objects.filter(code="gold").update(price=9_900, sold_months=3)

    given = sell_tier(member=wang, tier=tier("gold"), reference="wx-1", key="s1", now=NOW)
    assert (given.price, given.reference, tier_of(wang)) == (9_900, "wx-1", "gold")
    again = sell_tier(member=wang, tier=tier("gold"), reference="wx-2", key="s2", now=NOW + DAY)
    assert again.until == shanghai(2026, 9, 9, 12)
    night(shanghai(2026, 9, 9))
    assert tier_of(wang) == "gold"
    night(shanghai(2026, 9, 10))

    assert way_of(wang) == [
        ("member", "gold", "sold"), ("gold", "gold", "sold"), ("gold", "member", "night"),
    ]  # fmt: skip


def test_a_sale_lifts_above_a_sold_tier_and_the_sold_tier_catches_the_fall(wang):
    main(months=1)
    Tier.objects.filter(code="gold").update(price=9_900)
    sell_tier(member=wang, tier=tier("gold"), reference="wx-1", key="s1", now=NOW)
    buy(wang, 3_000_000, NOW + DAY)
    assert (tier_of(wang), standing_of(wang).held_by) == ("diamond", "earned")

    night(TONIGHT + 60 * DAY)

    assert (tier_of(wang), standing_of(wang).held_by) == ("gold", "sold")
    assert until_of(wang) == shanghai(2027, 3, 9, 12)


def test_a_lower_tier_sold_waits_below_the_one_earned(wang):
    Tier.objects.filter(code="silver").update(price=900)
    grow(wang, 5_000, NOW - 360 * DAY)
    night(TONIGHT - DAY)

    sell_tier(member=wang, tier=tier("silver"), reference="wx", key="s", now=NOW)
    assert tier_of(wang) == "gold"
    night(TONIGHT + 20 * DAY)

    assert (tier_of(wang), standing_of(wang).held_by) == ("silver", "sold")


def test_what_cannot_be_sold_or_bought(wang):
    Tier.objects.filter(code="gold").update(price_points=500)
    Tier.objects.filter(code="silver").update(price=500)
    before = everything()

    with pytest.raises(NotForSale):
        sell_tier(member=wang, tier=tier("gold"), reference="wx", key="k", now=NOW)
    with pytest.raises(NotForSale):
        buy_tier(member=wang, tier=tier("silver"), key="k", now=NOW)
    with pytest.raises(PaymentMissing):
        sell_tier(member=wang, tier=tier("silver"), reference=" ", key="k", now=NOW)
    with pytest.raises(NotEnoughPoints):
        buy_tier(member=wang, tier=tier("gold"), key="k", now=NOW)

    assert everything() == before


def test_points_buy_a_tier_once_a_key(wang):
    Tier.objects.filter(code="gold").update(price_points=500)
    earn(member=wang, kind=PointKind.objects.get(code="points"), points=1_200, key="e", now=NOW - DAY)

    first = buy_tier(member=wang, tier=tier("gold"), key="b1", now=NOW)
    assert buy_tier(member=wang, tier=tier("gold"), key="b1", now=NOW) == first

    assert Account.objects.get(member=wang, kind__code="points").active == 700
    assert (tier_of(wang), standing_of(wang).held_by) == ("gold", "points")
    assert way_of(wang) == [("member", "gold", "points")]


def test_what_was_given_is_taken_back_at_once_and_only_once(wang):
    main(validity="months")
    buy(wang, 120_000, NOW - DAY)
    earned = until_of(wang)
    given = give(wang, "diamond")

    with pytest.raises(ReasonMissing):
        take_back(given=given, reason="", actor="staff:1", now=NOW + DAY)
    take_back(given=given, reason="误操作", actor="staff:1", now=NOW + DAY)

    assert (tier_of(wang), until_of(wang)) == ("silver", earned)
    assert way_of(wang)[-1] == ("diamond", "silver", "ended")
    before = everything()
    with pytest.raises(GrantOver):
        take_back(given=given, reason="误操作", actor="staff:1", now=NOW + DAY)
    assert everything() == before


def test_protection_is_given_and_lifted_with_a_reason(wang):
    grow(wang, 5_000, NOW - 300 * DAY)
    night(TONIGHT)
    before = everything()
    with pytest.raises(ReasonMissing):
        protect(member=wang, ladder=main(), is_protected=True, reason="", actor="staff:1", now=NOW + DAY)
    assert everything() == before

    for _twice in range(2):
        protect(member=wang, ladder=main(), is_protected=True, reason="股东", actor="staff:1", now=NOW + DAY)
    night(TONIGHT + 200 * DAY)
    assert tier_of(wang) == "gold"
    protect(member=wang, ladder=main(), is_protected=False, reason="x", actor="staff:1", now=NOW + 201 * DAY)
    night(TONIGHT + 202 * DAY)

    assert way_of(wang)[1:] == [
        ("gold", "gold", "protected"), ("gold", "gold", "released"), ("gold", "member", "night"),
    ]  # fmt: skip


def bought_and_returned(member: Member) -> None:
    """Growth that lifts to gold, and is clawed back."""
    growth = PointKind.objects.get(code="growth")
    PointKind.objects.update(debt_limit=10_000)
    earn(member=member, kind=growth, points=1_500, key="sale:1", now=NOW - 100 * DAY)
    earn(member=member, kind=growth, points=4_000, key="sale:2", now=NOW - 50 * DAY)
    night(TONIGHT - 49 * DAY)
    assert tier_of(member) == "gold"
    claw_back(member=member, kind=growth, earned="sale:2", points=4_000, key="return:2", now=NOW)


@pytest.mark.parametrize("validity", ["", "months"])
def test_a_tier_reached_only_by_what_came_back_is_given_back(wang, validity):
    main(validity=validity)
    bought_and_returned(wang)
    until = until_of(wang)

    changes = rejudge(member=wang, now=NOW, reason="return", note="退货 2")

    assert [(tier("gold").pk, tier("silver").pk)] == [(before, after) for _member, before, after in changes]
    assert (way_of(wang)[-1], until_of(wang)) == (("gold", "silver", "return"), until)
    assert rejudge(member=wang, now=NOW) == []


def test_a_term_earned_long_ago_is_not_given_back_for_a_small_return(wang):
    main(validity="months", months=2)
    growth = PointKind.objects.get(code="growth")
    earn(member=wang, kind=growth, points=5_500, key="sale:1", now=NOW - 300 * DAY)
    night(TONIGHT - 299 * DAY)
    earn(member=wang, kind=growth, points=300, key="sale:2", now=NOW - DAY)
    claw_back(member=wang, kind=growth, earned="sale:2", points=300, key="return:2", now=NOW)

    assert rejudge(member=wang, now=NOW) == []

    assert tier_of(wang) == "gold"


def test_a_renewed_term_is_given_back_only_below_what_keeps_it(wang):
    main(validity="months")
    Tier.objects.filter(code="gold").update(retention=3_000)
    PointKind.objects.update(debt_limit=10_000)
    growth = PointKind.objects.get(code="growth")
    earn(member=wang, kind=growth, points=5_000, key="sale:1", now=NOW - 500 * DAY)
    night(TONIGHT - 499 * DAY)
    earn(member=wang, kind=growth, points=3_500, key="sale:2", now=NOW - 200 * DAY)
    night(TONIGHT - 134 * DAY)
    assert way_of(wang)[-1] == ("gold", "gold", "renewed")

    claw_back(member=wang, kind=growth, earned="sale:2", points=500, key="return:a", now=NOW)
    assert rejudge(member=wang, now=NOW) == []
    claw_back(member=wang, kind=growth, earned="sale:2", points=1, key="return:b", now=NOW + DAY)
    rejudge(member=wang, now=NOW + DAY)

    assert tier_of(wang) == "silver"


@pytest.mark.parametrize("how", ["manual", "sold", "protected"])
def test_a_return_takes_no_tier_that_was_given_or_is_protected(wang, how):
    bought_and_returned(wang)
    Tier.objects.filter(code="gold").update(price=100)
    if how == "manual":
        give(wang, "gold")
    elif how == "sold":
        sell_tier(member=wang, tier=tier("gold"), reference="wx", key="k", now=NOW)
    else:
        protect(member=wang, ladder=main(), is_protected=True, reason="x", actor="a", now=NOW)

    rejudge(member=wang, now=NOW + DAY)

    assert tier_of(wang) == "gold"


def test_judging_again_may_also_lift(wang):
    grow(wang, 5_000, NOW)

    rejudge(member=wang, now=NOW)

    assert tier_of(wang) == "gold"
