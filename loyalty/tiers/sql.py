"""Set-based statements of the ladders: totals within a window, rises in sales, and the night that judges everybody.

A tier's rank is its place in its ladder, lowest 1; 0 is no tier at all.
"""

from django.utils import timezone

from loyalty.tiers.rules import Climb, Measure, Step

# What counts, as (member_id, happened_at, points): for spend the sales, for growth the movements of its accounts.
# Of points that can be spent only what was given counts, and what was taken back of it.
# What came back counts against the day of its sale. Of a member merged into this one the movements count as they did.
SPEND = """
SELECT member_id, happened_at, amount AS points FROM members_sale
 UNION ALL
SELECT r.member_id, s.happened_at, -r.amount
  FROM members_return r JOIN members_sale s ON s.id = r.sale_id WHERE r.state = 'done'
"""
PURCHASES = """
SELECT member_id, happened_at, 1 AS points FROM members_sale
 UNION ALL
SELECT r.member_id, s.happened_at, -1
  FROM members_return r JOIN members_sale s ON s.id = r.sale_id
 WHERE r.state = 'done' AND s.returned_amount = s.amount
   AND NOT EXISTS (SELECT FROM members_return later
                    WHERE later.sale_id = s.id AND later.state = 'done' AND later.id > r.id)
"""
GROWTH = """
SELECT a.member_id, m.happened_at,
       CASE WHEN m.source = 'programme' THEN m.points WHEN m.target = 'programme' THEN -m.points ELSE 0 END AS points
  FROM loyalty_movement m JOIN loyalty_account a ON a.id = m.account_id
 WHERE a.kind_id = (SELECT id FROM loyalty_pointkind WHERE code = 'growth')
 UNION ALL
SELECT i.member_id, i.happened_at, i.points FROM loyalty_inherited i
 WHERE i.kind_id = (SELECT id FROM loyalty_pointkind WHERE code = 'growth')
"""
POINTS = """
SELECT a.member_id, m.happened_at,
       CASE WHEN m.source = 'programme' THEN m.points WHEN m.target = 'programme' THEN -m.points ELSE 0 END AS points
  FROM loyalty_movement m JOIN loyalty_account a ON a.id = m.account_id
 WHERE a.kind_id = {kind:d} AND m.kind IN ('earn', 'claw_back', 'adjust', 'import')
 UNION ALL
SELECT i.member_id, i.happened_at, i.points FROM loyalty_inherited i
 WHERE i.kind_id = {kind:d} AND i.what IN ('earn', 'claw_back', 'adjust', 'import')
"""
SEGMENT = """
SELECT member_id, since AS happened_at, 1 AS points FROM members_membership WHERE segment_id = {segment:d}
 UNION ALL
SELECT member_id, until, -1 FROM members_membership WHERE segment_id = {segment:d} AND until IS NOT NULL
"""
WITHIN = "happened_at >= coalesce(w.begins, '-infinity'::timestamptz) AND happened_at < w.ends"


def counted(measure: Measure) -> str:
    """What counts of a measure; of months, when something was bought."""
    if measure.basis == "points":
        return POINTS.format(kind=measure.kind)
    if measure.basis == "segment":
        return SEGMENT.format(segment=measure.kind)
    if measure.basis == "months":
        return "SELECT member_id, happened_at FROM members_sale"
    return {"spend": SPEND, "purchases": PURCHASES, "growth": GROWTH}[measure.basis]


def zone() -> str:
    """The shop's time zone as a literal."""
    return f"'{timezone.get_default_timezone_name()}'"


def month_of(column: str) -> str:
    """The shop's month in which a moment lies."""
    return f"date_trunc('month', {column} AT TIME ZONE {zone()})"


def own_year(enrolled: str, moment: str) -> str:
    """The last anniversary of an enrolment at or before a moment."""
    first = f"date_trunc('day', {enrolled} AT TIME ZONE {zone()})"
    years = f"(extract(year FROM {moment} AT TIME ZONE {zone()}) - extract(year FROM {first}))::int"
    this = f"({first} + make_interval(years => {years}))"
    last = f"({first} + make_interval(years => {years} - 1))"
    return f"(CASE WHEN {this} <= {moment} AT TIME ZONE {zone()} THEN {this} ELSE {last} END AT TIME ZONE {zone()})"


def begins(climb: Climb, moment: str, enrolled: str) -> str:
    """When the window that ends at a moment begins; NULL counts from the beginning."""
    if climb.window == "rolling":
        return f"(({moment} AT TIME ZONE {zone()} - make_interval(months => {climb.months})) AT TIME ZONE {zone()})"
    if climb.window == "calendar":
        return f"(date_trunc('year', {moment} AT TIME ZONE {zone()}) AT TIME ZONE {zone()})"
    if climb.window == "anniversary":
        return own_year(enrolled, moment)
    return "NULL::timestamptz"


