"""Set-based statements of the outbox: write many rows at once, claim what is due, settle what was lost."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from members.kit.arrays import integers, texts

# Whether a message may go out, in words for the record; empty when it may. Restriction stops all, the rest is for what
# is no service. The same test when it is queued and when it is sent; `rank` counts those of the same statement.
VERDICT = """
CASE WHEN m.restricted_at IS NOT NULL AND {template} <> ALL(%(always)s) THEN 'restricted'
     WHEN {purpose} = 'service' THEN ''
     WHEN NOT coalesce(con.is_given, {channel} = 'inbox' AND cr.inbox_unasked, false) THEN 'no_consent'
     WHEN m.birth_on > %(grown_up)s AND NOT EXISTS (SELECT FROM members_guardian g WHERE g.member_id = m.id)
     THEN 'guardian'
     WHEN p.paused_until > (%(now)s::timestamptz AT TIME ZONE {zone})::date THEN 'paused'
     WHEN {topic} <> '' AND jsonb_exists(p.unwanted, {topic}) THEN 'topic'
     WHEN said.month_all + {rank} > coalesce(p.most_a_month, 32767)
       OR said.day + {rank} > coalesce(cr.most_a_day, 32767)
       OR said.week + {rank} > coalesce(cr.most_a_week, 32767)
       OR said.month + {rank} > coalesce(cr.most_a_month, 32767)
     THEN 'frequency'
     ELSE '' END
"""
ZONE = "coalesce(nullif(p.time_zone, ''), %(zone)s)"
# What is asked of a member and a purpose. One thing said by two channels is said once.
ASKED_OF = """
  LEFT JOIN members_consent con ON {purpose} <> 'service' AND con.member_id = m.id AND con.purpose = {purpose}
                               AND con.channel = {channel}
  LEFT JOIN members_preference p ON {purpose} <> 'service' AND p.member_id = m.id
  LEFT JOIN members_contactrule cr ON cr.purpose = {purpose}
  LEFT JOIN LATERAL (
       SELECT count(DISTINCT o.key) AS month_all,
              count(DISTINCT o.key) FILTER (WHERE o.purpose = {purpose}) AS month,
              count(DISTINCT o.key) FILTER (WHERE o.purpose = {purpose} AND o.at > %(now)s - interval '7 days') AS week,
              count(DISTINCT o.key) FILTER (WHERE o.purpose = {purpose} AND o.at > %(now)s - interval '1 day') AS day
         FROM (SELECT s.key, s.purpose, coalesce(s.sent_at, s.due_at) AS at FROM members_message s
                WHERE s.member_id = m.id AND s.purpose <> 'service' AND s.key <> {key} AND {counted}) o
        WHERE o.at > %(now)s - interval '30 days') said ON {purpose} <> 'service'
"""
# The end of the quiet hours in which a moment lies, or the moment itself. Only what rings is kept for later.
QUIET = """
CASE WHEN {purpose} = 'service' OR {channel} = 'inbox' OR cr.quiet_from IS NULL THEN %(now)s
     WHEN (cr.quiet_from < cr.quiet_until AND here.clock >= cr.quiet_from AND here.clock < cr.quiet_until)
       OR (cr.quiet_from > cr.quiet_until AND (here.clock >= cr.quiet_from OR here.clock < cr.quiet_until))
     THEN (here.day + cr.quiet_until
           + CASE WHEN here.clock >= cr.quiet_until THEN interval '1 day' ELSE interval '0' END) AT TIME ZONE {zone}
     ELSE %(now)s END
"""
HERE = """
  LEFT JOIN LATERAL (
       SELECT (%(now)s::timestamptz AT TIME ZONE {zone})::time AS clock,
              (%(now)s::timestamptz AT TIME ZONE {zone})::date AS day) here ON true
"""

# Whoever counts what a member was sent waits for others who just do the same, until their transaction ends: else two
# would each see room for one more. Neighbours share a lock, for a statement may be about thousands. Members come first,
# as everywhere; whoever claims has messages already, which others take after members, and so takes turns alone.
TAKE_TURNS = """
SELECT pg_advisory_xact_lock(%(limits)s, neighbours)
  FROM (SELECT DISTINCT (member >> 13)::integer AS neighbours FROM ({members}) x(member) WHERE member IS NOT NULL
         ORDER BY 1 OFFSET 0) y
"""
LIMITS = 7_201  # which of our advisory locks this is
OF_MEMBERS = "SELECT id FROM members_member WHERE id = ANY(%(members)s::bigint[]) ORDER BY id FOR KEY SHARE"
OF_CLAIMED = "SELECT member_id FROM members_message WHERE id = ANY(%(ids)s) AND purpose <> 'service'"

# Inbox rows are there as soon as they are written, in the words of this moment. Others need an address: the member's
# proved one, or else the oldest; a member without one gets no row, and neither does one who was erased.
INSERT_MESSAGES = """
INSERT INTO members_message (member_id, channel, purpose, topic, template, template_version, key, context, address,
                             status, reason, due_at, sent_at)
