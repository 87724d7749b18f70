"""Set-based statements that enrol one member or many; whoever is first has an identity, and nobody waits in a ring."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection

from members.kit.arrays import days, integers, moments, texts

NEW_IDS = "SELECT nextval(pg_get_serial_sequence('members_member', 'id')) FROM generate_series(1, %s)"

# The member of a new identity is inserted after it: its foreign key is checked at the end of the transaction.
INSERT_IDENTITIES = """
INSERT INTO members_identity (member_id, kind, value)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[])
ON CONFLICT (kind, value) DO NOTHING RETURNING kind, value
"""
# A till waits for these: written out they cost a third of what the ORM takes to say the same.
MEMBER_BY_IDENTITY = """
SELECT m.* FROM members_identity i JOIN members_member m ON m.id = i.member_id WHERE i.kind = %s AND i.value = %s
"""
# The number of somebody who was merged finds whom they live on in.
MEMBER_BY_NUMBER = """
SELECT s.* FROM members_member m JOIN members_member s ON s.id = coalesce(m.merged_into, m.id) WHERE m.number = %s
"""
SELECT_OWNERS = """
SELECT i.kind, i.value, i.member_id FROM members_identity i
  JOIN unnest(%s::text[], %s::text[]) asked(kind, value) ON i.kind = asked.kind AND i.value = asked.value
"""
INSERT_MEMBERS = """
INSERT INTO members_member (id, number, name, language, birth_on, home_store_id, source, enrolled_at, custom)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::date[], %s::bigint[], %s::text[],
                     %s::timestamptz[], %s::jsonb[])
ON CONFLICT (number) DO NOTHING RETURNING id
"""

SELECT_ERASED = """
SELECT e.kind, e.digest FROM members_erasedidentity e
  JOIN unnest(%s::text[], %s::text[]) asked(kind, digest) ON e.kind = asked.kind AND e.digest = asked.digest
"""

Found = tuple[str, str]  # kind and value of an identity


@dataclass(frozen=True)
class NewMember:
    """A row of members_member that is still to be written, all but its number."""

    id: int
    name: str
    language: str
    home_store_id: int
    source: str
    enrolled_at: datetime
    birth_on: date | None = None
    custom: dict[str, Any] = field(default_factory=dict)


def new_member_ids(count: int) -> list[int]:
    """So many ids that no member has or will have."""
    with connection.cursor() as cursor:
        cursor.execute(NEW_IDS, [count])
        return [row[0] for row in cursor.fetchall()]


def insert_identities(owners: dict[Found, int]) -> set[Found]:
    """Give identities to members, and tell which were free. Waits for others who are just taking one.

    Rows are written in order of kind and value, so two writers never wait for each other.
    """
    rows = sorted((kind, value, member) for (kind, value), member in owners.items())
    with connection.cursor() as cursor:
        columns = [integers(row[2] for row in rows), texts(row[0] for row in rows), texts(row[1] for row in rows)]
        cursor.execute(INSERT_IDENTITIES, columns)
        return {(kind, value) for kind, value in cursor.fetchall()}


def select_owners(identities: Iterable[Found]) -> dict[Found, int]:
    """The ids of the members who have these identities."""
    asked = list(identities)
    with connection.cursor() as cursor:
        cursor.execute(SELECT_OWNERS, [texts(kind for kind, _value in asked), texts(value for _kind, value in asked)])
        return {(kind, value): member for kind, value, member in cursor.fetchall()}


def select_erased(blind: Mapping[Found, Found]) -> set[Found]:
    """Those of the identities whose keyed hash is blocked; `blind` has (kind, hash) of each."""
    columns = [texts(kind for kind, _digest in blind.values()), texts(digest for _kind, digest in blind.values())]
    with connection.cursor() as cursor:
        cursor.execute(SELECT_ERASED, columns)
        blocked = {(kind, digest) for kind, digest in cursor.fetchall()}
    return {identity for identity, hidden in blind.items() if hidden in blocked}


def insert_members(members: Sequence[NewMember], numbers: Sequence[str]) -> set[int]:
    """Write members under these numbers; the ids of those whose number was free."""
    columns = [
        integers(member.id for member in members),
        texts(numbers),
        texts(member.name for member in members),
        texts(member.language for member in members),
        days(member.birth_on for member in members),
        integers(member.home_store_id for member in members),
        texts(member.source for member in members),
        moments(member.enrolled_at for member in members),
        texts(json.dumps(member.custom) if member.custom else "{}" for member in members),
    ]
    with connection.cursor() as cursor:
        cursor.execute(INSERT_MEMBERS, columns)
        return {row[0] for row in cursor.fetchall()}
