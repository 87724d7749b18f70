"""Verbs: read the rulebook once for each revision of the programme; change a rule by a new version."""

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import transaction

from loyalty.conditions.goods import chooser
from loyalty.conditions.tree import compiled
from loyalty.ledger.models import Programme
from loyalty.reckoning.rules import Rulebook, Version, bound
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.rulebook.rules import VersionInPast, read_saying
from loyalty.tiers.actions import load_climbs
from members.stores.models import User

FIELDS = (
    "id", "rule_id", "rule__code", "rule__name_zh", "rule__name_en", "number", "valid_from", "is_on", "kind_id",
    "kind__code", "trigger", "effect", "points", "per_amount", "percent", "stacking", "rounding", "basis",
    "counts_paid_by_points", "uses_tier_multiplier", "priority", "group", "stops", "conditions", "lines", "limits",
    "budget_id", "budget__price", "waits", "pending_days", "waits_for", "expires_after_months", "expires_rounding",
    "expires_on", "idle_months",
)  # fmt: skip


def rulebook() -> Rulebook:
    """The rules and the ladder as they stand; read again only after a change, in any process."""
    return load_rulebook(Programme.objects.values_list("revision", flat=True).get())


@lru_cache(maxsize=4)
def load_rulebook(revision: UUID) -> Rulebook:
    """Read the rules and the ladder. The revision is renewed by triggers, so a stale book is never looked up again."""
    rows = RuleVersion.objects.order_by("valid_from", "number").values_list(*FIELDS)
    programme = Programme.objects.get()
    return bound(
        revision,
        [ready(row) for row in rows],
        load_climbs(),
        return_days=programme.return_days,
        most_percent=programme.most_percent,
    )


def ready(row: tuple[Any, ...]) -> Version:
    """A version with its conditions compiled."""
    said = dict(zip(FIELDS, row, strict=True))
    lines = said["lines"]
    check, chosen = compiled(said["conditions"]), chooser(lines) if lines else None
    return Version(*(*row, check, chosen))


@transaction.atomic
def change_rule(*, rule: EarningRule, now: datetime, by: User | None, **says: Any) -> RuleVersion:
    """Say from now on (or from `valid_from`) something else: a new version, what was said stays.

    Raises VersionInPast when it would begin before the version it follows, and what `read_saying` refuses.
    """
    last = RuleVersion.objects.select_for_update().filter(rule=rule).order_by("-number").first()
    valid_from = says.pop("valid_from", None) or now
    if last is not None and valid_from < last.valid_from:
        raise VersionInPast(since=last.valid_from.isoformat())
    number = last.number + 1 if last else 1
    return RuleVersion.objects.create(
        rule=rule, number=number, valid_from=valid_from, created_by=by, **read_saying(says)
    )
