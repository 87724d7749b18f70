"""Set-based statements behind the machinery of repeats."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

INSERT_ANSWER = """
INSERT INTO members_idempotentanswer (scope, key, digest) VALUES (%s, %s, %s)
ON CONFLICT (scope, key) DO NOTHING RETURNING id
"""
COMPLETE_ANSWER = """
UPDATE members_idempotentanswer SET status = %s, body = %s WHERE id = %s RETURNING body::text
"""
SELECT_ANSWER = """
SELECT digest, status, body::text FROM members_idempotentanswer WHERE scope = %s AND key = %s
"""
INSERT_TICK = """
INSERT INTO members_tick (name, slot) VALUES (%s, %s) ON CONFLICT (name, slot) DO NOTHING
"""


def insert_answer(scope: str, key: str, digest: str) -> int | None:
    """Take the key, or wait for whoever is taking it and answer None once it is theirs."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT_ANSWER, [scope, key, digest])
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def complete_answer(answer_id: int, status: int, body: dict[str, Any]) -> dict[str, Any]:
    """Keep the answer, and give it back as a repeat will read it."""
    with connection.cursor() as cursor:
        cursor.execute(COMPLETE_ANSWER, [status, json.dumps(body, cls=DjangoJSONEncoder), answer_id])
        row = cursor.fetchone()
    kept: dict[str, Any] = json.loads(row[0])
    return kept


def select_answer(scope: str, key: str) -> tuple[str, int, dict[str, Any]]:
    """The digest of what was asked under this key, and the status and body that were answered."""
    with connection.cursor() as cursor:
        cursor.execute(SELECT_ANSWER, [scope, key])
        digest, status, body = cursor.fetchone()
    return digest, status, json.loads(body)


def insert_tick(name: str, slot: str) -> bool:
    """Write the tick; False when it stands already."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT_TICK, [name, slot])
        return bool(cursor.rowcount)
