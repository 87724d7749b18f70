"""kill -9 of real processes in the middle of real work: nothing is lost, nothing is twice."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.engines import free_port
from loyalty import tasks
from loyalty.earning.models import Award
from loyalty.imports.models import SaleImport
from loyalty.ledger.actions import Credit, earn_many, prove_range
from loyalty.ledger.models import Account, Movement, PointKind
from loyalty.tiers.models import TierChange
from members.kit.models import Chunk, IdempotentAnswer, Tick
from members.kit.uploads import LEASE
from members.messaging.models import Message
from members.purchases.models import Sale
from tests.factories import MemberFactory, TillFactory
from tests.races import all_at_once

ROOT = Path(__file__).resolve().parent.parent.parent
EVERYTHING = {"first": 0, "last": 2**62}
pytestmark = pytest.mark.django_db(transaction=True)


def environment() -> dict[str, str]:
    """This test's own database and broker, for processes of their own."""
    address = urlsplit(os.environ["DATABASE_URL"])
    return os.environ | {
        "DATABASE_URL": address._replace(path=f"/{connection.settings_dict['NAME']}").geturl(),
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "PYTHONWARNINGS": "ignore",
    }


STARTED: list[subprocess.Popen[bytes]] = []


@pytest.fixture(autouse=True)
def nobody_left_behind() -> Iterator[None]:
    """Whatever a test started is gone after it, also when it failed."""
    yield
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            kill(process)


def start(*command: str, **more: str) -> subprocess.Popen[bytes]:
    """A process in a group of its own, so that all of it can be killed."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment() | more,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    STARTED.append(process)
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9, with its children."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def until(condition, seconds: float = 150) -> None:
    """Look again and again until it holds."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.02)


def proved() -> bool:
    """Whether the ledger's proof finds nothing."""
    return prove_range(**EVERYTHING, now=timezone.now()) == 0


def test_an_import_killed_again_and_again_ends_as_if_it_had_not_been(tmp_path):
    rows = [f"{n % 3000:05},2025-01-{1 + n % 28:02},1,{n % 977}.{n % 100:02}" for n in range(30_000)]
    source = tmp_path / "sales.csv"
    source.write_text("customer,date,quantity,amount\n" + "\n".join(rows) + "\n")
    line = 0

    while True:
        process = start("manage.py", "import_sales", str(source))
        until(lambda: process.poll() is not None or reached() > line)  # noqa: B023
        if process.poll() is not None:
            assert process.returncode == 0
            break
        line = reached()
        kill(process)
        SaleImport.objects.filter(finished_at=None).update(leased_until=timezone.now() - LEASE)

    first = SaleImport.objects.earliest("pk")  # a second one follows if it was killed after its last row
    assert (first.status, first.sales, first.repeats, first.bad_rows) == ("done", 30_000, 0, 0)
    assert Sale.objects.count() == 30_000
    assert sum(Sale.objects.values_list("amount", flat=True)) == sum((n % 977) * 100 + n % 100 for n in range(30_000))
    assert Award.objects.count() == 60_000
    assert Movement.objects.count() == Award.objects.filter(points__gt=0).count()
    assert proved()


def reached() -> int:
    """The last line that any import dealt with."""
    return max(SaleImport.objects.values_list("line", flat=True), default=0)


def crowd(count: int) -> None:
    """Members with points that expired yesterday and growth enough for gold."""
    store = TillFactory.create().store
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO members_member (number, name, language, home_store_id, source, enrolled_at, custom) "
            "SELECT (10^9 + n)::bigint::text, '', 'zh-hans', %s, 'import', now() - interval '400 days', '{}' "
            "FROM generate_series(1, %s) n RETURNING id",
            [store.pk, count],
        )
        members = [row[0] for row in cursor.fetchall()]
    kinds = {kind.code: kind.pk for kind in PointKind.objects.all()}
    at = timezone.now() - timedelta(days=40)
    lapses = timezone.now() - timedelta(days=2)
    earn_many(credits=[Credit(member, kinds["points"], 50, "p", at, at, lapses) for member in members])
    earn_many(credits=[Credit(member, kinds["growth"], 6_000, "g", at, at, None) for member in members])


