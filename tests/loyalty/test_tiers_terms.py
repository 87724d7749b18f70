"""A tier reached is held for a term; then it is kept, renewed, lowered or recomputed, after grace and a warning."""

from datetime import timedelta

import pytest

from loyalty.ledger.models import PointKind
from loyalty.tiers.models import Ladder, Standing, Tier, TierChange
from loyalty.tiers.rules import Climb
from members.messaging.actions import write_message
from members.messaging.models import Message
from members.profiles.models import Member
from tests.factories import MemberFactory
from tests.loyalty.ladders import buy, grow, main, night, shanghai, standing_of, tier_of, until_of, way_of

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
JUNE = shanghai(2025, 6, 10)
YEAR_LATER = shanghai(2026, 6, 10)


@pytest.fixture
def wang() -> Member:
    return MemberFactory.create(name="王芳", now=shanghai(2024, 3, 15, 12))


@pytest.mark.parametrize(
    ("validity", "months", "rounding", "reached", "until"),
    [
        ("", 12, "", shanghai(2025, 6, 10), None),
        ("months", 12, "", shanghai(2025, 6, 10), shanghai(2026, 6, 10)),
        ("months", 12, "", shanghai(2025, 6, 10, 9, 30), shanghai(2026, 6, 11)),
        ("months", 1, "", shanghai(2025, 1, 31, 9), shanghai(2025, 3, 1)),
        ("months", 12, "month", shanghai(2025, 6, 10), shanghai(2026, 7, 1)),
        ("months", 12, "month", shanghai(2025, 6, 1), shanghai(2026, 6, 1)),
        ("months", 6, "quarter", shanghai(2025, 6, 10), shanghai(2026, 1, 1)),
        ("months", 12, "quarter", shanghai(2025, 6, 10), shanghai(2026, 7, 1)),
        ("months", 12, "year", shanghai(2025, 6, 10), shanghai(2027, 1, 1)),
        ("next_year", 12, "", shanghai(2025, 1, 1), shanghai(2027, 1, 1)),
        ("next_year", 12, "", shanghai(2025, 12, 31, 23, 59), shanghai(2027, 1, 1)),
    ],
)
def test_how_long_a_tier_is_held(validity, months, rounding, reached, until):
    climb = Climb(1, "growth", "rolling", 12, (), validity=validity, validity_months=months, rounding=rounding)

    assert climb.held_until(reached) == until


def test_a_sale_that_lifts_and_a_night_that_lifts_begin_a_term(wang):
    li = MemberFactory.create(name="李强", now=shanghai(2024, 3, 15, 12))
    main(validity="months", rounding="month")
    grow(li, 1_000, JUNE - DAY)

    buy(wang, 100_000, JUNE + timedelta(hours=3))
    night(JUNE)

    assert (tier_of(wang), until_of(wang)) == ("silver", shanghai(2026, 7, 1))
    assert (tier_of(li), until_of(li)) == ("silver", shanghai(2026, 7, 1))


def test_within_the_term_nobody_falls_and_everybody_may_rise(wang):
    main(validity="months", months=1)
    grow(wang, 1_000, JUNE - DAY)
    night(JUNE)

    assert night(JUNE + 100 * DAY) == 0
    grow(wang, 5_000, JUNE + 199 * DAY)
    assert night(JUNE + 200 * DAY) == 1

    assert way_of(wang) == [("member", "silver", "night"), ("silver", "gold", "night")]
    assert until_of(wang) == shanghai(2026, 12, 27)


@pytest.mark.parametrize(("growth", "tier", "reason"), [(4_000, "gold", "renewed"), (3_999, "silver", "night")])
def test_at_the_end_the_lower_threshold_keeps_and_less_does_not(wang, growth, tier, reason):
    main(validity="months")
    Tier.objects.filter(code="gold").update(retention=4_000)
    grow(wang, 5_000, JUNE - DAY)
    night(JUNE)
    grow(wang, growth, JUNE + 30 * DAY)

    night(YEAR_LATER - DAY)
    assert tier_of(wang) == "gold"
    night(YEAR_LATER)

    assert tier_of(wang) == tier
    assert way_of(wang)[-1] == ("gold", tier, reason)
    assert until_of(wang) == shanghai(2027, 6, 10)
    assert night(YEAR_LATER) == 0


@pytest.mark.parametrize(
    ("at_end", "tier", "until"),
    [
        ("recompute", "silver", shanghai(2027, 6, 10)),
        ("step", "gold", shanghai(2027, 6, 10)),
        ("keep", "diamond", shanghai(2027, 6, 10)),
    ],
)
def test_what_comes_after_the_end(wang, at_end, tier, until):
    main(validity="months", at_end=at_end)
    grow(wang, 20_000, JUNE - DAY)
    night(JUNE)
    grow(wang, 1_000, JUNE + 30 * DAY)

    night(YEAR_LATER)

    assert (tier_of(wang), until_of(wang)) == (tier, until)


def test_step_by_step_down_to_the_tier_that_has_no_end(wang):
    main(validity="months", at_end="step")
    grow(wang, 5_000, JUNE - DAY)
    night(JUNE)

    for year in (2026, 2027, 2028):
        night(shanghai(year, 6, 10))

    assert [after for _before, after, _why in way_of(wang)] == ["gold", "silver", "member"]
    assert until_of(wang) is None


