"""A draft of a rule is tried on past sales: asked for, counted in the background, closed, stopped, or refused."""

import random
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

from loyalty.backtest.actions import (
    ask_backtest,
    cancel_backtest,
    close_backtest,
    progress_of,
    sweep_backtests,
    swings_as_rows,
    try_range,
)
from loyalty.backtest.models import Backtest, Swing
from loyalty.backtest.rules import (
    COUNTS,
    AlreadyRunning,
    BacktestOver,
    NotAboutSales,
    PeriodEmpty,
    PeriodToCome,
    PeriodTooLong,
    Whom,
    moved_back,
    presets,
    read_whom,
)
from loyalty.drafting.actions import keep_draft, version_of
from loyalty.drafting.models import RuleDraft
from loyalty.drafting.rules import UnreadableDraft
from loyalty.earning.actions import record_sale
from loyalty.earning.models import Award
from loyalty.ledger.models import Movement, PointKind
from loyalty.liability.models import LiabilityDay
from loyalty.limits.actions import open_budget
from loyalty.replay.actions import tell
from loyalty.returns.actions import Counter, record_return
from loyalty.returns.rules import LineAsked, ReturnAsked
from loyalty.rulebook.actions import change_rule, drafted
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.tasks import run_chunk, tick
from loyalty.tiers.models import Standing
from members.kit.models import Chunk
from members.profiles.models import Member
from members.purchases.rules import Line, Receipt
from members.segments.models import Membership, Segment
from members.stores.models import Store
from tests.factories import NOW, MemberFactory, StoreFactory
from tests.loyalty.ladders import buy, main, shanghai
from tests.loyalty.pasts import gather
from tests.races import all_at_once

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
FIRST, LAST = date(2026, 1, 1), date(2026, 3, 8)


@pytest.fixture(autouse=True)
def workers_of_our_own(monkeypatch):
    """Chunks are run by the tests, not by a worker elsewhere."""
    monkeypatch.setattr("loyalty.backtest.actions.current_app.send_task", lambda *_names, **_more: None)
    monkeypatch.setattr("loyalty.tasks.run_chunk.delay", lambda *_chunk: None)
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def people() -> dict[str, Member]:
    """Wang buys for 100 and 30 yuan in January and February, Li for 50 in February; one point a yuan."""
    lane, lake = StoreFactory.create(code="lane"), StoreFactory.create(code="lake")
    wang = MemberFactory.create(name="王芳", home_store=lane, now=NOW - 300 * DAY)
    li = MemberFactory.create(name="李强", home_store=lake, now=NOW - 100 * DAY)
    buy(wang, 100_00, shanghai(2026, 1, 10, 12))
    buy(wang, 30_00, shanghai(2026, 2, 10, 12))
    buy(li, 50_00, shanghai(2026, 2, 14, 12))
    return {"wang": wang, "li": li}


def points(code: str = "points") -> PointKind:
    return PointKind.objects.get(code=code)


def draft_of(code: str = "spend", kind: str = "points", **says: Any) -> RuleDraft:
    """What a rule might say; a rule that is not there yet is made."""
    rule, _new = EarningRule.objects.get_or_create(code=code, defaults={"name_zh": code, "name_en": code})
    return keep_draft(rule=rule, by=None, kind=points(kind), **says)


def asked(draft: RuleDraft, first: date = FIRST, last: date = LAST, whom: Whom | None = None, **more: Any) -> Backtest:
    return ask_backtest(draft=draft, first=first, last=last, whom=whom or Whom(), by=None, now=NOW, **more)


def tried(draft: RuleDraft, **more: Any) -> Backtest:
    """A backtest that workers have done."""
    made = asked(draft, **more)
    for chunk in Chunk.objects.filter(slot=made.slot).values_list("pk", flat=True):
        run_chunk(chunk)
    made.refresh_from_db()
    return made


def total(backtest: Backtest, name: str) -> int:
    assert backtest.result
    return backtest.result["totals"][name]


def everything() -> list[object]:
    """What a refusal, or a backtest, must leave alone."""
    return [
        Chunk.objects.count(), Backtest.objects.count(), Swing.objects.count(),
        list(Award.objects.order_by("pk").values()), Movement.objects.count(), RuleVersion.objects.count(),
        list(Standing.objects.order_by("pk").values()),
    ]  # fmt: skip


