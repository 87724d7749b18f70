"""What segments may ask of promotions: which took something off, how often, how much."""

from collections.abc import Mapping
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from loyalty.promotions.models import Applied, Promotion
from members.kit.measures import of_count, of_many, of_sum
from members.kit.names import named
from members.kit.traits import IN_LAST_DAYS, Asking, Deed, Group, Kind, Parameter, Trait, register, register_deed

DEEDS = Group("deeds", _("Events and promotions"), 65)


def promotions() -> list[tuple[str, str]]:
    return [(promotion.code, named(promotion)) for promotion in Promotion.objects.order_by("code")]


PROMOTION = Parameter("promotion", _("promotion"), promotions)


def applied(said: Mapping[str, Any], _asking: Asking) -> QuerySet[Applied]:
    """What promotions took off and returns did not undo."""
    found = Applied.objects.filter(off__gt=F("returned"))
    return found.filter(version__promotion__code__in=said["promotion"]) if "promotion" in said else found


register(
    Trait(
        "promotions", DEEDS, _("promotions they used"), Kind.MANY,
        of_many(applied, "version__promotion__code", "happened_at"), promotions, (IN_LAST_DAYS,),
    ),
    Trait(
        "promotions_used", DEEDS, _("times they used promotions"), Kind.NUMBER, of_count(applied),
        parameters=(IN_LAST_DAYS, PROMOTION),
    ),
    Trait(
        "promotions_saved", DEEDS, _("taken off by promotions"), Kind.MONEY,
        of_sum(applied, Sum(F("off") - F("returned"))),
        parameters=(IN_LAST_DAYS, PROMOTION),
    ),
)  # fmt: skip
register_deed(Deed("used_promotion", DEEDS, _("used a promotion"), applied, parameters=(PROMOTION,)))
