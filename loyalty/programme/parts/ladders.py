"""Ladders with their tiers, and what these ask for and give."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty.benefits.actions import handed_before
from loyalty.benefits.models import Benefit
from loyalty.benefits.rules import check_handing, check_value
from loyalty.programme.parts.fields import Fields
from loyalty.programme.parts.part import Part, Turn
from loyalty.programme.rules import Things, WrongValue, mapping, within
from loyalty.tiers.actions import step_of
from loyalty.tiers.models import Ladder, Need, Tier
from loyalty.tiers.rules import check_steps, check_window
from loyalty.whatif.rules import TierLeftOut

LADDERS = Fields(
    Ladder, "name_zh", "name_en", "position", "basis", "kind", "window", "months", "validity", "validity_months",
    "rounding", "grace_days", "at_end", "warn_days",
)  # fmt: skip
TIERS = Fields(
    Tier, "name_zh", "name_en", "threshold", "retention", "combines", "multiplier", "colour", "price", "price_points",
    "sold_months",
)  # fmt: skip
NEEDS = Fields(Need, "basis", "kind", "segment", "threshold", "retention")
BENEFITS = Fields(Benefit, "value", "words_zh", "words_en", "points", "points_days", "wait_days")


def stands() -> Things:
    """Every ladder, the main one first."""
    return {ladder.code: said(ladder) for ladder in Ladder.objects.main_first()}


def said(ladder: Ladder) -> dict[str, Any]:
    """A ladder with its tiers, lowest first."""
    tiers = ladder.tiers.prefetch_related("needs__kind", "needs__segment", "benefits").order_by("threshold")
    return LADDERS.said(ladder) | {"tiers": {tier.code: said_of_tier(tier) for tier in tiers}}


def said_of_tier(tier: Tier) -> dict[str, Any]:
    """A tier with its further needs and its benefits."""
    needs = [
        NEEDS.said(need)
        for need in sorted(tier.needs.all(), key=lambda need: (need.basis, need.kind_id or need.segment_id or 0))
    ]
    benefits = {each.kind: BENEFITS.said(each) for each in sorted(tier.benefits.all(), key=lambda each: each.kind)}
    return TIERS.said(tier) | ({"needs": needs} if needs else {}) | ({"benefits": benefits} if benefits else {})


def write(code: str, says: Any, turn: Turn) -> None:
    """A ladder as the file says it; its tiers stand in the file from the lowest up.

    Members stand where they stood: the night judges them. Raises TierLeftOut, EmptyWindow, and what `check_steps`
    raises.
    """
    values, entries = LADDERS.read(says, more=("tiers",)), mapping(says)
    check_window(window=values["window"], months=values["months"])
    ladder = Ladder.objects.filter(code=code).first() or Ladder(code=code)
    if ladder.pk and said(ladder) == entries:
        return
    LADDERS.put(ladder, values)
    with within("tiers"):
        tiers = mapping(entries.get("tiers", {}))
        for gone in ladder.tiers.exclude(code__in=tiers).order_by("threshold"):
            raise TierLeftOut(tier=gone.code)
        steps = [step_of(write_tier(ladder, tier, tiers[tier])) for tier in tiers]
        check_steps(steps)


def write_tier(ladder: Ladder, code: str, says: Any) -> Tier:
    """A tier as the file says it, with what it asks for and gives."""
    with within(code):
        values, entries = TIERS.read(says, more=("needs", "benefits")), mapping(says)
        tier = ladder.tiers.filter(code=code).first() or Tier(ladder=ladder, code=code)
        TIERS.put(tier, values)
        tier.needs.all().delete()
        with within("needs"):
            for need in listed(entries.get("needs", [])):
                NEEDS.put(Need(tier=tier), NEEDS.read(need))
        since = handed_before(tiers=[tier])
        tier.benefits.all().delete()
        with within("benefits"):
            for kind, gives in mapping(entries.get("benefits", {})).items():
                write_benefit(Benefit(tier=tier, kind=kind, handed_since=since.get((tier.pk, kind))), gives)
        return Tier.objects.prefetch_related("needs").get(pk=tier.pk)


def listed(value: Any) -> list[Mapping[str, Any]]:
    """The value, if it is a list. Raises WrongValue."""
    if not isinstance(value, list):
        raise WrongValue(value=str(value)[:60], expected=_("a list"))
    return value


def write_benefit(benefit: Benefit, says: Any) -> None:
    """A benefit as the file says it."""
    with within(benefit.kind):
        values = BENEFITS.read(says)
        if benefit.kind not in Benefit.Kind.values:
            raise WrongValue(value=benefit.kind[:60], expected=", ".join(Benefit.Kind.values))
        check_value(kind=benefit.kind, value=values["value"])
        check_handing(kind=benefit.kind, **{name: values[name] for name in ("points", "points_days", "wait_days")})
        BENEFITS.put(benefit, values)


PART = Part("ladders", _("ladders and tiers"), stands, write)