def begins_of_term(climb: Climb, until: str, enrolled: str) -> str:
    """When the window begins that ends with a tier's validity: what lies in it, and in the grace after it, keeps."""
    moment = until if climb.window == "rolling" else f"({until} - interval '1 microsecond')"
    return begins(climb, moment, enrolled)


def totals(climb: Climb) -> str:
    """A select of m0, m1 … for the window of `w (member, begins, ends)`, to stand LATERAL."""
    columns, joins = [], []
    for place, measure in enumerate(climb.measures):
        summed = "coalesce(sum(points), 0)::bigint"
        if measure.basis == "months":
            summed = f"count(DISTINCT {month_of('happened_at')})"
        when = "happened_at < w.ends" if measure.basis == "segment" else WITHIN
        joins.append(
            f"(SELECT {summed} AS points FROM ({counted(measure)}) c WHERE c.member_id = w.member AND {when}) k{place}"
        )
        columns.append(f"k{place}.points AS m{place}")
    return f"SELECT {', '.join(columns)} FROM {' CROSS JOIN LATERAL '.join(joins)}"


def condition(climb: Climb, step: Step, *, alias: str, keeping: bool) -> str:
    """Whether the totals under an alias reach a step, or keep it."""
    parts = [f"greatest({alias}.m0, 0) >= {step.keep if keeping else step.threshold:d}"]
    for ask in step.asks:
        place = climb.measures.index(ask.measure)
        parts.append(f"{alias}.m{place} >= {ask.keep if keeping else ask.threshold:d}")
    return f"({(' AND ' if step.combines == 'all' else ' OR ').join(parts)})"


def rank(climb: Climb, *, alias: str, keeping: bool = False) -> str:
    """The rank that the totals under an alias reach, or keep."""
    if not keeping and len(climb.measures) == 1:
        floors = ",".join(str(step.threshold) for step in climb.steps)
        return f"width_bucket(greatest({alias}.m0, 0)::bigint, '{{{floors}}}'::bigint[])"
    ranked = list(enumerate(climb.steps, 1))
    cases = (f"WHEN {condition(climb, each, alias=alias, keeping=keeping)} THEN {n}" for n, each in reversed(ranked))
    return f"(CASE {' '.join(cases)} ELSE 0 END)"


# One member: the tier held, the tier held at a moment, the total of the window that ends with that moment,
# the revision of the programme by which all this should be read, and whether staff fixed the tier.
HELD_THEN = """
       s.tier_id, CASE WHEN s.since <= %(end)s THEN s.tier_id ELSE (
           SELECT c.after_id FROM loyalty_tierchange c
            WHERE c.member_id = %(member)s AND c.ladder_id = %(ladder)s AND c.happened_at <= %(end)s
            ORDER BY c.happened_at DESC, c.id DESC LIMIT 1) END"""
FIXED = "coalesce(s.held_by = 'manual' AND s.until > %(end)s, false)"
STANDING = f"""
SELECT {HELD_THEN},
       coalesce((SELECT sum(c.points) FROM ({{counted}}) c
                  WHERE c.member_id = %(member)s AND c.happened_at >= coalesce(%(start)s, '-infinity'::timestamptz)
                    AND c.happened_at <= %(end)s), 0)::bigint,
       (SELECT revision FROM loyalty_programme), {FIXED}
  FROM (SELECT 1) one
  LEFT JOIN loyalty_standing s ON s.member_id = %(member)s AND s.ladder_id = %(ladder)s
"""


def standing(climb: Climb) -> str:
    """The statement that reads where one member stands."""
    if climb.is_plain:
        return STANDING.format(counted=counted(climb.own))
    more = ", ".join(f"t.m{place}" for place in range(1, len(climb.measures)))
    return f"""
SELECT {HELD_THEN}, t.m0, (SELECT revision FROM loyalty_programme), {FIXED}, ARRAY[{more}]::bigint[],
       (SELECT count(*) FROM members_sale WHERE member_id = w.member AND {WITHIN}
           AND {month_of("happened_at")} = {month_of("%(end)s::timestamptz")})
  FROM (SELECT m.id AS member, {begins(climb, "%(end)s::timestamptz", "m.enrolled_at")} AS begins,
               %(end)s + interval '1 microsecond' AS ends FROM members_member m WHERE m.id = %(member)s) w
 CROSS JOIN LATERAL ({totals(climb)}) t
  LEFT JOIN loyalty_standing s ON s.member_id = w.member AND s.ladder_id = %(ladder)s
"""


