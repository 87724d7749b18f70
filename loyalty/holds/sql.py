"""The sweep: claim what is overdue and nobody else has, set it free, accounts in primary-key order as everywhere."""

FREE_OVERDUE = """
WITH due AS (
    SELECT id, member_id, kind_id FROM loyalty_hold
     WHERE status = 'open' AND expires_at <= %(now)s
     ORDER BY expires_at, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
), freed AS (
    SELECT d.id, r.points
      FROM (SELECT due.* FROM due JOIN loyalty_account a ON a.member_id = due.member_id AND a.kind_id = due.kind_id
             ORDER BY a.id, due.id) d
     CROSS JOIN LATERAL ledger_follow(d.member_id, d.kind_id, 'hold:' || d.id, NULL, 'hold:' || d.id || ':over',
                                      %(now)s, 'release', 'held', 'active', 'hold', '', '') r
)
UPDATE loyalty_hold h SET status = 'expired', closed_at = %(now)s FROM freed WHERE h.id = freed.id RETURNING h.id
"""
