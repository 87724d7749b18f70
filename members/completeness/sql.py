"""Set-based statements of fullness: one body says how profiles stand, for a range of the night or for a few."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from members.completeness.rules import PARTS

FILLED = " ".join(f"WHEN '{code}' THEN {part.filled}" for code, part in PARTS.items())
KNOWN = {"codes": list(PARTS), "fields": [",".join(part.fields) for part in PARTS.values()]}
# What counts is the shop's choice; a further field that is archived or gone does not. A part that is filled is old when
# neither its history, nor a word of the member, nor the enrolment is young enough.
STATE = f"""
WITH part AS MATERIALIZED (
    SELECT chosen.code, chosen.weight, chosen.months, coalesce(known.fields, chosen.code) AS fields
      FROM members_profilepart chosen
      LEFT JOIN unnest(%(codes)s::text[], %(fields)s::text[]) known(code, fields) ON known.code = chosen.code
     WHERE known.code IS NOT NULL OR EXISTS (
           SELECT FROM members_customfield f WHERE NOT f.is_archived AND 'custom.' || f.code = chosen.code)
), looked AS (
    SELECT m.id, m.enrolled_at, f.confirmed_at, part.*,
           CASE part.code {FILLED} ELSE jsonb_exists(m.custom, substr(part.code, 8)) END AS is_filled
      FROM members_member m CROSS JOIN part
      LEFT JOIN members_person p ON p.member_id = m.id
      LEFT JOIN members_address a ON a.member_id = m.id
      LEFT JOIN members_photo ph ON ph.member_id = m.id
      LEFT JOIN members_fullness f ON f.member_id = m.id
     WHERE {{whose}} AND m.merged_into IS NULL AND m.erased_at IS NULL
), fresh AS (
    SELECT looked.*,
           CASE WHEN months IS NULL OR NOT is_filled THEN false
                WHEN greatest(enrolled_at, confirmed_at) >= %(now)s - months * interval '1 month' THEN false
                ELSE NOT EXISTS (
                     SELECT FROM members_change c
                      WHERE c.member_id = looked.id AND c.field = ANY (string_to_array(looked.fields, ','))
                        AND c.changed_at >= %(now)s - months * interval '1 month') END AS is_stale
      FROM looked
)
SELECT id, floor(100.0 * coalesce(sum(weight) FILTER (WHERE is_filled), 0) / sum(weight))::int AS percent,
       coalesce(array_agg(code ORDER BY weight DESC, code) FILTER (WHERE is_stale), '{{{{}}}}') AS stale,
       coalesce(array_agg(code ORDER BY weight DESC, code) FILTER (WHERE NOT is_filled), '{{{{}}}}') AS missing
  FROM fresh GROUP BY id
"""
RANGE = STATE.format(whose="m.id BETWEEN %(first)s AND %(last)s")
SOME = STATE.format(whose="m.id = ANY (%(members)s)")
WRITE = """
INSERT INTO members_fullness AS f (member_id, percent, stale, completed_at, computed_at)
SELECT s.id, s.percent, s.stale, CASE WHEN s.percent = 100 THEN %(now)s END, %(now)s FROM ({state}) s ORDER BY s.id
    ON CONFLICT (member_id) DO UPDATE
       SET percent = excluded.percent, stale = excluded.stale, computed_at = excluded.computed_at,
           completed_at = coalesce(f.completed_at, excluded.completed_at)
     WHERE (f.percent, f.stale) IS DISTINCT FROM (excluded.percent, excluded.stale)
"""
WRITE_RANGE, WRITE_SOME = WRITE.format(state=RANGE), WRITE.format(state=SOME)
CHANGED = """
SELECT member_id FROM members_change WHERE changed_at >= %(since)s
 UNION SELECT member_id FROM members_photo WHERE given_at >= %(since)s
 UNION SELECT id FROM members_member WHERE enrolled_at >= %(since)s
 LIMIT %(most)s
"""
# Whoever joined lately, is restricted, or was reminded not long ago is left alone.
REMIND = """
UPDATE members_fullness f SET reminded_at = %(now)s
  FROM members_member m
 WHERE m.id = f.member_id AND m.id BETWEEN %(first)s AND %(last)s
   AND m.merged_into IS NULL AND m.erased_at IS NULL AND m.restricted_at IS NULL
   AND (f.percent < 100 OR f.stale <> '{}') AND m.enrolled_at < %(now)s - interval '14 days'
   AND coalesce(f.reminded_at, '-infinity') < %(now)s - %(months)s * interval '1 month'
   AND coalesce(f.confirmed_at, '-infinity') < %(now)s - interval '14 days'
RETURNING m.id, f.percent
"""

StateRow = tuple[int, int, list[str], list[str]]  # member, percent, stale, missing


def state_of(*, members: Sequence[int], now: datetime) -> list[StateRow]:
    """How the profiles of these members stand at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(SOME, {**KNOWN, "members": list(members), "now": now})
        return [(row[0], row[1], list(row[2]), list(row[3])) for row in cursor.fetchall()]


def write_range(*, first: int, last: int, now: datetime) -> int:
    """Write down how the profiles of a range stand; how many changed."""
    return run(WRITE_RANGE, {**KNOWN, "first": first, "last": last, "now": now})


def write_some(*, members: Sequence[int], now: datetime) -> int:
    """Write down how the profiles of these members stand; how many changed."""
    return run(WRITE_SOME, {**KNOWN, "members": list(members), "now": now})


def run(statement: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def changed_since(since: datetime, most: int) -> list[int]:
    """Whose profiles changed since a moment."""
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, {"since": since, "most": most})
        return [row[0] for row in cursor.fetchall()]


def to_remind(*, first: int, last: int, months: int, now: datetime) -> list[tuple[int, int]]:
    """Note that those of a range whose time has come are reminded: their ids, and how whole their profiles are."""
    with connection.cursor() as cursor:
        cursor.execute(REMIND, {"first": first, "last": last, "months": months, "now": now})
        return [(row[0], row[1]) for row in cursor.fetchall()]
