"""The scores of everybody beside bare SQL over the same maintained row; then what each part of the night takes."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from members.kit.ranges import id_ranges, plan_afresh
from members.kit.windows import start_of_day
from members.profiles.models import Member
from members.scores.actions import (
    choose_models,
    count_cohorts,
    cut,
    cut_values,
    figure_range,
    rank_range,
    score_range,
    sum_up,
)
from members.scores.models import MemberScore, ScoreNight
from members.scores.rules import GRID
from tests.bench.ground import run_sql, timed
from tests.bench.table import Line, Measured

# Cut points and the five columns of RFM, risk by the rhythm, engagement and next purchase: what a night writes of
# everybody without the models, in one statement over the whole table.
BARE = """
WITH q AS MATERIALIZED (
    SELECT percentile_disc(ARRAY[.2,.4,.6,.8]) WITHIN GROUP (ORDER BY %(day)s::date - last_on) AS r,
           percentile_disc(ARRAY[.2,.4,.6,.8]) WITHIN GROUP (ORDER BY recent_sales) AS f,
           percentile_disc(ARRAY[.2,.4,.6,.8]) WITHIN GROUP (ORDER BY recent_spend) AS m,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY interval_days) AS usual
      FROM members_memberscore WHERE sales > 0
), n AS (
    SELECT s.member_id, 5 - width_bucket(%(day)s::date - s.last_on, q.r) AS r,
           1 + width_bucket(s.recent_sales, q.f) AS f,
           1 + width_bucket(s.recent_spend, q.m) AS m, s.cell AS was, s.last_on + s.interval_days AS next_on,
           CASE WHEN %(day)s::date - s.last_on <= 2 * coalesce(s.interval_days, q.usual) THEN 'low'
                WHEN %(day)s::date - s.last_on <= 4 * coalesce(s.interval_days, q.usual) THEN 'middle'
                ELSE 'high' END AS risk,
           round(40.0 * least(s.quarter_sales, 6) / 6 + 30.0 * greatest(180 - (%(day)s::date - s.last_on), 0) / 180
               + 15.0 * least(s.categories, 3) / 3 + CASE WHEN p.user_id IS NULL THEN 0 ELSE 10 END
               + CASE WHEN p.birth_on IS NULL THEN 0 ELSE 5 END)::smallint AS engagement
      FROM members_memberscore s JOIN members_member p ON p.id = s.member_id CROSS JOIN q WHERE s.sales > 0
), u AS (
    UPDATE members_memberscore s
       SET recency = n.r, frequency = n.f, monetary = n.m,
           cell = (%(grid)s::text[])[(n.r - 1) * 5 + (n.f + n.m + 1) / 2], risk = n.risk,
           engagement = n.engagement, next_on = n.next_on, cell_month = %(day)s::date
      FROM n WHERE s.member_id = n.member_id
       AND (s.recency, s.frequency, s.monetary, s.risk, s.engagement, s.next_on)
           IS DISTINCT FROM (n.r, n.f, n.m, n.risk, n.engagement, n.next_on)
    RETURNING s.member_id, s.cell, n.was
)
INSERT INTO members_cellmonth (member_id, month, cell)
SELECT member_id, date_trunc('month', %(day)s::date), cell FROM u WHERE cell <> was ON CONFLICT DO NOTHING
"""
SCORED = """
UPDATE members_memberscore SET recency = NULL, frequency = NULL, monetary = NULL, cell = 'never', cell_before = '',
       cell_month = NULL, risk = '', alive = NULL, expected_sales = NULL, expected_value = NULL, engagement = 0,
       next_on = NULL
"""


def insight() -> Iterator[Line | str]:
    """First everybody is scored for the first time, then a day later, both without the models; then the whole night."""
    tonight = start_of_day(timezone.now())
    before = tonight - timedelta(days=1)
    took = timed(lambda: by_ranges(Member, figure_range, before))
    yield f"    figures of {MemberScore.objects.count():,} members from all sales: {took:.1f} s; again, a day later: "
    yield f"    {timed(lambda: by_ranges(Member, figure_range, tonight)):.1f} s"
    run_sql("VACUUM ANALYZE members_memberscore")
    yield from scored_beside_bare_sql("everybody for the first time", before)
    run_sql(SCORED)
    run_sql("TRUNCATE members_cellmonth, members_tally")
    run_sql("VACUUM ANALYZE members_memberscore")
    score_plainly(before)
    run_sql("VACUUM ANALYZE members_memberscore")
    yield from scored_beside_bare_sql("a day later", tonight)
    yield from whole_night(tonight)


def scored_beside_bare_sql(name: str, as_of: object) -> Iterator[Line | str]:
    """One turn of each; what bare SQL wrote is taken back."""
    bare = timed(lambda: bare_scores(as_of))
    run_sql("VACUUM members_memberscore, members_cellmonth")
    ours = timed(lambda: score_plainly(as_of))
    yield Line(f"RFM and scores, {name}, time to bare SQL", Measured([1 / ours]), Measured([1 / bare]), 1.5, True)
    yield f"    ours {ours:.1f} s, bare SQL {bare:.1f} s"


def score_plainly(as_of: object) -> None:
    """Cut points and scores of all ranges, without models and cohorts: what bare SQL does as well."""
    cut(as_of=as_of)  # type: ignore[arg-type]
    by_ranges(MemberScore, score_range, as_of)


def bare_scores(as_of: object) -> None:
    """The yardstick, taken back."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(BARE, {"day": timezone.localdate(as_of), "grid": [cell.value for cell in GRID]})  # type: ignore[arg-type]
        transaction.set_rollback(True)


def by_ranges(rows: type, work: Callable[..., object], as_of: object) -> None:
    """What the night's chunks do, one after the other."""
    for first, last in id_ranges(rows, size=50_000):
        with transaction.atomic():
            plan_afresh()
            work(first=first, last=last, as_of=as_of)


def whole_night(as_of: object) -> Iterator[str]:
    """Each part of the night with the models, in seconds."""
    ScoreNight.objects.all().delete()
    parts: list[tuple[str, Callable[[], object]]] = [
        ("cut points", lambda: cut(as_of=as_of)),  # type: ignore[arg-type]
        ("models", lambda: choose_models(as_of=as_of)),  # type: ignore[arg-type]
        ("scores and forecasts", lambda: by_ranges(MemberScore, score_range, as_of)),
        ("cohorts", lambda: by_ranges(MemberScore, count_cohorts, as_of)),
        ("cut points of values", lambda: cut_values(as_of=as_of)),  # type: ignore[arg-type]
        ("tenths", lambda: by_ranges(MemberScore, rank_range, as_of)),
        ("tables", lambda: sum_up(as_of=as_of)),  # type: ignore[arg-type]
    ]
    for name, work in parts:
        yield f"    {name}: {timed(work):.1f} s"
    lacks = ScoreNight.objects.get().model.get("lacks")
    yield f"    models: {'lack ' + str(lacks) if lacks else ScoreNight.objects.get().model['rates']}"
