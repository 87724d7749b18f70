"""Cues: what matters now about a member. Rooms register how they find theirs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from members.profiles.models import Member


@dataclass(frozen=True, slots=True)
class Cue:
    """One thing that matters now. `say` is what a clerk may say about it; the weightiest that has one is suggested.

    Weights: 90 something is wrong, 70 today or lost soon, 50 good to know, 30 small talk.
    """

    weight: int
    words: str
    say: str = ""
    tone: str = ""  # good, warn, bad
    icon: str = "info"  # a name of unfold's symbols
    url: str = ""


Finder = Callable[[Member, datetime], Iterable[Cue]]
FINDERS: dict[str, tuple[str, Finder]] = {}


def register(code: str, permission: str, finder: Finder) -> None:
    """Ask a further room what matters, for those who have the permission."""
    FINDERS[code] = (permission, finder)
