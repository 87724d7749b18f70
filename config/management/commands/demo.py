"""`manage.py demo`: a whole shop on this machine, with everything that it needs, until Ctrl-C."""

import contextlib
import http.client
import json
import os
import socket
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import psycopg
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from psycopg import sql

from config import embedded, engines
from config.lodging import CannotStart, is_occupied
from config.supervisor import Command as Run
from config.supervisor import Group, Halt, Stopped, shown_width

HOST = "127.0.0.1"
SEED_MARKER = "seeding"  # a file that is there while the database is being filled
CELERY_ON_ROOT = "You're running the worker with superuser privileges"  # who starts a demo as root knows it
STARTING = 90  # seconds until the pages must answer


class Command(BaseCommand):
    help = "Starts a demo shop: PostgreSQL, Valkey, web, worker and beat. Ctrl-C stops it; the data stay."
    requires_system_checks = []  # migrate runs them, once there is a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="where the pages are (8000)")

    def handle(self, *_words: str, port: int, **_options: object) -> None:
        halt = Halt()
        with halt.listening():
            try:
                directory = Path(settings.RUN_DIR)
                if not is_occupied(directory):  # by a demo, which says more than its port
                    refuse_taken(port)
                run(directory, port=port, halt=halt)
            except KeyboardInterrupt:
                tell("Stopped. The data stay: `make demo` goes on with them, `make demo-reset` removes them.")
            except (CannotStart, Stopped) as reason:
                raise CommandError(str(reason)) from None


def run(directory: Path, *, port: int, halt: Halt) -> None:
    """Start everything in order, say where it is, and keep it running until asked to stop."""
    tell("Starting PostgreSQL and Valkey …")
    with embedded.servers(directory) as servers:
        environment = {
            **os.environ,
            **embedded.demo_environment(directory, servers.environment),
            "PYTHONUNBUFFERED": "1",  # lines show when they are written
            "REGULARS_URL": os.environ.get("REGULARS_URL", f"http://{HOST}:{port}"),
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),  # so that the addresses stay on the screen
        }
        with grouped(environment, halt) as group:
            prepare(group, directory, servers)
            serve(group, directory, port=port, servers=servers)


@contextlib.contextmanager
def grouped(environment: dict[str, str], halt: Halt) -> Iterator[Group]:
    """A group that is stopped when the block ends, however it ends."""
    group = Group(environment=environment, out=sys.stdout)
    try:
        yield group
    finally:
        if group.children:
            tell("\nStopping … (Ctrl-C again to hurry)")
        group.stop(halt=halt)


def refuse_taken(port: int) -> None:
    """Raises CannotStart when somebody listens on the port already."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left counts as free
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} cannot be used ({error.strerror}). Choose another: `make demo PORT={port + 10}`."
            ) from None


# What stands before the doors open


def prepare(group: Group, directory: Path, servers: engines.Servers) -> None:
    """Bring the database and the static files up to date, and fill an empty database."""
    address = servers.environment["DATABASE_URL"]
    marker = directory / SEED_MARKER
    if marker.exists() and "postgresql" in servers.processes:
        tell("The shop was only half filled when the last start ended: filling it anew.")
        engines.empty(address)
    manage(group, "migrate", "--no-input")
    manage(group, "collectstatic", "--no-input", "--verbosity=0")
    if marker.exists() or not has_people(address):
        tell("Filling the shop with believable people and sales; this is done once …")
        marker.touch()
        manage(group, "seed", "--demo")
        marker.unlink()


def manage(group: Group, *words: str) -> None:
    """Run a command of manage.py. Raises CommandError when it fails."""
    command = Run(words[0].removeprefix("collect"), [sys.executable, "manage.py", *words])
    if group.finish(command):
        raise CommandError(f"`manage.py {' '.join(words)}` failed: what it says is above.")


def has_people(address: str) -> bool:
    """Whether anybody can sign in yet. Somebody's own database is never filled with inventions."""
    people = sql.Identifier(get_user_model()._meta.db_table)
    with psycopg.connect(address) as connection:
        return bool(connection.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(people)).fetchall())


# Open doors


def serve(group: Group, directory: Path, *, port: int, servers: engines.Servers) -> None:
    """Run the three processes until asked to stop. Raises Stopped when one of them, or a server, cannot go on."""
    tell("Starting web, worker and beat …")
    for command in commands(directory, port=port):
        group.start(command)
    opening = time.monotonic() + STARTING
    is_open = False
    while True:
        group.tick()
        if casualty := servers.casualty():
            raise Stopped(casualty)
        if not is_open and (is_open := answers(port)):
            tell(welcome(directory, port=port))
        if not is_open and time.monotonic() > opening:
            raise Stopped(f"The pages did not answer within {STARTING} seconds: what the processes say is above.")


def commands(directory: Path, *, port: int) -> list[Run]:
    """The three processes, in the order in which they stop: no new work, no new ticks, then what is under way."""
    web = [sys.executable, "-m", "granian", "--interface=wsgi", f"--host={HOST}", f"--port={port}", "--workers=2"]
    web += [
        "--blocking-threads=1",
        "--workers-kill-timeout=10",
        "--no-ws",
        "--log-level=warning",
        "config.wsgi:application",
    ]
    quiet = f"ignore:{CELERY_ON_ROOT}"
    celery = [sys.executable, "-W", quiet, "-m", "celery", "--quiet", "--app=config.celery"]
    beat = [*celery, "beat", "--loglevel=WARNING", f"--schedule={directory / 'beat-schedule'}"]
    worker = [*celery, "worker", "--loglevel=WARNING", "--concurrency=2", "--without-gossip", "--without-mingle"]
    return [Run("web", web), Run("beat", beat), Run("worker", worker)]


def answers(port: int) -> bool:
    """Whether the web server serves a page, whichever."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("HEAD", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def welcome(directory: Path, *, port: int) -> str:
    """Where things are and how to sign in, for the terminal."""
    root = f"http://{HOST}:{port}/"
    lines = ["", "Regulars 熟客 is running.", "", f"  Members  会员   {root}", f"  Staff    店员   {root}admin/"]
    rows = [
        [urljoin(root, one["address"]), one["user"], one["secret"], f"{one['who_en']} {one['who_zh']}"]
        for one in sign_ins(directory)
    ]
    if rows:
        lines += ["", "Sign in as 登录账号", "", *table(rows)]
    lines += ["", "Ctrl-C stops everything; the data stay. `make demo-reset` removes them.", ""]
    return "\n".join(lines)


def sign_ins(directory: Path) -> list[dict[str, str]]:
    """Who can sign in, as the seed wrote it down: who_en, who_zh, address, user, secret."""
    try:
        people: list[dict[str, str]] = json.loads((directory / "sign-ins.json").read_text())
    except FileNotFoundError:
        return []
    return people


def table(rows: list[list[str]]) -> list[str]:
    """Rows with their cells under each other, also in Chinese."""
    widths = [max(shown_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    padded = [
        [cell + " " * (width - shown_width(cell)) for cell, width in zip(row, widths, strict=True)] for row in rows
    ]
    return [f"  {'   '.join(row)}".rstrip() for row in padded]


def tell(text: str) -> None:
    """Show a person what goes on, at once."""
    with contextlib.suppress(OSError):  # the terminal may be closed
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
