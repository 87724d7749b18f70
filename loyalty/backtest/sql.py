"""Set-based statements: a range of members' past sales judged by a draft, counted up, and whom it would move.

A draft of a ladder is judged by `retracing`: then members move who bought nothing, and `ended` says where to.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from loyalty.backtest.rules import EDGES, MOST_SHOWN, Whom
from loyalty.conditions.case import Bound
from loyalty.pricing.rules import Offer
from loyalty.reckoning.rules import Version
from loyalty.replay.sql import Ground, Looked, judged, numbers
from loyalty.repricing.sql import repriced
from loyalty.retracing.sql import Retraced, retraced
from loyalty.tiers.rules import Climb, Measure, Step
from loyalty.tiers.sql import begins, rank, totals, zone

ROOM = "SET LOCAL work_mem = '64MB'"  # for sums by member, which else are sorted on disk


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of past sales: a draft, what it is judged by, of whom, and the ladder that counts its points."""

    draft: Version | Offer | Retraced
    ground: Ground
    whom: Whom
    counting: Climb | None

    def is_counted(self, measure: Measure) -> bool:
        """Whether a ladder's measure counts the points that the draft gives."""
        if not isinstance(self.draft, Version):
            return False
        if measure.basis == "points":
            return measure.kind == self.draft.kind
        return measure.basis == self.draft.kind_code == "growth"

    def steps(self, bound: Bound) -> str:
        """The steps of a WITH up to `netted`, in points for a rule or a ladder and in minor units for a promotion."""
        if isinstance(self.draft, Retraced):
            return retraced(self.draft, of_members(self.whom, self.ground.climb, bound))
        if isinstance(self.draft, Offer):
            return repriced(self.draft, self.ground, bound, self.looked(bound))
        return judged(self.draft, self.ground, bound, self.looked(bound))

    def looked(self, bound: Bound) -> Looked:
        """At which sales to look."""
        conditions = of_members(self.whom, self.ground.climb, bound)
        columns = [f"(s.happened_at >= {window_of(self.counting)})::int AS in_window"] if self.counting else []
        is_own_year = self.counting is not None and self.counting.window == "anniversary"
        return Looked(conditions, columns, bool(conditions) or is_own_year)


def of_members(whom: Whom, climb: Climb | None, bound: Bound) -> list[str]:
    """What must hold of a member `m` who is looked at."""
    parts = []
    if whom.stores:
        codes = f"{bound(list(whom.stores))}::text[]"
        parts.append(f"m.home_store_id = ANY (ARRAY(SELECT id FROM members_store WHERE code = ANY ({codes})))")
    if whom.segments:
        codes = f"{bound(list(whom.segments))}::text[]"
        parts.append(f"""EXISTS (SELECT FROM members_membership b JOIN members_segment g ON g.id = b.segment_id
            WHERE b.member_id = m.id AND b.until IS NULL AND g.code = ANY ({codes}))""")
    if whom.enrolled_from:
        parts.append(f"m.enrolled_at >= {bound(whom.enrolled_from)}::date::timestamp AT TIME ZONE {zone()}")
    if whom.enrolled_to:
        parts.append(f"m.enrolled_at < ({bound(whom.enrolled_to)}::date + 1)::timestamp AT TIME ZONE {zone()}")
    if whom.tiers:
        ids = f"ARRAY(SELECT id FROM loyalty_tier WHERE code = ANY ({bound(list(whom.tiers))}::text[]))"
        held = f"(SELECT {tier_now(climb)} FROM (SELECT 1) one {now_on(climb, 'm.id')})"
        parts.append(f"coalesce({held} = ANY ({ids}), false)")
    return parts


def now_on(climb: Climb | None, member: str) -> str:
    """The join of what a member holds now, as `st`, and the id of that tier; of the lowest where nothing is written."""
    return f"LEFT JOIN loyalty_standing st ON st.member_id = {member} AND st.ladder_id = {climb.id if climb else 0:d}"


