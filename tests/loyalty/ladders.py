"""What the tests of ladders share: members who grow and spend, nights, and the way up and down."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from loyalty.earning.actions import record_sale
from loyalty.judging.actions import judge_range
from loyalty.ledger.actions import earn
from loyalty.ledger.models import PointKind
from loyalty.tiers.models import Ladder, Standing, Tier, TierChange
from members.profiles.models import Member
from members.purchases.rules import Receipt


def shanghai(*numbers: int) -> datetime:
    """A moment of the shop's clock."""
    return timezone.make_aware(datetime(*numbers))


def night(as_of: datetime) -> int:
    """Everybody is judged."""
    return judge_range(first=0, last=2**62, as_of=as_of)


def grow(member: Member, points: int, at: datetime, code: str = "growth") -> None:
    """Points of a kind, for no purchase."""
    earn(member=member, kind=PointKind.objects.get(code=code), points=points, key=f"{code}:{at}", now=at)


def buy(member: Member, amount: int, at: datetime, now: datetime | None = None) -> Any:
    """A purchase at the till, of minor units; the starter rules give one point and one growth a yuan."""
    receipt = Receipt(receipt=f"r:{at}", happened_at=at, currency="CNY", amount=amount)
    return record_sale(member=member, store=member.home_store, till=None, receipt=receipt, now=now or at)


def standing_of(member: Member, ladder: str = "main") -> Standing | None:
    return Standing.objects.filter(member=member, ladder__code=ladder).select_related("tier").first()


def tier_of(member: Member, ladder: str = "main") -> str | None:
    """The code of the tier that is written down."""
    standing = standing_of(member, ladder)
    return standing.tier.code if standing and standing.tier else None


def until_of(member: Member, ladder: str = "main") -> datetime | None:
    standing = standing_of(member, ladder)
    return standing.until if standing else None


def way_of(member: Member, ladder: str = "main") -> list[tuple[Any, ...]]:
    """The member's way up and down, and why."""
    changes = TierChange.objects.filter(member=member, ladder__code=ladder).order_by("pk")
    return list(changes.values_list("before__code", "after__code", "reason"))


def main(**says: Any) -> Ladder:
    """The shop's main ladder, changed."""
    Ladder.objects.filter(code="main").update(**says)
    return Ladder.objects.get(code="main")


def tier(code: str, ladder: str = "main") -> Tier:
    return Tier.objects.get(ladder__code=ladder, code=code)


def other_ladder(code: str, basis: str, steps: dict[str, int], **says: Any) -> Ladder:
    """A ladder beside the main one."""
    ladder = Ladder.objects.create(
        code=code, name_zh=code, name_en=code, position=9, basis=basis, window=says.pop("window", "rolling"), **says
    )
    for name, threshold in steps.items():
        Tier.objects.create(ladder=ladder, code=name, name_zh=name, name_en=name, threshold=threshold)
    return ladder
