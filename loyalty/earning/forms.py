"""Reads what a till sent as a sale: by hand, because a thousand come at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed
from members.purchases.models import Channel, Tender
from members.purchases.rules import Line, Receipt

TENDERS = frozenset(Tender.values)
CHANNELS = frozenset(Channel.values)
MOST_ATTRIBUTES = 20
LONGEST_RECEIPT = 200


class BadField(Malformed):
    """A field is missing or cannot be read; `field` says which, as a path."""

    code = "bad_field"
    sentence = _("The field “%(field)s” is missing or cannot be used: %(expected)s.")


@dataclass(frozen=True, slots=True)
class SaleAsked:
    """A sale as asked for: by which identity the member is found, and the receipt."""

    identity_kind: str
    identity: str
    receipt: Receipt


def read_sale(data: Any, *, key: str, now: datetime) -> SaleAsked:
    """Read a body of `POST /api/v1/sales`. Raises BadField with the first field that cannot be used.

    `key` stands in for a missing receipt number, `now` for a missing moment.
    """
    body = mapping(data, "body")
    who = mapping(body.get("member"), "member")
    lines = body.get("lines", [])
    if not isinstance(lines, list):
        raise BadField(field="lines", expected=_("a list"))
    receipt = Receipt(
        receipt=text(body, "receipt", longest=LONGEST_RECEIPT, otherwise=key),
        happened_at=moment(body, now),
        currency=text(body, "currency", longest=10, otherwise=settings.SHOP_CURRENCY),
        amount=whole(body, "amount"),
        discount=whole(body, "discount", otherwise=0),
        tender=one_of(body, "tender", TENDERS, Tender.OTHER),
        channel=one_of(body, "channel", CHANNELS, Channel.TILL),
        attributes=attributes(body),
        lines=[read_line(line, place) for place, line in enumerate(lines)],
    )
    return SaleAsked(text(who, "kind", longest=10), text(who, "value", longest=254), receipt)


def read_line(data: Any, place: int) -> Line:
    """Read one line of a sale."""
    path = f"lines[{place}]"
    line = mapping(data, path)
    return Line(
        sku=text(line, "sku", longest=60, otherwise="", path=path),
        name=text(line, "name", longest=200, otherwise="", path=path),
        quantity=whole(line, "quantity", otherwise=1, path=path),
        amount=whole(line, "amount", path=path),
        discount=whole(line, "discount", otherwise=0, path=path),
    )


def mapping(data: Any, field: str) -> Mapping[str, Any]:
    """The data again if it is an object."""
    if not isinstance(data, dict):
        raise BadField(field=field, expected=_("an object"))
    return data


def text(data: Mapping[str, Any], field: str, *, longest: int, otherwise: str | None = None, path: str = "") -> str:
    """A string of 1 to so many characters; missing or empty gives `otherwise` where there is one."""
    value = data.get(field)
    if (value is None or value == "") and otherwise is not None:
        return otherwise
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise BadField(
            field=f"{path}.{field}".strip("."), expected=_("a text of 1 to %(n)s characters") % {"n": longest}
        )
    return value


def whole(data: Mapping[str, Any], field: str, *, otherwise: int | None = None, path: str = "") -> int:
    """A whole number; true, 1.5 and "12" are none. Its size is judged with the sale."""
    value = data.get(field, otherwise)
    if type(value) is not int or abs(value) > 2**62:
        raise BadField(field=f"{path}.{field}".strip("."), expected=_("a whole number, money in minor units"))
    return value


def moment(body: Mapping[str, Any], now: datetime) -> datetime:
    """When it happened, ISO 8601; without an offset it is the shop's own clock."""
    value = body.get("happened_at")
    if value is None:
        return now
    try:
        read = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        read = None
    if read is None or not 1970 <= read.year <= 9000:
        raise BadField(field="happened_at", expected=_("a moment such as 2026-11-21T18:30:00+08:00"))
    return timezone.make_aware(read) if timezone.is_naive(read) else read


def one_of(body: Mapping[str, Any], field: str, known: frozenset[str], otherwise: str) -> str:
    """A code that we know."""
    value = body.get(field, otherwise)
    if not isinstance(value, str) or value not in known:
        raise BadField(field=field, expected=", ".join(sorted(known)))
    return value


def attributes(body: Mapping[str, Any], field: str = "attributes") -> dict[str, str]:
    """What else the till knows: a few short texts by name."""
    said = body.get(field, {})
    if not isinstance(said, dict) or len(said) > MOST_ATTRIBUTES:
        raise BadField(field=field, expected=_("an object of at most %(most)s texts") % {"most": MOST_ATTRIBUTES})
    return {str(name)[:40]: text(said, name, longest=200, path=field) for name in said}
