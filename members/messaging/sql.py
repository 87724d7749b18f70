"""Set-based statements of the outbox: write many rows at once, claim what is due, settle what was lost."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from members.kit.arrays import integers, texts

# Inbox rows are there as soon as they are written, in the words of this moment. Others need an address: the member's
# proved one, or else the oldest; a member without one gets no row.
INSERT_MESSAGES = """
INSERT INTO members_message (member_id, channel, purpose, template, template_version, key, context, address, status,
                             due_at, sent_at)
SELECT m.id, c.channel, %(purpose)s, %(template)s, v.version, r.key, r.context, coalesce(a.value, ''),
       CASE c.channel WHEN 'inbox' THEN 'delivered' ELSE 'queued' END, %(now)s,
       CASE c.channel WHEN 'inbox' THEN %(now)s END
  FROM unnest(%(members)s::bigint[], %(keys)s::text[], %(contexts)s::jsonb[]) r(member_id, key, context)
  JOIN members_member m ON m.id = r.member_id
 CROSS JOIN unnest(%(channels)s::text[]) c(channel)
  LEFT JOIN LATERAL (
       SELECT t.version FROM members_template t
        WHERE c.channel = 'inbox' AND t.code = %(template)s AND t.language = m.language
        ORDER BY t.version DESC LIMIT 1) v ON true
  LEFT JOIN LATERAL (
       SELECT i.value FROM members_identity i
        WHERE c.channel <> 'inbox' AND i.member_id = m.id
          AND i.kind = CASE c.channel WHEN 'email' THEN 'email' WHEN 'sms' THEN 'phone' END
        ORDER BY i.verified_at NULLS LAST, i.id LIMIT 1) a ON true
 WHERE c.channel = 'inbox' OR a.value IS NOT NULL
 ORDER BY m.id, c.channel, r.key
ON CONFLICT (member_id, channel, key) DO NOTHING
"""

# The claimed rows stand in their own step, so that they are picked once and not again for every row of the update.
CLAIM_DUE = """
WITH due AS MATERIALIZED (
    SELECT id FROM members_message
     WHERE status = 'queued' AND due_at <= %(now)s AND (%(only)s::bigint IS NULL OR id = %(only)s)
     ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE members_message m SET status = 'sending', leased_until = %(until)s, sent_at = NULL
  FROM due WHERE m.id = due.id
RETURNING m.id
"""

# A row whose hand-over had begun (sent_at) may have been taken: a person decides. The others were never touched.
SETTLE_LOST = """
UPDATE members_message
   SET status = CASE WHEN sent_at IS NULL THEN 'queued' ELSE 'unknown' END,
       reason = CASE WHEN sent_at IS NULL THEN '' ELSE 'worker_lost' END,
       context = CASE WHEN sent_at IS NOT NULL AND template = ANY(%(secret)s) THEN '{}' ELSE context END
 WHERE status = 'sending' AND leased_until < %(now)s
RETURNING status
"""

Row = tuple[int, str, Mapping[str, Any]]  # member id, key, context


def insert_messages(rows: Iterable[Row], *, template: str, channels: Iterable[str], purpose: str, now: datetime) -> int:
    """Write a message a row and channel, unless its key has one; how many were new."""
    members, keys, contexts = [], [], []
    for member, key, context in rows:
        members.append(member)
        keys.append(key)
        contexts.append(json.dumps(context))
    values: dict[str, Any] = {
        "members": integers(members),
        "keys": texts(keys),
        "contexts": texts(contexts),
        "channels": list(channels),
        "template": template,
        "purpose": purpose,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT_MESSAGES, values)
        return int(cursor.rowcount)


def claim(*, now: datetime, until: datetime, limit: int, only: int | None) -> list[int]:
    """Take due rows that nobody else is taking; their ids."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_DUE, {"now": now, "until": until, "limit": limit, "only": only})
        return [row[0] for row in cursor.fetchall()]


def settle_lost(*, now: datetime, secret: list[str]) -> list[str]:
    """Decide rows whose worker is gone; the status of each."""
    with connection.cursor() as cursor:
        cursor.execute(SETTLE_LOST, {"now": now, "secret": secret})
        return [row[0] for row in cursor.fetchall()]
