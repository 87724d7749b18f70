"""Statements that read what promotions took off before, and write what they take off now."""

# What limited promotions took off for members since a moment, net of what returns undid.
USAGE = """
SELECT v.promotion_id, a.happened_at, a.off - a.returned
  FROM loyalty_applied a JOIN loyalty_promotionversion v ON v.id = a.version_id
 WHERE a.member_id = %(member)s AND v.promotion_id = ANY (%(promotions)s::bigint[])
   AND a.happened_at >= coalesce(%(since)s, '-infinity'::timestamptz)
 ORDER BY a.happened_at
"""

# How often promotions were applied, how much they took off, and how much of it returns undid.
GIVEN = """
SELECT v.promotion_id, count(*) FILTER (WHERE a.returned < a.off), sum(a.off - a.returned)
  FROM loyalty_applied a JOIN loyalty_promotionversion v ON v.id = a.version_id
 WHERE v.promotion_id = ANY (%s::bigint[]) GROUP BY v.promotion_id
"""
