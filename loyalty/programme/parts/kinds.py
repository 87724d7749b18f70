"""Point kinds."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import PointKind
from loyalty.programme.parts.fields import Fields
from loyalty.programme.parts.part import Part, Turn
from loyalty.programme.rules import Things

KINDS = Fields(
    PointKind, "name_zh", "name_en", "is_spendable", "debt_limit", "money_per_thousand", "restored_life_days"
)


def stands() -> Things:
    """Every kind."""
    return {kind.code: KINDS.said(kind) for kind in PointKind.objects.order_by("code")}


def write(code: str, says: Any, turn: Turn) -> None:
    """A kind as the file says it; a new one where there is none."""
    values = KINDS.read(says)
    kind = PointKind.objects.filter(code=code).first() or PointKind(code=code)
    if kind.pk is None or any(getattr(kind, name) != value for name, value in values.items()):
        KINDS.put(kind, values)


PART = Part("point_kinds", _("point kinds"), stands, write)
