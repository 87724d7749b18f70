"""Earning rules."""

from django.utils.translation import gettext_lazy as _

from loyalty.programme.parts.fields import Fields
from loyalty.programme.parts.part import Part
from loyalty.programme.parts.versions import Versioned
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.rulebook.rules import read_saying

RULES = Versioned(
    Fields(EarningRule, "name_zh", "name_en"),
    Fields(
        RuleVersion, "is_on", "trigger", "kind", "effect", "points", "per_amount", "percent", "stacking", "rounding",
        "basis", "counts_paid_by_points", "uses_tier_multiplier", "conditions", "lines", "limits", "budget", "priority",
        "group", "stops", "waits", "pending_days", "waits_for", "expires_after_months", "expires_rounding",
        "expires_on", "idle_months",
    ),
    "rule",
    read_saying,
    change_rule,
)  # fmt: skip

PART = Part("rules", _("earning rules"), RULES.stands, RULES.write)
