"""Set-based statements of the report on the way up."""

# How long, and how much spend, it took members to rise to each tier for the first time.
FAIRNESS = """
WITH first_time AS (
    SELECT DISTINCT ON (c.member_id, c.after_id) c.member_id, c.after_id, c.happened_at, m.enrolled_at, m.home_store_id
      FROM loyalty_tierchange c JOIN members_member m ON m.id = c.member_id
      JOIN loyalty_tier t ON t.id = c.after_id LEFT JOIN loyalty_tier b ON b.id = c.before_id
     WHERE c.ladder_id = %(ladder)s AND c.reason IN ('sale', 'night', 'published')
       AND t.threshold > coalesce(b.threshold, -1) AND (%(stores)s::bigint[] IS NULL
           OR m.home_store_id = ANY (%(stores)s::bigint[]))
     ORDER BY c.member_id, c.after_id, c.happened_at
), spent AS (
    SELECT f.*, greatest(extract(epoch FROM f.happened_at - f.enrolled_at) / 86400, 0) AS days,
           (SELECT coalesce(sum(amount), 0) FROM members_sale s
             WHERE s.member_id = f.member_id AND s.happened_at <= f.happened_at) AS amount
      FROM first_time f
)
SELECT after_id, {group} AS part, count(*),
       percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY days),
       percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY amount)
  FROM spent GROUP BY 1, 2 ORDER BY 1, 2
"""
BY_STORE = "home_store_id::text"
BY_COHORT = "to_char(date_trunc('quarter', enrolled_at AT TIME ZONE {zone}), 'YYYY \"Q\"Q')"
ALL_TOGETHER = "''::text"
