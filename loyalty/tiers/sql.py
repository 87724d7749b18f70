"""Set-based statements of the ladder: totals within a window, and the night that judges everybody."""

# What counts, as (member_id, happened_at, points): for spend the sales, for growth the movements of its accounts.
SPEND = "SELECT member_id, happened_at, amount AS points FROM members_sale"
GROWTH = """
SELECT a.member_id, m.happened_at,
       CASE WHEN m.source = 'programme' THEN m.points WHEN m.target = 'programme' THEN -m.points ELSE 0 END AS points
  FROM loyalty_movement m JOIN loyalty_account a ON a.id = m.account_id
 WHERE a.kind_id = (SELECT id FROM loyalty_pointkind WHERE code = 'growth')
"""
COUNTED = {"spend": SPEND, "growth": GROWTH}

# One member: the tier held, the tier held at a moment, the total of the window that
# ends with that moment, and the revision of the programme by which all this should be read.
STANDING = """
SELECT s.tier_id, CASE WHEN s.since <= %(end)s THEN s.tier_id ELSE (
           SELECT c.after_id FROM loyalty_tierchange c
            WHERE c.member_id = %(member)s AND c.ladder_id = %(ladder)s AND c.happened_at <= %(end)s
            ORDER BY c.happened_at DESC, c.id DESC LIMIT 1) END,
       coalesce((SELECT sum(c.points) FROM ({counted}) c
                  WHERE c.member_id = %(member)s AND c.happened_at >= coalesce(%(start)s, '-infinity'::timestamptz)
                    AND c.happened_at <= %(end)s), 0)::bigint,
       (SELECT revision FROM loyalty_programme)
  FROM (SELECT 1) one
  LEFT JOIN loyalty_standing s ON s.member_id = %(member)s AND s.ladder_id = %(ladder)s
"""

# Many members: the tier each holds, every change of those who moved after a moment, and what counted, oldest first.
STANDINGS = """
SELECT member_id, tier_id FROM loyalty_standing WHERE ladder_id = %(ladder)s AND member_id = ANY (%(members)s::bigint[])
"""
CHANGES = """
SELECT c.member_id, c.happened_at, c.after_id FROM loyalty_tierchange c
  JOIN loyalty_standing s ON s.member_id = c.member_id AND s.ladder_id = c.ladder_id AND s.since > %(earliest)s
 WHERE c.ladder_id = %(ladder)s AND c.member_id = ANY (%(members)s::bigint[]) ORDER BY c.member_id, c.happened_at, c.id
"""
HISTORY = """
SELECT c.member_id, c.happened_at, c.points FROM ({counted}) c
 WHERE c.member_id = ANY (%(members)s::bigint[]) AND c.happened_at >= coalesce(%(start)s, '-infinity'::timestamptz)
 ORDER BY c.member_id, c.happened_at
"""

# The rises that sales brought, and where each member stands after the last of them.
RISE = """
WITH risen AS (
    SELECT * FROM unnest(%(members)s::bigint[], %(before)s::bigint[], %(after)s::bigint[], %(totals)s::bigint[],
                         %(moments)s::timestamptz[]) r(member, before, after, total, at)
), history AS (
    INSERT INTO loyalty_tierchange (member_id, ladder_id, before_id, after_id, total, reason, happened_at)
    SELECT member, %(ladder)s, before, after, total, 'sale', at FROM risen
)
INSERT INTO loyalty_standing (member_id, ladder_id, tier_id, since)
SELECT DISTINCT ON (member) member, %(ladder)s, after, at FROM risen ORDER BY member, at DESC, total DESC
    ON CONFLICT (member_id, ladder_id) DO UPDATE SET tier_id = excluded.tier_id, since = excluded.since
"""

# The night: judges a range of members for the window before `as_of`. Whoever moved at or after `as_of` is left alone,
# also when that happens while this runs: the condition is looked at again under the row's lock.
JUDGE_RANGE = """
WITH counted AS (
    SELECT c.member_id, sum(c.points) AS total FROM ({counted}) c
     WHERE c.member_id BETWEEN %(first)s AND %(last)s
       AND c.happened_at >= coalesce(%(start)s, '-infinity'::timestamptz) AND c.happened_at < %(as_of)s
     GROUP BY c.member_id
), judged AS (
    SELECT m.id AS member, s.tier_id AS held, coalesce(s.tier_id, %(lowest)s) AS before,
           coalesce(c.total, 0)::bigint AS total,
           (%(tiers)s::bigint[])[width_bucket(greatest(c.total, 0)::bigint, %(thresholds)s::bigint[])] AS after
      FROM members_member m
      LEFT JOIN counted c ON c.member_id = m.id
      LEFT JOIN loyalty_standing s ON s.member_id = m.id AND s.ladder_id = %(ladder)s
     WHERE m.id BETWEEN %(first)s AND %(last)s AND (s.since IS NULL OR s.since < %(as_of)s)
), moved AS (
    SELECT * FROM judged WHERE after IS NOT NULL AND after IS DISTINCT FROM before
), updated AS (
    UPDATE loyalty_standing s SET tier_id = moved.after, since = %(as_of)s
      FROM moved
     WHERE s.member_id = moved.member AND s.ladder_id = %(ladder)s AND s.tier_id = moved.held AND s.since < %(as_of)s
    RETURNING s.member_id
), inserted AS (
    INSERT INTO loyalty_standing (member_id, ladder_id, tier_id, since)
    SELECT member, %(ladder)s, after, %(as_of)s FROM moved WHERE held IS NULL
        ON CONFLICT (member_id, ladder_id) DO NOTHING
    RETURNING member_id
), history AS (
    INSERT INTO loyalty_tierchange (member_id, ladder_id, before_id, after_id, total, reason, happened_at)
    SELECT moved.member, %(ladder)s, moved.before, moved.after, moved.total, 'night', %(as_of)s
      FROM moved JOIN (SELECT member_id FROM updated UNION ALL SELECT member_id FROM inserted) done
        ON done.member_id = moved.member
    RETURNING member_id, before_id, after_id
)
SELECT member_id, before_id, after_id FROM history
"""
