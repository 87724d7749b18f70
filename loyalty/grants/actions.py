"""Verbs: give, sell and take back tiers; protect a member. Money is minor units, points are points."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from loyalty.grants.rules import GrantOver, NotForSale, PaymentMissing, TierOfAnotherLadder, UntilInPast
from loyalty.judging.actions import judge
from loyalty.ledger.actions import redeem
from loyalty.ledger.models import PointKind
from loyalty.ledger.rules import ReasonMissing
from loyalty.tiers.actions import load_climbs, standing_of
from loyalty.tiers.models import Grant, Held, Ladder, Standing, Tier, TierChange
from loyalty.tiers.rules import TICK, Climb
from members.kit.actions import KeyReused
from members.kit.windows import months_after
from members.profiles.models import Member


@dataclass(frozen=True, slots=True)
class Why:
    """How a tier is given: what caused it (key), by whom, why, and what was paid for it by which payment."""

    held_by: str
    key: str
    actor: str = ""
    reason: str = ""
    price: int = 0
    reference: str = ""


@transaction.atomic
def give_tier(
    *, member: Member, ladder: Ladder, tier: Tier, until: datetime, reason: str, actor: str, key: str, now: datetime
) -> Grant:
    """Staff give a tier, higher or lower, whatever the member earned, until a day; then the member is judged again.

    Raises TierOfAnotherLadder, UntilInPast, ReasonMissing, KeyReused.
    """
    if tier.ladder_id != ladder.pk:
        raise TierOfAnotherLadder
    if until <= now:
        raise UntilInPast
    if not reason.strip():
        raise ReasonMissing
    lock(member)
    why = Why(Held.MANUAL, key, actor, reason)
    return known(member, tier, why) or grant(member=member, tier=tier, until=until, why=why, now=now)


@transaction.atomic
def sell_tier(*, member: Member, tier: Tier, reference: str, key: str, now: datetime, actor: str = "") -> Grant:
    """Note that a tier was sold at its price, by which payment; it begins now, or prolongs what was bought of it.

    Raises NotForSale, PaymentMissing, KeyReused.
    """
    if tier.price is None:
        raise NotForSale
    if not reference.strip():
        raise PaymentMissing
    lock(member)
    why = Why(Held.SOLD, key, actor, price=tier.price, reference=reference)
    return known(member, tier, why) or grant(
        member=member, tier=tier, until=bought_until(member, tier, now), why=why, now=now
    )


@transaction.atomic
def buy_tier(*, member: Member, tier: Tier, key: str, now: datetime, actor: str = "") -> Grant:
    """Spend points on a tier, for so many months from now or from the end of what was bought of it.

    Raises NotForSale, NotEnoughPoints, KeyReused.
    """
    if tier.price_points is None:
        raise NotForSale
    lock(member)
    why = Why(Held.POINTS, key, actor, price=tier.price_points)
    before = known(member, tier, why)
    if before is not None:
        return before
    kind = PointKind.objects.get(code="points")
    redeem(
        member=member, kind=kind, points=tier.price_points, key=f"tier:{key}", now=now, reason=tier.name_zh, actor=actor
    )
    return grant(member=member, tier=tier, until=bought_until(member, tier, now), why=why, now=now)


@transaction.atomic
def take_back(*, given: Grant, reason: str, actor: str, now: datetime) -> Grant:
    """End what was given before its day; the member is judged at once. Raises ReasonMissing, GrantOver."""
    if not reason.strip():
        raise ReasonMissing
    lock(given.member)
    if not Grant.objects.running(now).filter(pk=given.pk).update(ended_at=now):
        raise GrantOver
    under = Standing.objects.filter(member=given.member, ladder=given.ladder_id, tier=given.tier_id)
    under.filter(held_by=given.held_by).update(until=now)
    climb = climb_of_ladder(given.ladder_id)
    judge(
        climb=climb, first=given.member_id, last=given.member_id, as_of=now + TICK, at=now, reason="ended", note=reason,
        actor=actor,
    )  # fmt: skip
    given.refresh_from_db()
    return given


@transaction.atomic
def protect(*, member: Member, ladder: Ladder, is_protected: bool, reason: str, actor: str, now: datetime) -> None:
    """From now on the member never falls on this ladder, or may fall again. Raises ReasonMissing without a reason."""
    if not reason.strip():
        raise ReasonMissing
    lock(member)
    climb = climb_of_ladder(ladder.pk)
    standing = standing_on(member, climb, now)
    if standing.is_protected == is_protected:
        return
    Standing.objects.filter(pk=standing.pk).update(is_protected=is_protected)
    why = TierChange.Reason.PROTECTED if is_protected else TierChange.Reason.RELEASED
    note_change(standing, before=standing.tier_id, climb=climb, reason=why, note=reason, actor=actor, now=now)


def lock(member: Member) -> None:
    """Whoever changes a member's tier holds the member, as sales do."""
    Member.objects.select_for_update(no_key=True).get(pk=member.pk)


