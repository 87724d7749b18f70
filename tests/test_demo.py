"""The demo: the group that runs its processes, with stand-ins, and the whole of it as a person starts it."""

import http.client
import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from config import lodging
from config.engines import free_port
from config.supervisor import Command, Group, Halt, Stopped

CHECKOUT = Path(__file__).resolve().parent.parent
SLEEP = "import time; time.sleep(600)"
PATIENCE = 240  # seconds: the first start fills a whole shop


def stand_in(name: str, script: str) -> Command:
    return Command(name, [sys.executable, "-u", "-c", script])


def group() -> Group:
    return Group(environment=dict(os.environ), out=io.StringIO())


def said(by: Group) -> list[str]:
    assert isinstance(by.out, io.StringIO)
    return by.out.getvalue().splitlines()


def tick_until(by: Group, done: Callable[[], bool], *, patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while not done():
        assert time.monotonic() < deadline, said(by)
        by.tick()


# The group


def test_lines_carry_the_name_of_their_speaker():
    both = group()
    both.start(stand_in("web", f"print('open'); {SLEEP}"))
    both.finish(stand_in("migrate", "print('done', end='')"))
    tick_until(both, lambda: len(said(both)) == 2)
    both.stop(halt=Halt())

    assert sorted(said(both)) == ["migrate | done", "web     | open"]


def test_finish_gives_the_exit_status_and_waits_for_the_last_words():
    status = group().finish(stand_in("seed", "print('no'); raise SystemExit(3)"))

    assert status == 3


def test_a_fallen_process_is_started_again_and_that_is_told():
    one = group()
    one.start(stand_in("worker", "print('here'); raise SystemExit(1)"))

    tick_until(one, lambda: said(one).count("worker  | here") == 2)
    one.stop(halt=Halt())

    assert "worker  | ended with status 1; starting it again in 1 s" in said(one)


def test_a_process_that_falls_again_and_again_ends_the_group(monkeypatch):
    monkeypatch.setattr("config.supervisor.LIVES", 2)
    one = group()
    one.start(stand_in("worker", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))

    with pytest.raises(Stopped, match="worker was killed by SIGKILL 2 times"):
        tick_until(one, lambda: False)

    one.stop(halt=Halt())


def test_stop_ends_processes_in_their_order_and_their_children_too():
    both = group()
    both.start(stand_in("web", f"import subprocess; subprocess.Popen(['sleep', '600']); print('on'); {SLEEP}"))
    polite = "import signal\ndef bye(*_): print('bye'); exit()\nsignal.signal(15, bye); print('on'); "
    both.start(stand_in("worker", polite + SLEEP))
    tick_until(both, lambda: len(said(both)) == 2)
    leaders = [psutil.Process(child.process.pid) for child in both.children]
    processes = [*leaders, *leaders[0].children()]

    both.stop(halt=Halt())

    assert len(processes) == 3
    assert said(both)[-1] == "worker  | bye"
    assert not psutil.wait_procs(processes, timeout=5)[1]


def test_a_process_deaf_to_asking_is_killed(monkeypatch):
    monkeypatch.setattr("config.supervisor.PATIENCE", 0.5)
    one = group()
    one.start(stand_in("web", f"import signal; signal.signal(15, signal.SIG_IGN); print('on'); {SLEEP}"))
    tick_until(one, lambda: len(said(one)) == 1)
    process = one.children[0].process

    one.stop(halt=Halt())

    assert process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_processes_die_with_a_killed_supervisor():
    script = (
        "import os, sys\nfrom config.supervisor import Command, Group\n"
        "one = Group(environment=dict(os.environ), out=sys.stdout)\n"
        "one.start(Command('web', [sys.executable, '-u', '-c', 'print(1); import time; time.sleep(600)']))\n"
        "while True: one.tick()"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=CHECKOUT, stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        supervisor.stdout.readline()
        children = psutil.Process(supervisor.pid).children(recursive=True)
        supervisor.kill()

    assert children
    assert not psutil.wait_procs(children, timeout=5)[1]


def test_a_closed_terminal_stops_the_group_even_if_no_signal_comes():
    terminal, screen = os.openpty()
    with open(screen, "w") as out:
        one = Group(environment=dict(os.environ), out=out)
        one.tick()
        os.close(terminal)

        with pytest.raises(KeyboardInterrupt):
            one.tick()


def test_the_first_signal_interrupts_and_later_ones_only_hurry():
    halt = Halt()
    with halt.listening():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        hurried_after_one = halt.hurry
        signal.raise_signal(signal.SIGINT)

    assert not hurried_after_one
    assert halt.hurry


# The whole


class Demo:
    """A demo that was started from a command line, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def read_until(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if text in line:
                return
        pytest.fail("\n".join(["It ended without saying: " + text, *self.lines]))

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "run"
    lodging.remove(tmp_path / "run")


@contextmanager
def demo(directory: Path, port: int) -> Iterator[Demo]:
    """Start the demo as `make demo` does, with nothing in the environment but the run directory."""
    environment = {"PATH": os.environ["PATH"], "REGULARS_RUN_DIR": str(directory)}
    words = [sys.executable, "manage.py", "demo", "--port", str(port)]
    process = subprocess.Popen(
        words, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    guard = subprocess.Popen(["sh", "-c", f"sleep {PATIENCE}; kill -9 {process.pid}"], start_new_session=True)
    with process:
        try:
            yield Demo(process)
        finally:
            process.terminate()
            process.wait()
            os.killpg(guard.pid, signal.SIGKILL)
            guard.wait()


def page(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_taken_port_is_told_before_anything_starts(directory):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demo(directory, port) as started:
            started.read_until(f"make demo PORT={port + 10}")
            status = started.process.wait()

    assert status == 1
    assert not any("Starting" in line for line in started.lines)
    assert not directory.exists()


def test_the_demo_opens_survives_a_killed_worker_stops_on_ctrl_c_and_goes_on_with_its_data(directory):
    port = free_port()
    with demo(directory, port) as first:
        first.read_until("Ctrl-C stops everything")
        assert page(port, "/admin/login/") == 200
        worker = next(child for child in first.family() if "worker" in child.cmdline())
        worker.kill()
        first.read_until("worker  | was killed by SIGKILL; starting it again")
        family = first.family()
        first.process.send_signal(signal.SIGINT)
        first.read_until("The data stay")
        first.process.wait(timeout=30)
    with demo(directory, port) as second:
        second.read_until("Ctrl-C stops everything")

    assert first.process.returncode == 0
    assert not psutil.wait_procs(family, timeout=5)[1]
    assert not any("Traceback" in line for line in first.lines + second.lines)
    assert any(re.match(r"seed +\|", line) for line in first.lines)
    assert not any(re.match(r"seed +\|", line) for line in second.lines)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_a_killed_demo_leaves_no_process_behind_and_can_be_removed(directory):
    with demo(directory, free_port()) as started:
        started.read_until("migrate |")
        family = started.family()
        started.process.kill()

    assert family
    assert not psutil.wait_procs(family, timeout=20)[1]
    assert directory.resolve() in lodging.remove(directory)
