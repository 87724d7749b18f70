"""Reads: what a draft of a promotion is tried by, and what it would have taken off sales one by one."""

from datetime import datetime

from django.db import connection

from loyalty.conditions.case import Bound
from loyalty.pricing.rules import Offer
from loyalty.promotions.actions import pricebook
from loyalty.replay.actions import Told
from loyalty.replay.sql import Ground
from loyalty.repricing import sql
from loyalty.rulebook.actions import rulebook


def ground_of(offer: Offer) -> Ground:
    """What a draft is tried by: the main ladder, and the versions of its promotion. Others do not matter."""
    return Ground(rulebook().climb, [each.id for each in pricebook().offers if each.rule == offer.rule])


def tell(offer: Offer, *, first: int, last: int, since: datetime, until: datetime) -> list[Told]:
    """What a draft would have taken off each sale of a range of members from a moment on and before another."""
    bound = Bound()
    statement = sql.sales(offer, ground_of(offer), bound)
    values = bound.values | {"first": first, "last": last, "since": since, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [Told(*row) for row in cursor.fetchall()]
