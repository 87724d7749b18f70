"""The statement that judges a range of members, put together for what a ladder counts and promises.

Ranks are places in the ladder, lowest 1, none 0. `up` is what the window reaches, `kept` what it keeps; `back` is what
the window of the term keeps that ends now (or, after a return, still reaches); `granted` what was given or sold.
Each step ends with OFFSET 0: it is worked out once a row, and not put again into every place that names it.
"""

from dataclasses import dataclass

from loyalty.tiers.rules import Climb
from loyalty.tiers.sql import begins, begins_of_term, counted, rank, totals, zone


@dataclass(frozen=True, slots=True)
class Asked:
    """What a range of members makes necessary to ask, and how they are judged.

    mode: night; return (a term that its window no longer reaches is given back); recompute (terms do not count);
    upwards (nobody falls).
    """

    mode: str = "night"
    has_grants: bool = False
    has_terms: bool = False


# Whether anybody in a range has a tier that was given, or a tier with an end.
LOOK = """
SELECT EXISTS (SELECT FROM loyalty_grant WHERE ladder_id = %(ladder)s AND member_id BETWEEN %(first)s AND %(last)s
                  AND ended_at IS NULL AND until > %(as_of)s),
       EXISTS (SELECT FROM loyalty_standing WHERE member_id BETWEEN %(first)s AND %(last)s AND ladder_id = %(ladder)s
                  AND (until IS NOT NULL OR held_by <> 'earned'))
"""

# The window's totals, for all at once: what a plain ladder counts begins for everybody at one moment.
COUNTED = """
counted AS (
    SELECT c.member_id, sum(c.points) AS m0 FROM ({counted}) c
     WHERE c.member_id BETWEEN %(first)s AND %(last)s
       AND c.happened_at >= coalesce(%(start)s, '-infinity'::timestamptz) AND c.happened_at < %(as_of)s
     GROUP BY c.member_id
), """
GROUPED = "LEFT JOIN counted t ON t.member_id = m.id"
GRANTS = """
      LEFT JOIN LATERAL (
           SELECT array_position(%(tiers)s::bigint[], g.tier_id) AS granted, g.until AS grant_until, g.held_by AS given
             FROM loyalty_grant g
            WHERE g.member_id = m.id AND g.ladder_id = %(ladder)s AND g.ended_at IS NULL
              AND g.since < %(as_of)s AND g.until > %(as_of)s AND g.held_by <> 'manual'
            ORDER BY 1 DESC, 2 DESC LIMIT 1) g ON true"""
NO_GRANT = "0 AS granted, NULL::timestamptz AS grant_until, 'earned' AS given"


def window_of(climb: Climb) -> tuple[str, str]:
    """What stands before the judging, and the join that brings the window's totals as t."""
    if climb.is_plain:
        return COUNTED.format(counted=counted(climb.own)), GROUPED
    start = begins(climb, "%(as_of)s::timestamptz", "m.enrolled_at")
    return "", (
        f"CROSS JOIN LATERAL (SELECT m.id AS member, {start} AS begins, %(as_of)s::timestamptz AS ends) w "
        f"CROSS JOIN LATERAL ({totals(climb)}) t"
    )


def term_of(climb: Climb, asked: Asked) -> tuple[str, str, str]:
    """The join that brings the totals of a term as b, the rank they keep, and when that window began."""
    if asked.mode == "recompute" or not (asked.has_terms or asked.mode == "return"):
        return "", "0", "NULL::timestamptz"
    is_due = "s.until <= %(as_of)s AND s.held_by = 'earned' AND NOT s.is_protected"
    is_back = "s.until > %(as_of)s AND s.held_by = 'earned' AND NOT s.is_protected"
    start = begins_of_term(climb, "s.until", "m.enrolled_at")
    needed, begin = is_due, start
    ranked = rank(climb, alias="b", keeping=True)
    if asked.mode == "return":
        needed = f"(({is_due}) OR ({is_back}))"
        begin = f"CASE WHEN {is_back} THEN s.counts_from ELSE {start} END"
        ranked = f"(CASE WHEN s.until > %(as_of)s AND NOT s.is_renewed THEN {rank(climb, alias='b')} ELSE {ranked} END)"
    # OFFSET 0 keeps the condition outside, so that nothing is summed up for those who are not due
    join = (
        f"LEFT JOIN LATERAL (SELECT m.id AS member, {begin} AS begins, %(as_of)s::timestamptz AS ends "
        f"WHERE {needed} OFFSET 0) v ON true "
        f"LEFT JOIN LATERAL (SELECT t.* FROM (SELECT v.member, v.begins, v.ends) w "
        f"CROSS JOIN LATERAL ({totals(climb)}) t WHERE v.member IS NOT NULL) b ON true"
    )
    return join, f"coalesce({ranked}, 0)", "v.begins"


