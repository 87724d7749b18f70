"""What staff did by hand in the demo shop, what tills hold at this moment, and what the shop owed night by night."""

import random
from contextlib import suppress
from datetime import datetime, timedelta

from django.db.models import Case, F, Sum, When

from loyalty.corrections.actions import approve_correction, ask_correction
from loyalty.corrections.models import CorrectionReason
from loyalty.holds.actions import capture_hold, place_hold
from loyalty.ledger.models import Account, Movement, PointKind
from loyalty.ledger.rules import NotEnoughPoints
from loyalty.liability.actions import close_night, take_range
from loyalty.liability.models import LiabilityDay
from members.kit.charts import days_until, start_of
from members.profiles.models import Member
from members.stores.models import Store, User

WORTH = 1_000  # minor units for 1,000 points
NIGHTS = 60
CORRECTIONS = 14
HOLDS = 6


def keep_books(*, stores: list[Store], now: datetime) -> None:
    """Corrections of the last weeks, some of them waiting; holds; and the nights until today."""
    kind = PointKind.objects.get(code="points")
    PointKind.objects.filter(pk=kind.pk).update(money_per_thousand=WORTH)
    kind.money_per_thousand = WORTH
    chance = random.Random(21)  # noqa: S311 a believable shop, not a secret
    rich = Account.objects.filter(kind=kind, active__gte=500, member__home_store=stores[0]).select_related("member")
    members = [account.member for account in rich.order_by("pk")[: CORRECTIONS + HOLDS]]
    correct(members[:CORRECTIONS], kind, chance, now)
    hold_some(members[CORRECTIONS:], kind, stores[0], now)
    count_nights(kind, now)


def correct(members: list[Member], kind: PointKind, chance: random.Random, now: datetime) -> None:
    """The clerk gives and takes; what is above the clerk's limit the manager approves, but for the last few."""
    clerk, manager = User.objects.get(username="clerk"), User.objects.get(username="manager")
    reasons = list(CorrectionReason.objects.exclude(code="debt").order_by("pk"))
    for place, member in enumerate(members):
        at = now - timedelta(days=(len(members) - place) * 2 - 1, hours=chance.randrange(6))
        points = chance.choice((50, 80, 120, 200, 500, 800, -60, -300))
        with suppress(NotEnoughPoints):
            asked = ask_correction(
                member=member, kind=kind, points=points, reason=chance.choice(reasons), by=clerk, key="demo", now=at
            )
            if asked.needs_second and place < len(members) - 4:
                approve_correction(correction=asked, by=manager, now=at + timedelta(hours=3))


def hold_some(members: list[Member], kind: PointKind, store: Store, now: datetime) -> None:
    """Points that wait for open baskets, and baskets that were paid."""
    till = store.tills.order_by("pk").first()
    for place, member in enumerate(members):
        at = now - timedelta(minutes=2 + place)
        hold = place_hold(
            member=member, kind=kind, points=100, store=store, till=till, key="demo", now=at, minutes=24 * 60
        )
        if place % 2:
            capture_hold(hold=hold, now=at + timedelta(minutes=1), points=80)


def count_nights(kind: PointKind, now: datetime) -> None:
    """Last night as any night is counted; those before by the movements there had been, and last night's outlook.

    Tonight is left to the night itself, which counts each account once.
    """
    *before, last, _tonight = days_until(now, NIGHTS + 1)
    take_range(first=0, last=2**62, day=last)
    close_night(day=last)
    counted = LiabilityDay.objects.get(taken_on=last, kind=kind)
    share = counted.expected_use / (counted.open or 1)
    for day in before:
        owed = owed_at(kind, start_of(day))
        LiabilityDay.objects.create(
            taken_on=day,
            kind=kind,
            open=owed,
            expected_use=round(owed * share),
            breakage=owed - round(owed * share),
            money_per_thousand=WORTH,
            is_complete=True,
        )


def owed_at(kind: PointKind, moment: datetime) -> int:
    """What had left the programme before a moment and not come back."""
    signed = Case(When(source="programme", then=F("points")), When(target="programme", then=-F("points")), default=0)
    return int(Movement.objects.of_kind(kind).until(moment).aggregate(sum=Sum(signed))["sum"] or 0)
