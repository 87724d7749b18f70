"""The row of a member equals a computation in plain Python; equal values get equal scores; the night resumes."""

import random
from collections import Counter, defaultdict
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty import tasks
from members.kit.models import Chunk
from members.kit.windows import start_of_day
from members.profiles.models import Member
from members.purchases.models import Sale
from members.scores.actions import (
    cut,
    cut_values,
    figure_range,
    keep_scheme,
    rank_range,
    score_everybody,
    score_range,
    scores_of,
    sum_up,
)
from members.scores.models import CellMonth, MemberScore, RfmScheme, ScoreNight, StoreDay, Tally
from members.scores.rules import GRID, MEANINGS, BadCuts, Cell, cell_at, strictly
from tests.factories import NOW, MemberFactory, StoreFactory
from tests.members.shops import Past, below, cuts_of, figures_of, open_shop

pytestmark = pytest.mark.django_db
NIGHT = start_of_day(NOW)
TODAY = timezone.localdate(NOW)
EVERYTHING = {"first": 0, "last": 2**62, "as_of": NIGHT}


def sell(member, days_ago, amount=1_000, store=None):
    """A sale at noon so many days before tonight."""
    at = NIGHT - timedelta(days=days_ago) + timedelta(hours=12)
    number = Sale.objects.count()
    return Sale.objects.create(
        member=member, store=store or member.home_store, receipt=f"R{number}", happened_at=at, currency="CNY",
        amount=amount,
    )  # fmt: skip


def bought(count, spend=1_000):
    """A member with a sale on each of so many days before yesterday."""
    member = MemberFactory.create(now=NOW - timedelta(days=400))
    for day in range(count):
        sell(member, day + 1, spend)
    return member


def scores(member):
    row = MemberScore.objects.get(pk=member.pk)
    return row.recency, row.frequency, row.monetary


