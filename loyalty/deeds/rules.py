"""What an event is, and what is none."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext_lazy

from members.kit.refusals import Malformed, Refusal
from members.purchases.rules import CLOCKS_DIFFER
from members.stores.models import Store

ENROLMENT = "enrolment"
COMPLETION = "profile_completed"
CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
LONGEST_KEY = 100


class BadEvent(Malformed):
    """An event has a code of small letters and a key; sales are reported as sales."""

    code = "bad_event"
    sentence = gettext_lazy("An event has a code such as “review”, and a key of 1 to 100 characters.")


class EventInFuture(Malformed):
    """The clock of whoever reports it is ahead."""

    code = "event_in_future"
    sentence = gettext_lazy("The event is dated %(at)s, which has not come yet.")


class EventReused(Refusal):
    """The key names an event of another moment."""

    code = "event_reused"
    sentence = gettext_lazy("The event %(key)s was reported before, with another date.")


def check_happening(happening: "Happening", *, now: datetime) -> None:
    """Raises BadEvent or EventInFuture unless the event can have happened by now."""
    if not CODE.fullmatch(happening.code) or happening.code == "sale" or not 0 < len(happening.key) <= LONGEST_KEY:
        raise BadEvent
    if happening.at > now + CLOCKS_DIFFER:
        raise EventInFuture(at=happening.at.isoformat())


@dataclass(frozen=True, slots=True)
class Happening:
    """What a member did that is no sale: the code of the event, what caused it, where, when, and what else is known."""

    code: str
    key: str
    at: datetime
    store: Store | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