def tier_now(climb: Climb | None) -> str:
    """The id of the tier held now, of the lowest where nothing is written down; beside `now_on`."""
    lowest: Step | None = climb.lowest if climb else None
    return f"CASE WHEN st.id IS NULL THEN {lowest.id if lowest else 'NULL::bigint'} ELSE st.tier_id END"


def window_of(climb: Climb) -> str:
    """When the window begins that a ladder judges at the end of the period."""
    return f"coalesce({begins(climb, '%(until)s::timestamptz', 'm.enrolled_at')}, '-infinity')"


def counts(plan: Plan, bound: Bound) -> str:
    """Judge a range; keep the members for whom it makes a difference; counts as (what, key, numbers).

    Wants also backtest (an id). The numbers of days and stores are those of `rules.COUNTS`.
    """
    swings, moves, swing = SWINGS, BIGGEST if isinstance(plan.draft, Offer) else "", "0::bigint AS swing"
    if isinstance(plan.draft, Retraced):
        swings, moves = ended(plan.draft), MOVES
    if plan.counting:
        moves, swing = moved(plan, plan.counting), "sum((would - really) * in_window)::bigint AS swing"
    named = "ARRAY[given, would, issued, really, units, sales, cut_sales, cut_points]"
    return f"""
WITH {plan.steps(bound)}, sums AS MATERIALIZED (
    SELECT member_id, store_id, day, grouping(member_id, store_id, day) AS level, {sums_of(plan)}, {swing}
      FROM (SELECT *, clock::date AS day FROM netted) sale
     GROUP BY GROUPING SETS ((member_id), (store_id), (day))
), {swings}
SELECT 'days', day::text, {named} FROM sums WHERE level = 6 AND (given > 0 OR issued > 0 OR cut_sales > 0)
 UNION ALL
SELECT 'stores', store_id::text, {named} FROM sums WHERE level = 5 AND (given > 0 OR issued > 0)
 UNION ALL
SELECT 'tiers', coalesce(tier, 0)::text,
       ARRAY[count(*), count(*) FILTER (WHERE would > really), count(*) FILTER (WHERE would < really),
             sum(really)::bigint, sum(would)::bigint, count(*) FILTER (WHERE given > 0)]
  FROM (SELECT sums.*, {tier_now(plan.ground.climb)} AS tier
          FROM sums {now_on(plan.ground.climb, "sums.member_id")} WHERE level = 3) member
 WHERE given > 0 OR issued > 0 GROUP BY tier
 UNION ALL
SELECT 'spread', width_bucket(would - really, {numbers(EDGES)})::text, ARRAY[count(*)] FROM sums
 WHERE level = 3 AND (given > 0 OR issued > 0) GROUP BY 2{moves}
"""


# What an earlier try of a range has kept goes first: so no row has to look whether it is there already, which cost a
# third of writing them.
AGAIN = "DELETE FROM loyalty_swing WHERE backtest_id = %(backtest)s AND member_id BETWEEN %(first)s AND %(last)s"
SWINGS = """swings AS (
    INSERT INTO loyalty_swing (member_id, backtest_id, sales, really, would)
    SELECT member_id, %(backtest)s, sales, really, would FROM sums WHERE level = 3 AND would <> really
     ORDER BY member_id
)"""


def ended(past: Retraced) -> str:
    """The steps `ended`, where everybody stands at last with their points, and who of them differs, which is kept."""
    before, after = (texts([step.code for step in climb.steps]) for climb in (past.stands, past.climb))
    return f"""ended AS MATERIALIZED (
    SELECT st.member, st.was, st.becomes, coalesce(({before})[st.was], '') AS before,
           coalesce(({after})[st.becomes], '') AS after, coalesce(s.sales, 0) AS sales,
           coalesce(s.really, 0) AS really, coalesce(s.would, 0) AS would
      FROM stands st LEFT JOIN sums s ON s.level = 3 AND s.member_id = st.member
     WHERE st.sale IS NULL
), swings AS (
    INSERT INTO loyalty_swing (member_id, backtest_id, sales, really, would, before, after)
    SELECT member, %(backtest)s, sales, really, would, before, after FROM ended
     WHERE would <> really OR before <> after
     ORDER BY member
)"""


