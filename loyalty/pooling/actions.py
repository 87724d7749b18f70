"""Verbs: spend together, give back, look at what there is.

Nothing is moved into a pool: points stay with whose they are until they are spent. A spending takes the spender's own
first, then those of the others who give, the soonest-expiring of all of them first: so that as little as can be lapses.
What is given back goes to those who lent before it goes to the spender.

Locks: the household, then the accounts in primary-key order.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Sum

from loyalty.households.actions import locked, rule_now, seat_of
from loyalty.households.models import Draw, Seat
from loyalty.households.rules import DrawKeyReused, DrawTooLarge, NoHousehold, shares
from loyalty.ledger.actions import Cause, redeem, restore
from loyalty.ledger.models import Account, PointKind
from loyalty.ledger.rules import MoreThanOpen, NotEnoughPoints, NotSpendable, UnknownCause, check_points
from loyalty.pooling import sql
from members.kit.windows import start_of_day
from members.messaging.actions import queue_message
from members.profiles.models import Member
from members.profiles.rules import mask_name


@dataclass(frozen=True, slots=True)
class Together:
    """What a spending took: points from each member, by id, and whether it was made before."""

    points: int
    parts: dict[int, int]
    is_replay: bool


def drawn_this_month(member: Member, kind: PointKind, now: datetime) -> int:
    """How many points of the others this member has spent this month, less what was given back."""
    month = start_of_day(now).replace(day=1)
    drawn = Draw.objects.by(member.pk).from_others().filter(kind=kind, drawn_at__gte=month)
    return int(drawn.aggregate(sum=Sum(F("points") - F("restored")))["sum"] or 0)


def may_draw(seat: Seat, kind: PointKind, now: datetime) -> int:
    """How many points of the others this member may still draw this month."""
    limit = rule_now().draws_a_month if seat.draws_a_month is None else seat.draws_a_month
    return max(limit - drawn_this_month(seat.member, kind, now), 0)


@transaction.atomic
def spend_together(
    *, member: Member, kind: PointKind, points: int, key: str, now: datetime, reason: str = "", actor: str = ""
) -> Together:
    """Spend a member's own points, and what is missing out of the household's. The same key is the same spending.

    Raises NoHousehold, NotEnoughPoints, DrawTooLarge, NotSpendable, DrawKeyReused; then nothing was changed.
    """
    check_points(points)
    if not kind.is_spendable:
        raise NotSpendable
    known = list(Draw.objects.by(member.pk).filter(key=key).order_by("pk"))
    if known:
        return repeated(known, points)
    household, seat = locked(member)
    known = list(Draw.objects.by(member.pk).filter(key=key).order_by("pk"))
    if known:  # while we waited
        return repeated(known, points)
    seats = Seat.objects.current().filter(household=household)
    givers = [each for each in seats.filter(gives=True).values_list("member_id", flat=True) if each != member.pk]
    sql.lock_and_settle(members=[member.pk, *givers], kind=kind.pk, now=now)
    parts = share_out(member, seat, givers, kind=kind, points=points, now=now)
    for pk, part in in_account_order(parts, kind):
        draw = Draw.objects.create(
            member_id=pk, drawer=member.pk, household=household, kind=kind, points=part, key=key, drawn_at=now
        )
        giver = Member.objects.get(pk=pk)
        cause: Cause = {
            "member": giver,
            "kind": kind,
            "key": f"draw:{draw.pk}",
            "now": now,
            "reason": reason,
            "actor": actor,
        }
        redeem(points=part, **cause)
        if pk != member.pk:
            tell(draw, giver, member)
    return Together(points, parts, is_replay=False)


def repeated(known: list[Draw], points: int) -> Together:
    """The spending that has the key. Raises DrawKeyReused when it was of another number."""
    if sum(draw.points for draw in known) != points:
        raise DrawKeyReused
    return Together(points, {draw.member_id: draw.points for draw in known}, is_replay=True)


def share_out(
    member: Member, seat: Seat, givers: list[int], *, kind: PointKind, points: int, now: datetime
) -> dict[int, int]:
    """Who gives how many. Raises NotEnoughPoints, DrawTooLarge."""
    own = Account.objects.of(member).filter(kind=kind).first()
    parts = {member.pk: min(points, max(own.active, 0))} if own and own.active > 0 else {}
    missing = points - sum(parts.values())
    if missing:
        lots = sql.open_lots(members=givers, kind=kind.pk)
        there = sum(lot.points for lot in lots)
        if there < missing:
            raise NotEnoughPoints(asked=points, active=points - missing + there)
        left = may_draw(seat, kind, now)
        if missing > left:
            raise DrawTooLarge(left=f"{left:,}")
        parts |= shares(lots, missing)
    return parts


def in_account_order(parts: dict[int, int], kind: PointKind) -> list[tuple[int, int]]:
    """The parts in the order of the accounts' primary keys."""
    order = Account.objects.filter(member__in=parts, kind=kind).order_by("pk").values_list("member_id", flat=True)
    return [(pk, parts[pk]) for pk in order]


