"""Whose hand changes a profile, and through which door: known once a request or task, told to the database.

The triggers of `members.history` read it. Where nobody said anything a change is written down as the house's own.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import connection

SETTING = "regulars.hand"  # stands until the transaction ends


@dataclass(frozen=True, slots=True)
class Hand:
    """A door (staff, member, till, import, merge; empty for the house), and the id of who of the staff stood there."""

    door: str = ""
    by: int | None = None


HOUSE = Hand()
WHOSE: ContextVar[Callable[[], Hand]] = ContextVar("hand", default=lambda: HOUSE)


@contextmanager
def held(whose: Callable[[], Hand]) -> Iterator[None]:
    """What is changed inside is changed by this hand; it is asked only when something is."""
    token = WHOSE.set(whose)
    try:
        yield
    finally:
        WHOSE.reset(token)


def sign(hand: Hand | None = None) -> None:
    """Tell the database whose hand this transaction is: a given one, or the one that is held."""
    hand = hand or WHOSE.get()()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, json.dumps({"door": hand.door, "by": hand.by})])
