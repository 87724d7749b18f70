"""Sales: over HTTP one by one and by the thousand, and from the file of a real shop."""

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from uuid import uuid4

import psycopg
from django.conf import settings

from config.engines import free_port
from loyalty.imports.actions import prepare_import, run_import
from loyalty.rulebook.models import RuleVersion
from members.profiles.models import Member
from members.stores.actions import open_till
from members.stores.models import Store
from tests.bench.ground import ROUNDS, SECONDS, kind_id, pgbench, run_sql, timed
from tests.bench.table import Line, Measured

CLIENTS = 8
TABLES = (  # what an import writes, in the order that foreign keys ask for
    "members_member", "members_identity", "members_sale", "members_saleline", "loyalty_account", "loyalty_movement",
    "loyalty_lot", "loyalty_award", "loyalty_standing", "loyalty_tierchange",
)  # fmt: skip


@contextmanager
def web_server() -> Iterator[int]:
    """granian as production runs it: WSGI, two workers, one blocking thread each. Yields the port."""
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "2", "--blocking-threads", "1", "--log-level", "warning", "config.wsgi:application",
    ]  # fmt: skip
    environment = os.environ | {
        "SECRET_KEY": settings.SECRET_KEY,
        "REGULARS_TILL_RATE": "100000000",
        "PYTHONWARNINGS": "ignore",
    }
    server = subprocess.Popen(command, env=environment)
    try:
        until_up(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def until_up(port: int) -> None:
    """Wait until the server answers."""
    for _try in range(200):
        try:
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            link.request("GET", "/api/v1/schema")
            link.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the web server did not come up")


def body(number: str) -> dict[str, object]:
    return {
        "member": {"kind": "number", "value": number},
        "amount": 12_050,
        "lines": [
            {"sku": "TEA", "name": "Tea", "quantity": 2, "amount": 10_000},
            {"sku": "CAKE", "name": "Cake", "amount": 2_050},
        ],
    }


def post(link: http.client.HTTPConnection, path: str, key: str, said: object) -> None:
    """Post and insist on success."""
    link.request("POST", path, json.dumps(said), {
        "Authorization": f"Bearer {key}", "Idempotency-Key": str(uuid4()), "Content-Type": "application/json",
    })  # fmt: skip
    answer = link.getresponse()
    told = answer.read()
    assert answer.status in (200, 201), told[:500]


def single_rate(port: int, key: str, numbers: list[str]) -> tuple[float, list[float]]:
    """Requests a second over 8 kept connections, and each one's seconds."""
    took: list[float] = []
    ends = time.perf_counter() + SECONDS

    def client() -> None:
        link = http.client.HTTPConnection("127.0.0.1", port)
        while (begin := time.perf_counter()) < ends:
            post(link, "/api/v1/sales", key, body(random.choice(numbers)))
            took.append(time.perf_counter() - begin)

    threads = [threading.Thread(target=client) for _client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(took) / SECONDS, took


def over_http() -> Iterator[Line | str]:
    """`POST /api/v1/sales` and the bulk door beside bare SQL that writes the same rows."""
    numbers = list(Member.objects.order_by("pk").values_list("number", flat=True)[:20_000])
    first, last = run_sql("SELECT min(id), max(id) FROM (SELECT id FROM members_member ORDER BY id LIMIT 20000) m")[0]
    store = Store.objects.order_by("pk").first()
    assert store
    _till, key = open_till(store=store, name=f"bench {uuid4()}")
    rule, climb = (RuleVersion.objects.filter(rule__code=code).latest("number").pk for code in ("spend", "climb"))
    script = (
        f"\\set m random({first}, {last})\nSELECT bare_sale(:m, {store.pk}, gen_random_uuid()::text, "
        f"{kind_id('points')}, {kind_id('growth')}, {rule}, {climb});"
    )
    run_sql(
        "INSERT INTO loyalty_account (member_id, kind_id) SELECT m.id, k.id FROM members_member m, loyalty_pointkind k "
        "ON CONFLICT DO NOTHING"
    )
    rates, bare, spread = [], [], []
    bulk, sets = [], []
    with web_server() as port:
        single_rate(port, key, numbers)
        for _round in range(ROUNDS):
            rate, took = single_rate(port, key, numbers)
            rates.append(rate)
            bare.append(pgbench(script, clients=CLIENTS))
            spread.append(quantiles(took, n=100)[98] / median(took))
            bulk.append(bulk_rate(port, key, numbers))
            sets.append(set_based_rate(first, last, store.pk, rule, climb))
    yield Line("POST /api/v1/sales, 8 connections, to pgbench", Measured(rates), Measured(bare), 0.12)
    yield f"    p99 to median at 8 connections: {median(spread):.2f} (to reach: at most 3)"
    yield Line("POST /api/v1/sales/bulk, sales, to set-based SQL", Measured(bulk), Measured(sets), 0.4)


def bulk_rate(port: int, key: str, numbers: list[str]) -> float:
    """Sales a second through the bulk door, one client, a thousand a request."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        sales = [body(number) | {"receipt": str(uuid4())} for number in random.sample(numbers, 1_000)]
        post(link, "/api/v1/sales/bulk", key, {"sales": sales})
        done += 1_000
    return done / (time.perf_counter() - begin)


SET_BASED = """
WITH asked AS MATERIALIZED (
    SELECT nextval('members_sale_id_seq') AS sale, m.id AS member, gen_random_uuid()::text AS receipt
      FROM (SELECT DISTINCT (%(first)s + floor(random() * (%(last)s - %(first)s)))::bigint AS id
              FROM generate_series(1, 1010)) m LIMIT 1000
), sale AS (
    INSERT INTO members_sale (id, member_id, store_id, receipt, happened_at, currency, amount)
    SELECT sale, member, %(store)s, receipt, now(), 'CNY', 12050 FROM asked
), line AS (
    INSERT INTO members_saleline (sale_id, member_id, position, sku, name, quantity, amount)
    SELECT sale, member, p.n, 'TEA', 'Tea', 1, 6025 FROM asked, generate_series(1, 2) p(n)
), award AS (
    INSERT INTO loyalty_award (member_id, sale_id, version_id, points, multiplier)
    SELECT member, sale, v, 120, 100 FROM asked, unnest(ARRAY[%(rule)s, %(climb)s]) v
), balance AS (
    UPDATE loyalty_account a SET active = a.active + 120 FROM asked WHERE a.member_id = asked.member
    RETURNING a.id, a.member_id, a.active, a.kind_id, asked.sale
), moved AS (
    INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                                  held_after, key, happened_at)
    SELECT member_id, id, 'earn', 'programme', 'active', 120, 0, active, 0, 'sale:' || sale || ':' || kind_id, now()
      FROM balance RETURNING id, member_id, account_id
), lot AS (
    INSERT INTO loyalty_lot (member_id, account_id, origin_id, points, remaining, is_active, activates_at)
    SELECT member_id, account_id, id, 120, 120, true, now() FROM moved
)
INSERT INTO members_message (member_id, channel, purpose, template, key, context, status, due_at)
SELECT member, 'inbox', 'service', 'points_earned', 'sale:' || sale, '{}', 'delivered', now() FROM asked
"""


def set_based_rate(first: int, last: int, store: int, rule: int, climb: int) -> float:
    """Sales a second by one statement a thousand, written with balances and no rule."""
    from django.db import connection

    values = {"first": first, "last": last, "store": store, "rule": rule, "climb": climb}
    done, begin = 0, time.perf_counter()
    with connection.cursor() as cursor:
        while time.perf_counter() - begin < SECONDS:
            cursor.execute(SET_BASED, values)
            done += 1_000
    return done / (time.perf_counter() - begin)


def from_file(source: Path) -> Iterator[Line | str]:
    """The import of a file beside COPY of the same rows into the same tables."""
    store = Store.objects.create(code=f"bench-{uuid4()}"[:40], name_zh="导入", name_en="Import")
    prepared = prepare_import(source=source, name=source.name, store=store, mapping={})
    ours = timed(lambda: run_import(sale_import=prepared, source=source))
    bare = copy_back()
    yield Line(
        f"import of {prepared.sales:,} sales, time to COPY of the same rows",
        Measured([1 / ours]), Measured([1 / bare]), 3, is_ceiling=True,
    )  # fmt: skip
    yield f"    {prepared.sales:,} sales, {prepared.enrolled:,} members: {ours:.1f} s, COPY {bare:.1f} s"


def copied(raw: psycopg.Connection[tuple[object, ...]], table: str) -> bytes:
    """A table's rows as COPY writes them."""
    with raw.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT") as copy:
        return b"".join(bytes(block) for block in copy)


def copy_back() -> float:
    """Copy the rows out, empty the tables, and time copying them in again, in one transaction."""
    from django.db import connection, transaction

    connection.ensure_connection()
    raw = connection.connection
    files = [copied(raw, table) for table in TABLES]
    with transaction.atomic():  # only their owner, in a benchmark, may take movements away
        run_sql("ALTER TABLE loyalty_movement DISABLE TRIGGER USER")
        run_sql(f"TRUNCATE {', '.join(TABLES)} CASCADE")
        run_sql("ALTER TABLE loyalty_movement ENABLE TRIGGER USER")
    run_sql("VACUUM ANALYZE")

    def copy_in() -> None:
        with transaction.atomic(), raw.cursor() as cursor:
            for table, rows in zip(TABLES, files, strict=True):
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(rows)

    return timed(copy_in)
