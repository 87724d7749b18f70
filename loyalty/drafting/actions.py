"""Verbs: keep what a rule might say as a draft; set up a rule that multiplies points for some days in one step."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction

from loyalty.drafting.models import RuleDraft
from loyalty.drafting.rules import PresetExists, UnreadableDraft, digest, joined, preset_code
from loyalty.ledger.models import PointKind
from loyalty.limits.actions import open_budget
from loyalty.limits.models import Budget
from loyalty.rulebook.actions import change_rule, rulebook
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.rulebook.rules import read_saying
from members.kit.refusals import Refusal
from members.stores.models import User

LIFE = (
    "waits", "pending_days", "waits_for", "expires_after_months", "expires_rounding", "expires_on", "idle_months",
)  # fmt: skip


@transaction.atomic
def multiply_points(
    *,
    name_zh: str,
    name_en: str,
    kind: PointKind,
    percent: int,
    first: date,
    last: date,
    stores: Sequence[str],
    tiers: Sequence[str],
    total: int | None,
    now: datetime,
    by: User | None,
) -> EarningRule:
    """Multiply points from a day to a day, both included, in stores and for tiers by code (none: all of them).

    The extra points live as long as those that they multiply. `total` is the most points that it may give away; None
    sets no budget. Raises PresetExists when the same name
    begins on the same day, EmptyWindow, BadMultiplier, BadBudget; then nothing is there.
    """
    code = preset_code(name_en or name_zh, first)
    rule, is_new = EarningRule.objects.get_or_create(code=code, defaults={"name_zh": name_zh, "name_en": name_en})
    if not is_new:
        raise PresetExists
    budget = open_budget(code=code, name_zh=name_zh, name_en=name_en, total=total) if total is not None else None
    tests = {
        "dates": {"from": first.isoformat(), "to": last.isoformat()},
        **({"store": list(stores)} if stores else {}),
        **({"tier": list(tiers)} if tiers else {}),
    }
    change_rule(
        rule=rule,
        now=now,
        by=by,
        kind=kind,
        effect="multiply",
        percent=percent,
        conditions=joined("all", tests),
        budget=budget,
        **life_like(kind, now),
    )
    return rule


def life_like(kind: PointKind, now: datetime) -> dict[str, Any]:
    """When the points that are given for spending become active and expire, by the most important rule of the kind."""
    spending = (each for each in rulebook().in_force(now) if each.kind == kind.pk and each.effect == "per_amount")
    base = next(spending, None)
    return {name: getattr(base, name) for name in LIFE} if base else {}


@transaction.atomic
def keep_draft(*, rule: EarningRule, by: User | None, **says: Any) -> RuleDraft:
    """Keep what a version would say, without letting it stand; the same again is the same draft. Raises as a version.

    When it would begin is not kept: that is said when it is let stand.
    """
    said = read_saying({name: value for name, value in says.items() if name != "valid_from"})
    for name in ("kind", "budget"):
        said[name] = getattr(said.get(name), "pk", None)
    if said.get("expires_on"):
        said["expires_on"] = said["expires_on"].isoformat()
    draft, _new = RuleDraft.objects.get_or_create(
        rule=rule, digest=digest(said), defaults={"says": said, "created_by": by}
    )
    return draft


def version_of(draft: RuleDraft, *, at: datetime) -> RuleVersion:
    """The version that a draft would be from a moment on; it is not kept. Raises UnreadableDraft."""
    said = dict(draft.says)
    try:
        said["kind"] = PointKind.objects.get(pk=said["kind"])
        said["budget"] = Budget.objects.get(pk=said["budget"]) if said.get("budget") else None
        if said.get("expires_on"):
            said["expires_on"] = date.fromisoformat(said["expires_on"])
        return RuleVersion(rule=draft.rule, number=0, valid_from=at, **read_saying(said))
    except (Refusal, KeyError, TypeError, ValueError, PointKind.DoesNotExist, Budget.DoesNotExist):
        raise UnreadableDraft from None
