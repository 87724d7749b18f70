"""The statement that reads what limited promotions took off before."""

# What limited promotions took off for members since a moment, net of what returns undid.
USAGE = """
SELECT v.promotion_id, a.happened_at, a.off - a.returned
  FROM loyalty_applied a JOIN loyalty_promotionversion v ON v.id = a.version_id
 WHERE a.member_id = %(member)s AND v.promotion_id = ANY (%(promotions)s::bigint[])
   AND a.happened_at >= coalesce(%(since)s, '-infinity'::timestamptz)
 ORDER BY a.happened_at
"""
