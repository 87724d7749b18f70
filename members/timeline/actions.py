"""Reads: a page of what happened with a member, newest first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import CharField, F, QuerySet, Value

from members.profiles.models import Member
from members.stores.models import User
from members.timeline.rules import SOURCES, Happened, Place, Source

A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, and from where the next page goes on; None at the end."""

    lines: list[Happened]
    older: Place | None


def sources_for(user: User) -> list[Source]:
    """The kinds of things that this person may read, as the filter lists them."""
    return [source for _code, source in sorted(SOURCES.items()) if user.has_perm(source.permission)]


def page_of(
    *, member: Member, user: User, wanted: Collection[str] = (), before: Place | None = None, size: int = A_PAGE
) -> Page:
    """The newest lines behind a place, of the wanted sources or of all that the reader may see.

    One statement finds out which rows these are: each source gives no more than a page has, by its own index, so that
    ten thousand rows cost what ten do. Then every source that has a line on the page reads its rows.
    """
    sources = [source for source in sources_for(user) if not wanted or source.code in wanted]
    rows = [(source, source.rows(member)) for source in sources]  # once: some have to look whose rows these are
    places = places_of(rows, before=before, size=size + 1)
    lines = [line for source, each in rows for line in lines_of(source, each, member, places[:size])]
    lines.sort(key=lambda line: line.place, reverse=True)
    return Page(lines, places[size - 1] if len(places) > size else None)


def places_of(rows: Sequence[tuple[Source, QuerySet[Any]]], *, before: Place | None, size: int) -> list[Place]:
    """The places of the newest lines, newest first."""
    parts = [light(source, each, before=before, size=size) for source, each in rows]
    if not parts:
        return []
    return sorted((Place(*row) for row in parts[0].union(*parts[1:], all=True)), reverse=True)[:size]


def light(source: Source, rows: QuerySet[Any], *, before: Place | None, size: int) -> QuerySet[Any]:
    """The newest rows of one source, by nothing but their places."""
    rows = rows.exclude(**{source.at: None})
    if before is not None:
        rows = rows.filter(before.before(source))
    placed = rows.order_by(f"-{source.at}", "-pk").annotate(
        when=F(source.at), source_code=Value(source.code, output_field=CharField())
    )
    return cast(QuerySet[Any], placed.values_list("when", "source_code", "pk")[:size])


def lines_of(source: Source, rows: QuerySet[Any], member: Member, places: Sequence[Place]) -> list[Happened]:
    """The lines of one source at these places."""
    ids = [place.pk for place in places if place.source == source.code]
    if not ids:
        return []
    found = list(rows.filter(pk__in=ids))
    shown = source.show(found, member)
    return [Happened(getattr(row, source.at), source, row.pk, words) for row, words in zip(found, shown, strict=True)]
