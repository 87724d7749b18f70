"""Statements that forget: set-based, for one person in every table, or for a range of rows that are old."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

# Waiting messages are held back for good. A code to a newcomer has no member, and an address may have been another's.
FORGET_MESSAGES = """
UPDATE members_message SET context = '{}', address = '',
       status = CASE status WHEN 'queued' THEN 'suppressed' ELSE status END,
       reason = CASE WHEN status = 'queued' OR reason !~ '^[a-z_]*$' THEN 'erased' ELSE reason END
 WHERE member_id = ANY(%(members)s) OR (address <> '' AND address = ANY(%(values)s))
"""
FORGET_PROOFS = """
UPDATE members_consentchange
   SET proof = CASE proof WHEN '' THEN '' ELSE 'erased' END, trace = CASE trace WHEN '' THEN '' ELSE 'erased' END,
       guardian = CASE guardian WHEN '' THEN '' ELSE 'erased' END
 WHERE member_id = ANY(%(members)s)
"""
# What a till was told stays under its key, without the words, so that a repeat is still known.
FORGET_ANSWERS = """
UPDATE members_idempotentanswer SET body = '{"erased": true}'
 WHERE body IS NOT NULL AND EXISTS (SELECT FROM unnest(%(words)s::text[]) w WHERE strpos(body::text, w) > 0)
"""
BLOCK = """
INSERT INTO members_erasedidentity (kind, digest, erased_at)
SELECT * FROM unnest(%(kinds)s::text[], %(digests)s::text[], %(moments)s::timestamptz[])
ON CONFLICT (kind, digest) DO NOTHING
"""
OLD_MESSAGES = """
UPDATE members_message SET context = '{}', address = '',
       reason = CASE WHEN reason ~ '^[a-z_]+$' THEN reason ELSE 'forgotten' END
 WHERE id BETWEEN %(first)s AND %(last)s AND due_at < %(before)s AND status NOT IN ('queued', 'sending')
   AND (context <> '{}' OR address <> '' OR reason = '')
"""
OLD_LOOKS = "DELETE FROM members_look WHERE id BETWEEN %(first)s AND %(last)s AND looked_at < %(before)s"
OLD_CHANGES = "DELETE FROM members_change WHERE id BETWEEN %(first)s AND %(last)s AND changed_at < %(before)s"
# Nobody is proposed twice, nor again after somebody decided to keep them within that time.
PROPOSE = """
INSERT INTO members_erasure (member_id, status, asked_at)
SELECT m.id, 'proposed', %(now)s FROM members_member m
 WHERE m.id BETWEEN %(first)s AND %(last)s AND m.erased_at IS NULL AND m.merged_into IS NULL
   AND m.enrolled_at < %(before)s
   AND NOT EXISTS (SELECT FROM members_sale s WHERE s.member_id = m.id AND s.happened_at >= %(before)s)
   AND NOT EXISTS (SELECT FROM members_user u WHERE u.id = m.user_id AND u.last_login >= %(before)s)
   AND NOT EXISTS (SELECT FROM members_consentchange c WHERE c.member_id = m.id AND c.happened_at >= %(before)s
                                                         AND c.source IN ('portal', 'mail', 'link'))
   AND NOT EXISTS (SELECT FROM members_erasure e WHERE e.member_id = m.id
                    AND (e.status IN ('proposed', 'waiting') OR e.ended_at >= %(before)s))
ON CONFLICT DO NOTHING
"""


Gone = tuple[str, str, datetime]  # kind and keyed hash of an identity, and when it was erased


def run(statement: str, **values: Any) -> int:
    """Run a statement; how many rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def forget_person(*, members: Sequence[int], values: Sequence[str], words: Sequence[str]) -> None:
    """Messages, proofs of consent and kept answers without anything personal."""
    run(FORGET_MESSAGES, members=list(members), values=list(values))
    run(FORGET_PROOFS, members=list(members))
    run(FORGET_ANSWERS, words=list(words))


def block(gone: Sequence[Gone]) -> None:
    """Keep the keyed hashes of identities, so that no import brings them back."""
    kinds, digests, moments = ([row[place] for row in gone] for place in range(3))
    run(BLOCK, kinds=kinds, digests=digests, moments=moments)


# What rows of files of members say, as it stood in the file and as it would change: with a phone however it is
# written, with a word in it, or with one of the short words and nothing else.
FORGET_ROSTER = """
UPDATE members_rosterrow r SET cells = '[]', changes = '{}', reason = 'erased', code = 'erased'
 WHERE EXISTS (
       SELECT FROM (SELECT v #>> '{}' AS cell FROM jsonb_path_query(r.cells, 'strict $.**') v
                     WHERE jsonb_typeof(v) = 'string'
                     UNION ALL
                    SELECT v #>> '{}' FROM jsonb_path_query(r.changes, 'strict $.**') v
                     WHERE jsonb_typeof(v) = 'string') c
        WHERE EXISTS (SELECT FROM unnest(%(digits)s::text[]) d
                       WHERE strpos(regexp_replace(translate(c.cell, '０１２３４５６７８９', '0123456789'),
                                                   '\\D', '', 'g'), d) > 0)
           OR EXISTS (SELECT FROM unnest(%(words)s::text[]) w WHERE strpos(lower(c.cell), lower(w)) > 0)
           OR lower(btrim(c.cell)) = ANY (%(whole)s::text[]))
"""


def forget_roster(*, digits: Sequence[str], words: Sequence[str], whole: Sequence[str]) -> int:
    """Empty rows of files of members that name somebody; how many."""
    return run(FORGET_ROSTER, digits=list(digits), words=list(words), whole=[word.lower() for word in whole])
