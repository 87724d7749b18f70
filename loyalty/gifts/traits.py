"""What segments may ask of gifts of points."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from loyalty.gifts.models import Gift
from members.kit.measures import among, of_count, of_sum
from members.kit.traits import IN_LAST_DAYS, Asking, Deed, Group, Kind, Question, Trait, register, register_deed

FAMILY = Group("family", _("Households and gifts"), 75)


def gifts(_said: Mapping[str, Any], _asking: Asking) -> QuerySet[Gift]:
    return Gift.objects.all()


def received(question: Question, asking: Asking) -> Q:
    """Whether somebody gave them points."""
    found = asking.of(Gift.objects.filter(given_at__lte=asking.now), "receiver")
    days = question.parameters.get("days")
    if days is not None:
        found = found.filter(given_at__gte=asking.days_back(days))
    has = among(found, "receiver")
    return has if question.operator == "yes" else ~has


register(
    Trait(
        "gifts", FAMILY, _("gifts of points made"), Kind.NUMBER, of_count(gifts, "given_at"), parameters=(IN_LAST_DAYS,)
    ),
    Trait(
        "points_given",
        FAMILY,
        _("points given to others"),
        Kind.NUMBER,
        of_sum(gifts, Sum("points"), "given_at"),
        parameters=(IN_LAST_DAYS,),
    ),
    Trait("got_gift", FAMILY, _("was given points by somebody"), Kind.YES_NO, received, parameters=(IN_LAST_DAYS,)),
)
register_deed(Deed("gave", FAMILY, _("gave points away"), gifts, "given_at"))
