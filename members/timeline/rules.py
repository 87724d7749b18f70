"""What a line of the list is, which rooms told us how to read theirs, and where a page ends."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise

from members.profiles.models import Member


@dataclass(frozen=True, slots=True)
class Shown:
    """A row in words: what happened, more about it, where it can be read, how much it was, and good or bad."""

    words: str
    more: str = ""
    url: str = ""
    amount: str = ""
    tone: str = ""  # good, warn, bad


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of thing that happens with members: whose rows, dated by which column, and how they are put in words."""

    code: str
    title: Promise  # what the filter calls it
    icon: str  # a name of unfold's symbols
    permission: str
    rows: Callable[[Member], QuerySet[Any]]
    show: Callable[[Sequence[Any], Member], Iterable[Shown]]
    at: str = "happened_at"
    on_page: bool = True  # also among the latest on the member's page, each kind at the price of a statement


@dataclass(frozen=True, slots=True)
class Happened:
    """A line of the list."""

    at: datetime
    source: Source
    pk: int
    shown: Shown

    @property
    def place(self) -> "Place":
        """Where the line stands in the list."""
        return Place(self.at, self.source.code, self.pk)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in the list: by moment, then by source and id, so that no two lines share one."""

    at: datetime
    source: str
    pk: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.source}~{self.pk}"

    def before(self, source: Source) -> Q:
        """The rows of a source that stand behind this place, in a list that begins with the newest."""
        older = Q(**{f"{source.at}__lt": self.at})
        if source.code > self.source:
            return older
        same = Q(**{source.at: self.at})
        return older | (same if source.code < self.source else same & Q(pk__lt=self.pk))


def read_place(text: str) -> Place | None:
    """What a place said of itself; None where it is none."""
    at, _tilde, rest = text.partition("~")
    source, _tilde, pk = rest.partition("~")
    try:
        moment = parse_datetime(at)
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None or not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        return None
    return Place(moment, source, int(pk))


SOURCES: dict[str, Source] = {}


def register(source: Source) -> None:
    """Show a further kind of thing."""
    SOURCES[source.code] = source