@pytest.mark.parametrize("seed", range(6))
def test_figures_scores_and_cells_equal_a_computation_in_plain_python(seed):
    pasts = open_shop(members=40, now=NOW, chance=random.Random(seed))

    score_everybody(as_of=NIGHT)

    wanted = {past.member.pk: figures_of(past, TODAY) for past in pasts}
    buyers = {pk: row for pk, row in wanted.items() if row["sales"]}
    idle = {pk: (TODAY - row["last_on"]).days for pk, row in buyers.items()}
    by_idle, by_count, by_spend = (
        cuts_of(list(values))
        for values in (
            idle.values(),
            [row["recent_sales"] for row in buyers.values()],
            [row["recent_spend"] for row in buyers.values()],
        )
    )
    for row in MemberScore.objects.all():
        told = wanted[row.pk]
        assert {name: getattr(row, name) for name in told} == told
        if row.pk not in buyers:
            assert (row.recency, row.cell, row.risk, row.next_on) == (None, Cell.NEVER, "", None)
            continue
        expected = (
            5 - below(by_idle, idle[row.pk]),
            1 + below(by_count, told["recent_sales"]),
            1 + below(by_spend, told["recent_spend"]),
        )
        assert (row.recency, row.frequency, row.monetary) == expected
        assert row.cell == GRID[(expected[0] - 1) * 5 + -(-(expected[1] + expected[2]) // 2) - 1]
    assert MemberScore.objects.count() == len(pasts)


@pytest.mark.parametrize("seed", range(3))
def test_cohorts_equal_a_computation_in_plain_python(seed):
    pasts = open_shop(members=40, now=NOW, chance=random.Random(seed))

    score_everybody(as_of=NIGHT)

    sizes, active, spend = Counter(), defaultdict(set), Counter()
    for past in pasts:
        cohort = timezone.localdate(past.member.enrolled_at)
        name = f"{cohort:%Y-%m}"
        sizes[name] += 1
        for day, _store, net, _lines in past.sales:
            age = (day.year - cohort.year) * 12 + day.month - cohort.month
            active[name, age].add(past.member.pk)
            spend[name, age] += net
    rows = Tally.objects.named("cohort", TODAY)
    found, paid = Counter(), Counter()
    for row in rows:
        found[row.down, row.across] += row.members
        paid[row.down, row.across] += row.amount
    assert {down: count for (down, across), count in found.items() if across == "size"} == sizes
    assert {(down, int(across)): count for (down, across), count in found.items() if across != "size"} == {
        key: len(members) for key, members in active.items()
    }
    assert {(down, int(across)): sum_ for (down, across), sum_ in paid.items() if across != "size"} == spend


@pytest.mark.parametrize("count", [0, 1, 4])
def test_very_small_shops_are_scored_without_trouble(count):
    members = [bought(place + 1) for place in range(count)]

    score_everybody(as_of=NIGHT)

    assert ScoreNight.objects.get().finished_at
    assert [scores(member)[1] for member in members] == {0: [], 1: [1], 4: [1, 2, 3, 4]}[count]


def test_equal_values_get_equal_scores_also_when_all_are_equal():
    members = [bought(2, 500) for _place in range(7)]

    score_everybody(as_of=NIGHT)

    assert {scores(member) for member in members} == {(5, 1, 1)}


def test_a_value_on_a_cut_belongs_to_the_class_that_ends_with_it():
    keep_scheme(
        days=365, own={"recency": [1, 2, 3, 4], "frequency": [2, 4, 6, 8], "spend": [1_000, 2_000, 3_000, 9_000]}
    )
    twice, thrice = bought(2, 500), bought(3, 500)

    score_everybody(as_of=NIGHT)

    assert scores(twice) == (5, 1, 1)
    assert scores(thrice) == (5, 2, 2)


@given(cuts=st.lists(st.integers(1, 50), min_size=4, max_size=4).map(sorted), value=st.integers(0, 60))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_counts_the_cuts_below_a_value(db, cuts, value):
    with connection.cursor() as cursor:
        cursor.execute("SELECT width_bucket(%s::int, %s::int[])", [value, strictly(cuts)])
        counted = cursor.fetchone()[0]

    assert counted == below(cuts, value)


@pytest.mark.parametrize("cuts", [[], [1, 2, 3], [1, 2, 2, 3], [4, 3, 2, 1], [0, 1, 2, 3], [1, 2, 3, 4, 5]])
def test_cuts_that_make_no_five_classes_are_refused_and_nothing_changes(cuts):
    with translation.override("en"), pytest.raises(BadCuts, match="four numbers"):
        keep_scheme(days=90, own={"recency": [1, 2, 3, 4], "frequency": cuts, "spend": [1, 2, 3, 4]})

    assert list(RfmScheme.objects.values_list("days", "has_own_cuts")) == [(365, False)]


def test_the_window_of_the_shop_says_which_purchases_count():
    keep_scheme(days=30, own=None)
    member = bought(0)
    for days_ago in (29, 31, 300):
        sell(member, days_ago, 700)

    score_everybody(as_of=NIGHT)

    row = scores_of(member)
    assert (row.sales, row.recent_sales, row.recent_spend) == (3, 1, 700)


def test_every_cell_has_a_meaning_and_every_three_scores_a_cell():
    grid = {cell_at(r, f, m) for r in range(1, 6) for f in range(1, 6) for m in range(1, 6)}

    assert grid | {Cell.NEVER} == set(Cell) == set(MEANINGS)


def test_a_second_night_writes_only_what_changed():
    quiet, busy = bought(3), bought(3)
    score_everybody(as_of=NIGHT)
    sell(busy, 0, 5_000)
    tomorrow = EVERYTHING | {"as_of": NIGHT + timedelta(days=1)}

    assert figure_range(**EVERYTHING) == 0
    assert figure_range(**tomorrow) == 1
    cut(as_of=tomorrow["as_of"])
    score_range(**tomorrow)
    again = score_range(**EVERYTHING | {"as_of": tomorrow["as_of"]})

    assert again == 0
    assert scores_of(busy).spend == 8_000
    assert scores_of(quiet).spend == 3_000


def test_members_who_were_merged_are_left_out():
    kept, gone = bought(1), bought(1)
    score_everybody(as_of=NIGHT)
    Member.objects.filter(pk=gone.pk).update(merged_into=kept.pk)

    score_everybody(as_of=NIGHT)

    assert scores_of(gone) is None
    assert list(CellMonth.objects.values_list("member", flat=True)) == [kept.pk]


def test_cells_are_remembered_month_by_month_and_their_moves_counted():
    early = start_of_day(NIGHT.replace(day=20)) - timedelta(days=31)
    members = [bought(0) for _place in range(5)]
    for place, member in enumerate(members):
        sell(member, 60 + place, (place + 1) * 1_000)
    score_everybody(as_of=early)
    before = {row.pk: row.cell for row in MemberScore.objects.all()}
    sell(members[4], 1, 90_000)

    score_everybody(as_of=NIGHT)

    moves = Counter()
    for row in Tally.objects.named("move", TODAY):
        moves[row.down, row.across] += row.members
    now = {row.pk: row.cell for row in MemberScore.objects.all()}
    assert moves == Counter((before[pk], now[pk]) for pk in now)
    assert MemberScore.objects.get(pk=members[4].pk).cell_before == before[members[4].pk]
    changed = {pk for pk in now if now[pk] != before[pk]}
    assert set(CellMonth.objects.filter(month=TODAY.replace(day=1)).values_list("member", flat=True)) == changed


def test_risk_follows_the_own_rhythm_before_there_is_a_model():
    steady, late, gone = (bought(0) for _place in range(3))
    for member, last in ((steady, 5), (late, 25), (gone, 90)):
        for back in range(4):
            sell(member, last + back * 10)

    score_everybody(as_of=NIGHT)

    found = [scores_of(member) for member in (steady, late, gone)]
    assert [row.risk for row in found] == ["low", "middle", "high"]
    assert [row.interval_days for row in found] == [10, 10, 10]
    assert found[0].next_on == TODAY + timedelta(days=5)
    assert {lack["what"] for lack in ScoreNight.objects.get().model["lacks"]} == {"buyers", "repeaters", "weeks"}


def test_engagement_is_made_of_what_it_says():
    member = MemberFactory.create(now=NOW - timedelta(days=400), birth_on=date(1990, 5, 1))
    for days_ago in (90, 45, 100):
        sell(member, days_ago)

    score_everybody(as_of=NIGHT)

    # 2 of 6 purchases of 40, 135 of 180 days of 30, no goods, no account, a birthday
    assert scores_of(member).engagement == round(40 * 2 / 6 + 30 * 135 / 180 + 5)


def test_a_store_day_adds_up_the_members_of_the_store():
    here, there = StoreFactory.create(code="a"), StoreFactory.create(code="b")
    one, two, three = (
        MemberFactory.create(home_store=store, now=NOW - timedelta(days=300)) for store in (here, here, there)
    )
    for member, days in ((one, (10, 100)), (two, (120,)), (three, (5, 6))):
        for days_ago in days:
            sell(member, days_ago)

    score_everybody(as_of=NIGHT)

    day = StoreDay.objects.get(store=here, taken_on=TODAY)
    assert (day.members, day.buyers, day.repeaters, day.active, day.before, day.stayed) == (2, 2, 1, 1, 2, 1)
    assert StoreDay.objects.get(store=there).active == 1


def test_the_night_goes_on_part_by_part_and_survives_a_lost_worker(monkeypatch):
    monkeypatch.setattr(tasks, "CHUNK", 2)
    monkeypatch.setattr("members.scores.actions.RANGE", 2)
    monkeypatch.setattr(tasks, "hand_out", lambda chunk: None)
    for place in range(5):
        bought(place)
    tasks.plan_night(slot="2026-03-09", as_of=NIGHT)

    for _round in range(60):
        waiting = Chunk.objects.unfinished().order_by("?").first()
        if waiting is None:
            break
        if random.Random(waiting.pk).random() < 0.3:  # a worker dies with it: all it did is gone
            continue_without(waiting)
        tasks.run_chunk(waiting.pk)

    night = ScoreNight.objects.get()
    assert (night.day, night.members, night.buyers) == (TODAY, 5, 4)
    assert night.finished_at
    assert not Chunk.objects.unfinished().exists()
    assert sum(row.members for row in Tally.objects.named("cell", TODAY)) == 5
    assert sum(row.members for row in Tally.objects.named("cohort", TODAY).filter(across="size")) == 5


def continue_without(chunk):
    """A claim whose lease is over, and nothing done."""
    Chunk.objects.filter(pk=chunk.pk).update(leased_until=NOW - timedelta(days=1), attempts=1)


def test_scores_of_everybody_take_the_same_few_statements_however_many_they_are():
    def statements(count):
        for _place in range(count):
            bought(1)
        with CaptureQueriesContext(connection) as asked:
            score_everybody(as_of=NIGHT)
        return len(asked)

    few = statements(2)

    assert statements(20) <= few


def test_verbs_of_ranges_touch_no_other_range():
    first, second = bought(2), bought(2)

    figure_range(first=first.pk, last=first.pk, as_of=NIGHT)
    cut(as_of=NIGHT)
    score_range(first=first.pk, last=first.pk, as_of=NIGHT)
    cut_values(as_of=NIGHT)
    rank_range(first=first.pk, last=first.pk, as_of=NIGHT)
    sum_up(as_of=NIGHT)

    assert scores_of(first).recency == 5
    assert scores_of(second) is None


def test_a_past_knows_its_days():
    assert Past(Member(), [(TODAY, 1, 5, []), (TODAY, 1, 6, [])]).days == [TODAY]