DECIDE = {
    "night": "greatest(held, up)",
    "return": "greatest(up, least(held, back))",
    "recompute": "greatest(up, least(held, kept))",
    "upwards": "greatest(held, up)",
}


def may_change(climb: Climb, asked: Asked, *, up: str, held: str) -> str:
    """What holds of everybody whom a night may change: most others are left out before anything is worked out."""
    if asked.mode != "night" or asked.has_grants:
        return "true"
    unended = f"{held} > {1 if climb.lowest else 0}" if climb.validity else f"{up} <> {held}"
    return f"({up} > {held} OR s.until <= %(as_of)s OR (s.until IS NULL AND {unended}))"


def judging(climb: Climb, asked: Asked, *, only_changes: bool = False) -> str:
    """The steps `judged` and `decided` of a WITH: each member's rank before (`held`) and `after`, `own` without grants.

    Wants first, last, as_of, start, ladder, tiers and term_end (until when a tier reached now is held).
    """
    before, window = window_of(climb)
    term, back, back_from = term_of(climb, asked)
    start = "%(start)s::timestamptz" if climb.is_plain else "w.begins"
    lowest = 1 if climb.lowest else 0
    held = f"coalesce(array_position(%(tiers)s::bigint[], s.tier_id), CASE WHEN s.id IS NULL THEN {lowest} ELSE 0 END)"
    up = f"coalesce({rank(climb, alias='t')}, 0)"
    kept = rank(climb, alias="t", keeping=True) if climb.has_retention else rank(climb, alias="t")
    still = DECIDE["recompute" if asked.mode == "recompute" else "night"]
    return f"""{before}judged AS (
    SELECT m.id AS member, s.id AS standing, s.since, s.until, coalesce(s.held_by, 'earned') AS held_by,
           coalesce(s.is_protected, false) AS is_protected, s.earned_until, s.tier_id AS held_tier,
           coalesce(s.held_by = 'manual' AND s.until > %(as_of)s, false) AS is_fixed,
           {held} AS held,
           coalesce(array_position(%(tiers)s::bigint[], s.earned_tier_id), 0) AS earned,
           coalesce(t.m0, 0)::bigint AS total, {up} AS up, coalesce({kept}, 0) AS kept,
           {back} AS back, {back_from} AS back_from, {start} AS up_from,
           s.counts_from, coalesce(s.is_renewed, false) AS is_renewed,
           {"coalesce(g.granted, 0) AS granted, g.grant_until, g.given" if asked.has_grants else NO_GRANT}
      FROM members_member m
      LEFT JOIN loyalty_standing s ON s.member_id = m.id AND s.ladder_id = %(ladder)s
      {window} {term} {GRANTS if asked.has_grants else ""}
     WHERE m.id BETWEEN %(first)s AND %(last)s AND m.merged_into IS NULL AND (s.since IS NULL OR s.since < %(as_of)s)
       AND {may_change(climb, asked, up=up, held=held) if only_changes else "true"}
    OFFSET 0
), owned AS (
    SELECT *, CASE
           WHEN is_fixed THEN held
           WHEN is_protected OR {asked.mode == "upwards"} THEN greatest(held, up)
           WHEN held_by <> 'earned' AND until > %(as_of)s THEN {still}
           WHEN held_by <> 'earned' THEN
               greatest(up, CASE WHEN earned_until > %(as_of)s THEN earned ELSE least(earned, kept) END)
           WHEN until > %(as_of)s THEN {DECIDE[asked.mode]}
           WHEN until IS NULL AND %(term_end)s::timestamptz IS NOT NULL AND {asked.mode == "night"}
               THEN greatest(held, up)
           WHEN until IS NULL OR {asked.mode == "recompute"} THEN greatest(up, least(held, kept))
           WHEN back >= held OR %(as_of)s < {in_days("until", climb.grace_days)} OR {climb.at_end == "keep"}
               THEN greatest(held, up)
           WHEN {climb.at_end == "step"} THEN greatest(held - 1, up, {lowest})
           ELSE greatest(up, least(held, back)) END AS own
      FROM judged OFFSET 0
), decided AS (
    SELECT *, CASE WHEN is_fixed THEN held ELSE greatest(own, granted) END AS after FROM owned OFFSET 0
)"""


def in_days(moment: str, days: int) -> str:
    """So many of the shop's days later."""
    return f"(({moment} AT TIME ZONE {zone()} + make_interval(days => {days:d})) AT TIME ZONE {zone()})"


