"""Set-based statements that change members a file tells about: one a chunk."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from members.kit.arrays import days, integers, texts

# In the order of ids, so that two who lock the same members never wait in a ring.
LOCK_MEMBERS = """
SELECT id, name, language, birth_on, home_store_id, custom, merged_into FROM members_member
 WHERE id = ANY (%s::bigint[]) ORDER BY id FOR UPDATE
"""
UPDATE_MEMBERS = """
UPDATE members_member m SET name = t.name, language = t.language, birth_on = t.birth_on, home_store_id = t.home_store,
       custom = t.custom
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::date[], %s::bigint[], %s::jsonb[])
       t(id, name, language, birth_on, home_store, custom)
 WHERE m.id = t.id
"""
# Plans made while the tables were empty read them whole, chunk after chunk; fresh statistics end that.
LOOK_AGAIN = "ANALYZE members_member, members_identity"


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of a member before a row is taken."""

    id: int
    name: str
    language: str
    birth_on: date | None
    home_store: int
    custom: dict[str, Any]
    merged_into: int | None


def look_again() -> None:
    """Let the planner know how large the tables have become."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK_AGAIN)


def lock_members(ids: Iterable[int]) -> dict[int, Known]:
    """The members, locked until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_MEMBERS, [integers(ids)])
        rows = [(*row[:5], json.loads(row[5]) if isinstance(row[5], str) else row[5], row[6]) for row in cursor]
        return {row[0]: Known(*row) for row in rows}


def update_members(members: Sequence[Known]) -> None:
    """Write what is known now."""
    with connection.cursor() as cursor:
        cursor.execute(
            UPDATE_MEMBERS,
            [
                integers(each.id for each in members),
                texts(each.name for each in members),
                texts(each.language for each in members),
                days(each.birth_on for each in members),
                integers(each.home_store for each in members),
                texts(json.dumps(each.custom) for each in members),
            ],
        )
