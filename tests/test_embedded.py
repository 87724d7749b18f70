"""The embedded servers, really started, stopped and killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config import embedded, lodging

CHECKOUT = Path(__file__).resolve().parent.parent
HOLD = """
import sys, time
from pathlib import Path
from config.embedded import servers
with servers(Path(sys.argv[1])) as running:
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run directory to be, with an environment that names no servers."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("REGULARS_RUN_DIR", str(tmp_path / "run"))
    yield tmp_path / "run"
    if (tmp_path / "run" / lodging.MARKER).exists():
        lodging.remove(tmp_path / "run")


@pytest.fixture
def holder(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that runs the servers of the directory."""
    words = [sys.executable, "-c", HOLD, str(directory)]
    with subprocess.Popen(words, cwd=CHECKOUT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


def rows(environment: dict[str, str], statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        done = connection.execute(statement)
        return done.fetchall() if done.description else []


def valkey(environment: dict[str, str]) -> redis.Redis:
    return redis.Redis.from_url(environment["REDIS_URL"], decode_responses=True)


def command_line(*words: str) -> subprocess.CompletedProcess[str]:
    asked = [sys.executable, "-m", "config.embedded", *words]
    return subprocess.run(asked, cwd=CHECKOUT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


def descendants(process: int) -> list[psutil.Process]:
    return psutil.Process(process).children(recursive=True)


def test_servers_write_durably_and_speak_utf8_and_chinese(directory):
    with embedded.servers(directory) as running:
        settings = rows(
            running.environment,
            "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
            " current_setting('server_encoding'), current_setting('timezone'), upper('é熟客')",
        )
        with valkey(running.environment) as client:
            append_only = client.config_get("appendonly")

    assert settings == [("on", "on", "UTF8", "UTC", "É熟客")]
    assert append_only == {"appendonly": "yes"}


def test_the_owner_is_no_superuser_but_may_add_the_extensions_and_test_databases(directory):
    with embedded.servers(directory) as running:
        rows(running.environment, "CREATE EXTENSION pg_trgm")
        rows(running.environment, "CREATE EXTENSION btree_gist")
        powers = rows(running.environment, "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user")

    assert powers == [(False, True)]


def test_data_survive_an_orderly_stop(directory):
    with embedded.servers(directory) as running, valkey(running.environment) as client:
        rows(running.environment, "CREATE TABLE kept AS SELECT 42 AS number")
        client.set("kept", "42")

    with embedded.servers(directory) as running, valkey(running.environment) as client:
        assert rows(running.environment, "SELECT number FROM kept") == [(42,)]
        assert client.get("kept") == "42"


def test_data_survive_when_everything_is_killed_at_once(directory, holder):
    environment = json.loads((directory / "addresses.json").read_text())
    rows(environment, "CREATE TABLE kept AS SELECT 42 AS number")
    for process in [*descendants(holder.pid), psutil.Process(holder.pid)]:
        process.send_signal(signal.SIGKILL)
    holder.wait()

    with embedded.servers(directory) as running:
        assert rows(running.environment, "SELECT number FROM kept") == [(42,)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_servers_die_with_a_killed_starter_and_start_again_at_once(directory, holder):
    left = descendants(holder.pid)
    holder.kill()
    holder.wait()

    with embedded.servers(directory) as running:
        assert rows(running.environment, "SELECT 1") == [(1,)]

    assert len(left) > 2
    assert not psutil.wait_procs(left, timeout=10)[1]


def test_a_second_start_is_refused_and_names_the_first(directory, holder):
    told = rf"Already running on .*\(process {holder.pid}\)"

    with pytest.raises(lodging.CannotStart, match=told), embedded.servers(directory):
        pytest.fail("it started")


def test_a_server_that_cannot_start_shows_the_end_of_its_log(directory):
    with embedded.servers(directory) as running:
        data = running.room / "postgresql"
    (data / "postgresql.conf").write_text("no_such_setting = 1\n")

    with pytest.raises(lodging.CannotStart, match="no_such_setting"), embedded.servers(directory):
        pytest.fail("it started")


def test_a_server_that_falls_is_noticed(directory):
    with embedded.servers(directory) as running:
        assert running.casualty() is None
        running.processes["valkey"].kill()
        running.processes["valkey"].wait()

        assert "valkey stopped by itself" in (running.casualty() or "")


def test_given_servers_are_used_and_none_are_started(directory, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/shop")
    monkeypatch.setenv("REDIS_URL", "redis://broker.example/0")

    with embedded.servers(directory) as running:
        assert running.environment == {
            "DATABASE_URL": "postgresql://db.example/shop",
            "REDIS_URL": "redis://broker.example/0",
        }
        assert not running.processes


def test_a_path_too_long_for_a_socket_does_not_matter(directory):
    deep = directory / ("a-name-of-thirty-odd-characters/" * 4)
    with embedded.servers(deep) as running:
        assert rows(running.environment, "SELECT 1") == [(1,)]
    lodging.remove(deep)


def test_files_are_closed_to_others(directory):
    with embedded.servers(directory) as running:
        modes = {
            path.name: path.stat().st_mode & 0o777 for path in (directory, running.room, directory / "addresses.json")
        }

    assert modes == {"run": 0o700, running.room.name: 0o700, "addresses.json": 0o600}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try as another account")
def test_other_accounts_cannot_connect(directory):
    with embedded.servers(directory) as running:
        port = psycopg.conninfo.conninfo_to_dict(running.environment["DATABASE_URL"])
        tried = subprocess.run(
            ["/bin/ls", str(port["host"])], user="nobody", extra_groups=[], cwd="/", capture_output=True, text=True
        )
        owners = {process.uids().real for process in descendants(os.getpid()) if "postgres" in process.name()}

    assert "Permission denied" in tried.stderr
    assert 0 not in owners


def test_a_directory_of_somebody_else_is_refused_and_stays(directory):
    directory.mkdir()
    (directory / "letter.txt").write_text("mine")

    with pytest.raises(lodging.CannotStart, match="not empty and not ours"), embedded.servers(directory):
        pytest.fail("it started")
    refused = command_line("reset")

    assert refused.returncode == 1
    assert "it stays" in refused.stderr
    assert [path.name for path in directory.iterdir()] == ["letter.txt"]


def test_reset_is_refused_while_running_and_then_removes_everything(directory, holder):
    refused = command_line("reset")
    still_there = directory.exists()
    holder.terminate()
    holder.wait()
    done = command_line("reset")

    assert refused.returncode == 1
    assert "Already running" in refused.stderr
    assert still_there
    assert done.returncode == 0
    assert f"Removed {directory}" in done.stderr
    assert not directory.exists()


def test_exec_runs_a_command_beside_servers_and_passes_on_how_it_ended(directory, monkeypatch, tmp_path):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    script = "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL']).close(); raise SystemExit(7)"
    done = command_line("exec", "--", sys.executable, "-c", script)

    assert done.returncode == 7, done.stderr
    assert not directory.exists()
    assert not list((tmp_path / "temporary").iterdir())


def test_exec_demo_joins_servers_that_run_and_starts_those_that_do_not(directory, holder):
    script = "import os; print(os.environ['DATABASE_URL'], os.environ['SECRET_KEY'])"
    beside = command_line("exec", "--demo", "--", sys.executable, "-c", script)
    running = json.loads((directory / "addresses.json").read_text())
    holder.terminate()
    holder.wait()
    alone = command_line("exec", "--demo", "--", sys.executable, "-c", script)

    assert beside.stdout.split()[0] == running["DATABASE_URL"]
    assert beside.stdout.split()[1] == alone.stdout.split()[1]


def test_mail_arrives_over_smtp(mailbox):
    from django.core.mail import send_mail

    send_mail("您好", "生日快乐", "shop@example.com", ["wang@example.com"])

    [message] = mailbox.wait_for(1)
    assert message["Subject"] == "您好"
    assert message.get_content().strip() == "生日快乐"


def test_a_broken_promise_of_mail_is_told(mailbox):
    started = time.monotonic()

    with pytest.raises(AssertionError, match="0 of 1 messages"):
        mailbox.wait_for(1, timeout=0.1)

    assert time.monotonic() - started < 5
