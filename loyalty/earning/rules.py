"""What a sale earns: pure sums over the rule versions of its own moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from loyalty.tiers.rules import Climb, Step
from members.kit.refusals import Refusal
from members.kit.windows import days_after, months_after


class VersionInPast(Refusal):
    """Versions follow one another in time."""

    code = "version_in_past"
    sentence = _("A new version begins after the one before it, which began on %(since)s.")


@dataclass(frozen=True, slots=True)
class Version:
    """A rule version as the sums need it: so many points per amount of minor units."""

    id: int
    rule: int
    rule_code: str
    name_zh: str
    name_en: str
    number: int
    valid_from: datetime
    is_on: bool
    kind: int
    kind_code: str
    points: int
    per_amount: int
    rounding: str
    uses_tier_multiplier: bool
    pending_days: int
    expires_after_months: int | None


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All versions, oldest first, and the ladder: everything that judges a sale. Its revision says which it is."""

    revision: UUID
    versions: tuple[Version, ...]
    climb: Climb | None
    aside: tuple[Climb, ...] = ()  # ladders beside the main one

    def in_force(self, at: datetime) -> list[Version]:
        """The version of each rule at a moment, without rules that were off."""
        latest: dict[int, Version] = {}
        for version in self.versions:
            if version.valid_from <= at:
                latest[version.rule] = version
        return [version for version in latest.values() if version.is_on]


@dataclass(frozen=True, slots=True)
class Earned:
    """What one version gives for one sale; the multiplier is in percent."""

    version: Version
    points: int
    multiplier: int
    activates_at: datetime
    expires_at: datetime | None


def points_for(version: Version, amount: int, multiplier: int) -> int:
    """Points for minor units of money: amount / per_amount x points x multiplier / 100, rounded once, at the end."""
    numerator = amount * version.points * multiplier
    denominator = version.per_amount * 100
    if version.rounding == "up":
        return -(-numerator // denominator)
    if version.rounding == "nearest":
        return (2 * numerator + denominator) // (2 * denominator)
    return numerator // denominator


def earned(versions: Sequence[Version], *, amount: int, step: Step | None, at: datetime) -> list[Earned]:
    """What a sale of this amount at this moment earns by each version, zero included: it fired and gave nothing."""
    return [award(version, amount=amount, step=step, at=at) for version in versions]


def award(version: Version, *, amount: int, step: Step | None, at: datetime) -> Earned:
    """What one version gives."""
    multiplier = step.multiplier if step is not None and version.uses_tier_multiplier else 100
    activates_at = days_after(at, version.pending_days) if version.pending_days else at
    months = version.expires_after_months
    expires_at = months_after(activates_at, months) if months else None
    return Earned(version, points_for(version, amount, multiplier), multiplier, activates_at, expires_at)