def test_grace_waits_and_what_is_bought_in_it_still_keeps(wang):
    li = MemberFactory.create(name="李强")
    main(validity="months", grace_days=10)
    for member in (wang, li):
        grow(member, 1_000, JUNE - DAY)
    night(JUNE)

    night(YEAR_LATER)
    night(YEAR_LATER + 9 * DAY)
    assert [tier_of(wang), tier_of(li)] == ["silver", "silver"]
    grow(li, 1_000, YEAR_LATER + 9 * DAY)
    night(YEAR_LATER + 10 * DAY)

    assert [tier_of(wang), tier_of(li)] == ["member", "silver"]
    assert until_of(li) == shanghai(2027, 6, 20)


def test_a_calendar_ladder_with_validity_drops_nobody_at_new_year_who_kept_the_tier(wang):
    li = MemberFactory.create(name="李强")
    main(window="calendar", validity="next_year")
    for member in (wang, li):
        grow(member, 1_000, JUNE - DAY)
    night(JUNE)
    grow(wang, 1_000, shanghai(2026, 12, 31, 20))

    night(shanghai(2026, 1, 1))
    assert [tier_of(wang), tier_of(li)] == ["silver", "silver"]
    night(shanghai(2027, 1, 1))

    assert [tier_of(wang), tier_of(li)] == ["silver", "member"]
    assert until_of(wang) == shanghai(2029, 1, 1)


def test_a_ladder_without_validity_drops_at_new_year(wang):
    main(window="calendar")
    grow(wang, 1_000, JUNE)
    night(JUNE + DAY)

    night(shanghai(2026, 1, 1))

    assert tier_of(wang) == "member"


def test_without_validity_the_lower_threshold_keeps_every_night(wang):
    Tier.objects.filter(code="gold").update(retention=3_000)
    grow(wang, 3_000, JUNE - 10 * DAY)
    grow(wang, 2_000, JUNE - 364 * DAY)
    night(JUNE)
    assert tier_of(wang) == "gold"

    night(JUNE + 30 * DAY)
    assert tier_of(wang) == "gold"
    night(JUNE + 360 * DAY)

    assert tier_of(wang) == "member"


def test_on_a_ladder_that_begins_above_zero_a_lapsed_member_leaves_it(wang):
    Tier.objects.filter(code="member").delete()
    grow(wang, 1_000, JUNE)
    night(JUNE + DAY)
    assert tier_of(wang) == "silver"

    night(YEAR_LATER + DAY)
    assert way_of(wang) == [(None, "silver", "night"), ("silver", None, "night")]
    assert standing_of(wang).tier is None
    assert night(YEAR_LATER + 2 * DAY) == 0
    grow(wang, 5_000, YEAR_LATER + 2 * DAY)
    night(YEAR_LATER + 3 * DAY)

    assert way_of(wang)[-1] == (None, "gold", "night")


def test_a_ladder_that_begins_to_hold_tiers_gives_everybody_a_first_term(wang):
    grow(wang, 1_000, JUNE - DAY)
    night(JUNE)
    main(validity="months", window="calendar")

    assert night(shanghai(2026, 1, 1)) == 0

    assert (tier_of(wang), until_of(wang)) == ("silver", shanghai(2027, 1, 1))
    assert len(way_of(wang)) == 1


def warnings_of(member: Member) -> list[Message]:
    return list(Message.objects.of(member).filter(template="tier_ends", channel="inbox"))


def test_whose_tier_ends_soon_is_warned_once_with_what_is_missing(wang):
    li, chen = MemberFactory.create(name="李强", language="en"), MemberFactory.create(name="陈静")
    main(validity="months", warn_days=30)
    for member in (wang, li, chen):
        grow(member, 1_000, JUNE - DAY)
    night(JUNE)
    grow(chen, 1_000, JUNE + 10 * DAY)
    grow(li, 914, JUNE + 10 * DAY)

    for days in (31, 30, 29, 1):
        night(YEAR_LATER - days * DAY)
        assert len(warnings_of(wang)) == (0 if days == 31 else 1)

    assert write_message(warnings_of(wang)[0]) == (
        "您的银卡会员将于 2026年6月9日到期",
        "您好，您的银卡会员保留至 2026年6月9日。在此之前再积累 1,000 成长值，即可保级。",
    )
    assert write_message(warnings_of(li)[0])[1] == "86 more growth by 9 June 2026 keep Silver."
    assert warnings_of(chen) == []


@pytest.mark.parametrize("says", [{"warn_days": 0}, {"at_end": "keep"}])
def test_nobody_is_warned_where_nobody_falls_or_nobody_wants_it(wang, says):
    main(validity="months", **says)
    grow(wang, 1_000, JUNE - DAY)
    night(JUNE)

    night(YEAR_LATER - DAY)

    assert warnings_of(wang) == []


def test_a_protected_member_never_falls_and_may_rise(wang):
    grow(wang, 1_000, JUNE - DAY)
    night(JUNE)
    Standing.objects.update(is_protected=True)

    night(YEAR_LATER + DAY)
    assert tier_of(wang) == "silver"
    grow(wang, 5_000, YEAR_LATER + DAY)
    night(YEAR_LATER + 2 * DAY)

    assert tier_of(wang) == "gold"


def test_another_night_of_the_same_moment_changes_nothing(wang):
    main(validity="months", grace_days=3)
    Tier.objects.filter(code="silver").update(retention=500)
    grow(wang, 1_000, JUNE - DAY)
    grow(wang, 600, YEAR_LATER - DAY)
    night(JUNE)
    night(YEAR_LATER)
    before = list(TierChange.objects.values()), list(Standing.objects.values()), Message.objects.count()

    assert night(YEAR_LATER) == 0

    assert (list(TierChange.objects.values()), list(Standing.objects.values()), Message.objects.count()) == before
    assert PointKind.objects.exists()
    assert Ladder.objects.count() == 1
