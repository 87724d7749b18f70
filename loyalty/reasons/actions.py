"""Reads: all reasons of a sale, or of an event, in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from loyalty.checkout.models import Checkout
from loyalty.earning.models import Award, Event, Judgement
from loyalty.promotions.models import Applied, PromotionVersion
from loyalty.reasons.rules import (
    Gave,
    Missed,
    Price,
    TookOff,
    Why,
    friendly_award,
    friendly_cuts,
    near_miss,
    words_of_award,
    words_of_miss,
    words_of_off,
    words_of_unoffered,
)
from loyalty.rulebook.actions import names_of
from loyalty.rulebook.models import RuleVersion
from members.profiles.models import Member
from members.purchases.models import Sale


def why_of_sale(sale: Sale) -> Why:
    """What each rule gave for a sale and why, and why the others gave nothing, the most important first."""
    judgement = Judgement.objects.filter(sale=sale, member=sale.member_id).first()
    pieces = sum(sale.lines.values_list("quantity", flat=True)) if judgement else 0
    missed = missed_by(judgement.unfired, amount=sale.amount, pieces=pieces) if judgement else []
    return Why(gave_for(sale=sale), missed, price_of(sale))


def price_of(sale: Sale) -> Price | None:
    """How a sale came to its price; None where neither promotions nor points had a part in it."""
    checkout = Checkout.objects.filter(sale=sale, member=sale.member_id).first()
    if checkout is None:
        return None
    rows = Applied.objects.filter(sale=sale, member=sale.member_id).select_related("version__promotion")
    applied = list(rows.order_by("version__priority", "version__promotion"))
    passed = PromotionVersion.objects.select_related("promotion").in_bulk(
        [pk for pks in checkout.unfired.values() for pk in pks]
    )
    names = names_of([*passed.values(), *(each.version for each in applied)])
    pieces = sum(sale.lines.values_list("quantity", flat=True))
    missed = [
        Missed(
            version=passed[pk],
            reason=reason,
            words=words_of_unoffered(reason, passed[pk], names),
            friendly=near_miss(reason, passed[pk], amount=checkout.price, pieces=pieces),
        )
        for reason, pks in checkout.unfired.items()
        for pk in pks
        if pk in passed
    ]
    took = [TookOff(each, words_of_off(each, names), friendly_cuts(each)) for each in applied]
    return Price(checkout, took, sorted(missed, key=lambda each: (each.version.priority, each.version.promotion_id)))


def why_of_event(event: Event) -> Why:
    """What each rule about an event gave for it and why, and why the others gave nothing."""
    judgement = Judgement.objects.filter(event=event, member=event.member_id).first()
    return Why(gave_for(event=event), missed_by(judgement.unfired) if judgement else [])


def unrewarded(member: Member, *, since: datetime, most: int) -> list[tuple[Event, list[Missed]]]:
    """What a member did from a moment on that rules looked at and gave nothing for, the latest first, with reasons."""
    gave = Award.objects.filter(event=OuterRef("event"), points__gt=0)
    found = Judgement.objects.filter(member=member, event__happened_at__gte=since).exclude(Exists(gave))
    latest = found.select_related("event").order_by("-event__happened_at", "-pk")[:most]
    return [(judgement.event, missed_by(judgement.unfired)) for judgement in latest if judgement.event]


def gave_for(**cause: Any) -> list[Gave]:
    """The awards of a sale or an event."""
    awards = Award.objects.filter(**cause).select_related("version__rule", "version__kind", "sale")
    ordered = awards.order_by("version__priority", "version__rule")
    return [Gave(award, words_of_award(award), friendly_award(award)) for award in ordered]


def missed_by(unfired: Mapping[str, Sequence[int]], *, amount: int = 0, pieces: int = 0) -> list[Missed]:
    """The versions that gave nothing, each with its reason; of a sale with its amount and how many pieces it had."""
    versions = RuleVersion.objects.select_related("rule").in_bulk([pk for pks in unfired.values() for pk in pks])
    names = names_of(list(versions.values()))
    missed = [
        Missed(
            version=versions[pk],
            reason=reason,
            words=words_of_miss(reason, versions[pk], names),
            friendly=near_miss(reason, versions[pk], amount=amount, pieces=pieces),
        )
        for reason, pks in unfired.items()
        for pk in pks
        if pk in versions
    ]
    return sorted(missed, key=lambda each: (each.version.priority, each.version.rule_id))