def judge_range(climb: Climb, asked: Asked) -> str:
    """Judge a range and write what changed: standings, and history of every step and every renewed term.

    Whoever moved at or after `as_of` is left alone, also when that happens while this runs: the condition is looked
    at again under the row's lock. Gives back who moved from which tier to which, and who rose.
    """
    is_renewal = f"(back >= held OR {climb.at_end == 'keep'})"
    return f"""
WITH {judging(climb, asked, only_changes=True)}, moved AS (
    SELECT *, (%(tiers)s::bigint[])[held] AS before_tier, (%(tiers)s::bigint[])[after] AS after_tier,
           CASE WHEN is_fixed THEN until
                WHEN after = held AND held_by <> 'earned' AND until > %(as_of)s THEN until
                WHEN after > own THEN grant_until
                WHEN after = 0 OR after = {1 if climb.lowest else 0} THEN NULL
                WHEN held_by <> 'earned' AND after = earned AND earned_until > %(as_of)s THEN earned_until
                WHEN after > held OR until IS NULL OR held_by <> 'earned' THEN %(term_end)s
                WHEN after < held THEN CASE WHEN {asked.mode == "return"} THEN until ELSE %(term_end)s END
                WHEN until <= %(as_of)s AND NOT is_protected AND {is_renewal} THEN %(term_end)s
                ELSE until END AS new_until,
           CASE WHEN is_fixed OR (after = held AND held_by <> 'earned' AND until > %(as_of)s) THEN held_by
                WHEN after > own THEN given ELSE 'earned' END AS new_held_by
      FROM decided OFFSET 0
), changed AS (
    SELECT *, after <> held AS is_step, after = held AND until IS NOT NULL AS is_term FROM moved
     WHERE after <> held OR new_until IS DISTINCT FROM until OR new_held_by <> held_by
), updated AS (
    UPDATE loyalty_standing s
       SET tier_id = c.after_tier, until = c.new_until, held_by = c.new_held_by,
           since = CASE WHEN c.is_step THEN %(as_of)s ELSE s.since END,
           counts_from = CASE WHEN c.after <= c.up THEN c.up_from ELSE coalesce(c.back_from, c.counts_from) END,
           is_renewed = c.after > c.up,
           earned_tier_id = CASE WHEN c.new_held_by = 'earned' THEN NULL ELSE s.earned_tier_id END,
           earned_until = CASE WHEN c.new_held_by = 'earned' THEN NULL ELSE s.earned_until END
      FROM changed c
     WHERE s.id = c.standing AND s.tier_id IS NOT DISTINCT FROM c.held_tier AND s.since < %(as_of)s
       AND s.until IS NOT DISTINCT FROM c.until AND s.held_by = c.held_by
    RETURNING s.member_id
), inserted AS (
    INSERT INTO loyalty_standing (member_id, ladder_id, tier_id, since, until, held_by, counts_from)
    SELECT member, %(ladder)s, after_tier, %(as_of)s, new_until, new_held_by, up_from FROM changed
     WHERE standing IS NULL
        ON CONFLICT (member_id, ladder_id) DO NOTHING
    RETURNING member_id
)
INSERT INTO loyalty_tierchange (member_id, ladder_id, before_id, after_id, total, reason, until, note, actor,
                                happened_at)
SELECT c.member, %(ladder)s, c.before_tier, c.after_tier, c.total,
       CASE WHEN c.is_step THEN %(reason)s ELSE 'renewed' END, c.new_until, %(note)s, %(actor)s, %(at)s
  FROM changed c JOIN (SELECT member_id FROM updated UNION ALL SELECT member_id FROM inserted) done
    ON done.member_id = c.member
 WHERE c.is_step OR c.is_term
RETURNING member_id, before_id, after_id
"""


def warn(climb: Climb) -> str:
    """Mark, once a term, whose tier ends soon and who has not kept it yet; gives back what the message says."""
    start = begins_of_term(climb, "s.until", "m.enrolled_at")
    return f"""
WITH ending AS (
    SELECT s.id, s.member_id, s.tier_id, s.until, t.m0,
           array_position(%(tiers)s::bigint[], s.tier_id) AS held, {rank(climb, alias="t", keeping=True)} AS kept
      FROM loyalty_standing s JOIN members_member m ON m.id = s.member_id
     CROSS JOIN LATERAL (SELECT s.member_id AS member, {start} AS begins, %(as_of)s::timestamptz AS ends) w
     CROSS JOIN LATERAL ({totals(climb)}) t
     WHERE s.ladder_id = %(ladder)s AND s.member_id BETWEEN %(first)s AND %(last)s AND s.held_by = 'earned'
       AND m.merged_into IS NULL AND NOT s.is_protected AND s.until > %(as_of)s
       AND s.until <= {in_days("%(as_of)s::timestamptz", climb.warn_days)}
       AND s.warned_until IS DISTINCT FROM s.until
)
UPDATE loyalty_standing s SET warned_until = e.until FROM ending e
 WHERE s.id = e.id AND e.kept < e.held AND s.until = e.until AND s.warned_until IS DISTINCT FROM e.until
RETURNING s.member_id, s.tier_id, s.until, e.m0
"""
