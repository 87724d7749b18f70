"""Set-based statements of tags: put one on many members, let go of those whose time is over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

# Tags that stand are renewed by whoever puts them on again; those whose time is over have ended before.
LAPSE_SOME = """
UPDATE members_tagging SET ended_at = until
 WHERE tag_id = %(tag)s AND member_id = ANY (%(members)s) AND ended_at IS NULL AND until <= %(now)s
"""
PUT_ON = """
INSERT INTO members_tagging AS t (member_id, tag_id, since, until, why, by_id)
SELECT m.id, %(tag)s, %(now)s, %(until)s, %(why)s, %(by)s
  FROM members_member m WHERE m.id = ANY (%(members)s) AND m.merged_into IS NULL AND m.erased_at IS NULL ORDER BY m.id
    ON CONFLICT (member_id, tag_id) WHERE ended_at IS NULL
    DO UPDATE SET until = excluded.until
          WHERE t.until < excluded.until OR (t.until IS NOT NULL AND excluded.until IS NULL)
RETURNING (xmax = 0)
"""
LAPSE = """
UPDATE members_tagging SET ended_at = until
 WHERE id BETWEEN %(first)s AND %(last)s AND ended_at IS NULL AND until <= %(now)s
"""


def put_on(
    *, members: Sequence[int], tag: int, until: datetime | None, why: str, by: int | None, now: datetime
) -> tuple[int, int]:
    """Put a tag on members: how many did not have it, and for how many it now lasts longer."""
    said: dict[str, Any] = {"members": sorted(members), "tag": tag, "until": until, "why": why, "by": by, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(LAPSE_SOME, said)
        cursor.execute(PUT_ON, said)
        rows = [row[0] for row in cursor.fetchall()]
    return rows.count(True), rows.count(False)


def lapse(*, first: int, last: int, now: datetime) -> int:
    """End those of a range whose time is over; how many."""
    with connection.cursor() as cursor:
        cursor.execute(LAPSE, {"first": first, "last": last, "now": now})
        return int(cursor.rowcount)