def test_a_worker_killed_in_the_middle_of_the_night_leaves_nothing_half_done(monkeypatch):
    crowd(12_000)
    monkeypatch.setattr(tasks, "CHUNK", 500)
    as_of = timezone.now() - timedelta(days=1)
    assert tasks.plan_night(slot="tonight", as_of=as_of)
    assert not tasks.plan_night(slot="tonight", as_of=as_of)  # the second beat
    planned_first = list(Chunk.objects.values_list("pk", flat=True))  # the scores plan more as the night goes on
    planned = Chunk.objects.filter(pk__in=planned_first)

    for _kill in range(3):
        before = Chunk.objects.unfinished().count()
        worker = start("-m", "celery", "-A", "config.celery", "worker", "--concurrency", "2", "--loglevel", "ERROR")
        send_out()
        until(lambda: Chunk.objects.unfinished().count() < before)  # noqa: B023
        kill(worker)
    Chunk.objects.unfinished().update(leased_until=timezone.now() - timedelta(seconds=1))  # time goes by
    worker = start("-m", "celery", "-A", "config.celery", "worker", "--concurrency", "2", "--loglevel", "ERROR")
    send_out()
    until(lambda: not planned.filter(finished_at=None).exists())
    kill(worker)

    assert planned.filter(finished_at__isnull=False).count() == len(planned_first)
    assert Movement.objects.filter(kind="expire").count() == 12_000
    assert not Account.objects.filter(kind__code="points").exclude(active=0).exists()
    assert TierChange.objects.count() == 12_000
    assert Message.objects.filter(template="tier_reached", channel="inbox").count() == 12_000
    assert proved()


def send_out() -> None:
    """What the tick does each minute with chunks that nobody holds."""
    for chunk in Chunk.objects.overdue(timezone.now()).values_list("pk", flat=True):
        tasks.hand_out(chunk)


def test_two_beats_at_the_same_moment_plan_one_night():
    MemberFactory.create(name="王芳", phone="13912345678")

    planned = all_at_once(lambda _number: tasks.plan_night(slot="tonight", as_of=timezone.now()), 8)

    assert sorted(planned) == [False] * 7 + [True]
    assert Tick.objects.count() == 1


def test_a_web_server_killed_in_the_middle_of_sales_loses_and_doubles_nothing(tmp_path):
    till = TillFactory.create()
    for n in range(4):
        MemberFactory.create(name="王芳", phone=f"1391234567{n}", home_store=till.store)
    answered: dict[str, int] = {}
    port = free_port()
    server = serve(port)
    stop = threading.Event()

    clients = [threading.Thread(target=sell, args=(port, till.key, n, answered, stop)) for n in range(4)]
    for client in clients:
        client.start()
    try:
        for kills in range(1, 4):
            until(lambda: len(answered) >= 50 * kills)  # noqa: B023
            kill(server)
            server = serve(port)
        for client in clients:
            client.join(timeout=120)
    finally:
        stop.set()
        kill(server)

    assert len(answered) == 240
    assert Sale.objects.count() == 240
    assert set(answered.values()) == set(Sale.objects.values_list("pk", flat=True))
    assert IdempotentAnswer.objects.filter(status=201).count() == 240
    assert sum(Account.objects.filter(kind__code="points").values_list("active", flat=True)) == 240 * 5
    assert proved()


def sell(port: int, key: str, client: int, answered: dict[str, int], stop: threading.Event) -> None:
    """A till that sends each of its sixty sales until it is answered."""
    for number in range(60):
        receipt = f"{client}-{number}"
        while not stop.is_set() and receipt not in answered:
            sale = send(port, key, receipt, client)
            if sale is None:
                stop.wait(0.02)
            else:
                answered[receipt] = sale


def serve(port: int, **more: str) -> subprocess.Popen[bytes]:
    """A real web server."""
    options = (
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "2",
        "--blocking-threads",
        "1",
    )
    return start("-m", "granian", *options, "config.wsgi:application", **more)


def send(port: int, key: str, idempotency_key: str, client: int) -> int | None:
    """Post a sale; its id, or None when the server is away."""
    body = {"member": {"kind": "phone", "value": f"1391234567{client}"}, "amount": 500, "receipt": idempotency_key}
    headers = {
        "Authorization": f"Bearer {key}",
        "Idempotency-Key": idempotency_key,
        "Content-Type": "application/json",
    }
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        link.request("POST", "/api/v1/sales", json.dumps(body), headers)
        answer = link.getresponse()
        said = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        link.close()
    if answer.status == 503:  # the API's word for: send the same again
        return None
    assert answer.status == 201, said
    return int(said["sale"])
