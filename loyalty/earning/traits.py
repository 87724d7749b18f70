"""What segments may ask of events and of rules that gave points."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from loyalty.earning.models import Award, Event
from loyalty.rulebook.models import EarningRule
from members.kit.measures import of_count, of_last, of_many
from members.kit.names import named
from members.kit.traits import IN_LAST_DAYS, Asking, Deed, Group, Kind, Parameter, Trait, register, register_deed

DEEDS = Group("deeds", _("Events and promotions"), 65)


def codes() -> list[tuple[str, str]]:
    """Events that were ever reported."""
    found = Event.objects.order_by("code").values_list("code", flat=True).distinct()
    return [(code, code) for code in found]


def rules() -> list[tuple[str, str]]:
    return [(rule.code, named(rule)) for rule in EarningRule.objects.order_by("code")]


EVENT = Parameter("event", _("event"), codes)


def events(said: Mapping[str, Any], _asking: Asking) -> QuerySet[Event]:
    return Event.objects.filter(code__in=said["event"]) if "event" in said else Event.objects.all()


def awards(_said: Mapping[str, Any], _asking: Asking) -> QuerySet[Award]:
    return Award.objects.filter(points__gt=0)


register(
    Trait("events", DEEDS, _("number of events"), Kind.NUMBER, of_count(events), parameters=(IN_LAST_DAYS, EVENT)),
    Trait("last_event", DEEDS, _("last event"), Kind.MOMENT, of_last(events), parameters=(EVENT,)),
    Trait(
        "rules", DEEDS, _("rules that gave them points"), Kind.MANY,
        of_many(awards, "version__rule__code", "happened_at"), rules, (IN_LAST_DAYS,),
    ),
)  # fmt: skip
register_deed(Deed("event", DEEDS, _("took part in an event"), events, parameters=(EVENT,)))
