"""Statements that write awards, and that read what rules want to know of a member."""

# Awards of a sale or an event, what gave nothing, and the postings in one round trip, accounts in primary-key order.
POST_AWARDS = """
WITH awarded AS (
    INSERT INTO loyalty_award (member_id, sale_id, event_id, version_id, points, multiplier, why, reserved, is_limited,
                               happened_at)
    SELECT %(member)s, %(sale)s, %(event)s, a.version, a.points, a.multiplier, a.why, a.reserved, a.limited, %(at)s
      FROM unnest(%(versions)s::bigint[], %(points)s::bigint[], %(multipliers)s::int[], %(why)s::jsonb[],
                  %(reserved)s::bigint[], %(limited)s::boolean[]) a(version, points, multiplier, why, reserved, limited)
), judged AS (
    INSERT INTO loyalty_judgement (member_id, sale_id, event_id, unfired)
    SELECT %(member)s, %(sale)s, %(event)s, %(unfired)s::jsonb WHERE %(unfired)s::jsonb <> '{}'
)
SELECT a.kind, c.active, c.pending
  FROM (SELECT asked.* FROM unnest(%(kinds)s::bigint[], %(points)s::bigint[], %(keys)s::text[],
                                   %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(idles)s::int[])
                            WITH ORDINALITY asked(kind, points, key, starts, ends, idle, place)
          LEFT JOIN loyalty_account account ON account.member_id = %(member)s AND account.kind_id = asked.kind
         ORDER BY account.id, asked.place) a
 CROSS JOIN LATERAL ledger_credit(%(member)s, a.kind, a.points, a.key, %(at)s, a.starts, a.ends, 'earn', '',
                                  %(actor)s, a.idle) c
 WHERE a.points > 0
"""

# Many sales' awards, and which rules gave nothing.
WRITE_AWARDS = """
INSERT INTO loyalty_award (member_id, sale_id, version_id, points, multiplier, why, reserved, is_limited, happened_at)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::int[], %s::jsonb[], %s::bigint[],
                     %s::boolean[], %s::timestamptz[])
"""
WRITE_JUDGEMENTS = """
INSERT INTO loyalty_judgement (member_id, sale_id, unfired)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::jsonb[])
"""

# Which purchase a moment is, the birthday as the member said or by the date of birth, what limited rules gave before.
ABOUT = """
SELECT m.id, coalesce(p.calendar, 'solar'), coalesce(p.birth_month, extract(month FROM m.birth_on)::int),
       coalesce(p.birth_day, extract(day FROM m.birth_on)::int),
       CASE WHEN %(purchases)s THEN ARRAY(SELECT s.happened_at FROM members_sale s
                                           WHERE s.member_id = m.id
                                             AND (s.returned_amount < s.amount OR s.amount = 0)
                                           ORDER BY s.happened_at) END
  FROM members_member m LEFT JOIN members_person p ON p.member_id = m.id AND p.calendar <> ''
 WHERE m.id = ANY (%(members)s::bigint[])
"""
USAGE = """
SELECT a.member_id, v.rule_id, a.happened_at, a.points - a.returned
  FROM loyalty_award a JOIN loyalty_ruleversion v ON v.id = a.version_id
 WHERE a.member_id = ANY (%(members)s::bigint[]) AND a.is_limited AND v.rule_id = ANY (%(rules)s::bigint[])
   AND a.happened_at >= coalesce(%(since)s, '-infinity'::timestamptz)
 ORDER BY a.happened_at
"""
STAYS = """
SELECT b.member_id, g.code, b.since, b.until
  FROM members_membership b JOIN members_segment g ON g.id = b.segment_id
 WHERE b.member_id = ANY (%(members)s::bigint[]) AND g.code = ANY (%(segments)s::text[])
   AND (b.until IS NULL OR b.until > %(since)s)
"""
PRODUCTS = "SELECT sku, category, brand FROM members_product WHERE sku = ANY (%s::text[])"