SELECT w.member, w.channel, %(purpose)s, %(topic)s, %(template)s, w.version, w.key, w.context, w.address,
       CASE WHEN w.verdict <> '' THEN 'suppressed' WHEN w.channel = 'inbox' THEN 'delivered' ELSE 'queued' END,
       CASE WHEN w.verdict = '' AND w.due_at > %(now)s THEN 'quiet_hours' ELSE w.verdict END,
       CASE WHEN w.verdict = '' THEN w.due_at ELSE %(now)s END,
       CASE WHEN w.verdict = '' AND w.channel = 'inbox' THEN %(now)s END
  FROM (
SELECT m.id AS member, c.channel, v.version, r.key, r.context, coalesce(a.value, '') AS address,
       {verdict} AS verdict, {quiet} AS due_at
  FROM (SELECT *, dense_rank() OVER (PARTITION BY member_id ORDER BY key) AS rank
          FROM unnest(%(members)s::bigint[], %(keys)s::text[], %(contexts)s::jsonb[]) u(member_id, key, context)) r
  JOIN members_member m ON m.id = r.member_id AND m.erased_at IS NULL
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
  {asked_of} {here}
 WHERE c.channel = 'inbox' OR a.value IS NOT NULL
 ORDER BY m.id, c.channel, r.key) w
ON CONFLICT (member_id, channel, key) DO NOTHING
"""
# Service is the most, and a till waits for it: all that it can meet is a restriction.
INSERT_SERVICE = INSERT_MESSAGES.format(
    verdict="CASE WHEN m.restricted_at IS NOT NULL THEN 'restricted' ELSE '' END",
    quiet="%(now)s::timestamptz",
    asked_of="",
    here="",
)
ASKS = {
    "purpose": "%(purpose)s::text",
    "channel": "c.channel",
    "topic": "%(topic)s::text",
    "template": "%(template)s::text",
    "key": "r.key",
    "rank": "r.rank",
    "zone": ZONE,
    "counted": "s.status = ANY(ARRAY['queued', 'sending', 'sent', 'delivered', 'unknown'])",
}
INSERT_OTHERS = INSERT_MESSAGES.format(
    **{
        name: part.format(**ASKS)
        for name, part in {"verdict": VERDICT, "quiet": QUIET, "asked_of": ASKED_OF, "here": HERE}.items()
    }
)

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
# Of what was just claimed: what may not go out after all, and what waits for the end of quiet hours. Who was erased
# has no address left.
HOLD_BACK = """
WITH judged AS MATERIALIZED (
SELECT x.id, CASE WHEN m.erased_at IS NOT NULL THEN 'erased' ELSE {verdict} END AS verdict, {quiet} AS due_at
  FROM (SELECT t.*, dense_rank() OVER (PARTITION BY t.member_id, t.purpose ORDER BY t.key) AS rank
          FROM members_message t WHERE t.id = ANY(%(ids)s)) x
  JOIN members_member m ON m.id = x.member_id
  {asked_of} {here}
)
UPDATE members_message t
   SET status = CASE WHEN j.verdict <> '' THEN 'suppressed' ELSE 'queued' END,
       reason = CASE WHEN j.verdict <> '' THEN j.verdict ELSE 'quiet_hours' END,
       due_at = CASE WHEN j.verdict <> '' THEN t.due_at ELSE j.due_at END, leased_until = NULL
  FROM judged j WHERE t.id = j.id AND (j.verdict <> '' OR j.due_at > %(now)s)
RETURNING t.id
"""
CLAIMED = {
    "purpose": "x.purpose",
    "channel": "x.channel",
    "topic": "x.topic",
    "template": "x.template",
    "key": "x.key",
    "rank": "x.rank",
    "zone": ZONE,
    "counted": "s.status = ANY(ARRAY['sending', 'sent', 'delivered', 'unknown']) AND s.id <> ALL(%(ids)s)",
}
HOLD_BACK_CLAIMED = HOLD_BACK.format(
    **{
        name: part.format(**CLAIMED)
        for name, part in {"verdict": VERDICT, "quiet": QUIET, "asked_of": ASKED_OF, "here": HERE}.items()
    }
)

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


@dataclass(frozen=True)
class Terms:
    """What the statements need to know of the shop: its time zone, since when born one is a child, what always goes."""

    zone: str
    grown_up: date
    always: list[str]


def insert_messages(
    rows: Iterable[Row],
    *,
    template: str,
    channels: Iterable[str],
    purpose: str,
    topic: str,
    terms: Terms,
    now: datetime,
) -> int:
    """Write a message a row and channel, unless its key has one; how many were new, also of those held back."""
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
        "topic": topic,
        "now": now,
    }
    is_service = purpose == "service"
    with connection.cursor() as cursor:
        if not is_service:
            cursor.execute(TAKE_TURNS.format(members=OF_MEMBERS), {"limits": LIMITS, "members": integers(members)})
        cursor.execute(INSERT_SERVICE if is_service else INSERT_OTHERS, values | ({} if is_service else vars(terms)))
        return int(cursor.rowcount)


def hold_back(ids: list[int], *, terms: Terms, now: datetime) -> set[int]:
    """Let go of claimed rows that may not go out, or not yet; their ids. In the transaction that claimed them."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE_TURNS.format(members=OF_CLAIMED), {"limits": LIMITS, "ids": ids})
        cursor.execute(HOLD_BACK_CLAIMED, {"ids": ids, "now": now, **vars(terms)})
        return {row[0] for row in cursor.fetchall()}


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