def known(member: Member, tier: Tier, why: Why) -> Grant | None:
    """What was given under this key before. Raises KeyReused when it was something else."""
    before = Grant.objects.filter(member=member, ladder=tier.ladder_id, key=why.key).first()
    if before is not None and (before.tier_id, before.held_by, before.reference) != (
        tier.pk, why.held_by, why.reference,
    ):  # fmt: skip
        raise KeyReused
    return before


def bought_until(member: Member, tier: Tier, now: datetime) -> datetime:
    """The end of the months sold, which follow those that the member bought of this tier before."""
    running = Grant.objects.running(now).filter(member=member, tier=tier).exclude(held_by=Held.MANUAL)
    last = running.order_by("-until").values_list("until", flat=True).first()
    return months_after(last or now, tier.sold_months)


def climb_of_ladder(ladder: int) -> Climb:
    """The ladder as the sums need it."""
    return next(climb for climb in load_climbs() if climb.id == ladder)


def standing_on(member: Member, climb: Climb, now: datetime) -> Standing:
    """The member's standing, locked; whoever had none gets the one that goes without saying."""
    lowest = climb.lowest.id if climb.lowest else None
    standing, _made = Standing.objects.select_for_update().get_or_create(
        member=member, ladder_id=climb.id, defaults={"tier_id": lowest, "since": now}
    )
    return standing


def grant(*, member: Member, tier: Tier, until: datetime, why: Why, now: datetime) -> Grant:
    """Write what is given, and lay it over what the member earned if it is higher, or if staff say so."""
    given = Grant.objects.create(
        member=member, ladder_id=tier.ladder_id, tier=tier, held_by=why.held_by, since=now, until=until,
        reason=why.reason, actor=why.actor, price=why.price, reference=why.reference, key=why.key,
    )  # fmt: skip
    climb = climb_of_ladder(tier.ladder_id)
    standing = standing_on(member, climb, now)
    if lies_over(standing, tier, climb, why, now):
        lay_over(standing, given, climb=climb, now=now)
    return given


def lies_over(standing: Standing, tier: Tier, climb: Climb, why: Why, now: datetime) -> bool:
    """Whether what is given counts at once, or waits below what the member holds."""
    if why.held_by == Held.MANUAL:
        return True
    is_fixed = standing.held_by == Held.MANUAL and standing.until is not None and standing.until > now
    held = climb.step(standing.tier_id) if standing.tier_id else None
    prolongs = standing.held_by != Held.EARNED and standing.tier_id == tier.pk
    return not is_fixed and (prolongs or held is None or held.threshold < tier.threshold)


def lay_over(standing: Standing, given: Grant, *, climb: Climb, now: datetime) -> None:
    """Hold what was given; what was earned waits below it."""
    before = standing.tier_id
    if standing.held_by == Held.EARNED:
        standing.earned_tier_id, standing.earned_until = before, standing.until
    standing.tier_id, standing.until, standing.held_by = given.tier_id, given.until, given.held_by
    standing.since = now if before != given.tier_id else standing.since
    standing.save()
    reason = TierChange.Reason(given.held_by)
    note = given.reason or given.reference
    note_change(standing, before=before, climb=climb, reason=reason, note=note, actor=given.actor, now=now)


def note_change(
    standing: Standing, *, before: int | None, climb: Climb, reason: str, note: str, actor: str, now: datetime
) -> None:
    """Write down what became of a standing, and why."""
    total = standing_of(member=standing.member_id, climb=climb, at=now).total
    TierChange.objects.create(
        member_id=standing.member_id, ladder_id=standing.ladder_id, before_id=before, after_id=standing.tier_id,
        total=total, reason=reason, until=standing.until, note=note[:200], actor=actor[:60], happened_at=now,
    )  # fmt: skip
