"""Runs several commands as one: their lines on one screen, the fallen ones started again, all stopped together."""

import contextlib
import os
import select
import selectors
import signal
import subprocess
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import TextIO

from config import leash

COLOURS = (36, 32, 33, 35, 34)  # cyan, green, yellow, magenta, blue
TICK = 0.2  # seconds
PATIENCE = 15  # seconds to stop in, then it is made to
LAST_WORDS = 2  # seconds to hear the output of a dead process to its end
LIVES = 5  # so many deaths within LIFETIME mean that starting again does not help
LIFETIME = 120  # seconds


class Stopped(Exception):
    """Says to a person why everything was stopped."""


@dataclass(frozen=True)
class Command:
    """A name to show before each line, and the words to run."""

    name: str
    words: Sequence[str]


@dataclass
class Child:
    """A command, its process, and what came of it so far."""

    command: Command
    process: subprocess.Popen[bytes]
    rest: bytes = b""  # a line that has begun
    deaths: list[float] = field(default_factory=list)
    due: float | None = None  # when to start again

    @property
    def output(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()


class Group:
    """Commands that run together. All calls come from one thread, the main one: leashes hang on it."""

    def __init__(self, *, environment: dict[str, str], out: TextIO, width: int = 8) -> None:
        self.environment = environment
        self.out = out
        self.width = width
        self.coloured = out.isatty() and "NO_COLOR" not in os.environ
        self.children: list[Child] = []
        self.selector = selectors.DefaultSelector()

    def start(self, command: Command) -> None:
        """Start a command that is to run until all stop."""
        child = Child(command, self.launch(command))
        self.children.append(child)
        self.selector.register(child.output, selectors.EVENT_READ, child)

    def launch(self, command: Command) -> subprocess.Popen[bytes]:
        """A process in a session of its own, so that Ctrl-C in the terminal reaches only us."""
        return subprocess.Popen(
            leash.words(list(command.words), mercy=signal.SIGTERM),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def finish(self, command: Command) -> int:
        """Run a command to its end beside the others, and give its exit status."""
        self.start(command)
        child = self.children[-1]
        while child.process.poll() is None:
            self.listen()
        self.bury(child)
        self.children.remove(child)
        return child.process.returncode

    def tick(self) -> None:
        """Show what was said and start the fallen again. Raises Stopped when one falls too often.

        Raises KeyboardInterrupt when the terminal is gone: `make` keeps the signal that says so to itself.
        """
        self.listen()
        if is_gone(self.out):
            raise KeyboardInterrupt
        for child in self.children:
            if child.due is None and child.process.poll() is not None:
                self.mourn(child)
            elif child.due is not None and time.monotonic() >= child.due:
                child.process, child.due = self.launch(child.command), None
                self.selector.register(child.output, selectors.EVENT_READ, child)

    def mourn(self, child: Child) -> None:
        """Tell of a death and plan the next life, later each time. Raises Stopped when there were too many."""
        self.bury(child)
        now = time.monotonic()
        child.deaths = [death for death in child.deaths if now - death < LIFETIME] + [now]
        delay = 2 ** (len(child.deaths) - 1)
        child.due = now + delay
        how = fate(child.process.returncode)
        if len(child.deaths) >= LIVES:
            raise Stopped(f"{child.command.name} {how} {LIVES} times in {LIFETIME} seconds: giving up.")
        self.say(child, f"{how}; starting it again in {delay} s")

    def listen(self, wait: float = TICK) -> None:
        """Pass on what the children say, waiting a little for it."""
        for key, _events in self.selector.select(wait):
            child: Child = key.data
            if said := os.read(key.fd, 65536):
                *lines, child.rest = (child.rest + said).split(b"\n")
                for line in lines:
                    self.say(child, line.decode(errors="replace"))
            else:
                self.selector.unregister(key.fd)

    def bury(self, child: Child) -> None:
        """End what a dead child left running, and pass on its last words."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()
        patience = time.monotonic() + LAST_WORDS
        while child.output in self.selector.get_map():
            self.listen()
            if time.monotonic() > patience:  # a descendant went its own way and keeps the line open
                self.selector.unregister(child.output)
        if child.rest:
            self.say(child, child.rest.decode(errors="replace"))
        child.rest = b""
        assert child.process.stdout is not None
        child.process.stdout.close()

    def stop(self, *, halt: "Halt") -> None:
        """Stop the children one after the other, in the order of their starts. A second Ctrl-C makes them."""
        for child in self.children:
            if child.due is not None:
                continue  # dead and buried already
            child.process.terminate()
            patience = time.monotonic() + PATIENCE
            while child.process.poll() is None and time.monotonic() < patience and not halt.hurry:
                self.listen()
            self.bury(child)
        self.children.clear()

    def say(self, child: Child, line: str) -> None:
        """Show a line with its speaker's name."""
        name = child.command.name.ljust(self.width)
        if self.coloured:
            name = f"\033[{COLOURS[self.children.index(child) % len(COLOURS)]}m{name}\033[0m"
        self.tell(f"{name}| {line.rstrip()}")

    def tell(self, line: str) -> None:
        """Show a line. That nobody reads any more (a closed terminal) is no reason to stumble while stopping."""
        with contextlib.suppress(OSError, ValueError):
            self.out.write(f"{line}\n")
            self.out.flush()


def is_gone(out: TextIO) -> bool:
    """Whether nobody can read any more: a closed terminal, a pipe without a reader."""
    try:
        number = out.fileno()
    except OSError:  # kept in memory
        return False
    poll = select.poll()
    poll.register(number, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _number, event in poll.poll(0))


def fate(status: int) -> str:
    """How a process ended, in words."""
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def shown_width(text: str) -> int:
    """How many columns a terminal gives a text: two for a Chinese character."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def is_ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) == signal.SIG_IGN


class Halt:
    """Makes one KeyboardInterrupt of the first Ctrl-C, SIGTERM or closed terminal; later ones only ask to hurry.

    So what stops things in order is never itself interrupted halfway.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.asked = False
        self.hurry = False

    def hear(self, _number: int, _frame: FrameType | None) -> None:
        self.asked, self.hurry = True, self.asked
        if not self.hurry:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Hear signals until the block ends. A terminal that may close without harm (`nohup`) stays so."""
        heard = [number for number in self.SIGNALS if number != signal.SIGHUP or not is_ignored(number)]
        before = {number: signal.signal(number, self.hear) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
