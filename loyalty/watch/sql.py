"""What looks odd, set-based: each statement reads a window of days off an index.

All take `start`, `week`, `now`, `most`, `stores` (null: all of them) and the thresholds. The first column is the id to
which the page links.
"""

CLERKS = """
WITH asked AS (
    SELECT c.asked_by_id AS clerk, count(*) AS in_window, count(*) FILTER (WHERE c.asked_at >= %(week)s) AS in_week,
           coalesce(sum(c.points) FILTER (WHERE c.points > 0), 0) AS given,
           coalesce(-sum(c.points) FILTER (WHERE c.points < 0), 0) AS taken
      FROM loyalty_correction c JOIN members_member m ON m.id = c.member_id
     WHERE c.asked_at >= %(start)s AND c.asked_at < %(now)s
       AND (%(stores)s::bigint[] IS NULL OR m.home_store_id = ANY (%(stores)s::bigint[]))
     GROUP BY c.asked_by_id
), compared AS (
    SELECT asked.*, coalesce(
               (sum(in_window) OVER () - in_window)::numeric / nullif(count(*) OVER () - 1, 0), 0) AS usual
      FROM asked
)
SELECT compared.clerk, u.username, in_week, in_window, round(usual, 1)::float8, given::bigint, taken::bigint
  FROM compared JOIN members_user u ON u.id = compared.clerk
 WHERE in_window >= %(clerk_least)s AND in_window >= %(clerk_times)s * usual
 ORDER BY in_window DESC, compared.clerk LIMIT %(most)s
"""

BARE_SALES = """
SELECT t.id, s.code, t.name, count(*) AS sales, count(*) FILTER (WHERE is_bare) AS bare,
       coalesce(sum(sold.amount) FILTER (WHERE is_bare), 0)::bigint AS amount
  FROM (SELECT sale.till_id, sale.amount,
               NOT EXISTS (SELECT FROM members_saleline line WHERE line.sale_id = sale.id) AS is_bare
          FROM members_sale sale
         WHERE sale.happened_at >= %(start)s AND sale.happened_at < %(now)s AND sale.till_id IS NOT NULL
           AND (%(stores)s::bigint[] IS NULL OR sale.store_id = ANY (%(stores)s::bigint[]))) sold
  JOIN members_till t ON t.id = sold.till_id JOIN members_store s ON s.id = t.store_id
 GROUP BY t.id, s.code, t.name
HAVING count(*) FILTER (WHERE is_bare) >= %(bare_least)s
 ORDER BY bare DESC, t.id LIMIT %(most)s
"""

QUICK_SPENDING = """
SELECT spent.id, spent.happened_at, m.name, m.number, earned.points, spent.points,
       ceil(extract(epoch FROM spent.happened_at - earned.happened_at) / 60)::int
  FROM loyalty_movement spent
  JOIN members_member m ON m.id = spent.member_id
 CROSS JOIN LATERAL (
       SELECT e.points, e.happened_at FROM loyalty_movement e
        WHERE e.account_id = spent.account_id AND e.happened_at <= spent.happened_at
          AND e.happened_at >= spent.happened_at - make_interval(mins => %(quick_minutes)s) AND e.kind = 'earn'
        ORDER BY e.happened_at DESC, e.id DESC LIMIT 1) earned
 WHERE spent.happened_at >= %(start)s AND spent.happened_at < %(now)s AND spent.kind = 'spend'
   AND (%(stores)s::bigint[] IS NULL OR m.home_store_id = ANY (%(stores)s::bigint[]))
 ORDER BY spent.happened_at DESC, spent.id DESC LIMIT %(most)s
"""

TWO_STORES = """
SELECT later.id, later.happened_at, m.name, m.number, first_store.code, later_store.code,
       ceil(extract(epoch FROM later.happened_at - earlier.happened_at) / 60)::int
  FROM members_sale later
  JOIN members_member m ON m.id = later.member_id
 CROSS JOIN LATERAL (
       SELECT e.store_id, e.happened_at FROM members_sale e
        WHERE e.member_id = later.member_id AND e.happened_at <= later.happened_at
          AND e.happened_at >= later.happened_at - make_interval(mins => %(apart_minutes)s)
          AND e.store_id <> later.store_id AND (e.happened_at, e.id) < (later.happened_at, later.id)
        ORDER BY e.happened_at DESC, e.id DESC LIMIT 1) earlier
  JOIN members_store first_store ON first_store.id = earlier.store_id
  JOIN members_store later_store ON later_store.id = later.store_id
 WHERE later.happened_at >= %(start)s AND later.happened_at < %(now)s
   AND (%(stores)s::bigint[] IS NULL OR m.home_store_id = ANY (%(stores)s::bigint[]))
 ORDER BY later.happened_at DESC, later.id DESC LIMIT %(most)s
"""
