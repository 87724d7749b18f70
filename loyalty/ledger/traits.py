"""What segments may ask of points: what members hold, what lapses, what they earned and spent."""

from collections.abc import Mapping
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import Account, Lot, Movement, PointKind
from members.kit.measures import of_count, of_deed, of_having, of_last, of_sum
from members.kit.names import named
from members.kit.traits import (
    IN_LAST_DAYS,
    Asking,
    Deed,
    Group,
    Happened,
    Kind,
    Parameter,
    Trait,
    register,
    register_deed,
)

POINTS = Group("points", _("Points"), 60)
UNIT = _("points")


def kinds() -> list[tuple[str, str]]:
    """Every kind of points."""
    return [(kind.code, named(kind)) for kind in PointKind.objects.order_by("pk")]


KIND = Parameter("kind", _("point kind"), kinds, is_one=True, default=lambda: ["points"])
AHEAD = Parameter("ahead", _("within the next days"), default=30, is_ahead=True)


def accounts(said: Mapping[str, Any], _asking: Asking) -> QuerySet[Account]:
    """Accounts of the kind."""
    return Account.objects.filter(kind__code__in=said["kind"])


def in_debt(said: Mapping[str, Any], asking: Asking) -> QuerySet[Account]:
    return accounts(said, asking).filter(active__lt=0)


def lapsing(said: Mapping[str, Any], asking: Asking) -> QuerySet[Lot]:
    """Lots that can be spent now and lapse within the days to come."""
    open_lots = Lot.objects.filter(account__kind__code__in=said["kind"], remaining__gt=0, is_active=True)
    return open_lots.filter(expires_at__gt=asking.now, expires_at__lt=asking.days_on(said["ahead"]))


def moved(*what: str) -> Happened:
    """Movements of some sorts; what merges carried over is not done by members."""

    def rows(said: Mapping[str, Any], _asking: Asking) -> QuerySet[Movement]:
        return Movement.objects.lived().filter(account__kind__code__in=said["kind"], kind__in=what)

    return rows


earned, spent, lapsed = moved("earn"), moved("spend"), moved("expire")
register(
    Trait(
        "balance",
        POINTS,
        _("points to spend"),
        Kind.NUMBER,
        of_sum(accounts, Sum("active"), ""),
        parameters=(KIND,),
        unit=UNIT,
    ),
    Trait(
        "pending",
        POINTS,
        _("points that wait"),
        Kind.NUMBER,
        of_sum(accounts, Sum("pending"), ""),
        parameters=(KIND,),
        unit=UNIT,
    ),
    Trait(
        "held",
        POINTS,
        _("points held for open baskets"),
        Kind.NUMBER,
        of_sum(accounts, Sum("held"), ""),
        parameters=(KIND,),
        unit=UNIT,
    ),
    Trait("debt", POINTS, _("is in debt"), Kind.YES_NO, of_having(in_debt), parameters=(KIND,)),
    Trait(
        "owes",
        POINTS,
        _("points owed"),
        Kind.NUMBER,
        of_sum(in_debt, Sum(-F("active")), ""),
        parameters=(KIND,),
        unit=UNIT,
    ),
    Trait(
        "lapsing",
        POINTS,
        _("points about to lapse"),
        Kind.NUMBER,
        of_sum(lapsing, Sum("remaining"), ""),
        parameters=(AHEAD, KIND),
        unit=UNIT,
    ),
    Trait(
        "earned",
        POINTS,
        _("points earned"),
        Kind.NUMBER,
        of_sum(earned, Sum("points")),
        parameters=(IN_LAST_DAYS, KIND),
        unit=UNIT,
    ),
    Trait(
        "spent",
        POINTS,
        _("points spent"),
        Kind.NUMBER,
        of_sum(spent, Sum("points")),
        parameters=(IN_LAST_DAYS, KIND),
        unit=UNIT,
    ),
    Trait(
        "lapsed",
        POINTS,
        _("points that lapsed"),
        Kind.NUMBER,
        of_sum(lapsed, Sum("points")),
        parameters=(IN_LAST_DAYS, KIND),
        unit=UNIT,
    ),
    Trait(
        "times_spent",
        POINTS,
        _("times they spent points"),
        Kind.NUMBER,
        of_count(spent),
        parameters=(IN_LAST_DAYS, KIND),
    ),
    Trait("last_earned", POINTS, _("last earned points"), Kind.MOMENT, of_last(earned), parameters=(KIND,)),
    Trait("last_spent", POINTS, _("last spent points"), Kind.MOMENT, of_last(spent), parameters=(KIND,)),
    Trait(
        "was_corrected",
        POINTS,
        _("had points given or taken by hand"),
        Kind.YES_NO,
        of_deed(moved("adjust", "write_off")),
        parameters=(IN_LAST_DAYS, KIND),
    ),
)
register_deed(
    Deed("earned", POINTS, _("earned points"), earned, parameters=(KIND,)),
    Deed("spent", POINTS, _("spent points"), spent, parameters=(KIND,)),
    Deed("lapsed", POINTS, _("let points lapse"), lapsed, parameters=(KIND,)),
)
