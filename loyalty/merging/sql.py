"""Statements of a merge: accounts by the ledger's own functions, other rows by their table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from loyalty.ledger.rules import WHEN_TOLD
from loyalty.merging.rules import MOVES, Moves

SETTLE = "SELECT count(ledger_lock(m, %s, %s, false)) FROM unnest(%s::bigint[]) m"
CARRY = "SELECT ledger_carry(%s, %s, %s, %s, %s, %s, %s, %s)"
CARRY_BACK = "SELECT ledger_carry_back(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
# Points that wait for an event are looked for by the key of their earning: it comes along at once.
ADOPT_WAITING = """
SELECT count(ledger_adopt(a, earned.key, ARRAY['earn'], %(now)s))
  FROM loyalty_account a
  JOIN loyalty_lot lot ON lot.account_id = a.id AND lot.remaining > 0 AND NOT lot.is_active
                      AND lot.activates_at >= %(far)s
  JOIN loyalty_lot home ON home.id = lot.carries
  JOIN loyalty_movement earned ON earned.id = home.origin_id
 WHERE a.member_id = %(member)s
"""
# Opens what is missing, and locks all accounts of both in primary-key order; the kinds of which there is one.
OPEN = """
INSERT INTO loyalty_account (member_id, kind_id)
SELECT m.id, k.id FROM unnest(%(members)s::bigint[]) m(id) CROSS JOIN loyalty_pointkind k ORDER BY m.id, k.id
    ON CONFLICT DO NOTHING
"""
LOCK = "SELECT id FROM loyalty_account WHERE member_id = ANY (%(members)s::bigint[]) ORDER BY id FOR UPDATE"
SAME_RECEIPT = """
SELECT theirs.receipt FROM {table} theirs
  JOIN {table} ours ON ours.store_id = theirs.store_id AND ours.receipt = theirs.receipt AND ours.member_id = %s
 WHERE theirs.member_id = %s LIMIT 1
"""
MOVE = """
UPDATE {table} r SET member_id = %(survivor)s
 WHERE r.member_id = %(duplicate)s AND ({only}) AND NOT EXISTS (
       SELECT FROM {table} twin WHERE twin.member_id = %(survivor)s AND {same})
RETURNING r.id
"""
MOVE_BACK = """
UPDATE {table} r SET member_id = %(duplicate)s
 WHERE r.member_id = %(survivor)s AND (r.id = ANY (%(ids)s::bigint[]) OR {follows}) AND ({only})
RETURNING r.id
"""


def open_accounts(members: Sequence[int]) -> None:
    """Give both an account of every kind, and lock them all."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, {"members": list(members)})
        cursor.execute(LOCK, {"members": list(members)})


def settle(*, members: Sequence[int], kind: int, now: datetime) -> None:
    """Activate and expire what both have due of a kind."""
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, (kind, now, list(members)))


def carry(*, source: int, target: int, kind: int, key: str, now: datetime, words: Sequence[str]) -> None:
    """All that one member holds of a kind goes to the other. Words: reason here, reason there, actor."""
    with connection.cursor() as cursor:
        cursor.execute(CARRY, (source, target, kind, key, now, *words))


def adopt_waiting(*, member: int, now: datetime) -> None:
    """Let points of a merged member that wait for an event be found by it."""
    with connection.cursor() as cursor:
        cursor.execute(ADOPT_WAITING, {"member": member, "now": now, "far": WHEN_TOLD})


def carry_back(
    *, source: int, target: int, kind: int, merge: str, key: str, now: datetime, words: Sequence[str]
) -> None:
    """What is left of it goes back."""
    with connection.cursor() as cursor:
        cursor.execute(CARRY_BACK, (source, target, kind, merge, key, now, *words))


def same_receipt(*, survivor: int, duplicate: int) -> str | None:
    """A receipt that both have, of a sale or a return."""
    with connection.cursor() as cursor:
        for table in ("members_sale", "members_return"):
            cursor.execute(SAME_RECEIPT.format(table=table), (survivor, duplicate))
            found = cursor.fetchone()
            if found:
                return str(found[0])
    return None


def move_rows(*, survivor: int, duplicate: int) -> dict[str, list[int]]:
    """Let the duplicate's rows belong to the survivor; which did, by table."""
    moved: dict[str, list[int]] = {}
    with connection.cursor() as cursor:
        for each in MOVES:
            same = " AND ".join(f"twin.{column} = r.{column}" for column in each.unique) or "false"
            statement = MOVE.format(table=each.table, only=each.only, same=same)
            events = moved.get("loyalty_event", [])
            cursor.execute(statement, {"survivor": survivor, "duplicate": duplicate, "events": events})
            moved[each.table] = sorted(row[0] for row in cursor.fetchall())
    return moved


def move_rows_back(*, survivor: int, duplicate: int, moved: Mapping[str, Sequence[int]]) -> None:
    """Give rows back to the duplicate, with what was written since and hangs on them."""
    gone: dict[str, list[int]] = {}
    with connection.cursor() as cursor:
        for each in MOVES:
            values: dict[str, Any] = {
                "survivor": survivor,
                "duplicate": duplicate,
                "ids": list(moved.get(each.table, [])),
                "events": gone.get("loyalty_event", []),
                "heads": gone.get(each.follows[1], []),
            }
            cursor.execute(statement_back(each), values)
            gone[each.table] = [row[0] for row in cursor.fetchall()]


def statement_back(each: Moves) -> str:
    """The statement that gives the rows of one table back."""
    follows = f"r.{each.follows[0]} = ANY (%(heads)s::bigint[])" if each.follows[0] else "false"
    return MOVE_BACK.format(table=each.table, follows=follows, only=each.only)
