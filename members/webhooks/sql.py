"""Set-based statements: find what happened, share it out to endpoints, claim what is due, settle what was lost."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from members.webhooks.models import Reading
from members.webhooks.rules import Happening

OVERLAP = 1_000  # ids that are read again below the mark: a number may be drawn before its transaction has one
RANGE = 10_000  # ids a statement

# One thing, in the transaction that caused it; nothing is written unless some endpoint wants it.
TELL = """
INSERT INTO members_occurrence (member_id, code, key, identifier, facts, happened_at)
SELECT %(member)s::bigint, %(code)s::text, %(key)s::text, 'msg_' || replace(gen_random_uuid()::text, '-', ''),
       %(facts)s::jsonb, %(now)s::timestamptz
 WHERE EXISTS (SELECT 1 FROM members_endpoint WHERE is_on AND %(code)s::text = ANY (events))
ON CONFLICT (member_id, key) DO NOTHING
"""

# What a sweep finds: rows that lack their occurrence. Those below the mark were told, but for late ones.
FIND = """
INSERT INTO members_occurrence (member_id, code, key, identifier, facts, happened_at)
SELECT r.member, %(code)s::text, %(code)s::text || ':' || r.id, 'msg_' || replace(gen_random_uuid()::text, '-', ''),
       r.facts, r.happened_at
  FROM ({rows}) r
 WHERE r.created_at >= %(since)s::timestamptz
   AND (r.id > %(done)s::bigint OR r.created_at >= now() - interval '1 day')
ON CONFLICT (member_id, key) DO NOTHING
"""

NEWEST = "SELECT coalesce(max(id), 0) FROM {table}"
SNAPSHOT = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""

BEGIN = """
INSERT INTO members_reading (code, done_id, seen_id, seen_before)
SELECT %(code)s, newest, newest, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
  FROM (SELECT coalesce(max(id), 0) AS newest FROM {table}) t
ON CONFLICT (code) DO NOTHING
"""

SHARE = """
WITH waiting AS MATERIALIZED (
    SELECT id, code FROM members_occurrence WHERE shared_at IS NULL
     ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), written AS (
    INSERT INTO members_delivery (endpoint_id, occurrence_id, status, due_at)
    SELECT e.id, w.id, 'queued', %(now)s::timestamptz
      FROM waiting w JOIN members_endpoint e ON e.is_on AND w.code = ANY (e.events)
    ON CONFLICT (endpoint_id, occurrence_id) DO NOTHING
)
UPDATE members_occurrence o SET shared_at = %(now)s::timestamptz FROM waiting w WHERE o.id = w.id
"""

# So many of each endpoint: one that is slow, or has a lot to be told, does not keep the others waiting.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT d.id FROM members_endpoint e CROSS JOIN LATERAL (
           SELECT id FROM members_delivery
            WHERE endpoint_id = e.id AND status = 'queued' AND due_at <= %(now)s
            ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) d
     WHERE e.is_on AND (e.resting_until IS NULL OR e.resting_until <= %(now)s)
       AND (SELECT count(*) FROM members_delivery WHERE endpoint_id = e.id AND status = 'sending') < 2 * %(limit)s
)
UPDATE members_delivery d SET status = 'sending', leased_until = %(until)s FROM due WHERE d.id = due.id
RETURNING d.id
"""

# Nobody knows whether the other side has it: it is told again, under the same id.
SETTLE_LOST = """
UPDATE members_delivery SET status = 'queued', leased_until = NULL
 WHERE status = 'sending' AND leased_until < %(now)s
"""


def tell(*, member: int, code: str, key: str, facts: Mapping[str, Any], now: datetime) -> int:
    """Write an occurrence if some endpoint wants it; how many were written."""
    values = {"member": member, "code": code, "key": key, "facts": json.dumps(facts), "now": now}
    return run(TELL, values)


def begin_reading(happening: Happening) -> None:
    """Read a table from here on."""
    run(BEGIN.format(table=happening.table), {"code": happening.code})


def read_on(happening: Happening, reading: Reading) -> tuple[int, dict[str, int]]:
    """Write what happened since: how many, and how far the table is read now. The caller holds the reading."""
    with connection.cursor() as cursor:
        cursor.execute(NEWEST.format(table=happening.table))
        newest = cursor.fetchone()[0]
        cursor.execute(SNAPSHOT)  # after the newest id, before the rows
        oldest_running, next_number = cursor.fetchone()
    find = FIND.format(rows=happening.rows)
    said = {"code": happening.code, "since": reading.since, "done": reading.done_id}
    found = 0
    for first in range(reading.done_id - OVERLAP, newest, RANGE):
        found += run(find, {**said, "first": first, "last": min(first + RANGE, newest)})
    if reading.seen_before > oldest_running:
        return found, {}
    return found, {"done_id": reading.seen_id, "seen_id": newest, "seen_before": next_number}


def share(*, now: datetime, limit: int) -> int:
    """Hand what happened to the endpoints that want it; how much was handed over."""
    return run(SHARE, {"now": now, "limit": limit})


def claim(*, now: datetime, until: datetime, limit: int) -> list[int]:
    """Take due deliveries that nobody else takes; their ids."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "until": until, "limit": limit})
        return [row[0] for row in cursor.fetchall()]


def settle_lost(*, now: datetime) -> int:
    """Queue again what a worker held that is gone; how many."""
    return run(SETTLE_LOST, {"now": now})


def run(statement: str, values: Mapping[str, Any]) -> int:
    """Run it; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
