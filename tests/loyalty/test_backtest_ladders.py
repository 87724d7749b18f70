"""A draft of a ladder is tried on a past period: who would have stood where at its end, and with how many points."""

import random
from collections import Counter as Tallied
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
import time_machine

from loyalty.backtest.actions import ask_backtest, cancel_backtest, swings_as_rows
from loyalty.backtest.models import Backtest, Swing
from loyalty.backtest.rules import AlreadyRunning, PeriodBeforeSales, PeriodEmpty, PeriodToCome, SegmentGone, Whom
from loyalty.earning.models import Award
from loyalty.grants.actions import protect
from loyalty.ledger.models import Movement, PointKind
from loyalty.liability.models import LiabilityDay
from loyalty.reckoning.rules import rounded
from loyalty.retracing.rules import kept_climb, read_climb
from loyalty.returns.actions import Counter, record_return
from loyalty.returns.rules import ReturnAsked
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule
from loyalty.tasks import run_chunk
from loyalty.tiers.models import Grant, Ladder, Need, Standing, Tier, TierChange
from loyalty.tiers.rules import TICK, Climb, SameThreshold, Step
from loyalty.whatif.actions import climb_of_draft, draw
from loyalty.whatif.models import DraftTier, LadderDraft
from loyalty.whatif.rules import DraftClosed, StaleDraft
from members.kit.models import Chunk
from members.profiles.models import Member
from members.purchases.models import Return, Sale
from members.segments.models import Membership, Segment
from tests.factories import NOW, MemberFactory, StoreFactory
from tests.loyalty.ladders import buy, grow, main, night, other_ladder, shanghai, tier

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
FIRST, LAST = date(2026, 1, 1), date(2026, 2, 28)
SINCE, UNTIL = shanghai(2026, 1, 1), shanghai(2026, 3, 1)


@pytest.fixture(autouse=True)
def workers_of_our_own(monkeypatch):
    """Chunks are run by the tests, not by a worker elsewhere."""
    monkeypatch.setattr("loyalty.backtest.actions.current_app.send_task", lambda *_names, **_more: None)
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def people() -> dict[str, Member]:
    """Li rises to silver in December and buys twice more; Wang buys once; both buy again after the period."""
    lane = StoreFactory.create(code="lane")
    found = {
        name: MemberFactory.create(name=name, home_store=lane, now=shanghai(2025, 6, 1)) for name in ("li", "wang")
    }
    buy(found["li"], 1_500_00, shanghai(2025, 12, 1, 12))
    buy(found["li"], 1_200_00, shanghai(2026, 1, 10, 12))
    buy(found["li"], 1_000_00, shanghai(2026, 2, 10, 12))
    buy(found["wang"], 300_00, shanghai(2026, 2, 11, 12))
    for day in range(2, 7):
        night(shanghai(2026, 3, day))
    for member in found.values():
        buy(member, 9_000_00, shanghai(2026, 3, 8, 12))
    return found


def drawn(ladder: Ladder | None = None) -> LadderDraft:
    """Pearl, between silver and gold, at 2,500 growth with 130 percent."""
    draft = draw(ladder=ladder or main(), name="珍珠", by=None)
    DraftTier.objects.create(
        draft=draft, place=25, code="pearl", name_zh="珍珠会员", name_en="Pearl", threshold=2_500, multiplier=130
    )
    return draft


def asked(draft: LadderDraft, *, first: date = FIRST, last: date = LAST, whom: Whom | None = None) -> Backtest:
    return ask_backtest(draft=draft, first=first, last=last, whom=whom or Whom(), by=None, now=NOW)


def work() -> None:
    """What a worker would do."""
    for chunk in Chunk.objects.unfinished().filter(name="backtest").values_list("pk", flat=True):
        run_chunk(chunk)


def tried(draft: LadderDraft, **more: Any) -> Backtest:
    """A backtest that workers have done."""
    made = asked(draft, **more)
    work()
    return Backtest.objects.get(pk=made.pk)


def moves_of(backtest: Backtest) -> dict[tuple[str, str], int]:
    """How many members from which tier to which, by their codes; of the ladders as they were kept."""
    assert backtest.result
    assert backtest.ladders
    codes = {name: ["", *(step["code"] for step in backtest.ladders[name]["steps"])] for name in ("stands", "draft")}
    places = ((*map(int, move.split(":")), numbers[0]) for move, numbers in backtest.result["moves"].items())
    return {(codes["stands"][was], codes["draft"][becomes]): size for was, becomes, size in places}


