"""Reads: which rules a ladder's tiers multiply, and what a range of members makes necessary to ask."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from loyalty.reckoning.rules import SALE, Version
from loyalty.retracing import sql
from loyalty.retracing.sql import Retraced
from loyalty.rulebook.actions import rulebook
from loyalty.tiers.rules import Climb


def multiplied_by(climb: Climb) -> list[Version]:
    """All versions, of any time, whose points to spend the tiers of a ladder multiply: none beside the main one."""
    book = rulebook()
    if book.climb is None or book.climb.id != climb.id:
        return []
    return [
        version
        for version in book.versions
        if version.uses_tier_multiplier
        and version.effect == "per_amount"
        and version.trigger == SALE
        and version.kind_code == "points"
    ]


def look(cursor: Any, past: Retraced, values: Mapping[str, Any]) -> Retraced:
    """The same, without asking for grants and protection where the range has none."""
    cursor.execute(sql.LOOK, {**values, "ladder": past.stands.id})
    has_grants, has_protected = cursor.fetchone()
    return replace(past, has_grants=has_grants, has_protected=has_protected)
