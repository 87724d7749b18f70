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
    sources = {source.code: source for source in sources_for(user) if not wanted or source.code in wanted}
    places = places_of(list(sources.values()), member, before=before, size=size + 1)
    lines = [line for code, source in sources.items() for line in lines_of(source, member, places[:size], code)]
    lines.sort(key=lambda line: line.place, reverse=True)
    return Page(lines, places[size - 1] if len(places) > size else None)


def places_of(sources: Sequence[Source], member: Member, *, before: Place | None, size: int) -> list[Place]:
    """The places of the newest lines, newest first."""
    parts = [light(source, member, before=before, size=size) for source in sources]
    if not parts:
        return []
    return sorted((Place(*row) for row in parts[0].union(*parts[1:], all=True)), reverse=True)[:size]


def light(source: Source, member: Member, *, before: Place | None, size: int) -> QuerySet[Any]:
    """The newest rows of one source, by nothing but their places."""
    rows = source.rows(member).exclude(**{source.at: None})
    if before is not None:
        rows = rows.filter(before.before(source))
    placed = rows.order_by(f"-{source.at}", "-pk").annotate(
        when=F(source.at), source_code=Value(source.code, output_field=CharField())
    )
    return cast(QuerySet[Any], placed.values_list("when", "source_code", "pk")[:size])


def lines_of(source: Source, member: Member, places: Sequence[Place], code: str) -> list[Happened]:
    """The lines of one source at these places."""
    ids = [place.pk for place in places if place.source == code]
    if not ids:
        return []
    rows = list(source.rows(member).filter(pk__in=ids))
    shown = source.show(rows, member)
    return [Happened(getattr(row, source.at), source, row.pk, words) for row, words in zip(rows, shown, strict=True)]
