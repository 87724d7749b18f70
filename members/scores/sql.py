"""Set-based statements of the night: figures, cut points, scores, deciles, tables. Each writes only what changed."""

from members.scores.rules import Band, Risk

# The figures of a range. Goods are looked up only for those whose purchases changed, or for everybody when %(whole)s.
FIGURES = """
WITH asked AS MATERIALIZED (
    SELECT id FROM unnest(%(members)s::bigint[]) asked(id)
), sale AS MATERIALIZED (
    SELECT id, member_id, store_id, net, day, min(day) OVER (PARTITION BY member_id) AS first_on
      FROM (SELECT id, member_id, store_id, amount - returned_amount AS net,
                   (happened_at AT TIME ZONE %(zone)s)::date AS day
              FROM members_sale
             WHERE member_id BETWEEN %(first)s AND %(last)s AND happened_at < %(as_of)s
               AND (returned_amount < amount OR amount = 0)) s
), person AS MATERIALIZED (
    SELECT member_id, count(*)::int AS sales, count(DISTINCT day)::int AS days_bought, sum(net)::bigint AS spend,
           coalesce(sum(net) FILTER (WHERE day = first_on), 0)::bigint AS first_spend,
           min(day) AS first_on, max(day) AS last_on,
           mode() WITHIN GROUP (ORDER BY store_id) AS store_id,
           count(*) FILTER (WHERE day >= %(window)s::date)::int AS recent_sales,
           coalesce(sum(net) FILTER (WHERE day >= %(window)s::date), 0)::bigint AS recent_spend,
           count(*) FILTER (WHERE day >= %(quarter)s::date)::int AS quarter_sales,
           count(*) FILTER (WHERE day >= %(before)s::date AND day < %(quarter)s::date)::int AS before_sales
      FROM sale GROUP BY member_id
), moved AS MATERIALIZED (
    SELECT p.member_id FROM person p LEFT JOIN members_memberscore o ON o.member_id = p.member_id
     WHERE %(whole)s OR (o.sales, o.spend, o.first_on, o.last_on, o.first_spend)
           IS DISTINCT FROM (p.sales, p.spend, p.first_on, p.last_on, p.first_spend)
), bought AS (
    SELECT s.member_id, coalesce(product.category, '') AS category, sum(l.quantity - l.returned_quantity) AS items,
           sum(l.amount - l.returned_amount) AS amount
      FROM moved JOIN sale s ON s.member_id = moved.member_id
      JOIN members_saleline l ON l.sale_id = s.id AND l.returned_quantity < l.quantity
      LEFT JOIN members_product product ON product.id = l.product_id
     GROUP BY 1, 2
), goods AS (
    SELECT member_id, sum(items)::int AS items, count(*) FILTER (WHERE category <> '')::int AS categories,
           (array_agg(category ORDER BY amount DESC, category) FILTER (WHERE category <> ''))[1] AS category
      FROM bought GROUP BY member_id
), fresh AS (
    SELECT asked.id AS member_id, coalesce(p.sales, 0) AS sales, coalesce(p.days_bought, 0) AS days_bought,
           CASE WHEN moved.member_id IS NOT NULL OR p.member_id IS NULL THEN coalesce(g.items, 0) ELSE o.items END
               AS items,
           coalesce(p.spend, 0) AS spend, coalesce(p.first_spend, 0) AS first_spend, p.first_on, p.last_on,
           CASE WHEN p.days_bought > 1
                THEN greatest(round((p.last_on - p.first_on)::numeric / (p.days_bought - 1)), 1)::int END
               AS interval_days,
           p.store_id,
           CASE WHEN moved.member_id IS NOT NULL OR p.member_id IS NULL THEN coalesce(g.category, '') ELSE o.category
                END AS category,
           CASE WHEN moved.member_id IS NOT NULL OR p.member_id IS NULL THEN coalesce(g.categories, 0)
                ELSE o.categories END AS categories,
           coalesce(p.recent_sales, 0) AS recent_sales, coalesce(p.recent_spend, 0) AS recent_spend,
           coalesce(p.quarter_sales, 0) AS quarter_sales, coalesce(p.before_sales, 0) AS before_sales
      FROM asked
      LEFT JOIN person p ON p.member_id = asked.id
      LEFT JOIN moved ON moved.member_id = asked.id
      LEFT JOIN goods g ON g.member_id = asked.id
      LEFT JOIN members_memberscore o ON o.member_id = asked.id
)
INSERT INTO members_memberscore (
    member_id, sales, days_bought, items, spend, first_spend, first_on, last_on, interval_days, store_id, category,
    categories, recent_sales, recent_spend, quarter_sales, before_sales)
SELECT f.* FROM fresh f LEFT JOIN members_memberscore o ON o.member_id = f.member_id
 WHERE o.member_id IS NULL
    OR (o.sales, o.days_bought, o.items, o.spend, o.first_spend, o.first_on, o.last_on, o.interval_days, o.store_id,
        o.category, o.categories, o.recent_sales, o.recent_spend, o.quarter_sales, o.before_sales)
       IS DISTINCT FROM
       (f.sales, f.days_bought, f.items, f.spend, f.first_spend, f.first_on, f.last_on, f.interval_days, f.store_id,
        f.category, f.categories, f.recent_sales, f.recent_spend, f.quarter_sales, f.before_sales)
 ORDER BY f.member_id
    ON CONFLICT (member_id) DO UPDATE SET
       (sales, days_bought, items, spend, first_spend, first_on, last_on, interval_days, store_id, category,
        categories, recent_sales, recent_spend, quarter_sales, before_sales)
     = (EXCLUDED.sales, EXCLUDED.days_bought, EXCLUDED.items, EXCLUDED.spend, EXCLUDED.first_spend, EXCLUDED.first_on,
        EXCLUDED.last_on, EXCLUDED.interval_days, EXCLUDED.store_id, EXCLUDED.category, EXCLUDED.categories,
        EXCLUDED.recent_sales, EXCLUDED.recent_spend, EXCLUDED.quarter_sales, EXCLUDED.before_sales)
"""

