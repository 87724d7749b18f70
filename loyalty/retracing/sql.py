"""The statement that judges a range of members by a ladder at past moments: at each sale, and when a period is over.

Its steps: `looked` the members; `moment` each of their sales that a tier multiplied, and the end of the period;
`stands` from which place to which, the tier really held then beside the one that the ladder would have given; `netted`
one row a sale, as a rule's replay has it: what the awards that a tier multiplied really gave, and would have given.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from loyalty.reckoning.rules import Version
from loyalty.replay.sql import numbers, steps_of
from loyalty.tiers.rules import Climb
from loyalty.tiers.sql import begins, rank, totals, zone


@dataclass(frozen=True, slots=True)
class Retraced:
    """A ladder as it is to be, the one that stands, and the rules whose awards a tier multiplies."""

    climb: Climb
    stands: Climb
    kind: int  # of the points that can be spent
    multiplied: Sequence[Version] = ()  # none beside the main ladder: only its tiers multiply
    has_grants: bool = True
    has_protected: bool = True

    @property
    def versions(self) -> list[int]:
        """The ids of those rules."""
        return [version.id for version in self.multiplied]


# Whether anybody in a range was given a tier, or protected; most ranges need not look at each moment.
LOOK = """
SELECT EXISTS (SELECT FROM loyalty_grant WHERE ladder_id = %(ladder)s AND member_id BETWEEN %(first)s AND %(last)s),
       EXISTS (SELECT FROM loyalty_tierchange WHERE ladder_id = %(ladder)s AND reason = 'protected'
                  AND member_id BETWEEN %(first)s AND %(last)s)