# Many members: the tier each holds, every change of those who moved after a moment, and what counted, oldest first.
STANDINGS = """
SELECT member_id, tier_id, CASE held_by WHEN 'manual' THEN until END FROM loyalty_standing
 WHERE ladder_id = %(ladder)s AND member_id = ANY (%(members)s::bigint[])
"""
CHANGES = """
SELECT c.member_id, c.happened_at, c.after_id FROM loyalty_tierchange c
  JOIN loyalty_standing s ON s.member_id = c.member_id AND s.ladder_id = c.ladder_id AND s.since > %(earliest)s
 WHERE c.ladder_id = %(ladder)s AND c.member_id = ANY (%(members)s::bigint[]) ORDER BY c.member_id, c.happened_at, c.id
"""
HISTORY = """
SELECT c.member_id, c.happened_at, c.points FROM ({counted}) c
 WHERE c.member_id = ANY (%(members)s::bigint[]) AND c.happened_at >= coalesce(%(start)s, '-infinity'::timestamptz)
 ORDER BY c.member_id, c.happened_at
"""
ENROLLED = "SELECT id, enrolled_at FROM members_member WHERE id = ANY (%(members)s::bigint[])"


def rise(climb: Climb) -> str:
    """The statement that writes the rises that sales brought, and where each member stands after the last of them."""
    return f"""
WITH risen AS (
    SELECT r.*, {begins(climb, "r.at", "m.enrolled_at")} AS counts_from
      FROM unnest(%(members)s::bigint[], %(before)s::bigint[], %(after)s::bigint[], %(totals)s::bigint[],
                  %(moments)s::timestamptz[], %(ends)s::timestamptz[])
                  WITH ORDINALITY r(member, before, after, total, at, until, place)
      JOIN members_member m ON m.id = r.member
), history AS (
    INSERT INTO loyalty_tierchange (member_id, ladder_id, before_id, after_id, total, reason, until, happened_at)
    SELECT member, %(ladder)s, before, after, total, 'sale', until, at FROM risen ORDER BY place
)
INSERT INTO loyalty_standing (member_id, ladder_id, tier_id, since, until, counts_from)
SELECT DISTINCT ON (member) member, %(ladder)s, after, at, until, counts_from
  FROM risen ORDER BY member, at DESC, total DESC
    ON CONFLICT (member_id, ladder_id) DO UPDATE SET tier_id = excluded.tier_id, since = excluded.since,
       until = excluded.until, counts_from = excluded.counts_from, held_by = 'earned', is_renewed = false,
       earned_tier_id = NULL, earned_until = NULL
"""


def rise_aside(climb: Climb) -> str:
    """The statement that lets members rise on a ladder beside the main one, each at the moments of their sales."""
    return f"""
WITH w AS (
    SELECT e.member, e.ends, e.at, e.until, {begins(climb, "e.at", "m.enrolled_at")} AS begins
      FROM unnest(%(members)s::bigint[], %(moments)s::timestamptz[], %(ends)s::timestamptz[]) asked(member, at, until)
     CROSS JOIN LATERAL (SELECT asked.*, asked.at + interval '1 microsecond' AS ends) e
      JOIN members_member m ON m.id = e.member
), ranked AS (
    SELECT w.member, w.at, w.until, w.begins, t.m0, {rank(climb, alias="t")} AS rank
      FROM w CROSS JOIN LATERAL ({totals(climb)}) t
), held AS (
    SELECT r.*, coalesce(array_position(%(tiers)s::bigint[], s.tier_id),
                         CASE WHEN s.id IS NULL THEN %(lowest)s ELSE 0 END) AS held,
           coalesce(max(rank) OVER (PARTITION BY r.member ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
                    0) AS before
      FROM ranked r LEFT JOIN loyalty_standing s ON s.member_id = r.member AND s.ladder_id = %(ladder)s
     WHERE NOT coalesce(s.held_by = 'manual' AND s.until > r.at, false)
), risen AS (
    SELECT member, at, until, begins, m0, (%(tiers)s::bigint[])[greatest(held, before)] AS before,
           (%(tiers)s::bigint[])[rank] AS after
      FROM held WHERE rank > greatest(held, before)
), history AS (
    INSERT INTO loyalty_tierchange (member_id, ladder_id, before_id, after_id, total, reason, until, happened_at)
    SELECT member, %(ladder)s, before, after, m0, 'sale', until, at FROM risen ORDER BY member, at
), standing AS (
    INSERT INTO loyalty_standing (member_id, ladder_id, tier_id, since, until, counts_from)
    SELECT DISTINCT ON (member) member, %(ladder)s, after, at, until, begins FROM risen ORDER BY member, at DESC
        ON CONFLICT (member_id, ladder_id) DO UPDATE SET tier_id = excluded.tier_id, since = excluded.since,
           until = excluded.until, counts_from = excluded.counts_from, held_by = 'earned', is_renewed = false,
           earned_tier_id = NULL, earned_until = NULL
)
SELECT member, before, after, at FROM risen ORDER BY member, at
"""