# Those of a range of whom no scores are kept any more.
FORGET = tuple(
    f"DELETE FROM {table} WHERE member_id BETWEEN %(first)s AND %(last)s AND member_id <> ALL (%(members)s::bigint[])"
    for table in ("members_cellmonth", "members_memberscore")
)

# Fifths of the buyers, and the middle interval. Without buyers everything is empty.
CUT_POINTS = """
SELECT percentile_disc(%(shares)s::float8[]) WITHIN GROUP (ORDER BY %(day)s::date - last_on),
       percentile_disc(%(shares)s::float8[]) WITHIN GROUP (ORDER BY recent_sales),
       percentile_disc(%(shares)s::float8[]) WITHIN GROUP (ORDER BY recent_spend),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY interval_days), count(*)
  FROM members_memberscore WHERE sales > 0
"""

# Whether there is enough for the models: buyers, those who came back, days since the first purchase of all.
ENOUGH = """
SELECT count(*), count(*) FILTER (WHERE days_bought > 1), max(%(day)s::date - first_on)
  FROM members_memberscore WHERE sales > 0
"""

# Members who are alike to the models, counted: by days when they are few, by weeks when they are many.
HISTORIES = """
SELECT days_bought - 1, round((last_on - first_on)::numeric / %(grain)s) * %(grain)s,
       round((%(day)s::date - first_on)::numeric / %(grain)s) * %(grain)s, count(*)
  FROM members_memberscore WHERE sales > 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
MIDDLE_MEAN = """
SELECT avg((spend - first_spend) / (days_bought - 1)) FROM members_memberscore
 WHERE days_bought > 1 AND spend > first_spend
"""
MEANS = """
SELECT days_bought - 1, round((spend - first_spend)::numeric / (days_bought - 1) / %(grain)s) * %(grain)s, count(*)
  FROM members_memberscore WHERE days_bought > 1 AND spend > first_spend GROUP BY 1, 2 ORDER BY 1, 2
"""

# What the models need to say something about each buyer of a range.
PASTS = """
SELECT member_id, days_bought - 1, last_on - first_on, %(day)s::date - first_on, spend - first_spend
  FROM members_memberscore WHERE member_id BETWEEN %(first)s AND %(last)s AND sales > 0
