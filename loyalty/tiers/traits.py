"""What segments may ask of tiers: on each ladder where members stand, since when and until when; rises and falls."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from loyalty.tiers.models import Held, Ladder, Standing, Tier, TierChange
from members.kit.measures import among, of_deed, of_having, timed
from members.kit.names import named
from members.kit.traits import (
    IN_LAST_DAYS,
    Answer,
    Asking,
    Deed,
    Group,
    Kind,
    Question,
    Trait,
    register,
    register_deed,
    register_family,
)

TIERS = Group("tiers", _("Tiers"), 70)


def ladders() -> Iterator[Trait]:
    """For each ladder: the tier, since when, and until when it is held."""
    for ladder in Ladder.objects.main_first().prefetch_related("tiers__needs"):
        tiers = sorted(ladder.tiers.all(), key=lambda tier: tier.threshold)
        choices = [(tier.code, named(tier)) for tier in tiers]
        is_main = ladder.position == 0
        about = "" if is_main else f" · {named(ladder)}"
        yield Trait(
            f"tier.{ladder.code}", TIERS, _("tier%(ladder)s") % {"ladder": about}, Kind.CHOICE, on_tier(ladder, tiers),
            listing(choices), operators=("one_of", "none_of"),
        )  # fmt: skip
        yield Trait(
            f"tier_since.{ladder.code}", TIERS, _("on the tier since%(ladder)s") % {"ladder": about}, Kind.MOMENT,
            of_standing(ladder, "since"), operators=("within_last", "longer_ago", "since", "before", "between"),
        )  # fmt: skip
        yield Trait(
            f"tier_until.{ladder.code}", TIERS, _("tier held until%(ladder)s") % {"ladder": about}, Kind.MOMENT,
            of_standing(ladder, "until"),
        )  # fmt: skip


def listing(choices: list[tuple[str, str]]) -> Callable[[], list[tuple[str, str]]]:
    """Choices that are at hand."""
    return lambda: choices


def on_tier(ladder: Ladder, tiers: list[Tier]) -> Answer:
    """Who has no standing stands on the lowest tier, if that asks for nothing."""
    asks_nothing = next((tier.code for tier in tiers if tier.threshold == 0 and not tier.needs.all()), None)

    def answer(question: Question, asking: Asking) -> Q:
        here = asking.of(Standing.objects.filter(ladder=ladder, tier__isnull=False))
        wanted = [tier.pk for tier in tiers if tier.code in question.value]
        found = among(here.filter(tier__in=wanted))
        if asks_nothing in question.value:
            found |= ~among(here)
        return found if question.operator == "one_of" else ~found

    return answer


def of_standing(ladder: Ladder, column: str) -> Answer:
    """A moment of the standing."""

    def answer(question: Question, asking: Asking) -> Q:
        here = asking.of(Standing.objects.filter(ladder=ladder, tier__isnull=False))
        if question.operator == "unknown":
            return ~among(here.filter(**{f"{column}__isnull": False}))
        return among(here.filter(timed(column, question, asking)))

    return answer


def changes(is_up: bool) -> Callable[[Mapping[str, Any], Asking], QuerySet[TierChange]]:
    """Steps up or down on any ladder."""

    def rows(_said: Mapping[str, Any], _asking: Asking) -> QuerySet[TierChange]:
        moved = TierChange.objects.all()
        if is_up:
            up = Q(before=None, after__isnull=False) | Q(after__threshold__gt=F("before__threshold"))
            return moved.filter(up)
        return moved.filter(Q(before__isnull=False, after=None) | Q(after__threshold__lt=F("before__threshold")))

    return rows


def given(_said: Mapping[str, Any], _asking: Asking) -> QuerySet[Standing]:
    """Tiers that were not earned."""
    return Standing.objects.exclude(held_by=Held.EARNED)


register_family(ladders)
register(
    Trait("rose", TIERS, _("has risen"), Kind.YES_NO, of_deed(changes(True)), parameters=(IN_LAST_DAYS,)),
    Trait("fell", TIERS, _("has fallen"), Kind.YES_NO, of_deed(changes(False)), parameters=(IN_LAST_DAYS,)),
    Trait("tier_given", TIERS, _("has a tier that was given or bought"), Kind.YES_NO, of_having(given)),
    Trait(
        "tier_protected", TIERS, _("is protected from falling"), Kind.YES_NO,
        of_having(lambda _said, _asking: Standing.objects.filter(is_protected=True)),
    ),
)  # fmt: skip
register_deed(
    Deed("rose", TIERS, _("rose to a higher tier"), changes(True)),
    Deed("fell", TIERS, _("fell to a lower tier"), changes(False)),
)
