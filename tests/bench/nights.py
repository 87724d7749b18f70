"""The night: tiers of everybody beside pure SQL that computes and writes the same changes."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from loyalty.judging.actions import judge_range
from loyalty.tiers.actions import load_climb
from loyalty.tiers.models import Ladder
from loyalty.tiers.rules import thresholds
from members.kit.ranges import id_ranges, plan_afresh
from members.kit.windows import start_of_day
from members.profiles.models import Member
from tests.bench.ground import run_sql, timed
from tests.bench.table import Line, Measured

PURE = """
WITH s AS (
    SELECT member_id, sum(amount) AS spend FROM members_sale
     WHERE happened_at >= %(start)s AND happened_at < %(as_of)s GROUP BY member_id
), n AS (
    SELECT m.id, coalesce(st.tier_id, %(lowest)s) AS old, coalesce(s.spend, 0)::bigint AS spend,
           (%(tiers)s::bigint[])[width_bucket(coalesce(s.spend, 0)::bigint, %(floors)s::bigint[])] AS t
      FROM members_member m LEFT JOIN s ON s.member_id = m.id
      LEFT JOIN loyalty_standing st ON st.member_id = m.id AND st.ladder_id = %(ladder)s
), u AS (
    INSERT INTO loyalty_standing (member_id, ladder_id, tier_id, since)
    SELECT id, %(ladder)s, t, %(as_of)s FROM n WHERE t IS DISTINCT FROM old
        ON CONFLICT (member_id, ladder_id) DO UPDATE SET tier_id = excluded.tier_id, since = excluded.since
), told AS (
    INSERT INTO members_message (member_id, channel, purpose, template, key, context, status, due_at, sent_at)
    SELECT id, 'inbox', 'service', 'tier_reached', 'tier:' || t || ':' || to_char(%(as_of)s, 'YYYYMMDD'),
           jsonb_build_object('tier_zh', '', 'tier_en', ''), 'delivered', %(as_of)s, %(as_of)s
      FROM n WHERE t > old
)
INSERT INTO loyalty_tierchange (member_id, ladder_id, before_id, after_id, total, reason, happened_at)
SELECT id, %(ladder)s, old, t, spend, 'night', %(as_of)s FROM n WHERE t IS DISTINCT FROM old
"""


def nights() -> Iterator[Line | str]:
    """First everybody is judged anew, then again a day and thirty days later; pure SQL goes the same way."""
    Ladder.objects.update(basis="spend", window="rolling", months=12)
    run_sql("UPDATE loyalty_tier SET threshold = threshold * 100")
    ours, pure = [], []
    today = start_of_day(timezone.now())
    for days in (30, 29, 0):
        as_of = today - timedelta(days=days)
        pure.append(timed(lambda as_of=as_of: judge_purely(as_of, keep=False)))
        ours.append(timed(lambda as_of=as_of: judge_all(as_of)))
        run_sql("VACUUM loyalty_standing")
    for name, mine, bare in zip(("everybody anew", "a day later", "thirty days later"), ours, pure, strict=True):
        yield Line(f"tiers of all, {name}, time to pure SQL", Measured([1 / mine]), Measured([1 / bare]), 1.25, True)
        yield f"    ours {mine:.1f} s, pure SQL {bare:.1f} s"


def judge_all(as_of: object) -> None:
    """What the night's chunks do, one after the other."""
    for first, last in id_ranges(Member, size=50_000):
        with transaction.atomic():
            plan_afresh()
            judge_range(first=first, last=last, as_of=as_of)  # type: ignore[arg-type]


def judge_purely(as_of: object, *, keep: bool) -> None:
    """The yardstick, taken back unless it is to be kept."""
    climb = load_climb()
    assert climb
    floors, tiers = thresholds(climb)
    values = {
        "start": climb.starts_at(as_of), "as_of": as_of, "ladder": climb.id, "lowest": tiers[0], "tiers": tiers,  # type: ignore[arg-type]
        "floors": floors,
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PURE, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the foreign keys that a commit would look at
        transaction.set_rollback(not keep)
