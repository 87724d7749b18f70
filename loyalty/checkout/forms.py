"""Reads what a till asks of a price, beside the sale."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty.checkout.rules import MOST, Asked
from loyalty.earning.forms import BadField, mapping
from members.kit.money import LARGEST_AMOUNT

FIELDS = ("apply_offers", "pay_points", "to_pay")


def asks_price(data: Any) -> list[str]:
    """The fields by which a body asks for promotions or for points as payment."""
    return [name for name in FIELDS if data.get(name) is not None] if isinstance(data, dict) else []


def read_asked(data: Any) -> Asked | None:
    """What a body asks of its price, or None. Raises BadField with the first field that cannot be used."""
    body = mapping(data, "sale")
    if not asks_price(body):
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
