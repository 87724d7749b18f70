"""Reads: what a draft is judged by, and what it would have given for sales one by one."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from loyalty.conditions.case import Bound
from loyalty.reckoning.rules import SALE, Version
from loyalty.replay import sql
from loyalty.replay.sql import Ground
from loyalty.rulebook.actions import rulebook


def ground_of(draft: Version) -> Ground:
    """What a draft is judged by: the ladder and the rules as they stand, and what other rules really gave."""
    book = rulebook()
    others = [each for each in book.versions if each.rule != draft.rule and each.trigger == SALE]
    place = (draft.priority, draft.rule)
    is_multiplier = draft.effect == "multiply"
    return Ground(
        climb=book.climb,
        own=[each.id for each in book.versions if each.rule == draft.rule],
        bases=[each for each in others if is_multiplier and each.effect == "per_amount" and each.kind == draft.kind],
        stoppers=[each.id for each in others if each.stops and (each.priority, each.rule) < place],
        most_percent=book.most_percent,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """One sale: the draft's points before limits, after them, net of returns; what its rule really gave, and net."""

    sale: int
    points: int
    given: int
    would: int
    issued: int
    really: int


def tell(draft: Version, *, first: int, last: int, since: datetime, until: datetime) -> list[Told]:
    """What a draft would have given for each sale of a range of members from a moment on and before another."""
    bound = Bound()
    statement = sql.sales(draft, ground_of(draft), bound)
    values = bound.values | {"first": first, "last": last, "since": since, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [Told(*row) for row in cursor.fetchall()]
