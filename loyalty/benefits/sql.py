"""One member's windows."""

from loyalty.tiers.rules import Climb
from loyalty.tiers.sql import begins, begins_of_term, totals


def plan(climb: Climb) -> str:
    """What the window of now holds, and what the window holds that ends with the tier's validity; with the standing."""
    now = "%(now)s::timestamptz"
    current = f"{begins(climb, now, 'm.enrolled_at')} AS begins, {now} + interval '1 microsecond' AS ends"
    term = f"{begins_of_term(climb, 's.until', 'm.enrolled_at')} AS begins, {now} + interval '1 microsecond' AS ends"
    columns = ", ".join(f"m{place}" for place in range(len(climb.measures)))
    return f"""
SELECT s.tier_id, s.since, s.until, coalesce(s.held_by, 'earned'), coalesce(s.is_protected, false), m.enrolled_at,
       (SELECT ARRAY[{columns}]::bigint[] FROM (SELECT m.id AS member, {current}) w
                                          CROSS JOIN LATERAL ({totals(climb)}) t),
       (SELECT ARRAY[{columns}]::bigint[] FROM (SELECT m.id AS member, {term}) w
                                          CROSS JOIN LATERAL ({totals(climb)}) t WHERE s.until IS NOT NULL)
  FROM members_member m LEFT JOIN loyalty_standing s ON s.member_id = m.id AND s.ladder_id = %(ladder)s
 WHERE m.id = %(member)s
"""