def texts(codes: Sequence[str]) -> str:
    """Codes, which are slugs, as an array of the statement."""
    return f"'{{{','.join(codes)}}}'::text[]"


def sums_of(plan: Plan) -> str:
    """The sums of a group of sales; what cannot be but zero is not added up."""
    budget, limits = (None, None) if isinstance(plan.draft, Retraced) else (plan.draft.budget, plan.draft.limits)
    summed = {"given": True, "would": True, "issued": plan.ground.own, "really": plan.ground.own, "units": budget}
    parts = [f"{f'sum({name})' if is_wanted else 0}::bigint AS {name}" for name, is_wanted in summed.items()]
    parts.append("count(*) FILTER (WHERE given > 0) AS sales")
    cuts = ("count(*) FILTER (WHERE given < points)", "sum(points - given)") if limits else ("0", "0")
    return ", ".join([*parts, f"{cuts[0]}::bigint AS cut_sales", f"{cuts[1]}::bigint AS cut_points"])


def moved(plan: Plan, climb: Climb) -> str:
    """How many members the totals of the window lead from which rank to which, with the draft's points in them."""
    added = ", ".join(
        f"t.m{place} + {'s.swing' if plan.is_counted(measure) else '0'} AS m{place}"
        for place, measure in enumerate(climb.measures)
    )
    return f"""
 UNION ALL
SELECT 'moves', was || ':' || becomes, ARRAY[count(*)]
  FROM (SELECT {rank(climb, alias="t")} AS was, {rank(climb, alias="u")} AS becomes
          FROM sums s JOIN members_member m ON m.id = s.member_id
         CROSS JOIN LATERAL (SELECT m.id AS member, {window_of(climb)} AS begins, %(until)s::timestamptz AS ends) w
         CROSS JOIN LATERAL ({totals(climb)}) t
         CROSS JOIN LATERAL (SELECT {added}) u
         WHERE s.level = 3 AND s.swing <> 0) ranked GROUP BY 2"""


# The sales off which the draft would have taken most.
BIGGEST = f"""
 UNION ALL
(SELECT 'biggest', id::text, ARRAY[given] FROM netted WHERE given > 0
  ORDER BY given DESC, id DESC LIMIT {MOST_SHOWN})"""

# Whom the ladder would have put where, with the difference in their points.
MOVES = """
 UNION ALL
SELECT 'moves', was || ':' || becomes, ARRAY[count(*), sum(would - really)::bigint] FROM ended GROUP BY was, becomes"""

# All that the rules of a point kind gave, or promotions took off, on the same sales, less what returns took back.
OTHERS = """
SELECT coalesce(sum(a.{given} - a.returned), 0)::bigint
  FROM members_sale s
  JOIN members_member m ON m.id = s.member_id
  JOIN {table} a ON a.sale_id = s.id AND a.member_id = s.member_id
  {of_kind}
 WHERE s.member_id BETWEEN %(first)s AND %(last)s AND s.happened_at >= %(since)s AND s.happened_at < %(until)s
"""
OF_KIND = "JOIN loyalty_ruleversion v ON v.id = a.version_id AND v.kind_id = %(kind)s"
AWARDED = OTHERS.format(given="points", table="loyalty_award", of_kind=OF_KIND)
TAKEN_OFF = OTHERS.format(given="off", table="loyalty_applied", of_kind="")


def all_given(plan: Plan, bound: Bound) -> str:
    """What rules of the kind, or promotions, gave to the members who are looked at. For rules wants also kind."""
    others = TAKEN_OFF if isinstance(plan.draft, Offer) else AWARDED
    return " AND ".join([others, *of_members(plan.whom, plan.ground.climb, bound)])
