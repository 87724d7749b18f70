"""What a part of a programme is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise

from loyalty.programme.rules import Things
from members.stores.models import User


@dataclass(frozen=True, slots=True)
class Turn:
    """When a file is taken in, and by whom."""

    now: datetime
    by: User | None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the file: what stands, by code, and how one thing becomes what the file says of it.

    `write` changes nothing where it already is so, and raises refusals that say where.
    """

    name: str
    title: str | Promise
    stands: Callable[[], Things]
    write: Callable[[str, Any, Turn], None]
