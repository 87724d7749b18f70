"""Reads: all reasons of a sale, or of an event, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

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
from members.purchases.models import Sale


def why_of_sale(sale: Sale) -> Why:
    """What each rule gave for a sale and why, and why the others gave nothing, the most important first."""
    judgement = Judgement.objects.filter(sale=sale, member=sale.member_id).first()
    missed = missed_by(judgement.unfired, sale) if judgement else []
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
    """What each rule gave for an event and why."""
    return Why(gave_for(event=event), [])


def gave_for(**cause: Any) -> list[Gave]:
    """The awards of a sale or an event."""
    awards = Award.objects.filter(**cause).select_related("version__rule", "version__kind", "sale")
    ordered = awards.order_by("version__priority", "version__rule")
    return [Gave(award, words_of_award(award), friendly_award(award)) for award in ordered]


def missed_by(unfired: Mapping[str, Sequence[int]], sale: Sale) -> list[Missed]:
    """The versions that gave nothing, each with its reason."""
    versions = RuleVersion.objects.select_related("rule").in_bulk([pk for pks in unfired.values() for pk in pks])
    names = names_of(list(versions.values()))
    pieces = sum(sale.lines.values_list("quantity", flat=True))
    missed = [
        Missed(
            version=versions[pk],
            reason=reason,
            words=words_of_miss(reason, versions[pk], names),
            friendly=near_miss(reason, versions[pk], amount=sale.amount, pieces=pieces),
        )
        for reason, pks in unfired.items()
        for pk in pks
        if pk in versions
    ]
    return sorted(missed, key=lambda each: (each.version.priority, each.version.rule_id))