def test_a_new_version_is_tried_on_past_sales_beside_what_the_rule_really_gave(people):
    made = tried(draft_of(points=2, per_amount=1_00))

    assert made.status == "done"
    assert (total(made, "really"), total(made, "would"), total(made, "sales")) == (180, 360, 3)
    assert made.result["others"] == 180
    rows = list(swings_as_rows(made, None))[1:]
    assert [row[1:] for row in rows] == [["lane", "2", "130", "260", "130"], ["lake", "1", "50", "100", "50"]]
    months = {day[:7]: numbers[COUNTS.index("would")] for day, numbers in made.result["days"].items()}
    assert months == {"2026-01": 200, "2026-02": 100}


def test_a_new_rule_really_gave_nothing(people):
    draft = draft_of("new", effect="fixed", points=7, conditions={"min_amount": 40_00})

    made = tried(draft)

    assert (total(made, "really"), total(made, "would"), total(made, "sales")) == (0, 14, 2)
    assert made.result["others"] == 180
    assert made.result["spread"] == {"5": [2]}


def test_switching_a_rule_off_takes_from_everybody_what_it_gave(people):
    made = tried(draft_of(is_on=False, points=1, per_amount=1_00))

    assert (total(made, "really"), total(made, "would")) == (180, 0)
    assert made.result["spread"] == {"2": [1], "3": [1]}


def test_a_backtest_changes_nothing_but_its_own_rows(people):
    before = everything()[3:]

    tried(draft_of(points=2, per_amount=1_00))

    assert everything()[3:] == before


def test_a_draft_that_says_what_the_rule_says_makes_no_difference_sale_by_sale():
    pasts = gather(random.Random(5))
    draft = draft_of(points=1, per_amount=1_00)

    rows = tell(drafted(version_of(draft, at=NOW)), first=0, last=2**62, since=NOW - 99 * DAY, until=NOW)

    assert [row.given for row in rows] == [row.issued for row in rows]
    assert len(rows) == len(pasts)
    made = tried(draft)
    assert total(made, "would") == total(made, "really") > 0
    assert not Swing.objects.exists()


def test_what_came_back_counts_on_neither_side(people):
    wang, lane = people["wang"], people["wang"].home_store
    draft = draft_of(points=2, per_amount=1_00)
    lines = [Line("TEA", "tea", 4, 80_00), Line("CUP", "cup", 1, 20_00)]
    sale = Receipt("R9", NOW - 20 * DAY, "CNY", 100_00, 0, "cash", lines)
    record_sale(member=wang, store=lane, till=None, receipt=sale, now=NOW)
    back = ReturnAsked("B9", "R9", NOW - 10 * DAY, [LineAsked("TEA", 1)])
    record_return(member=wang, at=Counter(lane, lane), asked=back, now=NOW)

    made = tried(draft)
    tea = tried(draft_of("tea", points=1, per_amount=1_00, lines={"product": ["TEA"]}))

    assert (total(made, "issued"), total(made, "really"), total(made, "would")) == (280, 260, 520)
    assert (total(tea, "given"), total(tea, "would")) == (80, 60)


@pytest.mark.parametrize(
    ("whom", "would"),
    [
        (Whom(stores=("lane",)), 130), (Whom(enrolled_from=date(2025, 11, 1)), 50),
        (Whom(enrolled_to=date(2025, 11, 1)), 130), (Whom(tiers=("member",)), 180), (Whom(tiers=("gold",)), 0),
        (Whom(stores=("lane",), enrolled_from=date(2025, 11, 1)), 0), (Whom(segments=("tea",)), 50),
        (Whom(segments=("tea", "former")), 50), (Whom(segments=("former",)), 0),
    ],
)  # fmt: skip
def test_only_those_are_looked_at_who_were_asked_for(people, whom, would):
    for code, who, until in (("tea", "li", None), ("former", "wang", NOW - DAY)):
        segment = Segment.objects.create(code=code, name_zh=code, name_en=code)
        Membership.objects.create(member=people[who], segment=segment, since=NOW - 9 * DAY, until=until, version=1)
    made = tried(draft_of("new", points=1, per_amount=1_00), whom=whom)

    assert total(made, "would") == would
    assert made.result["others"] == would
    assert read_whom(made.whom) == whom


def test_only_the_days_of_the_period_are_looked_at_both_ends_included(people):
    days = {"first": date(2026, 2, 10), "last": date(2026, 2, 13)}

    assert total(tried(draft_of("new", points=1, per_amount=1_00), **days), "would") == 30


def test_limits_cut_and_the_budget_runs_out_on_a_day(people):
    budget = open_budget(code="spring", name_zh="春", name_en="Spring", total=110)
    limits = {"per_sale": 80, "points": {"ever": 100}}

    made = tried(draft_of("new", points=1, per_amount=1_00, limits=limits, budget=budget))

    assert (total(made, "would"), total(made, "cut_sales"), total(made, "cut_points")) == (150, 2, 30)
    assert made.result["budget"] == {"total": 110, "out": "2026-02-14"}
    assert total(made, "units") == 150


