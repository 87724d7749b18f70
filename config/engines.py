"""PostgreSQL and Valkey as processes: their settings, how each starts, tells that it is ready, and stops."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql

from config import leash
from config.lodging import CannotStart, Lodging, short_path

PATIENCE = 120  # seconds until a server must answer; one that repairs itself after a crash takes its time
SOCKET_PATH_LIMIT = 100  # bytes; the kernel's own is 107
POSTGRES_PORT = 5432  # only a part of the socket's name
NAME = "regulars"  # of the database and its owner
POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "jit": "off",  # compiling costs more than our queries take
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
VALKEY_SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {room}
databases 64
appendonly yes
save ""
"""


@dataclass
class Servers:
    """Servers that run: what to put into the environment of those who use them, and whether they still live."""

    directory: Path  # logs
    room: Path  # data
    environment: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def casualty(self) -> str | None:
        """What to tell about a server that is no longer there, if one is."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                return f"{name} stopped by itself. The end of its log:\n{log_end(self.directory, name)}"
        return None


# PostgreSQL


@contextlib.contextmanager
def postgres(lodging: Lodging, running: Servers) -> Iterator[str]:
    """Run PostgreSQL and give its address. A crashed one's data are repaired by itself."""
    data = lodging.room / "postgresql"
    if not data.exists():
        initialise(lodging, data)
    (data / "postmaster.pid").unlink(missing_ok=True)  # the lock says that nobody is left: it is stale
    with socket_room(lodging) as sockets:
        settings = [word for name, value in POSTGRES_SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = [str(lodging.postgres / "postgres"), "-D", str(data), "-k", str(sockets), *settings]
        with server("postgresql", command, lodging, running, mercy=signal.SIGINT) as process:
            await_answer("postgresql", process, lodging, lambda: make_database(sockets))
            yield address_of(sockets)


def address_of(sockets: Path) -> str:
    """Names the socket in the query: a host in a URL has no capital letters, and a directory may have."""
    return f"postgresql://{NAME}@/{NAME}?host={quote(str(sockets))}&port={POSTGRES_PORT}"


def initialise(lodging: Lodging, data: Path) -> None:
    """Make an empty cluster, whole or not at all: UTF-8, sorted by code point, on machines without any locale too."""
    fresh = lodging.room.with_suffix(".fresh") if lodging.account else lodging.room / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    account = None
    if lodging.account:  # initdb wants an account with a name; its owner changes before anything is written to it
        shutil.chown(fresh, account := "nobody")
    command = [str(lodging.postgres / "initdb"), "-D", str(fresh), "-U", "postgres", "--encoding=UTF8", "--no-locale"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject"]
    done = subprocess.run(
        command,
        cwd=fresh,
        env=plain_environment(),
        user=account,
        extra_groups=[] if account else None,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise CannotStart(f"PostgreSQL could not prepare its data:\n{done.stdout}{done.stderr}")
    lodging.hand_over(fresh)
    fresh.rename(data)


@contextlib.contextmanager
def socket_room(lodging: Lodging) -> Iterator[Path]:
    """A directory for the socket, closed to others. The kernel limits the length of its path."""
    sockets = lodging.room / "sockets"
    if len(bytes(sockets)) + len(f"/.s.PGSQL.{POSTGRES_PORT}.lock") > SOCKET_PATH_LIMIT:
        sockets = short_path(lodging.directory)
    shutil.rmtree(sockets, ignore_errors=True)
    try:
        sockets.mkdir(mode=0o700)
    except FileExistsError:
        raise CannotStart(f"{sockets} belongs to somebody else: remove it, then start again.") from None
    try:
        lodging.hand_over(sockets)
        yield sockets
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def make_database(sockets: Path) -> None:
    """Make the database and its owner unless they are there. The owner is no superuser, as in production."""
    with connect(sockets) as connection:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [NAME]).fetchall():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(NAME)))
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME]).fetchall():
            connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(NAME)))


def connect(sockets: Path) -> psycopg.Connection[tuple[object, ...]]:
    """A superuser's connection, each statement for itself."""
    return psycopg.connect(
        host=str(sockets), port=POSTGRES_PORT, user="postgres", dbname="postgres", autocommit=True, connect_timeout=5
    )


def empty(address: str) -> None:
    """Make the database anew. Only for a database of ours that was left half filled."""
    with psycopg.connect(address, dbname="postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(NAME)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))


# Valkey


@contextlib.contextmanager
def valkey(lodging: Lodging, running: Servers) -> Iterator[str]:
    """Run Valkey and give its address. TCP, because Celery and Django spell addresses of unix sockets differently."""
    room = lodging.room / "valkey"
    room.mkdir(mode=0o700, exist_ok=True)
    lodging.hand_over(room)
    port, password = free_port(), secrets.token_urlsafe(24)
    settings = VALKEY_SETTINGS.format(port=port, password=password, room=json.dumps(str(room)))
    command = [str(lodging.valkey), "-"]  # settings on standard input: the password is in no file and no process list
    with server("valkey", command, lodging, running, mercy=signal.SIGTERM, settings=settings) as process:
        address = f"redis://:{password}@127.0.0.1:{port}/0"
        await_answer("valkey", process, lodging, lambda: ping(address))
        yield address


def ping(address: str) -> None:
    """Raises a RedisError unless Valkey has read its data and answers."""
    with redis.Redis.from_url(address, socket_connect_timeout=5) as client:
        client.ping()


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


# Either server


@contextlib.contextmanager
def server(
    name: str, command: list[str], lodging: Lodging, running: Servers, *, mercy: signal.Signals, settings: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """A server's process on a leash, in a session of its own so that Ctrl-C reaches only us, logging to a file."""
    with log_path(lodging.directory, name).open("ab") as log:
        process = subprocess.Popen(
            leash.words(command, mercy=mercy, account=lodging.account),
            cwd=lodging.room,
            env=plain_environment(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[lodging.lock],
        )
    running.processes[name] = process
    try:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(settings.encode())
        yield process
    finally:
        del running.processes[name]
        end(process, mercy=mercy)


def end(process: subprocess.Popen[bytes], *, mercy: signal.Signals) -> None:
    """Ask a server to stop in order; one that does not is made to."""
    for number, patience in ((mercy, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, None)):
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return


def await_answer(name: str, process: subprocess.Popen[bytes], lodging: Lodging, ask: Callable[[], None]) -> None:
    """Ask until the server answers. Raises CannotStart with the end of its log when it died or takes too long."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return ask()
        except (psycopg.OperationalError, redis.RedisError):
            time.sleep(0.05)
    raise CannotStart(f"{name} did not start. The end of its log:\n{log_end(lodging.directory, name)}")


def plain_environment() -> dict[str, str]:
    """What servers get of the environment: nothing of the caller's PG… settings or locale."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def log_path(directory: Path, name: str) -> Path:
    return directory / f"{name}.log"


def log_end(directory: Path, name: str) -> str:
    """The last lines of a server's log, and where it is."""
    path = log_path(directory, name)
    lines = path.read_text(errors="replace").splitlines()[-12:]
    return "\n".join(f"  {line}" for line in lines) + f"\n  (all of it: {path})"
