"""Members rise in the sale that lifts them; every night judges everybody for the window that ends with it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from loyalty.earning.actions import record_sale
from loyalty.judging.actions import judge_range
from loyalty.ledger.actions import claw_back, earn
from loyalty.ledger.models import PointKind
from loyalty.tiers.actions import load_climb, progress_of
from loyalty.tiers.models import Ladder, Standing, Tier, TierChange
from loyalty.tiers.rules import Climb, Step, lifted, progress
from members.messaging.models import Message
from members.profiles.models import Member
from members.purchases.actions import write_sale
from members.purchases.rules import Receipt
from tests.factories import NOW, MemberFactory
from tests.races import all_at_once

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
MIDNIGHT = datetime(2026, 3, 8, 16, 0, tzinfo=UTC)  # 9 March begins in Shanghai


def judge(as_of: datetime = MIDNIGHT) -> int:
    return judge_range(first=0, last=2**62, as_of=as_of)


def grow(member: Member, points: int, at: datetime, key: str = "grown") -> None:
    earn(member=member, kind=PointKind.objects.get(code="growth"), points=points, key=f"{key}:{at}", now=at)


def spend(member: Member, amount: int, at: datetime) -> None:
    receipt = Receipt(receipt=f"r:{at}", happened_at=at, currency="CNY", amount=amount)
    write_sale(member=member.pk, store=member.home_store_id, till=None, receipt=receipt)


def tier_of(member: Member) -> str | None:
    """The tier that is written down; None for a member without a standing."""
    return Standing.objects.filter(member=member).values_list("tier__code", flat=True).first()


def steps_of(member: Member) -> list[tuple[Any, ...]]:
    """The member's way up and down."""
    changes = TierChange.objects.filter(member=member).order_by("pk")
    return list(changes.values_list("before__code", "after__code", "total", "reason", "happened_at"))


def shanghai(*numbers: int) -> datetime:
    return timezone.make_aware(datetime(*numbers))


@pytest.fixture
def wang() -> Member:
    return MemberFactory.create(name="王芳")


@pytest.mark.parametrize(
    ("total", "tier"),
    [
        (0, None),
        (999, None),
        (1_000, "silver"),
        (4_999, "silver"),
        (5_000, "gold"),
        (20_000, "diamond"),
        (10**12, "diamond"),
    ],
)
def test_a_member_reaches_a_tier_exactly_at_its_threshold(wang, total, tier):
    if total:
        grow(wang, total, MIDNIGHT - DAY)

    moved = judge()

    assert (tier_of(wang), moved) == (tier, 1 if tier else 0)
    assert steps_of(wang) == ([("member", tier, total, "night", MIDNIGHT)] if tier else [])


def test_a_night_takes_some_up_and_others_down_and_leaves_the_rest(wang):
    li, chen, zhao = (MemberFactory.create(name=name) for name in ("李强", "陈静", "赵敏"))
    grow(li, 20_000, MIDNIGHT - 400 * DAY)
    grow(chen, 20_000, MIDNIGHT - 400 * DAY)
    grow(chen, 1_500, MIDNIGHT - 100 * DAY)
    grow(zhao, 1_000, MIDNIGHT - 100 * DAY)
    assert judge(MIDNIGHT - 90 * DAY) == 2 + 1
    grow(wang, 5_000, MIDNIGHT - DAY)

    moved = judge()

    assert moved == 3
    assert [tier_of(each) for each in (wang, li, chen, zhao)] == ["gold", "member", "silver", "silver"]
    assert steps_of(li)[-1] == ("diamond", "member", 0, "night", MIDNIGHT)
    assert steps_of(chen)[-1] == ("diamond", "silver", 1_500, "night", MIDNIGHT)


def test_the_same_night_a_second_time_moves_nobody(wang):
    grow(wang, 5_000, MIDNIGHT - DAY)
    judge()
    before = (steps_of(wang), list(Standing.objects.values()), Message.objects.count())

    assert judge() == 0
    assert judge(MIDNIGHT - DAY) == 0  # nor does one that comes too late

    assert (steps_of(wang), list(Standing.objects.values()), Message.objects.count()) == before


