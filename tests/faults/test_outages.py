"""Servers that go away: what was answered stands, what could not be done is said, and everything goes on afterwards."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings
from django.db import connection

from config import lodging
from config.embedded import servers
from config.engines import free_port
from members.kit.models import Chunk
from members.purchases.models import Sale
from tests.factories import MemberFactory, TillFactory
from tests.faults.test_kills import ROOT, kill, send, serve, start, until

CREDIT = "SELECT movement FROM ledger_credit(%s, %s, 1, %s, now(), now(), NULL, 'earn', '', '')"


def migrate(address: str) -> tuple[int, int]:
    """A shop with one store and ten members; the first member's id and the kind of points."""
    environment = os.environ | {"DATABASE_URL": address, "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    with psycopg.connect(address, autocommit=True) as database:
        store = database.execute(
            "INSERT INTO members_store (code, name_zh, name_en, city, is_open) VALUES ('a', 'a', 'a', '', true) "
            "RETURNING id"
        ).fetchone()
        members = database.execute(
            "INSERT INTO members_member (number, name, language, home_store_id, source, enrolled_at, custom) "
            "SELECT (10^9 + n)::bigint::text, '', 'en', %s, 'till', now(), '{}' FROM generate_series(1, 10) n "
            "RETURNING id",
            store,
        ).fetchall()
        kind = database.execute("SELECT id FROM loyalty_pointkind WHERE code = 'points'").fetchone()
    assert kind
    return members[0][0], kind[0]


def write(address: str, first: int, kind: int, writer: int, acknowledged: list[str]) -> None:
    """Post points to ten members until the server is gone, noting each answer."""
    try:
        with psycopg.connect(address, autocommit=True) as database:
            for number in range(1_000_000):
                key = f"{writer}:{number}"
                database.execute(CREDIT, (first + number % 10, kind, key))
                acknowledged.append(key)
    except psycopg.OperationalError:
        pass


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory for a PostgreSQL of one's own, gone afterwards."""
    monkeypatch.delenv("DATABASE_URL")
    yield tmp_path / "shop"
    lodging.remove(tmp_path / "shop")


def test_a_database_killed_under_load_loses_no_acknowledged_posting_and_stays_in_balance(shop):
    acknowledged: list[str] = []
    with servers(shop) as running:
        address = running.environment["DATABASE_URL"]
        first, kind = migrate(address)
        writers = [threading.Thread(target=write, args=(address, first, kind, n, acknowledged)) for n in range(8)]
        for writer in writers:
            writer.start()
        until(lambda: len(acknowledged) > 500)
        postmaster = psutil.Process(running.processes["postgresql"].pid)
        for process in [*postmaster.children(recursive=True), postmaster]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for writer in writers:
            writer.join()

    with servers(shop) as running, psycopg.connect(running.environment["DATABASE_URL"]) as database:
        kept = {row[0] for row in database.execute("SELECT key FROM loyalty_movement").fetchall()}
        wrong = database.execute(
            "SELECT a.id FROM loyalty_account a JOIN loyalty_movement m ON m.account_id = a.id "
            "GROUP BY a.id HAVING a.active <> sum(m.points) OR a.active <> "
            "(SELECT sum(remaining) FROM loyalty_lot WHERE account_id = a.id)"
        ).fetchall()

    assert not set(acknowledged) - kept
    assert not wrong


@pytest.mark.django_db(transaction=True)
def test_connections_cut_between_two_sales_are_made_anew():
    till = TillFactory.create()
    MemberFactory.create(name="王芳", phone="13912345670")
    port = free_port()
    server = serve(port)
    try:
        until(lambda: send(port, till.key, "before", 0) is not None)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
            )
            cut = len(cursor.fetchall())
        after = send(port, till.key, "after", 0)
    finally:
        kill(server)

    assert cut
    assert after is not None
    assert Sale.objects.count() == 2


def test_without_a_database_the_till_is_told_to_send_the_same_again(tmp_path):
    nowhere = {"DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/none", "PYTHONWARNINGS": "ignore"}
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "config.wsgi:application"]
    environment = os.environ | nowhere | {"SECRET_KEY": settings.SECRET_KEY}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        until(lambda: is_up(port))
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Authorization": "Bearer rk_x", "Idempotency-Key": "k", "Content-Type": "application/json"}
        link.request("POST", "/api/v1/sales", "{}", headers)
        answer = link.getresponse()
        said = json.loads(answer.read())
        link.close()
    finally:
        kill(server)

    assert (answer.status, said["error"]["code"]) == (503, "try_again")
    assert answer.headers["Retry-After"]


def is_up(port: int) -> bool:
    """Whether something listens."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


TICK = """
import django; django.setup()
from django.utils import timezone
from loyalty import tasks
tasks.plan_night(slot="tonight", as_of=timezone.now())
tasks.tick()
"""


@pytest.mark.django_db(transaction=True)
def test_without_redis_sales_go_on_and_the_nights_work_waits():
    till = TillFactory.create()
    MemberFactory.create(name="王芳", phone="13912345670")
    port = free_port()
    nowhere = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0", "DJANGO_SETTINGS_MODULE": "config.settings"}
    server = serve(port, **nowhere)
    try:
        until(lambda: send(port, till.key, "k", 0) is not None)
    finally:
        kill(server)
    ticked = start("-c", TICK, **nowhere).wait(timeout=60)

    assert ticked == 0
    assert Sale.objects.count() == 1
    assert Chunk.objects.unfinished().exists()
