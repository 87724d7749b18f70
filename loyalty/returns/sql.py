"""What looks odd about returns, set-based; told what the statements of `watch.sql` are told."""

# By who took goods back: a till or a person, as the return says it.
MANY_RETURNS = """
WITH made AS (
    SELECT r.actor, count(*) AS in_window, count(*) FILTER (WHERE r.happened_at >= %(week)s) AS in_week,
           sum(r.amount)::bigint AS amount
      FROM members_return r
     WHERE r.happened_at >= %(start)s AND r.happened_at < %(now)s AND r.state = 'done' AND r.actor <> ''
       AND (%(stores)s::bigint[] IS NULL OR r.store_id = ANY (%(stores)s::bigint[]))
     GROUP BY r.actor
), compared AS (
    SELECT made.*, coalesce(
               (sum(in_window) OVER () - in_window)::numeric / nullif(count(*) OVER () - 1, 0), 0) AS usual
      FROM made
)
SELECT compared.actor, coalesce(u.username, s.code || ' · ' || t.name, compared.actor), in_week, in_window,
       round(usual, 1)::float8, amount
  FROM compared
  LEFT JOIN members_till t ON compared.actor = 'till:' || t.id LEFT JOIN members_store s ON s.id = t.store_id
  LEFT JOIN members_user u ON compared.actor = 'user:' || u.id
 WHERE in_window >= %(return_least)s AND in_window >= %(return_times)s * usual
 ORDER BY in_window DESC, compared.actor LIMIT %(most)s
"""

# A sale that came back soon after the member had spent points, which had been spent after it was made.
SPENT_AND_RETURNED = """
SELECT r.id, r.happened_at, m.name, m.number, spent.points, r.amount,
       ceil(extract(epoch FROM r.happened_at - spent.happened_at) / 3600)::int
  FROM members_return r
  JOIN members_sale sale ON sale.id = r.sale_id
  JOIN members_member m ON m.id = r.member_id
 CROSS JOIN LATERAL (
       SELECT e.points, e.happened_at
         FROM loyalty_account a JOIN loyalty_movement e ON e.account_id = a.id
        WHERE a.member_id = r.member_id AND e.kind = 'spend' AND e.happened_at <= r.happened_at
          AND e.happened_at >= r.happened_at - make_interval(hours => %(regret_hours)s)
          AND e.happened_at >= sale.happened_at
        ORDER BY e.happened_at DESC, e.id DESC LIMIT 1) spent
 WHERE r.happened_at >= %(start)s AND r.happened_at < %(now)s AND r.state = 'done'
   AND (%(stores)s::bigint[] IS NULL OR m.home_store_id = ANY (%(stores)s::bigint[]))
 ORDER BY r.happened_at DESC, r.id DESC LIMIT %(most)s
"""