def test_points_are_worth_money_less_what_is_expected_to_lapse(people):
    PointKind.objects.filter(code="points").update(money_per_thousand=1_000)
    LiabilityDay.objects.create(taken_on=LAST, kind=points(), open=400, breakage=100, is_complete=True)

    made = tried(draft_of(points=2, per_amount=1_00))

    assert (made.result["per_thousand"], made.result["lapses"]) == (1_000, 0.25)


def test_a_kind_that_a_ladder_counts_moves_tiers(people):
    made = tried(draft_of("climb", kind="growth", points=10, per_amount=1_00))

    assert made.result["ladder"] == main().pk
    assert made.result["moves"] == {"1:2": [1], "1:1": [1]}  # 130 growth become 1,300: silver begins at 1,000
    assert "moves" not in tried(draft_of(points=2, per_amount=1_00)).result or not made.result["moves"].get("2:3")


def test_dates_of_the_rule_move_back_with_the_period(people):
    dates = {"dates": {"from": "2027-02-01", "to": "2027-02-28"}}
    draft = draft_of("new", points=1, per_amount=1_00, conditions=dates)

    assert total(tried(draft), "would") == 0
    assert total(tried(draft, years_back=1), "would") == 80
    assert moved_back({"all": [{"not": dates}, {"weekday": [1]}]}, 1) == {
        "all": [{"not": {"dates": {"from": "2026-02-01", "to": "2026-02-28"}}}, {"weekday": [1]}]
    }


def test_the_days_to_choose_from_are_whole_months_and_those_of_the_rule_a_year_ago():
    found = presets(date(2026, 3, 9), {"dates": {"from": "2026-05-01", "to": "2026-05-05"}})

    assert found == {
        "months_1": (date(2026, 2, 1), date(2026, 2, 28)),
        "months_3": (date(2025, 12, 1), date(2026, 2, 28)),
        "months_12": (date(2025, 3, 1), date(2026, 2, 28)),
        "year_ago": (date(2025, 5, 1), date(2025, 5, 5)),
    }
    assert presets(date(2024, 2, 29), {})["year_ago"] == (date(2023, 2, 28), date(2023, 5, 29))


@pytest.mark.parametrize(
    ("first", "last", "refusal"),
    [
        (date(2026, 3, 2), date(2026, 3, 1), PeriodEmpty),
        (date(2026, 3, 1), date(2026, 3, 10), PeriodToCome),
        (date(2023, 3, 9), date(2026, 3, 9), PeriodTooLong),
    ],
)
def test_a_period_that_cannot_be_looked_at_is_refused(people, first, last, refusal):
    draft, before = draft_of(points=2, per_amount=1_00), everything()

    with pytest.raises(refusal):
        asked(draft, first, last)

    assert everything() == before


def test_three_years_are_not_too_long(people):
    assert asked(draft_of(points=2, per_amount=1_00), date(2023, 3, 10), date(2026, 3, 9)).pk


def test_a_draft_runs_once_at_a_time_and_again_when_it_is_over(people):
    draft = draft_of(points=2, per_amount=1_00)
    made, before = asked(draft), everything()

    with pytest.raises(AlreadyRunning):
        asked(draft)

    assert everything() == before
    cancel_backtest(backtest=made, now=NOW)
    assert tried(draft).status == "done"
    assert tried(draft).status == "done"


def test_rules_about_events_and_drafts_that_cannot_be_read_are_refused(people):
    event = draft_of("review", trigger="review", effect="fixed", points=5)
    broken = draft_of(points=2, per_amount=1_00)
    RuleDraft.objects.filter(pk=broken.pk).update(says=broken.says | {"conditions": {"moon": ["full"]}})
    before = everything()

    with pytest.raises(NotAboutSales):
        asked(event)
    with pytest.raises(UnreadableDraft):
        asked(broken)

    assert everything() == before


def test_a_draft_that_breaks_on_the_way_ends_the_backtest_as_failed(people):
    draft = draft_of(points=2, per_amount=1_00)
    made = asked(draft)
    RuleDraft.objects.filter(pk=draft.pk).update(says={"kind": 0})

    run_chunk(Chunk.objects.get(slot=made.slot).pk)

    made.refresh_from_db()
    assert made.status == "failed"
    assert made.message
    assert not Swing.objects.exists()