def test_a_rise_at_night_is_told_once_and_a_fall_is_not(wang):
    li = MemberFactory.create(name="李强")
    grow(li, 5_000, MIDNIGHT - 400 * DAY)
    judge(MIDNIGHT - 399 * DAY)
    told = Message.objects.filter(template="tier_reached", channel="inbox")
    assert told.get().member == li
    grow(wang, 5_000, MIDNIGHT - DAY)

    judge()
    judge()

    assert tier_of(li) == "member"
    assert told.of(li).count() == 1
    message = told.of(wang).get()
    assert message.context == {"tier_zh": "金卡会员", "tier_en": "Gold"}


@pytest.mark.django_db(transaction=True)
def test_nights_that_start_together_make_one_row_of_history_a_change():
    people = [MemberFactory.create(name=f"会员{number}") for number in range(6)]
    for member in people[:3]:
        grow(member, 5_000, MIDNIGHT - 400 * DAY)
    judge(MIDNIGHT - 399 * DAY)
    for member in people[3:]:
        grow(member, 1_000, MIDNIGHT - DAY)

    moved = all_at_once(lambda _number: judge(), 4)

    assert sum(moved) == 6
    assert [tier_of(each) for each in people] == ["member"] * 3 + ["silver"] * 3
    assert [len(steps_of(each)) for each in people] == [2, 2, 2, 1, 1, 1]
    assert Message.objects.filter(template="tier_reached", channel="inbox").count() == 6


def test_a_member_whom_a_sale_lifted_after_the_moment_is_not_lowered(wang):
    receipt = Receipt(receipt="r1", happened_at=MIDNIGHT + timedelta(hours=9), currency="CNY", amount=500_000)
    early = MemberFactory.create(name="李强", now=MIDNIGHT - DAY)
    record_sale(member=early, store=early.home_store, till=None, receipt=receipt, now=NOW)
    assert tier_of(early) == "gold"

    assert judge() == 0

    assert tier_of(early) == "gold"


def test_a_member_who_gave_back_more_than_the_window_holds_falls_to_the_lowest_tier(wang):
    growth = PointKind.objects.get(code="growth")
    PointKind.objects.update(debt_limit=10_000)
    earn(member=wang, kind=growth, points=5_000, key="sale:1", now=MIDNIGHT - 366 * DAY)
    judge(MIDNIGHT - 300 * DAY)
    claw_back(member=wang, kind=growth, earned="sale:1", points=5_000, key="return:1", now=MIDNIGHT - DAY)

    judge()

    assert steps_of(wang)[-1] == ("gold", "member", -5_000, "night", MIDNIGHT)


def test_without_a_ladder_or_without_tiers_a_night_moves_nobody(wang):
    grow(wang, 5_000, MIDNIGHT - DAY)

    Tier.objects.all().delete()
    assert judge() == 0
    Ladder.objects.all().delete()
    assert judge() == 0

    assert tier_of(wang) is None


FIVE_PAST = timedelta(minutes=5)
WINDOWS = [  # window, months, the night, a moment, whether it counts
    ("rolling", 12, MIDNIGHT, shanghai(2025, 3, 9), True),
    ("rolling", 12, MIDNIGHT, shanghai(2025, 3, 9) - TICK, False),
    ("rolling", 12, MIDNIGHT, datetime(2025, 3, 9, tzinfo=UTC), True),
    ("rolling", 12, MIDNIGHT, MIDNIGHT - TICK, True),
    ("rolling", 12, MIDNIGHT, MIDNIGHT, False),
    ("rolling", 1, MIDNIGHT, shanghai(2026, 2, 9), True),
    ("rolling", 1, MIDNIGHT, shanghai(2026, 2, 9) - TICK, False),
    ("calendar", 12, MIDNIGHT, shanghai(2026, 1, 1), True),
    ("calendar", 12, MIDNIGHT, shanghai(2026, 1, 1) - TICK, False),
    ("calendar", 12, MIDNIGHT, datetime(2025, 12, 31, 16, 0, tzinfo=UTC), True),  # New Year's midnight in the shop
    ("calendar", 12, MIDNIGHT, datetime(2025, 12, 31, 15, 59, tzinfo=UTC), False),
    ("calendar", 12, MIDNIGHT, MIDNIGHT, False),
    ("calendar", 12, shanghai(2026, 1, 1) + FIVE_PAST, shanghai(2026, 1, 1), True),
    ("lifetime", 12, MIDNIGHT, datetime(1990, 1, 1, tzinfo=UTC), True),
    ("lifetime", 12, MIDNIGHT, MIDNIGHT - TICK, True),
    ("lifetime", 12, MIDNIGHT, MIDNIGHT, False),
    # 29 February: a missing day falls to the month's last
    ("rolling", 12, shanghai(2028, 2, 29), shanghai(2027, 2, 28), True),
    ("rolling", 12, shanghai(2028, 2, 29), shanghai(2027, 2, 28) - TICK, False),
    ("rolling", 12, shanghai(2029, 2, 28), shanghai(2028, 2, 29), True),
    ("rolling", 12, shanghai(2029, 2, 28), shanghai(2028, 2, 28), True),
    ("rolling", 12, shanghai(2029, 3, 1), shanghai(2028, 2, 29), False),
    ("rolling", 48, shanghai(2028, 2, 29), shanghai(2024, 2, 29), True),
    ("rolling", 48, shanghai(2028, 2, 29), shanghai(2024, 2, 29) - TICK, False),
]


