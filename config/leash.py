"""Runs a command that dies with the process which started it, under another account where one is named.

`python leash.py PARENT SIGNAL ACCOUNT COMMAND…`: PARENT is the process id of the starter, SIGNAL the number that the
command gets when the starter dies, ACCOUNT a user id or `-`. A script of its own, since changing accounts between fork
and exec inside a process with threads is not safe. It imports nothing of ours and starts in a few milliseconds.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # from linux/prctl.h


def words(command: list[str], *, mercy: signal.Signals, account: int | None = None) -> list[str]:
    """The command on a leash held by this process. Start it from the main thread: the leash is the thread's."""
    holder = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
    return [*holder, str(os.getpid()), str(int(mercy)), "-" if account is None else str(account), *command]


def become(account: int) -> None:
    """Give up being root, for good, and share files with nobody."""
    os.setgroups([])
    os.setgid(account)
    os.setuid(account)
    os.umask(0o077)


def fasten(number: int) -> None:
    """Ask the kernel for a signal when the starter dies. Only Linux knows how; elsewhere the command outlives it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def main(parent: str, number: str, account: str, *command: str) -> None:
    """Change accounts first, because that loosens the leash, then fasten it and become the command."""
    if account != "-":
        become(int(account))
    fasten(int(number))
    if os.getppid() != int(parent):  # it died before the leash was fastened
        sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606 - what to run is the starter's business
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
