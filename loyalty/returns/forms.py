"""Reads what a till sent as a return."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty.earning.forms import LONGEST_RECEIPT, BadField, mapping, moment, text, whole
from loyalty.returns.rules import LineAsked, ReturnAsked


@dataclass(frozen=True, slots=True)
class AskedByTill:
    """A return as asked for: whose, the code of the store of the sale (empty for the till's own), and what."""

    identity_kind: str
    identity: str
    sale_store: str
    asked: ReturnAsked


def read_return(data: Any, *, key: str, now: datetime) -> AskedByTill:
    """Read a body of `POST /api/v1/returns`. Raises BadField with the first field that cannot be used.

    `key` stands in for a missing receipt number, `now` for a missing moment.
    """
    body = mapping(data, "body")
    who = mapping(body.get("member"), "member")
    lines = body.get("lines", [])
    if not isinstance(lines, list):
        raise BadField(field="lines", expected=_("a list"))
    asked = ReturnAsked(
        receipt=text(body, "receipt", longest=LONGEST_RECEIPT, otherwise=key),
        sale_receipt=text(body, "sale_receipt", longest=LONGEST_RECEIPT),
        happened_at=moment(body, now),
        lines=[read_line(line, place) for place, line in enumerate(lines)],
        amount=whole(body, "amount") if body.get("amount") is not None else None,
    )
    sale_store = text(body, "sale_store", longest=60, otherwise="")
    return AskedByTill(text(who, "kind", longest=10), text(who, "value", longest=254), sale_store, asked)


def read_line(data: Any, place: int) -> LineAsked:
    """Read one line: its place on the receipt from 1, or its SKU; how many pieces; what was given back, if known."""
    path = f"lines[{place}]"
    line: Mapping[str, Any] = mapping(data, path)
    name: int | str = line["line"] if type(line.get("line")) is int else text(line, "sku", longest=60, path=path)
    amount = whole(line, "amount", path=path) if line.get("amount") is not None else None
    return LineAsked(name, whole(line, "quantity", otherwise=1, path=path), amount)