"""

# Scores of a range; what the models said comes along as columns, or not at all. Then the month's cell of who changed.
SCORES = f"""
WITH scored AS (
    SELECT s.member_id, s.days_bought, s.last_on, s.interval_days, %(day)s::date - s.last_on AS idle,
           5 - width_bucket(%(day)s::date - s.last_on, %(recency)s::int[]) AS recency,
           1 + width_bucket(s.recent_sales, %(frequency)s::int[]) AS frequency,
           1 + width_bucket(s.recent_spend, %(spend)s::bigint[]) AS monetary,
           f.alive, f.sales AS expected_sales, f.value AS expected_value,
           round(%(visits)s::numeric * least(s.quarter_sales, %(full_visits)s) / %(full_visits)s
               + %(freshness)s::numeric * coalesce(greatest(%(stale)s - (%(day)s::date - s.last_on), 0), 0) / %(stale)s
               + %(breadth)s::numeric * least(s.categories, %(full_breadth)s) / %(full_breadth)s
               + CASE WHEN m.user_id IS NULL THEN 0 ELSE %(account)s END
               + CASE WHEN m.birth_on IS NULL THEN 0 ELSE %(profile)s END)::smallint AS engagement,
           s.cell AS was, s.cell_month, s.cell_before
      FROM members_memberscore s
      JOIN members_member m ON m.id = s.member_id
      LEFT JOIN unnest(%(members)s::bigint[], %(alive)s::smallint[], %(sales)s::float8[], %(value)s::bigint[])
           f(member_id, alive, sales, value) ON f.member_id = s.member_id
     WHERE s.member_id BETWEEN %(first)s AND %(last)s
), said AS (
    SELECT member_id, last_on, was, recency, CASE WHEN recency IS NOT NULL THEN frequency END AS frequency,
           CASE WHEN recency IS NOT NULL THEN monetary END AS monetary, alive, expected_sales, expected_value,
           engagement,
           coalesce((%(grid)s::text[])[(recency - 1) * 5 + (frequency + monetary + 1) / 2], 'never') AS cell,
           CASE WHEN cell_month = %(month)s::date THEN cell_before WHEN cell_month IS NULL THEN '' ELSE was END
               AS cell_before,
           CASE WHEN last_on IS NULL THEN ''
                WHEN alive IS NOT NULL AND days_bought > 1 THEN
                     CASE WHEN alive >= %(safe)s THEN '{Risk.LOW}' WHEN alive >= %(doubtful)s THEN '{Risk.MIDDLE}'
                          ELSE '{Risk.HIGH}' END
                WHEN idle <= %(late)s * coalesce(interval_days, %(usual)s) THEN '{Risk.LOW}'
                WHEN idle <= %(very_late)s * coalesce(interval_days, %(usual)s) THEN '{Risk.MIDDLE}'
                ELSE '{Risk.HIGH}' END AS risk,
           last_on + interval_days AS next_on, cell_month IS NULL AS is_new
      FROM scored
), written AS (
    UPDATE members_memberscore s
       SET recency = n.recency, frequency = n.frequency, monetary = n.monetary, cell = n.cell,
           cell_before = n.cell_before, cell_month = %(month)s::date, risk = n.risk, alive = n.alive,
           expected_sales = n.expected_sales, expected_value = n.expected_value, engagement = n.engagement,
           next_on = n.next_on
      FROM said n
     WHERE s.member_id = n.member_id AND s.member_id BETWEEN %(first)s AND %(last)s
       AND (s.recency, s.frequency, s.monetary, s.cell, s.cell_before, s.cell_month, s.risk, s.alive, s.expected_sales,
            s.expected_value, s.engagement, s.next_on)
           IS DISTINCT FROM (n.recency, n.frequency, n.monetary, n.cell, n.cell_before, %(month)s::date, n.risk,
                             n.alive, n.expected_sales, n.expected_value, n.engagement, n.next_on)
    RETURNING s.member_id, s.cell, n.was, n.is_new
), months AS (
    INSERT INTO members_cellmonth AS c (member_id, month, cell)
    SELECT member_id, %(month)s::date, cell FROM written WHERE is_new OR cell <> was ORDER BY member_id
        ON CONFLICT (member_id, month) DO UPDATE SET cell = EXCLUDED.cell
)
SELECT count(*) FROM written
"""

# Who joined in a month and bought so many months later; `size` is how many joined.
COHORTS = """
WITH person AS MATERIALIZED (
    SELECT id, store, date_trunc('month', local)::date AS cohort,
           (extract(year FROM local) * 12 + extract(month FROM local))::int AS month
      FROM (SELECT m.id, m.home_store_id AS store, m.enrolled_at AT TIME ZONE %(zone)s AS local
              FROM members_memberscore k JOIN members_member m ON m.id = k.member_id
             WHERE k.member_id BETWEEN %(first)s AND %(last)s AND m.id BETWEEN %(first)s AND %(last)s) m
), active AS (
    SELECT member_id, (extract(year FROM month) * 12 + extract(month FROM month))::int AS month, sum(net) AS amount
      FROM (SELECT member_id, date_trunc('month', happened_at AT TIME ZONE %(zone)s) AS month,
                   amount - returned_amount AS net
              FROM members_sale
             WHERE member_id BETWEEN %(first)s AND %(last)s AND happened_at < %(as_of)s
               AND (returned_amount < amount OR amount = 0)) s
     GROUP BY member_id, s.month
)
INSERT INTO members_tally AS t (taken_on, store_id, name, down, across, members, amount)
SELECT %(day)s::date, store, 'cohort', to_char(cohort, 'YYYY-MM'), across, members, amount
  FROM (SELECT store, cohort, 'size' AS across, count(*) AS members, 0::bigint AS amount FROM person GROUP BY 1, 2
         UNION ALL
        SELECT p.store, p.cohort, lpad((a.month - p.month)::text, 3, '0'), count(*), sum(a.amount)::bigint
          FROM person p JOIN active a ON a.member_id = p.id AND a.month >= p.month GROUP BY 1, 2, 3) part
 ORDER BY store, cohort, across
    ON CONFLICT (name, taken_on, store_id, down, across) DO UPDATE
   SET members = t.members + EXCLUDED.members, amount = t.amount + EXCLUDED.amount
