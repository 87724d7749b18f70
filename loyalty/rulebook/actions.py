"""Verbs: read the rulebook once for each revision of the programme; change a rule by a new version."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from loyalty.conditions.goods import chooser
from loyalty.conditions.tree import compiled
from loyalty.ledger.models import Programme
from loyalty.reckoning.rules import Rulebook, Version, bound
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.rulebook.rules import BudgetForPrices, Finding, Known, Names, VersionInPast, codes_named, lint, read_saying
from loyalty.tiers.actions import load_climbs
from loyalty.tiers.models import Tier
from members.kit.names import named
from members.purchases.models import Product
from members.segments.models import Segment
from members.stores.models import Store, User

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


def drafted(version: RuleVersion) -> Version:
    """A version that is not kept yet, as the sums would see it. Its `id` is 0."""
    row = []
    for field in FIELDS:
        value: Any = version
        for step in field.split("__"):
            value = getattr(value, step, None)
        row.append(value)
    return ready((0, *row[1:]))


def names_of(versions: Sequence[Any]) -> Names:
    """The names of all that versions name by codes, as the reader of the page knows them."""
    things: dict[str, type[Any]] = {"store": Store, "tier": Tier, "segment": Segment}
    names = {
        test: {thing.code: named(thing) for thing in model.objects.filter(code__in=codes_named(versions, test))}
        for test, model in things.items()
    }
    return names | {
        "product": dict(Product.objects.filter(sku__in=codes_named(versions, "product")).values_list("sku", "name")),
    }


def known_codes(versions: Sequence[Any]) -> Known:
    """Which of the codes that versions name exist."""
    fields = {"product": "sku", "category": "category", "brand": "brand"}
    known: dict[str, Iterable[str]] = {
        test: Product.objects.filter(**{f"{field}__in": codes_named(versions, test)}).values_list(field, flat=True)
        for test, field in fields.items()
    }
    known["store"] = Store.objects.values_list("code", flat=True)
    known["tier"] = Tier.objects.of_main_ladder().values_list("code", flat=True)
    known["segment"] = Segment.objects.live().values_list("code", flat=True)
    return Known({test: frozenset(codes) for test, codes in known.items()})


def findings(*, at: datetime, draft: Version | None = None) -> list[Finding]:
    """What the linter says of the rules in force at a moment, with a draft in the place of its rule's version."""
    book = rulebook()
    triggers = sorted({version.trigger for version in book.versions})
    versions = [version for trigger in triggers for version in book.in_force(at, trigger)]
    if draft is not None:
        versions = [version for version in versions if version.rule != draft.rule]
        versions += [draft] if draft.is_on else []
    today = timezone.localdate(at)
    return lint(versions, known=known_codes(versions), today=today, most_percent=book.most_percent)


@transaction.atomic
def change_rule(*, rule: EarningRule, now: datetime, by: User | None, **says: Any) -> RuleVersion:
    """Say from now on (or from `valid_from`) something else: a new version, what was said stays.

    Raises VersionInPast when it would begin before the version it follows, and BudgetForPrices, and what
    `read_saying` refuses.
    """
    last = RuleVersion.objects.select_for_update().filter(rule=rule).order_by("-number").first()
    valid_from = says.pop("valid_from", None) or now
    if last is not None and valid_from < last.valid_from:
        raise VersionInPast(since=last.valid_from.isoformat())
    if says.get("budget") is not None and says["budget"].is_for_prices:
        raise BudgetForPrices(budget=says["budget"].code)
    number = last.number + 1 if last else 1
    return RuleVersion.objects.create(
        rule=rule, number=number, valid_from=valid_from, created_by=by, **read_saying(says)
    )
