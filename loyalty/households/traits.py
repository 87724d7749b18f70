"""What segments may ask of households."""

from collections.abc import Mapping
from typing import Any

from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _

from loyalty.households.models import Draw, Seat
from members.kit.measures import of_deed, of_having
from members.kit.traits import IN_LAST_DAYS, Asking, Group, Kind, Trait, register

FAMILY = Group("family", _("Households and gifts"), 75)


def seats(_said: Mapping[str, Any], _asking: Asking) -> QuerySet[Seat]:
    return Seat.objects.current()


def heads(said: Mapping[str, Any], asking: Asking) -> QuerySet[Seat]:
    return seats(said, asking).filter(household__head=F("member_id"))


def drawn(_said: Mapping[str, Any], _asking: Asking) -> QuerySet[Draw]:
    """What others of the household spent of the member's points."""
    return Draw.objects.from_others()


register(
    Trait("household", FAMILY, _("is in a household"), Kind.YES_NO, of_having(seats)),
    Trait("household_head", FAMILY, _("is the head of a household"), Kind.YES_NO, of_having(heads)),
    Trait(
        "lent", FAMILY, _("others of the household spent their points"), Kind.YES_NO, of_deed(drawn, "drawn_at"),
        parameters=(IN_LAST_DAYS,),
    ),
)  # fmt: skip