"""


def retraced(past: Retraced, conditions: Sequence[str]) -> str:
    """The steps of a WITH up to `netted`. Wants first, last (members), since and until (moments).

    At each moment the ladder judges as a what-if does: the highest tier that the window reaches, or of the tier really
    held then as much as the window keeps. Terms and grace do not hold; who was given a tier has it, who was protected
    does not fall.
    """
    climb, steps = past.climb, numbers([step.id for step in past.climb.steps])
    kept = rank(climb, alias="t", keeping=climb.has_retention)
    lowest = past.stands.lowest.id if past.stands.lowest else "NULL::bigint"
    return f"""{steps_of(past.stands)}looked AS MATERIALIZED (
    SELECT m.id AS member, m.enrolled_at FROM members_member m
     WHERE m.id BETWEEN %(first)s AND %(last)s AND m.merged_into IS NULL AND m.enrolled_at < %(until)s
       AND {" AND ".join(conditions) or "true"}
), moment AS (
    SELECT member, enrolled_at, NULL::bigint AS sale, %(until)s::timestamptz AS at FROM looked{sales_of(past)}
), judged AS (
    SELECT w.member, w.sale, k.tier, t.m0 AS total, coalesce(array_position({steps}, k.tier), 0) AS held,
           {rank(climb, alias="t")} AS up, {kept} AS kept, {given_then(past)}
      FROM (SELECT member, sale, at AS ends, {begins(climb, "at", "enrolled_at")} AS begins FROM moment) w
      LEFT JOIN held ON held.member_id = w.member AND w.ends >= held.since AND w.ends < held.until
     CROSS JOIN LATERAL (SELECT coalesce(held.tier_id, {lowest}) AS tier) k
     CROSS JOIN LATERAL ({totals(climb)}) t
      {grants_then(past, steps)}
    OFFSET 0
), stands AS (
    SELECT member, sale, coalesce(array_position({numbers([step.id for step in past.stands.steps])}, tier), 0) AS was,
           CASE WHEN is_fixed THEN held
                ELSE greatest(up, granted, CASE WHEN is_protected THEN held ELSE least(held, kept) END) END AS becomes
      FROM judged OFFSET 0
), {netted(past)}"""


def sales_of(past: Retraced) -> str:
    """The sales of the period whose points a tier multiplied."""
    if not past.multiplied:
        return ""
    return f"""
     UNION ALL
    SELECT l.member, l.enrolled_at, s.id, s.happened_at FROM looked l JOIN members_sale s ON s.member_id = l.member
     WHERE s.happened_at >= %(since)s AND s.happened_at < %(until)s
       AND EXISTS (SELECT FROM loyalty_award a WHERE a.sale_id = s.id AND a.member_id = s.member_id
                      AND a.version_id = ANY ({numbers(past.versions)}))"""


def given_then(past: Retraced) -> str:
    """Whether staff had fixed the tier then, the rank that was sold or bought, and whether the member was protected."""
    fixed = "coalesce(g.is_fixed, false) AS is_fixed, coalesce(g.granted, 0) AS granted"
    was_protected = f"""coalesce((SELECT c.reason = 'protected' FROM loyalty_tierchange c
             WHERE c.member_id = w.member AND c.ladder_id = {past.stands.id:d}
               AND c.reason IN ('protected', 'released') AND c.happened_at < w.ends
             ORDER BY c.happened_at DESC, c.id DESC LIMIT 1), false)"""
    return ", ".join([
        fixed if past.has_grants else "false AS is_fixed, 0 AS granted",
        f"{was_protected if past.has_protected else 'false'} AS is_protected",
    ])  # fmt: skip


def grants_then(past: Retraced, steps: str) -> str:
    """The join that brings the tiers given that were running at the moment. Staff fix the tier that is held by it."""
    if not past.has_grants:
        return ""
    return f"""LEFT JOIN LATERAL (
           SELECT bool_or(held_by = 'manual' AND tier_id = k.tier) AS is_fixed,
                  max(array_position({steps}, tier_id)) FILTER (WHERE held_by <> 'manual') AS granted
             FROM loyalty_grant
            WHERE member_id = w.member AND ladder_id = {past.stands.id:d} AND since < w.ends AND until > w.ends
              AND coalesce(ended_at, 'infinity') > w.ends) g ON true"""


def netted(past: Retraced) -> str:
    """The step `netted`: what awards that a tier multiplied gave for each sale, and by the multiplier of `becomes`.

    An award that limits cut is not raised above what they left. Of what came back the same share is taken off.
    """
    rows = ", ".join(
        f"({each.id:d}, {each.points:d}::numeric, {each.per_amount:d}::numeric, '{each.rounding}', "
        f"{each.basis == 'full'})"
        for each in past.multiplied
    )
    percents = numbers([step.multiplier for step in past.climb.steps])
    return f"""netted AS (
    SELECT s.id, s.member_id, s.store_id, s.happened_at, s.happened_at AT TIME ZONE {zone()} AS clock,
           sum(g.given)::bigint AS given, sum(a.points)::bigint AS issued, sum(a.points - a.returned)::bigint AS really,
           sum(CASE WHEN g.given = a.points THEN a.points - a.returned
                    ELSE g.given - floor(round(g.given * {CAME_BACK}, 9)) END)::bigint AS would
      FROM stands st
      JOIN members_sale s ON s.id = st.sale
      JOIN loyalty_award a ON a.sale_id = s.id AND a.member_id = s.member_id
      JOIN (VALUES {rows or NO_RULE}) v(version, points, per_amount, rounding, is_full)
        ON v.version = a.version_id
     CROSS JOIN LATERAL (SELECT coalesce(({percents})[st.becomes], 100) AS percent) p
     CROSS JOIN LATERAL (SELECT {PARTS}) paid
     CROSS JOIN LATERAL (SELECT {COUNTED} * v.points * p.percent * paid.left_of AS upper,
                                v.per_amount * 100 * paid.whole_of AS lower) n
     CROSS JOIN LATERAL (SELECT {ROUNDED} AS whole) r
     CROSS JOIN LATERAL (SELECT CASE WHEN p.percent = a.multiplier THEN a.points
                                     WHEN a.why ? 'cut' THEN least(r.whole, a.points)
                                     ELSE r.whole END AS given) g
     GROUP BY s.id
)"""


NO_RULE = "(0, 0::numeric, 1::numeric, 'down', false)"
CAME_BACK = "coalesce(a.returned::numeric / nullif(a.points, 0), s.returned_amount::numeric / nullif(s.amount, 0), 0)"
# Points before they are rounded, as one whole number by another: of the lines that counted, or of the sale; without the
# part that was paid by points.
COUNTED = "coalesce((a.why ->> 'of')::numeric, s.amount + CASE WHEN v.is_full THEN s.discount ELSE 0 END)"
PARTS = """
           CASE WHEN a.why ? 'by_points' AND s.amount > 0 THEN greatest(s.amount - (a.why ->> 'by_points')::numeric, 0)
                ELSE 1 END AS left_of,
           CASE WHEN a.why ? 'by_points' AND s.amount > 0 THEN s.amount ELSE 1 END AS whole_of"""
ROUNDED = """CASE v.rounding WHEN 'up' THEN div(n.upper + n.lower - 1, n.lower)
                WHEN 'nearest' THEN div(2 * n.upper + n.lower, 2 * n.lower) ELSE div(n.upper, n.lower) END::bigint"""
