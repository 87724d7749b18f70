"""What segments may ask of holds: baskets that wait to be paid."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from loyalty.holds.models import Hold
from loyalty.ledger.traits import POINTS
from members.kit.measures import of_count, of_having
from members.kit.traits import IN_LAST_DAYS, Asking, Kind, Trait, register


def open_holds(_said: Mapping[str, Any], _asking: Asking) -> QuerySet[Hold]:
    return Hold.objects.open()


def left_behind(_said: Mapping[str, Any], _asking: Asking) -> QuerySet[Hold]:
    """Baskets that nobody paid in time."""
    return Hold.objects.filter(status=Hold.Status.EXPIRED)


register(
    Trait("open_hold", POINTS, _("has an open basket with points held"), Kind.YES_NO, of_having(open_holds)),
    Trait(
        "left_baskets", POINTS, _("baskets left behind"), Kind.NUMBER, of_count(left_behind, "placed_at"),
        parameters=(IN_LAST_DAYS,),
    ),
)  # fmt: skip
