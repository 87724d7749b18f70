"""Rule versions for tests of the sums: said as staff would, ready to judge, without a database."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from loyalty.reckoning.rules import Version
from loyalty.rulebook.actions import FIELDS, ready
from loyalty.rulebook.rules import read_saying

NUMBERS = count(1)
PLAIN: dict[str, Any] = {
    "rule__code": "spend", "rule__name_zh": "消费得积分", "rule__name_en": "Points for spending", "number": 1,
    "valid_from": datetime(2020, 1, 1, tzinfo=UTC), "is_on": True, "kind_id": 1, "kind__code": "points",
    "trigger": "sale", "effect": "per_amount", "points": 1, "per_amount": 100, "percent": 200, "stacking": "add",
    "rounding": "down", "basis": "paid", "counts_paid_by_points": False, "uses_tier_multiplier": True,
    "priority": 100, "group": "", "stops": False, "conditions": {}, "lines": {}, "limits": {}, "budget_id": None,
    "budget__price": None, "waits": "days", "pending_days": 0, "waits_for": "", "expires_after_months": None,
    "expires_rounding": "", "expires_on": None, "idle_months": None,
}  # fmt: skip


def said(code: str = "spend", **says: Any) -> Version:
    """A version that gives a point for each 100 minor units, or what else is said; its id is its rule's."""
    number = next(NUMBERS)
    row = {**PLAIN, "id": number, "rule_id": number, "rule__code": code, **read_saying(says)}
    return ready(tuple(row[name] for name in FIELDS))