def test_what_was_stopped_counts_no_more_and_is_not_stopped_twice(people):
    made = asked(draft_of(points=2, per_amount=1_00))
    (chunk,) = Chunk.objects.filter(slot=made.slot)

    cancel_backtest(backtest=made, now=NOW)

    run_chunk(chunk.pk)
    made.refresh_from_db()
    assert (made.status, made.ended_at, made.result) == ("cancelled", NOW, None)
    assert not Swing.objects.exists()
    with pytest.raises(BacktestOver):
        cancel_backtest(backtest=made, now=NOW + DAY)
    made.refresh_from_db()
    assert made.ended_at == NOW


def test_a_result_is_kept_and_cannot_be_stopped_any_more(people):
    made = tried(draft_of(points=2, per_amount=1_00))
    kept = made.result

    with pytest.raises(BacktestOver):
        cancel_backtest(backtest=made, now=NOW)

    made.refresh_from_db()
    assert (made.status, made.result, Swing.objects.count()) == ("done", kept, 2)


def test_ranges_run_twice_count_once(people):
    made = tried(draft_of(points=2, per_amount=1_00))
    for chunk in Chunk.objects.filter(slot=made.slot).values_list("pk", flat=True):
        run_chunk(chunk)

    assert (total(made, "would"), Swing.objects.count()) == (360, 2)
    assert close_backtest(backtest=made.pk, now=NOW)


def test_a_range_that_is_tried_again_keeps_its_members_once(people):
    made = asked(draft_of(points=2, per_amount=1_00))
    first = try_range(backtest=made.pk, first=0, last=2**40)
    kept = list(Swing.objects.order_by("member_id").values())

    assert try_range(backtest=made.pk, first=0, last=2**40) == first
    assert list(Swing.objects.order_by("member_id").values()) == kept


def test_several_ranges_add_up(people, monkeypatch):
    monkeypatch.setattr("loyalty.backtest.actions.A_RANGE", 1)
    monkeypatch.setattr("loyalty.backtest.actions.RANGES", 10**9)
    made = asked(draft_of(points=2, per_amount=1_00))
    chunks = list(Chunk.objects.filter(slot=made.slot).order_by("pk").values_list("pk", flat=True))
    assert len(chunks) == 2

    run_chunk(chunks[0])
    made.refresh_from_db()
    assert (made.status, progress_of(made)) == ("running", 50)
    run_chunk(chunks[1])

    made.refresh_from_db()
    assert (made.status, progress_of(made), total(made, "would")) == ("done", 100, 360)


def test_a_range_that_fails_three_times_ends_it_and_a_worker_that_died_after_the_last_does_no_harm(people):
    tired, late = asked(draft_of(points=2, per_amount=1_00)), asked(draft_of("new", points=2, per_amount=1_00))
    Chunk.objects.filter(slot=tired.slot).update(attempts=3, leased_until=NOW - DAY)
    Chunk.objects.filter(slot=late.slot).update(finished_at=NOW, outcome={"others": 4})

    tick()

    for each in (tired, late):
        each.refresh_from_db()
    assert (tired.status, late.status, late.result["others"]) == ("failed", "done", 4)
    assert sweep_backtests(now=NOW) == 0


def test_the_same_words_are_the_same_draft_and_come_back_as_they_were_said(people):
    budget = open_budget(code="spring", name_zh="春", name_en="Spring", total=110)
    says = {"points": 3, "per_amount": 2_00, "budget": budget, "expires_on": date(2027, 1, 31), "group": "a"}

    draft = draft_of(valid_from=NOW, **says)

    assert draft_of(valid_from=NOW + DAY, **says) == draft
    version = version_of(draft, at=NOW)
    assert {name: getattr(version, name) for name in says} == says
    assert version.kind == points()


def test_more_important_rules_that_really_stopped_the_rest_stop_the_draft(people):
    vip = EarningRule.objects.create(code="vip", name_zh="贵宾", name_en="VIP")
    change_rule(
        rule=vip, now=NOW - 90 * DAY, by=None, kind=points(), effect="fixed", points=1, priority=1, stops=True,
        conditions={"store": ["lake"]},
    )  # fmt: skip
    buy(people["li"], 70_00, NOW - DAY)

    made = tried(draft_of("new", points=1, per_amount=1_00))

    assert total(made, "would") == 180
    assert Store.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_at_once_one_is_told_that_it_runs(people):
    draft = draft_of(points=2, per_amount=1_00)

    results = all_at_once(lambda _number: asked(draft), 2)

    assert sorted(type(result).__name__ for result in results) == ["AlreadyRunning", "Backtest"]
    assert Backtest.objects.count() == 1
