"""Set-based statements: a night's cells out of lots and their uses, the accountant's months out of movements."""

# Of kinds that can be spent: the others are owed to nobody. One statement, so that all of it is of one moment. Rows are
# written in the order of their keys: two ranges at once wait for each other, never in a circle.
TAKE_RANGE = """
WITH lot AS MATERIALIZED (
    SELECT l.id, a.kind_id AS kind, l.replaces_id IS NULL AS is_root, l.points, l.remaining,
           l.remaining + l.held AS open, (l.expires_at AT TIME ZONE %(zone)s)::date AS lapses_on,
           date_trunc('month', origin.happened_at AT TIME ZONE %(zone)s)::date AS cohort
      FROM loyalty_lot l
      JOIN loyalty_account a ON a.id = l.account_id
      JOIN loyalty_pointkind k ON k.id = a.kind_id AND k.is_spendable
      LEFT JOIN loyalty_lot root ON root.id = l.replaces_id
      JOIN loyalty_movement origin ON origin.id = coalesce(root.origin_id, l.origin_id)
     WHERE l.account_id BETWEEN %(first)s AND %(last)s
), flow AS (
    SELECT lot.kind, lot.cohort, date_trunc('month', m.happened_at AT TIME ZONE %(zone)s)::date AS month, u.points,
           CASE WHEN m.kind = 'restore' AND cause.kind = 'claw_back' THEN 'claw_back'
                WHEN m.kind = 'restore' THEN 'spend' ELSE m.kind END AS what
      FROM lot
      JOIN loyalty_lotuse u ON u.lot_id = lot.id
      JOIN loyalty_movement m ON m.id = u.movement_id
      LEFT JOIN loyalty_movement cause ON cause.id = m.cause_id AND m.kind = 'restore'
     WHERE m.target = 'programme' OR m.kind = 'restore' OR (m.kind = 'transfer' AND u.points < 0)
), cell AS (
    SELECT kind, cohort, month, sum(issued) AS issued, sum(used) AS used, sum(lapsed) AS lapsed, sum(taken) AS taken,
           sum(open) AS open
      FROM (SELECT kind, cohort, cohort AS month, coalesce(sum(points) FILTER (WHERE is_root), 0) AS issued, 0 AS used,
                   0 AS lapsed, 0 AS taken, sum(open) AS open FROM lot GROUP BY kind, cohort
             UNION ALL
            SELECT kind, cohort, month, 0, coalesce(sum(points) FILTER (WHERE what = 'spend'), 0),
                   coalesce(sum(points) FILTER (WHERE what = 'expire'), 0),
                   coalesce(sum(points) FILTER (WHERE what NOT IN ('spend', 'expire')), 0), 0
              FROM flow GROUP BY kind, cohort, month) part
     GROUP BY kind, cohort, month
), cells AS (
    INSERT INTO loyalty_liabilitycell AS c (taken_on, kind_id, cohort, month, issued, used, lapsed, taken, open)
    SELECT %(day)s, kind, cohort, month, issued, used, lapsed, taken, open FROM cell ORDER BY kind, cohort, month
        ON CONFLICT (taken_on, kind_id, cohort, month) DO UPDATE
       SET issued = c.issued + EXCLUDED.issued, used = c.used + EXCLUDED.used, lapsed = c.lapsed + EXCLUDED.lapsed,
           taken = c.taken + EXCLUDED.taken, open = c.open + EXCLUDED.open
), lapses AS (
    INSERT INTO loyalty_liabilitylapse AS c (taken_on, kind_id, lapses_on, points)
    SELECT %(day)s, kind, lapses_on, sum(remaining) FROM lot
     WHERE remaining > 0 AND lapses_on BETWEEN %(day)s AND %(day)s::date + %(days)s
     GROUP BY kind, lapses_on ORDER BY kind, lapses_on
        ON CONFLICT (taken_on, kind_id, lapses_on) DO UPDATE SET points = c.points + EXCLUDED.points
)
INSERT INTO loyalty_liabilityday AS c (taken_on, kind_id, open, debt)
SELECT %(day)s, a.kind_id, sum(a.pending + greatest(a.active, 0) + a.held), sum(greatest(-a.active, 0))
  FROM loyalty_account a JOIN loyalty_pointkind k ON k.id = a.kind_id AND k.is_spendable
 WHERE a.id BETWEEN %(first)s AND %(last)s GROUP BY a.kind_id ORDER BY a.kind_id
    ON CONFLICT (taken_on, kind_id) DO UPDATE SET open = c.open + EXCLUDED.open, debt = c.debt + EXCLUDED.debt
"""

# Points that came from the programme (above zero) or went back to it (below), by the shop's month. A gift between
# members is both at once and adds up to nothing.
MONTHS = """
SELECT date_trunc('month', m.happened_at AT TIME ZONE %(zone)s)::date AS month, a.kind_id,
       CASE WHEN m.kind = 'restore' AND cause.kind = 'claw_back' THEN 'claw_back'
            WHEN m.kind = 'restore' THEN 'spend'
            WHEN m.kind = 'adjust' AND m.target = 'programme' THEN 'taken' ELSE m.kind END AS what,
       sum(CASE WHEN m.source = 'programme' THEN m.points ELSE -m.points END)::bigint AS points
  FROM loyalty_movement m
  JOIN loyalty_account a ON a.id = m.account_id
  JOIN loyalty_pointkind k ON k.id = a.kind_id AND k.is_spendable
  LEFT JOIN loyalty_movement cause ON cause.id = m.cause_id AND m.kind = 'restore'
 WHERE m.happened_at >= %(start)s AND m.happened_at < %(end)s
   AND 'programme' IN (m.source, m.target) AND m.kind <> 'transfer'
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
