"""Reads what a till asks of a price, beside the sale."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty.checkout.rules import MOST, Asked
from loyalty.earning.forms import BadField, mapping, text
from members.kit.money import LARGEST_AMOUNT

FIELDS = ("apply_offers", "pay_points", "to_pay")
LONGEST_REFERENCE = 20


def asks_price(data: Any) -> list[str]:
    """The fields by which a body asks for promotions, for points as payment, or for what is held for it."""
    return fields_in(data, (*FIELDS, "hold")) if isinstance(data, dict) else []


def fields_in(data: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Those of the fields that say something."""
    return [name for name in names if data.get(name) is not None]


def read_asked(data: Any) -> Asked | None:
    """What a body asks of its price, or None. Raises BadField with the first field that cannot be used."""
    body = mapping(data, "sale")
    if not fields_in(body, FIELDS):
        return None
    applies = body.get("apply_offers", False)
    if applies is not None and type(applies) is not bool:
        raise BadField(field="apply_offers", expected=_("true or false"))
    points = body.get("pay_points") or 0
    if points != MOST and not is_number(points):
        raise BadField(field="pay_points", expected=_("a whole number of points, or “max”"))
    to_pay = body.get("to_pay")
    if to_pay is not None and not is_number(to_pay):
        raise BadField(field="to_pay", expected=_("a whole number, money in minor units"))
    return Asked(bool(applies), points, to_pay)


def is_number(value: Any) -> bool:
    """Whether it is a whole number from 0 up; true and 1.5 are none."""
    return type(value) is int and 0 <= value <= LARGEST_AMOUNT


def read_hold(data: Any) -> str | None:
    """The reference of the hold that a sale uses, or None. Raises BadField."""
    body = mapping(data, "sale")
    return None if body.get("hold") is None else text(body, "hold", longest=LONGEST_REFERENCE)


def read_minutes(data: Any) -> Any:
    """For how many minutes a quote is to be held, as it was sent, or None."""
    return mapping(data, "sale").get("hold_minutes")