@pytest.mark.parametrize("add", [spend, grow])
@pytest.mark.parametrize("zone", [UTC, timezone.get_default_timezone()], ids=["utc", "shop"])
@pytest.mark.parametrize(("window", "months", "as_of", "moment", "counts"), WINDOWS)
def test_a_window_is_half_open_and_counted_in_the_shops_days(
    wang, add: Callable[..., None], zone, window, months, as_of, moment, counts
):
    basis = "spend" if add is spend else "growth"
    Ladder.objects.update(basis=basis, window=window, months=months)
    add(wang, 1_000, moment.astimezone(zone))

    judge(as_of.astimezone(zone))

    assert tier_of(wang) == ("silver" if counts else None)


@pytest.mark.parametrize(
    ("held", "total", "expected"),
    [
        (None, 0, ("silver", 1_000, 0)),
        ("member", 0, ("silver", 1_000, 0)),
        ("member", 1, ("silver", 999, 0)),
        ("member", 10, ("silver", 990, 1)),
        ("member", 999, ("silver", 1, 99)),
        ("member", 1_000, ("silver", 0, 100)),  # reached, and not yet judged
        ("silver", 1_000, ("gold", 4_000, 0)),
        ("silver", 3_000, ("gold", 2_000, 50)),
        ("silver", 0, ("gold", 5_000, 0)),  # lapsing: what is missing counts from nothing
        ("silver", -50, ("gold", 5_050, 0)),
        ("gold", 5_000, (None, 0, 100)),
        ("gold", 0, (None, 0, 100)),
    ],
)
def test_progress_says_what_is_missing_to_the_next_step(held, total, expected):
    rungs = (("member", 0), ("silver", 1_000), ("gold", 5_000))
    steps = tuple(Step(n, code, code, code, floor, 100, "#000000") for n, (code, floor) in enumerate(rungs, 1))
    climb = Climb(1, "growth", "rolling", 12, steps)
    step = next((each for each in steps if each.code == held), climb.step(None))

    told = progress(climb, step, total)

    assert (told.next_step.code if told.next_step else None, told.missing, told.percent) == expected


@pytest.mark.parametrize(
    ("total", "reached", "rises"), [(0, None, None), (99, None, None), (100, "silver", "silver"), (500, "gold", "gold")]
)
def test_a_ladder_may_begin_above_zero(total, reached, rises):
    steps = tuple(
        Step(n, code, code, code, floor, 100, "") for n, (code, floor) in enumerate((("silver", 100), ("gold", 500)))
    )
    climb = Climb(1, "growth", "rolling", 12, steps)

    assert climb.step(None) is None
    assert getattr(climb.step_for(total), "code", None) == reached
    assert getattr(lifted(climb, None, total), "code", None) == rises
    assert lifted(climb, steps[1], total) is None
    assert progress(climb, None, 50).missing == 50


def test_a_members_progress_follows_growth_and_tier(wang):
    grow(wang, 600, NOW - DAY)

    told = progress_of(wang, NOW)

    assert told is not None
    assert (told.step.code, told.next_step.code, told.total, told.missing, told.percent) == (
        "member",
        "silver",
        600,
        400,
        60,
    )
    Ladder.objects.filter(pk=load_climb().id).update(window="calendar")
    assert progress_of(wang, NOW + 365 * DAY).total == 0
