"""Set-based statements: judge a range by a draft without writing standings, and hold those who would fall."""

from loyalty.judging.sql import Asked, judging
from loyalty.tiers.rules import Climb


def measure_range(climb: Climb, asked: Asked) -> str:
    """Judge a range by a draft; keep who would move; count from which place to which, with points more a year.

    Wants, beside what judging wants: now_tiers and now_multipliers, lowest (the tier that goes without saying now),
    multipliers (of the draft), year (a year before as_of), rate (points a minor unit), codes of both, what_if.
    """
    if climb.is_plain and climb.basis == "spend" and climb.window == "rolling" and climb.months == 12:
        spent, join = "d.total", ""
    else:
        spent = "coalesce(y.spent, 0)"
        join = """LEFT JOIN LATERAL (
           SELECT sum(amount) AS spent FROM members_sale
            WHERE member_id = d.member AND happened_at >= %(year)s AND happened_at < %(as_of)s AND d.percent <> 0
       ) y ON true"""
    return f"""
WITH {judging(climb, asked)}, placed AS (
    SELECT member, total, after, until, held,
           coalesce(array_position(%(now_tiers)s::bigint[],
                                   CASE WHEN standing IS NULL THEN %(lowest)s ELSE held_tier END), 0) AS was
      FROM decided OFFSET 0
), priced AS (
    SELECT *, coalesce((%(multipliers)s::int[])[after], 100) - coalesce((%(now_multipliers)s::int[])[was], 100)
           AS percent FROM placed OFFSET 0
), costed AS MATERIALIZED (
    SELECT d.member, d.total, d.was, d.after, d.after < d.held AND d.until IS NULL AS is_open,
           (%(codes)s::text[])[d.after] AS new_code, (%(now_codes)s::text[])[d.was] AS old_code,
           trunc({spent} * d.percent * %(rate)s::numeric / 100)::bigint AS points
      FROM priced d {join}
), kept AS (
    INSERT INTO loyalty_move (member_id, what_if_id, before, after, total, points)
    SELECT member, %(what_if)s, coalesce(old_code, ''), coalesce(new_code, ''), total, points FROM costed
     WHERE old_code IS DISTINCT FROM new_code
        ON CONFLICT (what_if_id, member_id) DO NOTHING
)
SELECT was, after, count(*), sum(points)::bigint, count(*) FILTER (WHERE is_open) FROM costed GROUP BY was, after
"""


def hold_range(climb: Climb, asked: Asked) -> str:
    """Whoever would fall by the new ladder keeps the tier until `hold_until`, with history that says so."""
    return f"""
WITH {judging(climb, asked)}, falling AS (
    SELECT * FROM decided WHERE after < held AND standing IS NOT NULL AND coalesce(until < %(hold_until)s, true)
), held_on AS (
    UPDATE loyalty_standing s SET until = %(hold_until)s FROM falling f
     WHERE s.id = f.standing AND s.tier_id IS NOT DISTINCT FROM f.held_tier AND s.held_by = 'earned'
    RETURNING s.member_id, s.tier_id
)
INSERT INTO loyalty_tierchange (member_id, ladder_id, before_id, after_id, total, reason, until, note, actor,
                                happened_at)
SELECT f.member, %(ladder)s, h.tier_id, h.tier_id, f.total, 'published', %(hold_until)s, %(note)s, %(actor)s, %(at)s
  FROM held_on h JOIN falling f ON f.member = h.member_id
"""
