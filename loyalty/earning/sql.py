"""Statements that write awards."""

# One sale's awards and their postings in one round trip, accounts in primary-key order as everywhere.
POST_AWARDS = """
WITH awarded AS (
    INSERT INTO loyalty_award (member_id, sale_id, version_id, points, multiplier)
    SELECT %(member)s, %(sale)s, a.version, a.points, a.multiplier
      FROM unnest(%(versions)s::bigint[], %(points)s::bigint[], %(multipliers)s::int[]) a(version, points, multiplier)
)
SELECT a.kind, c.active, c.pending
  FROM (SELECT asked.* FROM unnest(%(kinds)s::bigint[], %(points)s::bigint[], %(keys)s::text[],
                                   %(starts)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY
                            asked(kind, points, key, starts, ends, place)
          LEFT JOIN loyalty_account account ON account.member_id = %(member)s AND account.kind_id = asked.kind
         ORDER BY account.id, asked.place) a
 CROSS JOIN LATERAL ledger_credit(%(member)s, a.kind, a.points, a.key, %(at)s, a.starts, a.ends, 'earn', '',
                                  %(actor)s) c
 WHERE a.points > 0
"""

WRITE_AWARDS = """
INSERT INTO loyalty_award (member_id, sale_id, version_id, points, multiplier)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::int[])
"""
