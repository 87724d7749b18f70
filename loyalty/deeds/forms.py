"""Reads what a till sent as an event."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loyalty.deeds.rules import Happening
from loyalty.earning.forms import attributes, mapping, moment, text
from members.stores.models import Store


@dataclass(frozen=True, slots=True)
class EventAsked:
    """An event as asked for: by which identity the member is found, and what happened."""

    identity_kind: str
    identity: str
    happening: Happening


def read_event(data: Any, *, key: str, now: datetime, store: Store) -> EventAsked:
    """Read a body of `POST /api/v1/events`. Raises BadField with the first field that cannot be used."""
    body = mapping(data, "body")
    who = mapping(body.get("member"), "member")
    happening = Happening(
        code=text(body, "code", longest=40),
        key=text(body, "key", longest=100, otherwise=key[-100:]),
        at=moment(body, now),
        store=store,
        facts=attributes(body, "facts"),
    )
    return EventAsked(text(who, "kind", longest=10), text(who, "value", longest=254), happening)