def tell(draw: Draw, giver: Member, drawer: Member) -> None:
    """Tell a member whose points another has spent."""
    said = {"points": draw.points, "other": mask_name(drawer.name) or drawer.number[-4:]}
    queue_message(member=giver, template="household_drawn", key=f"draw:{draw.pk}", now=draw.drawn_at, context=said)


@transaction.atomic
def restore_together(
    *, member: Member, spent: str, key: str, now: datetime, points: int | None = None, reason: str = ""
) -> dict[int, int]:
    """Give back points of a member's spending with key `spent`: to those who lent first; how many each got, by id.

    All that is open without a number. Raises UnknownCause, MoreThanOpen.
    """
    draws = list(Draw.objects.select_for_update().by(member.pk).filter(key=spent).order_by("pk"))
    if not draws:
        raise UnknownCause
    still_open = sum(draw.points - draw.restored for draw in draws)
    left = still_open if points is None else points
    if left > still_open or left <= 0:
        raise MoreThanOpen(asked=left, open=still_open)
    lenders_first = sorted(draws, key=lambda draw: (draw.member_id == member.pk, -draw.pk))
    parts: dict[int, int] = {}
    for draw in lenders_first:
        parts[draw.member_id] = min(draw.points - draw.restored, left)
        left -= parts[draw.member_id]
    for pk, part in in_account_order({pk: part for pk, part in parts.items() if part}, draws[0].kind):
        give_back(next(draw for draw in draws if draw.member_id == pk), part, key=key, now=now, reason=reason)
    return {pk: part for pk, part in parts.items() if part}


def give_back(draw: Draw, points: int, *, key: str, now: datetime, reason: str) -> None:
    """Give one member back what was drawn from them, to their own lots."""
    cause: Cause = {"member": draw.member, "kind": draw.kind, "key": f"{key}:{draw.pk}", "now": now, "reason": reason}
    restore(spent=f"draw:{draw.pk}", points=points, **cause)
    draw.restored += points
    draw.save(update_fields=["restored"])


@dataclass(frozen=True, slots=True)
class Holder:
    """One who sits in a household, and what they hold for it."""

    seat: Seat
    active: int
    is_head: bool
    is_self: bool


@dataclass(frozen=True, slots=True)
class Pool:
    """A household as one of its members sees it: who, how much together, and how much more may be drawn this month."""

    seat: Seat
    holders: list[Holder]
    together: int
    may_draw: int

    @property
    def is_head(self) -> bool:
        """Whether the member who looks is the head."""
        return self.seat.household.head == self.seat.member_id


def pool_of(*, member: Member, kind: PointKind, now: datetime) -> Pool:
    """The household of a member, settled as of now. Raises NoHousehold."""
    seat = seat_of(member)
    if seat is None:
        raise NoHousehold
    seats = list(Seat.objects.current().filter(household=seat.household).select_related("member").in_order())
    with transaction.atomic():
        sql.lock_and_settle(members=[each.member_id for each in seats], kind=kind.pk, now=now)
    accounts = Account.objects.filter(member__in=[each.member_id for each in seats], kind=kind)
    held = dict(accounts.values_list("member_id", "active"))
    holders = [
        Holder(each, held.get(each.member_id, 0), each.member_id == seat.household.head, each.pk == seat.pk)
        for each in seats
    ]
    usable = [each for each in holders if each.is_self or each.seat.gives]
    return Pool(seat, holders, sum(max(each.active, 0) for each in usable), may_draw(seat, kind, now))