"""

VALUE_CUTS = """
SELECT percentile_disc(%(shares)s::float8[]) WITHIN GROUP (ORDER BY expected_value)
  FROM members_memberscore WHERE expected_value IS NOT NULL
"""
DECILES = """
UPDATE members_memberscore SET decile = 1 + width_bucket(expected_value, %(value)s::bigint[])
 WHERE member_id BETWEEN %(first)s AND %(last)s
   AND decile IS DISTINCT FROM 1 + width_bucket(expected_value, %(value)s::bigint[])
"""

# A member's value in three parts: by the models' deciles, or before there are any by the spend score.
BAND = f"""CASE WHEN s.decile >= 8 OR s.decile IS NULL AND s.monetary >= 4 THEN '{Band.HIGH}'
                WHEN s.decile >= 4 OR s.decile IS NULL AND s.monetary = 3 THEN '{Band.MIDDLE}' ELSE '{Band.LOW}' END"""
# Each table of the night: what stands down and across it, what is added up, and who is in it.
TABLES = {
    "cell": ("s.cell", "''", "s.recent_spend", "true"),
    "move": ("s.cell_before", "s.cell", "s.recent_spend", "s.cell_before <> ''"),
    "grid": (BAND, "s.risk", "coalesce(s.expected_value, s.recent_spend)", "s.sales > 0"),
    "score": ("s.recency", "s.frequency", "s.recent_spend", "s.recency IS NOT NULL"),
    "decile": ("s.decile", "''", "s.expected_value", "s.decile IS NOT NULL"),
    "interval": (
        "(ARRAY['007', '014', '030', '060', '090', '999'])[1 + width_bucket(s.interval_days, '{8,15,31,61,91}')]",
        "''", "0", "s.interval_days IS NOT NULL",
    ),
    "store": ("s.store_id", "''", "s.recent_spend", "s.store_id IS NOT NULL"),
    "category": ("s.category", "''", "s.recent_spend", "s.category <> ''"),
}  # fmt: skip
TALLY = """
INSERT INTO members_tally (taken_on, store_id, name, down, across, members, amount)
SELECT %(day)s::date, m.home_store_id, %(name)s::text, ({down})::text, ({across})::text, count(*),
       coalesce(sum({amount}), 0)::bigint
  FROM members_memberscore s JOIN members_member m ON m.id = s.member_id
 WHERE {only} GROUP BY 2, 4, 5
"""
STORE_DAYS = """
INSERT INTO members_storeday (taken_on, store_id, members, buyers, repeaters, active, before, stayed, engagement, spend)
SELECT %(day)s::date, m.home_store_id, count(*), count(*) FILTER (WHERE s.sales > 0),
       count(*) FILTER (WHERE s.days_bought > 1), count(*) FILTER (WHERE s.quarter_sales > 0),
       count(*) FILTER (WHERE s.before_sales > 0), count(*) FILTER (WHERE s.before_sales > 0 AND s.quarter_sales > 0),
       coalesce(sum(s.engagement) FILTER (WHERE s.sales > 0), 0), coalesce(sum(s.recent_spend), 0)
  FROM members_memberscore s JOIN members_member m ON m.id = s.member_id GROUP BY m.home_store_id
"""


def tally(name: str) -> str:
    """The statement of one of the night's tables."""
    down, across, amount, only = TABLES[name]
    return TALLY.format(down=down, across=across, amount=amount, only=only)
