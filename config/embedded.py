"""A real PostgreSQL and a real Valkey out of wheels, for the demo, tests and benchmarks: nothing to install or set up.

They listen on a unix socket in a directory closed to others and on 127.0.0.1 with a password, write durably like a
production server, and die with the process that started them. Their data survive that. Where DATABASE_URL or REDIS_URL
is set, that server is somebody else's and nothing is started in its place.

    python -m config.embedded exec -- COMMAND…          run a command beside servers that are thrown away afterwards
    python -m config.embedded exec --demo -- COMMAND…   run it beside the demo's servers, running or not
    python -m config.embedded reset                     remove the demo's data

Nothing here imports settings: those are made of the addresses that this module finds out.
"""

import argparse
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from config import leash
from config.engines import Servers, postgres, valkey
from config.lodging import MARKER, CannotStart, is_occupied, lodge, remove, remove_home

CHECKOUT = Path(__file__).resolve().parent.parent
A_DAY = 86_400  # seconds


@contextlib.contextmanager
def servers(directory: Path) -> Iterator[Servers]:
    """Run what the environment does not name, with data in `directory`, until the block ends. Raises CannotStart."""
    with lodge(directory) as lodging, contextlib.ExitStack() as stack:
        running = Servers(lodging.directory, lodging.room)
        for key, start in (("DATABASE_URL", postgres), ("REDIS_URL", valkey)):
            given = os.environ.get(key)
            running.environment[key] = given or stack.enter_context(start(lodging, running))
        stack.enter_context(noted(lodging.directory / "addresses.json", running.environment))
        yield running


@contextlib.contextmanager
def throwaway() -> Iterator[Servers]:
    """Servers whose data are gone afterwards."""
    sweep()
    directory = Path(tempfile.mkdtemp(prefix="regulars-"))
    try:
        with servers(directory) as running:
            yield running
    finally:
        remove(directory)


def sweep() -> None:
    """Remove what throw-away servers left a day or more ago because their starter was killed."""
    for marker in Path(tempfile.gettempdir()).glob(f"regulars-*/{MARKER}"):
        with contextlib.suppress(OSError, CannotStart):  # somebody else's, or in use after all
            if marker.stat().st_mtime < time.time() - A_DAY:
                remove(marker.parent)


@contextlib.contextmanager
def noted(path: Path, environment: dict[str, str]) -> Iterator[None]:
    """Keep the addresses in a file while they hold, for commands that are run beside the demo."""
    write_private(path, json.dumps(environment))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


# The command line


def run_directory() -> Path:
    """Where the demo keeps its data: the same as in settings."""
    return Path(os.environ.get("REGULARS_RUN_DIR", CHECKOUT / ".run"))


def secret_key(directory: Path) -> str:
    """The demo's own secret, the same at every start, so that those signed in stay so."""
    path = directory / "secret-key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(50))
    return path.read_text()


def demo_environment(directory: Path, addresses: dict[str, str]) -> dict[str, str]:
    """What everything that belongs to the demo finds in its environment."""
    key = os.environ.get("SECRET_KEY") or secret_key(directory)
    return {**addresses, "SECRET_KEY": key, "REGULARS_DEMO": "1", "REGULARS_RUN_DIR": str(directory.resolve())}


@contextlib.contextmanager
def beside_demo() -> Iterator[dict[str, str]]:
    """The environment of the demo: of the running one, or of its servers started for a while."""
    directory = run_directory()
    if is_occupied(directory) and (directory / "addresses.json").exists():
        yield demo_environment(directory, json.loads((directory / "addresses.json").read_text()))
    else:
        with servers(directory) as running:
            yield demo_environment(directory, running.environment)


@contextlib.contextmanager
def beside_nothing() -> Iterator[dict[str, str]]:
    """The environment of servers that are thrown away."""
    with throwaway() as running:
        yield running.environment


def execute(command: list[str], *, demo: bool) -> int:
    """Run a command with the addresses in its environment, and give its exit status."""
    with (beside_demo if demo else beside_nothing)() as environment:
        held = leash.words(command, mercy=signal.SIGTERM)
        process = subprocess.Popen(held, env={**os.environ, **environment})
        try:
            process.wait()
        except KeyboardInterrupt:  # the terminal told the command too: let it finish
            process.wait()
        finally:
            process.terminate()
            process.wait()
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def reset() -> int:
    """Remove the demo's data, and say so."""
    gone = remove(run_directory()) + remove_home()
    for path in gone:
        say(f"Removed {path}")
    if not gone:
        say("There is nothing to remove: no demo has been started here.")
    return 0


def say(text: str) -> None:
    """Tell a person, at once."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def leave(number: int, _frame: object) -> None:
    """End in order when the terminal closes or the job is ended, with the status that shells expect."""
    raise SystemExit(128 + number)


def main() -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description="PostgreSQL and Valkey.")
    actions = parser.add_subparsers(dest="action", required=True)
    runner = actions.add_parser("exec", help="run a command beside servers")
    runner.add_argument("--demo", action="store_true", help="beside the demo's servers, not throw-away ones")
    runner.add_argument("command", nargs="+")
    actions.add_parser("reset", help="remove the demo's data")
    asked = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        return reset() if asked.action == "reset" else execute(asked.command, demo=asked.demo)
    except CannotStart as reason:
        say(str(reason))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
