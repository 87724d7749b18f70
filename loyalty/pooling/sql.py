"""Statements of a spending together."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from loyalty.households.rules import OpenLot

LOCK = """
SELECT id FROM loyalty_account WHERE member_id = ANY (%s::bigint[]) AND kind_id = %s ORDER BY id FOR UPDATE
"""
SETTLE = """
SELECT count(ledger_lock(a.member_id, a.kind_id, %(now)s, false)) FROM loyalty_account a
 WHERE a.member_id = ANY (%(members)s::bigint[]) AND a.kind_id = %(kind)s AND a.next_due_at <= %(now)s
"""
OPEN = """
SELECT member_id, id, remaining, expires_at FROM loyalty_lot
 WHERE account_id IN (SELECT id FROM loyalty_account WHERE member_id = ANY (%s::bigint[]) AND kind_id = %s)
   AND remaining > 0 AND is_active
"""


def lock_and_settle(*, members: Sequence[int], kind: int, now: datetime) -> None:
    """Lock the accounts in primary-key order, then activate and expire what is due."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, (list(members), kind))
        cursor.execute(SETTLE, {"members": list(members), "kind": kind, "now": now})


def open_lots(*, members: Sequence[int], kind: int) -> list[OpenLot]:
    """What is left in the active lots of these members."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, (list(members), kind))
        return [OpenLot(*row) for row in cursor.fetchall()]
