"""Earning rules: what each says by its newest version. Another saying is a new version; what was said stays."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty.programme.parts.fields import Fields, moment
from loyalty.programme.parts.part import Part, Turn
from loyalty.programme.rules import Things, mapping, within
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.rulebook.rules import read_saying

RULES = Fields(EarningRule, "name_zh", "name_en")
SAYS = (
    "is_on", "trigger", "kind", "effect", "points", "per_amount", "percent", "stacking", "rounding", "basis",
    "counts_paid_by_points", "uses_tier_multiplier", "conditions", "lines", "limits", "budget", "priority", "group",
    "stops", "waits", "pending_days", "waits_for", "expires_after_months", "expires_rounding", "expires_on",
    "idle_months",
)  # fmt: skip
VERSIONS = Fields(RuleVersion, *SAYS)


def stands() -> Things:
    """Every rule that says something."""
    versions = (
        RuleVersion.objects.order_by("rule__code", "-number")
        .distinct("rule__code")
        .select_related("rule", "kind", "budget")
    )
    return {version.rule.code: said(version) for version in versions}


def said(version: RuleVersion) -> dict[str, Any]:
    """A rule by one of its versions."""
    return RULES.said(version.rule) | VERSIONS.said(version)


def write(code: str, says: Any, turn: Turn) -> None:
    """A rule as the file says it, from now on or from `valid_from`. Raises what `change_rule` raises."""
    entries = mapping(says)
    names, values = (
        RULES.read(entries, more=(*SAYS, "valid_from")),
        VERSIONS.read(entries, more=(*RULES.names, "valid_from")),
    )
    rule = EarningRule.objects.filter(code=code).first() or EarningRule(code=code)
    if rule.pk is None or any(getattr(rule, name) != value for name, value in names.items()):
        RULES.put(rule, names)
    saying = read_saying(values)
    last = rule.versions.order_by("-number").first()
    if last is not None and all(getattr(last, name) == saying[name] for name in SAYS):
        return
    RuleVersion(rule=rule, **saying).clean_fields(exclude=["rule", "number", "valid_from"])
    with within("valid_from"):
        starts = moment(entries["valid_from"]) if entries.get("valid_from") else None
    change_rule(rule=rule, now=turn.now, by=turn.by, valid_from=starts, **values)


PART = Part("rules", _("earning rules"), stands, write)