def points_of(backtest: Backtest) -> tuple[int, int]:
    assert backtest.result
    return backtest.result["totals"]["really"], backtest.result["totals"]["would"]


def everything() -> list[object]:
    """What a refusal must leave alone."""
    return [Chunk.objects.count(), Backtest.objects.count(), Swing.objects.count(), *real()]


def real() -> list[object]:
    """What a backtest must leave alone."""
    return [
        list(Award.objects.order_by("pk").values()), Movement.objects.count(),
        list(Standing.objects.order_by("pk").values()), TierChange.objects.count(), list(Tier.objects.values()),
    ]  # fmt: skip


def test_it_says_who_would_have_stood_where_when_the_period_was_over_and_what_that_is_in_points(people):
    before = real()

    made = tried(drawn())

    # Li: 1,500 growth before the first sale is silver either way; 2,700 before the second is pearl, not silver
    assert made.status == "done"
    assert moves_of(made) == {("silver", "pearl"): 1, ("member", "member"): 1}
    assert points_of(made) == (1_320 + 1_100 + 300, 1_320 + 1_300 + 300)
    assert made.result["moves"]["2:3"] == [1, 200]
    assert made.result["totals"]["sales"] == 3
    assert made.result["others"] == points_of(made)[0]
    assert real() == before
    assert list(swings_as_rows(made, None)) == [
        ["member", "home_store", "tier_really", "tier_of_draft", "sales", "really_got", "would_have_got", "difference"],
        [people["li"].number, "lane", "silver", "pearl", "2", "2420", "2620", "200"],
    ]
    assert list(swings_as_rows(made, []))[1:] == []


def test_the_tier_of_a_night_at_the_very_end_is_the_one_really_held(people):
    chen = MemberFactory.create(name="chen", now=shanghai(2025, 6, 1))
    grow(chen, 6_000, shanghai(2026, 2, 20))
    night(UNTIL)

    assert moves_of(tried(drawn())) == {("silver", "pearl"): 1, ("member", "member"): 1, ("gold", "gold"): 1}


def test_points_are_worth_what_the_shop_owes_for_them(people):
    kind = PointKind.objects.get(code="points")
    PointKind.objects.filter(pk=kind.pk).update(money_per_thousand=10_00)
    LiabilityDay.objects.create(taken_on=LAST, kind=kind, open=400, breakage=100, is_complete=True)

    made = tried(drawn())

    assert (made.result["per_thousand"], made.result["lapses"]) == (10_00, 0.25)


@pytest.mark.parametrize(
    ("whom", "size"),
    [
        (Whom(segments=("tea",)), 1), (Whom(stores=("lane",)), 2), (Whom(stores=("nowhere",)), 0),
        (Whom(tiers=("diamond",)), 1), (Whom(enrolled_from=date(2025, 7, 1)), 0),
    ],
)  # fmt: skip
def test_only_those_are_looked_at_who_were_asked_for(people, whom, size):
    segment = Segment.objects.create(code="tea", name_zh="茶", name_en="Tea")
    Membership.objects.create(member=people["wang"], segment=segment, since=NOW - DAY, version=1)
    Standing.objects.filter(member=people["wang"]).update(tier=tier("diamond"))

    assert sum(moves_of(tried(drawn(), whom=whom)).values()) == size


def test_who_joined_after_the_period_stood_nowhere(people):
    MemberFactory.create(name="new", now=shanghai(2026, 3, 2))

    assert sum(moves_of(tried(drawn())).values()) == 2


def test_what_came_back_counts_on_neither_side(people):
    li, lane = people["li"], people["li"].home_store
    sale = Sale.objects.get(member=li, amount=1_000_00)
    back = ReturnAsked("B1", sale.receipt, shanghai(2026, 2, 20, 12), amount=500_00)
    record_return(member=li, at=Counter(lane, lane), asked=back, now=NOW)

    made = tried(drawn())

    assert points_of(made) == (1_320 + 550 + 300, 1_320 + 650 + 300)


