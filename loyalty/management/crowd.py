"""A crowd for measuring: members, sales and balances in set-based SQL, a million members in about a minute."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from members.stores.models import Store

# Members of ten stores; enrolled over two years.
MEMBERS = """
INSERT INTO members_member (number, name, language, home_store_id, source, enrolled_at, custom)
SELECT (%(base)s + n)::text, '会员' || n, 'zh-hans', (%(stores)s::bigint[])[1 + n %% 10], 'import',
       %(now)s - interval '730 days', '{}'
  FROM generate_series(1, %(members)s) n
"""
IDENTITIES = """
INSERT INTO members_identity (member_id, kind, value)
SELECT id, 'phone', '+86' || (13000000000 + id) FROM members_member WHERE id > %(after)s ORDER BY 3
"""
# Sales of the last two years; a few members buy a lot, most of them a little.
SALES = """
INSERT INTO members_sale (member_id, store_id, receipt, happened_at, currency, amount, discount, tender)
SELECT %(after)s + 1 + floor(%(members)s * power(random(), 2))::bigint,
       (%(stores)s::bigint[])[1 + n %% 10], 'seed-' || n, %(now)s - random() * interval '730 days', %(currency)s,
       (1000 + random() * 19000)::bigint, 0, 'other'
  FROM generate_series(1, %(sales)s) n
"""
ACCOUNTS = """
INSERT INTO loyalty_account (member_id, kind_id, active)
SELECT m.id, k.id, 500 FROM members_member m, loyalty_pointkind k WHERE m.id > %(after)s AND k.code = 'points'
"""
MOVEMENTS = """
INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                              held_after, key, reason, actor, happened_at)
SELECT member_id, id, 'import', 'programme', 'active', 500, 0, 500, 0, 'opening', '', '', %(now)s
  FROM loyalty_account WHERE member_id > %(after)s
"""
LOTS = """
INSERT INTO loyalty_lot (member_id, account_id, origin_id, points, remaining, is_active, activates_at)
SELECT member_id, account_id, id, 500, 500, true, happened_at FROM loyalty_movement WHERE member_id > %(after)s
"""
TABLES = [
    "members_member", "members_identity", "members_sale", "loyalty_account", "loyalty_movement", "loyalty_lot",
]  # fmt: skip
# What millions of rows are not checked against and sorted into one by one, but once, when all of them are there.
# Foreign keys, unique keys, and plain indexes: the definitions come from the catalogue and go back as they were.
BURDENS = """
SELECT 1, contype, format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE conrelid = ANY (%(tables)s::regclass[]) AND contype IN ('f', 'u')
UNION ALL
SELECT 2, 'i', format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
  FROM pg_index i WHERE indrelid = ANY (%(tables)s::regclass[])
   AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
 ORDER BY 1, 2
"""


@contextmanager
def unburdened(cursor: CursorWrapper, tables: list[str]) -> Iterator[None]:
    """Tables without keys and indexes for the while, both back at the end; nobody else can use them."""
    cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
    cursor.execute(BURDENS, {"tables": tables})
    burdens = [(drop, add) for _order, _kind, drop, add in cursor.fetchall()]
    for drop, _add in burdens:
        cursor.execute(drop)
    yield
    for _drop, add in reversed(burdens):
        cursor.execute(add)


def gather_crowd(*, members: int, sales: int, currency: str, now: datetime) -> None:
    """Add so many members and sales, each member with 500 points, and tell the planner about it."""
    stores = [
        Store.objects.get_or_create(code=f"seed-{n}", defaults={"name_zh": f"{n} 号店", "name_en": f"Store {n}"})[0].pk
        for n in range(10)
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0), coalesce(max(number::bigint), 10^9)::bigint FROM members_member")
        after, base = cursor.fetchone()
        values = {
            "members": members, "sales": sales, "stores": stores, "after": after, "base": base, "now": now,
            "currency": currency,
        }  # fmt: skip
        with transaction.atomic(), unburdened(cursor, TABLES):
            cursor.execute(MEMBERS, values)
            cursor.execute("SELECT min(id) - 1 FROM members_member WHERE id > %(after)s", values)  # ids may have gaps
            values["after"] = cursor.fetchone()[0]
            for statement in (IDENTITIES, SALES, ACCOUNTS, MOVEMENTS, LOTS):
                cursor.execute(statement, values)
        # the index-only scans of the night need a visibility map
        cursor.execute("VACUUM ANALYZE members_member, members_identity, members_sale, loyalty_account, loyalty_lot")
