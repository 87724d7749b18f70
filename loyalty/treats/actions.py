"""Verbs: give what is due, hand over what waits, undo that; and reads: what waits for a member, what they received.

What was due stays until its day, also when the tier is lost, by a return too; but who comes back to a tier within a
year is given no second set on joining, so that buying and returning by turns brings nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, CharField, Count, Value, When
from django.utils import timezone
from django.utils.formats import date_format

from loyalty.ledger.actions import Credit, earn_many
from loyalty.ledger.models import PointKind
from loyalty.tiers.actions import load_climbs
from loyalty.treats import sql
from loyalty.treats.models import Treat, TreatQuerySet
from loyalty.treats.rules import (
    MISSED_DAYS,
    AlreadyHandedOver,
    NotHandedOver,
    NothingToHandOver,
    State,
    TakenBackTooLate,
    TreatLapsed,
    UnknownTreat,
    kept_on,
)
from members.kit.windows import days_after, shops_day
from members.profiles.models import Member
from members.stores.models import Store, Till, User

LATELY = timedelta(hours=2)  # how far a sweep looks back; sales that a till tells later still are found by the night
MOST_AT_ONCE = 1_000  # members a sweep looks at


def begin_handing(*, now: datetime) -> None:
    """Note since when benefits are handed out. What was due before that moment is never given."""
    sql.begin(now)


@transaction.atomic
def give_due(*, first: int, last: int, as_of: datetime, now: datetime) -> int:
    """Give a range of member ids all that is due by a night and was not given; how much. A second time gives nothing.

    Nights that were missed are made good: birthdays and joinings of a month, and two months before this one.
    """
    among = sql.Range(first, last, load_climbs(), shops_day(now))
    day = shops_day(as_of)
    days = [day - timedelta(days=back) for back in range(MISSED_DAYS + 1)]
    made = sql.give_joined(among=among, now=now) + sql.give_monthly(among=among, as_of=as_of)
    return give_points(made + sql.give_birthdays(among=among, kept=kept_on(days)), now)


def give_points(made: Sequence[sql.Given], now: datetime) -> int:
    """Give the points that belong to what was just made, each once by its key; how much was made."""
    kind = PointKind.objects.filter(code="points").first() if made else None
    by_occasion: dict[str, list[Credit]] = {}
    for treat, member, occasion, points, days in made:
        if kind is not None and points is not None:
            expires = None if days is None else days_after(now, days)
            credit = Credit(member, kind.pk, points, f"treat:{treat}", now, now, expires)
            by_occasion.setdefault(occasion, []).append(credit)
    for occasion, credits in sorted(by_occasion.items()):
        earn_many(credits=credits, reason=f"{occasion}_gift")
    return len(made)


def sweep_joined(*, now: datetime) -> int:
    """Give at once what joining a tier brings to those who did so lately; how much. Safe to run at any time."""
    begin_handing(now=now)
    climbs = load_climbs()
    found = sql.joined_lately(climbs=climbs, since=now - LATELY, now=now)[:MOST_AT_ONCE]
    given = 0
    for member in found:
        with transaction.atomic():
            among = sql.Range(member, member, climbs, shops_day(now))
            given += give_points(sql.give_joined(among=among, now=now), now)
    return given


def waiting_for(member: Member, now: datetime) -> TreatQuerySet:
    """What waits for a member, the soonest to lapse first."""
    return Treat.objects.of(member).waiting(shops_day(now)).select_related("tier").soonest_first()


def received_by(member: Member) -> TreatQuerySet:
    """What a member has had, the latest first."""
    return Treat.objects.of(member).received().select_related("tier", "handed_store").newest_first()


def counts_by_benefit(tiers: Iterable[int], now: datetime) -> dict[tuple[int, str], dict[str, int]]:
    """What became of the treats of these tiers, by tier and kind: how many in each state."""
    today = shops_day(now)
    state = Case(
        When(last_on=None, then=Value(State.POINTS.value)),
        When(handed_at__isnull=False, then=Value(State.HANDED.value)),
        When(last_on__gte=today, then=Value(State.WAITING.value)),
        default=Value(State.LAPSED.value),
        output_field=CharField(),
    )
    rows = Treat.objects.filter(tier__in=list(tiers)).order_by().values("tier_id", "kind").annotate(became=state)
    found: dict[tuple[int, str], dict[str, int]] = {}
    for tier, kind, became, count in rows.annotate(count=Count("pk")).values_list("tier_id", "kind", "became", "count"):
        found.setdefault((tier, kind), {})[became] = count
    return found


@transaction.atomic
def hand_over(
    *, treat: int, member: Member, now: datetime, by: User | None = None, till: Till | None = None,
    store: Store | None = None,
) -> Treat:  # fmt: skip
    """Note that what waited was handed over, by a clerk or at a till, once.

    Raises UnknownTreat (also when it is somebody else's), NothingToHandOver, AlreadyHandedOver, TreatLapsed.
    """
    found = Treat.objects.select_for_update(of=("self",)).of(member).filter(pk=treat).first()
    if found is None:
        raise UnknownTreat
    if found.last_on is None:
        raise NothingToHandOver
    if found.handed_at is not None:
        raise AlreadyHandedOver(day=date_format(timezone.localtime(found.handed_at), "DATETIME_FORMAT"))
    if found.state(shops_day(now)) == State.LAPSED:
        raise TreatLapsed(day=date_format(found.last_on))
    found.handed_at, found.handed_by, found.handed_till, found.handed_store = now, by, till, store
    found.save(update_fields=["handed_at", "handed_by", "handed_till", "handed_store"])
    return found


@transaction.atomic
def take_back(*, treat: Treat, by: User, now: datetime) -> Treat:
    """Undo a handing over of just now: it waits again, until its own day. Raises NotHandedOver, TakenBackTooLate."""
    found = Treat.objects.select_for_update(of=("self",)).get(pk=treat.pk)
    if found.handed_at is None:
        raise NotHandedOver
    if not found.may_be_taken_back(now):
        raise TakenBackTooLate(hours=24)
    found.handed_at = found.handed_by = found.handed_till = found.handed_store = None
    found.taken_back_at, found.taken_back_by = now, by
    found.save(
        update_fields=["handed_at", "handed_by", "handed_till", "handed_store", "taken_back_at", "taken_back_by"]
    )
    return found