def test_a_cut_by_limits_stays_a_cut_and_is_never_raised(people):
    rule = EarningRule.objects.get(code="spend")
    change_rule(rule=rule, by=None, now=NOW, kind=PointKind.objects.get(code="points"), limits={"per_sale": 1_150},
                points=1, per_amount=100)  # fmt: skip
    sale = buy(people["wang"], 2_000_00, NOW).sale
    draft = drawn()
    draft.tiers.filter(code="diamond").update(multiplier=50)
    draft.tiers.filter(code="gold").update(multiplier=50)

    made = tried(draft, first=NOW.date(), last=NOW.date())

    assert Award.objects.get(sale=sale, version__rule=rule).points == 1_150
    assert points_of(made) == (1_150, 1_000)
    draft.tiers.filter(code__in=("gold", "diamond")).update(multiplier=500)
    assert points_of(tried(draft, first=NOW.date(), last=NOW.date())) == (1_150, 1_150)


def test_who_was_given_a_tier_or_protected_then_does_not_fall(people):
    draft, wang = drawn(), people["wang"]
    TierChange.objects.create(
        member=wang, ladder=main(), after=tier("gold"), total=0, reason="manual", happened_at=shanghai(2026, 2, 12)
    )
    given = Grant.objects.create(
        member=wang, ladder=main(), tier=tier("gold"), held_by="manual", since=shanghai(2026, 2, 12),
        until=shanghai(2026, 6, 1), reason="补偿", actor="staff:1", key="g1",
    )  # fmt: skip
    assert moves_of(tried(draft))["gold", "gold"] == 1
    Grant.objects.filter(pk=given.pk).update(ended_at=shanghai(2026, 2, 20))
    assert moves_of(tried(draft))["gold", "member"] == 1
    then = shanghai(2026, 2, 25)
    protect(member=wang, ladder=main(), is_protected=True, reason="股东", actor="staff:1", now=then)

    assert moves_of(tried(draft))["gold", "gold"] == 1


def test_a_tier_that_was_sold_is_held_at_least(people):
    Grant.objects.create(
        member=people["wang"], ladder=main(), tier=tier("gold"), held_by="sold", since=shanghai(2026, 2, 1),
        until=shanghai(2026, 6, 1), price=1, reference="P1", key="g1",
    )  # fmt: skip

    made = tried(drawn())

    assert moves_of(made)["member", "gold"] == 1
    assert points_of(made) == (1_320 + 1_100 + 300, 1_320 + 1_300 + 375)


def test_a_ladder_beside_the_main_one_moves_members_and_no_points(people):
    visits = other_ladder("visits", "purchases", {"guest": 0, "friend": 3})
    night(UNTIL)
    draft = draw(ladder=visits, name="v", by=None)
    draft.tiers.filter(code="friend").update(threshold=1, multiplier=300)

    made = tried(draft)

    assert moves_of(made) == {("friend", "friend"): 1, ("guest", "friend"): 1}
    assert (points_of(made), made.result["totals"]["sales"]) == ((0, 0), 0)


def test_it_is_judged_by_what_the_draft_said_when_that_was_asked(people):
    draft = drawn()
    made = asked(draft)

    draft.tiers.filter(code="pearl").update(code="opal", threshold=1)
    main(months=1)
    work()

    made.refresh_from_db()
    assert moves_of(made) == {("silver", "pearl"): 1, ("member", "member"): 1}


def test_a_ladder_is_read_as_it_was_kept():
    Need.objects.create(tier=tier("gold"), basis="purchases", threshold=3, retention=2)
    climb = climb_of_draft(drawn())

    assert read_climb(kept_climb(climb)) == climb


REFUSED = [
    ({"first": date(2026, 2, 2), "last": date(2026, 2, 1)}, PeriodEmpty),
    ({"last": date(2026, 3, 10)}, PeriodToCome),
    ({"first": date(2025, 10, 1), "last": date(2025, 11, 30)}, PeriodBeforeSales),
    ({"whom": Whom(segments=("never",))}, SegmentGone),
    ({"whom": Whom(segments=("frozen",))}, SegmentGone),
]


@pytest.mark.parametrize(("said", "refusal"), REFUSED)
def test_what_cannot_be_looked_at_is_refused_and_nothing_is_there(people, said, refusal):
    Segment.objects.create(code="frozen", name_zh="停", name_en="Frozen", is_live=False)
    draft = drawn()
    before = everything()

    with pytest.raises(refusal):
        asked(draft, **said)

    assert everything() == before


