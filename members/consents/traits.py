"""What segments may ask of consents: by which channels a member may be written to, for what, and who refused."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from members.consents.models import ASKED, Channel, Consent, Purpose
from members.kit.measures import of_deed, of_many
from members.kit.traits import Asking, Group, Kind, Parameter, Trait, register

CONSENTS = Group("consents", _("Consents"), 75)
PURPOSE = Parameter(
    "purpose",
    _("purpose"),
    lambda: [(each.value, each.label) for each in ASKED],
    is_one=True,
    default=lambda: [Purpose.MARKETING.value],
)


def said(is_given: bool, parameters: Mapping[str, Any], asking: Asking) -> QuerySet[Consent]:
    """What members said of a purpose, as it stands now."""
    return Consent.objects.filter(purpose__in=parameters["purpose"], is_given=is_given, since__lte=asking.now)


def allowed(parameters: Mapping[str, Any], asking: Asking) -> QuerySet[Consent]:
    return said(True, parameters, asking)


def refused(parameters: Mapping[str, Any], asking: Asking) -> QuerySet[Consent]:
    return said(False, parameters, asking)


def profiled(parameters: Mapping[str, Any], asking: Asking) -> QuerySet[Consent]:
    return Consent.objects.given(purpose=Purpose.PROFILING, at=asking.now)


register(
    Trait(
        "consent",
        CONSENTS,
        _("may be written to by"),
        Kind.MANY,
        of_many(allowed, "channel"),
        choices=lambda: list(Channel.choices),
        parameters=(PURPOSE,),
    ),
    Trait(
        "refusal",
        CONSENTS,
        _("refused to be written to by"),
        Kind.MANY,
        of_many(refused, "channel"),
        choices=lambda: list(Channel.choices),
        parameters=(PURPOSE,),
    ),
    Trait("profiling", CONSENTS, _("allowed profiling"), Kind.YES_NO, of_deed(profiled, "since")),
)
