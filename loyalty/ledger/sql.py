"""The one writer of points, as functions in the database: one call, one round trip, every rule kept in one place.

A posting locks the account, settles what is due, looks for its key, decides, and only then writes; a refusal comes
back as a word in `refusal`, and nothing was written but what was due anyway. Invariants after every call:
pending = what is left in lots not yet active; max(active, 0) = what is left in active lots; held = what lots hold.
The functions stand in `functions/`, a file each; a migration installs them, and a test finds them unchanged.
"""

from pathlib import Path

NAMES = (  # each after those it calls
    "idle_until", "next_due", "stir", "write", "settle", "lock", "take", "open_uses", "give_back",
    "credit", "debit", "adopt_credit", "adopt_spend", "adopt", "follow", "claw_back", "undo_claw_back", "activate",
    "receive", "credit_many", "settle_range", "carry", "going", "carry_back",
)  # fmt: skip
FUNCTIONS = tuple((Path(__file__).parent / "functions" / f"{name}.sql").read_text() for name in NAMES)

# The proof: what movements add up to and what lots hold, against what the account says. Only differences come back.
PROVE_RANGE = """
WITH moved AS (
    SELECT account_id,
           coalesce(sum(points) FILTER (WHERE target = 'pending'), 0)
               - coalesce(sum(points) FILTER (WHERE source = 'pending'), 0) AS pending,
           coalesce(sum(points) FILTER (WHERE target = 'active'), 0)
               - coalesce(sum(points) FILTER (WHERE source = 'active'), 0) AS active,
           coalesce(sum(points) FILTER (WHERE target = 'held'), 0)
               - coalesce(sum(points) FILTER (WHERE source = 'held'), 0) AS held
      FROM loyalty_movement WHERE account_id BETWEEN %(first)s AND %(last)s GROUP BY account_id
), kept AS (
    SELECT account_id, coalesce(sum(remaining) FILTER (WHERE NOT is_active), 0) AS pending,
           coalesce(sum(remaining) FILTER (WHERE is_active), 0) AS active, sum(held) AS held
      FROM loyalty_lot WHERE account_id BETWEEN %(first)s AND %(last)s GROUP BY account_id
)
INSERT INTO loyalty_difference (account_id, member_id, found_at, proof, stored, computed)
SELECT a.id, a.member_id, %(now)s, p.proof,
       jsonb_build_object('pending', a.pending, 'active', a.active, 'held', a.held),
       jsonb_build_object('pending', p.pending, 'active', p.active, 'held', p.held)
  FROM loyalty_account a
  LEFT JOIN moved m ON m.account_id = a.id
  LEFT JOIN kept k ON k.account_id = a.id
 CROSS JOIN LATERAL (VALUES
       ('movements', coalesce(m.pending, 0), coalesce(m.active, 0), coalesce(m.held, 0), a.active),
       ('lots', coalesce(k.pending, 0), coalesce(k.active, 0), coalesce(k.held, 0), greatest(a.active, 0))
     ) p(proof, pending, active, held, stored_active)
 WHERE a.id BETWEEN %(first)s AND %(last)s
   AND (a.pending, p.stored_active, a.held) IS DISTINCT FROM (p.pending, p.active, p.held)
RETURNING id
"""