def test_a_draft_that_is_no_ladder_or_is_over_is_refused(people):
    wrong, stale, over = drawn(), drawn(), drawn()
    wrong.tiers.filter(code="pearl").update(threshold=1_000)
    LadderDraft.objects.filter(pk=stale.pk).update(drawn_from="other")
    LadderDraft.objects.filter(pk=over.pk).update(status="published", mode="keep")
    before = everything()

    for draft, refusal in ((wrong, SameThreshold), (stale, StaleDraft), (over, DraftClosed)):
        with pytest.raises(refusal):
            asked(draft)

    assert everything() == before


def test_a_segment_that_goes_meanwhile_ends_it_with_a_word(people):
    segment = Segment.objects.create(code="tea", name_zh="茶", name_en="Tea")
    made = asked(drawn(), whom=Whom(segments=("tea",)))

    Segment.objects.filter(pk=segment.pk).update(is_live=False)
    work()

    made.refresh_from_db()
    assert (made.status, made.result) == ("failed", None)
    assert "tea" in made.message


def test_it_runs_once_at_a_time_and_can_be_stopped(people):
    draft = drawn()
    made = asked(draft)
    before = everything()
    with pytest.raises(AlreadyRunning):
        asked(draft)
    assert everything() == before

    cancel_backtest(backtest=made, now=NOW)

    work()
    made.refresh_from_db()
    assert (made.status, Swing.objects.count()) == ("cancelled", 0)
    assert asked(draft).pk > made.pk


# ---- an independent computation: members one by one, in plain Python


def held_at(member: Member, stands: Climb, at: datetime) -> Step | None:
    """The tier that history says was really held."""
    steps = {step.id: step for step in stands.steps}
    changes = TierChange.objects.filter(member=member, ladder=stands.id).order_by("happened_at", "pk")
    held = stands.lowest
    for change in changes:
        if change.happened_at + (TICK if change.reason == "sale" else timedelta(0)) <= at:
            held = steps.get(change.after_id) or stands.lowest
    return held


def totals_at(member: Member, climb: Climb, at: datetime) -> list[int]:
    """What the window that ends at a moment holds of each measure."""
    begin = climb.starts_at(at, member.enrolled_at) or shanghai(2000, 1, 1)
    sales = [sale for sale in Sale.objects.filter(member=member) if begin <= sale.happened_at < at]
    back = Return.objects.filter(member=member, state="done", sale__in=sales)
    gone = {each.sale_id for each in back.select_related("sale") if each.sale.returned_amount == each.sale.amount}
    moves = Movement.objects.filter(account__member=member, happened_at__gte=begin, happened_at__lt=at)
    sums = {
        "spend": sum(sale.amount for sale in sales) - sum(each.amount for each in back),
        "purchases": len(sales) - len(gone),
        "months": len({(sale.happened_at + timedelta(hours=8)).strftime("%Y%m") for sale in sales}),
        "growth": sum(
            move.points if move.source == "programme" else -move.points
            for move in moves.filter(account__kind__code="growth")
            if "programme" in (move.source, move.target)
        ),
    }
    return [sums[measure.basis] for measure in climb.measures]


def judged_at(member: Member, stands: Climb, climb: Climb, at: datetime) -> tuple[str, Step | None]:
    """The code of the tier really held, and the step of the draft."""
    held = held_at(member, stands, at)
    total, *more = totals_at(member, climb, at)
    ranks = {step.id: rank for rank, step in enumerate(climb.steps, 1)}
    up, kept = (climb.step_for(total, more, keeping=keeping) for keeping in (False, True))
    rank = max(ranks[up.id] if up else 0, min(ranks[held.id] if held else 0, ranks[kept.id] if kept else 0))
    return held.code if held else "", climb.steps[rank - 1] if rank else None


def expected(stands: Climb, climb: Climb) -> tuple[Tallied, dict[int, tuple[int, int]]]:
    """From where to where how many, and each member's points, really and by the draft."""
    moves: Tallied = Tallied()
    points = {}
    for member in Member.objects.filter(enrolled_at__lt=UNTIL):
        was, step = judged_at(member, stands, climb, UNTIL)
        moves[was, step.code if step else ""] += 1
        really = would = 0
        awards = Award.objects.filter(
            member=member, sale__happened_at__gte=SINCE, sale__happened_at__lt=UNTIL, version__kind__code="points",
            version__uses_tier_multiplier=True, version__effect="per_amount",
        ).select_related("sale", "version")  # fmt: skip
        for award in awards:
            now = judged_at(member, stands, climb, award.sale.happened_at)[1]
            rate = Fraction(award.version.points * (now.multiplier if now else 100), award.version.per_amount * 100)
            given = rounded(award.sale.amount * rate, award.version.rounding)
            if now and now.multiplier == award.multiplier:
                assert given == award.points
            back = Fraction(award.returned, award.points) if award.points else 0
            really += award.points - award.returned
            would += given - (given * back).__floor__()
        points[member.pk] = (really, would)
    return moves, points


SHAPES: dict[str, dict[str, Any]] = {
    "spend of the last months": {"basis": "spend", "window": "rolling", "months": 2},
    "growth of the calendar year": {"basis": "growth", "window": "calendar"},
    "purchases of the own year": {"basis": "purchases", "window": "anniversary"},
    "months ever": {"basis": "months", "window": "lifetime"},
}
STEPS = {"spend": (200_00, 600_00), "growth": (300, 900), "purchases": (3, 7), "months": (2, 4)}


@pytest.mark.parametrize("rounding", ["down", "up", "nearest"])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_agrees_with_members_judged_one_by_one(shape, rounding):
    chance = random.Random(f"{shape} {rounding}")
    says = SHAPES[shape]
    low, high = STEPS[says["basis"]]
    Tier.objects.filter(code="diamond").update(threshold=high * 50)
    Tier.objects.filter(code="gold").update(threshold=high, multiplier=133, retention=max(high // 2, low))
    Tier.objects.filter(code="silver").update(threshold=low, multiplier=117, retention=low - 1)
    main(**says)
    rule = EarningRule.objects.get(code="spend")
    change_rule(rule=rule, by=None, now=shanghai(2025, 9, 1), kind=PointKind.objects.get(code="points"), points=3,
                per_amount=7_00, rounding=rounding)  # fmt: skip
    crowd(chance)
    draft = drawn()
    draft.tiers.filter(code="pearl").update(threshold=(low + high) // 2, multiplier=151, retention=low)
    draft.tiers.filter(code="gold").update(multiplier=99, threshold=high + 1, retention=high)
    if says["basis"] == "spend":
        Need.objects.create(tier=tier("gold"), basis="purchases", threshold=3, retention=1)
        LadderDraft.objects.update(drawn_from=draw(ladder=main(), name="x", by=None).drawn_from)

    made = tried(draft)

    climb, stands = (read_climb(made.ladders[name]) for name in ("draft", "stands"))
    moves, points = expected(stands, climb)
    assert moves_of(made) == moves
    assert len(moves) > 2
    assert any(was != becomes for was, becomes in moves)
    assert points_of(made) == tuple(map(sum, zip(*points.values(), strict=True)))
    found = {swing.member_id: (swing.really, swing.would) for swing in Swing.objects.all()}
    assert {member: pair for member, pair in points.items() if pair[0] != pair[1]}.items() <= found.items()
    assert all(points[member] == pair for member, pair in found.items())


def crowd(chance: random.Random) -> None:
    """A dozen members who buy from November to March and bring some of it back; most nights judge."""
    lane = StoreFactory.create(code="lane")
    members = [
        MemberFactory.create(name=f"m{n}", home_store=lane, now=shanghai(2025, chance.randint(2, 10), n + 1, 9))
        for n in range(12)
    ]
    start, minutes = shanghai(2025, 11, 1), 120 * 24 * 60
    moments = sorted(start + timedelta(minutes=chance.randrange(minutes)) for _sale in range(70))
    judged = start
    for n, at in enumerate(moments):
        while judged < at:
            night(judged)
            judged += 7 * DAY
        member = chance.choice(members)
        buy(member, chance.choice((9_99, 33_33, 123_45, 310_07)), at, now=at)
        if chance.random() < 0.2:
            sale = Sale.objects.filter(member=member).latest("happened_at")
            amount = chance.choice((sale.amount, sale.amount // 3))
            asked_for = ReturnAsked(f"B{n}", sale.receipt, at + TICK, amount=amount)
            record_return(member=member, at=Counter(lane, lane), asked=asked_for, now=at + TICK)
    night(UNTIL)
