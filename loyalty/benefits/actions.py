"""Reads: a member's plan on every ladder, and what each tier gives."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection

from loyalty.benefits import sql
from loyalty.benefits.models import Benefit
from loyalty.benefits.rules import Path, path, title_of
from loyalty.tiers.actions import load_climbs
from loyalty.tiers.models import Held, Tier
from loyalty.tiers.rules import Climb, Step
from members.kit.names import named
from members.kit.windows import days_after
from members.profiles.models import Member


@dataclass(frozen=True, slots=True)
class Given:
    """A benefit as doors show it: kind, number, and the shop's own words in both languages."""

    kind: str
    value: int | None
    words_zh: str = ""
    words_en: str = ""

    @property
    def title(self) -> str:
        """In the reader's language."""
        return title_of(self.kind, self.value)

    @property
    def words(self) -> str:
        """The shop's own words in the reader's language, or none."""
        return named(_Names(self.words_zh, self.words_en))


@dataclass(frozen=True, slots=True)
class _Names:
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a member stands on one ladder: the tier, how and until when it is held, what lacks to stay and to rise.

    `stay` is None where nothing can be lost by a day: no tier, no end, protected, given, or the ladder always renews.
    """

    climb: Climb
    step: Step | None
    since: datetime | None
    until: datetime | None
    held_by: str
    is_protected: bool
    benefits: tuple[Given, ...]
    stay: Path | None
    rise: Path | None
    grace_until: datetime | None
    price: int | None = None  # of the next tier, in minor units
    price_points: int | None = None

    @property
    def is_given(self) -> bool:
        return self.held_by != Held.EARNED

    @property
    def held_words(self) -> str:
        """How the tier came to be held, in words."""
        return str(Held(self.held_by).label)


def plans_of(member: Member, now: datetime) -> list[Plan]:
    """The member's plan on every ladder that has tiers, the main one first. Writes nothing."""
    climbs = [climb for climb in load_climbs() if climb.steps]
    benefits = benefits_of([step.id for climb in climbs for step in climb.steps])
    return [plan_of(member, climb, benefits, now) for climb in climbs]


def plan_of(member: Member, climb: Climb, benefits: dict[int, tuple[Given, ...]], now: datetime) -> Plan:
    """The member's plan on one ladder."""
    with connection.cursor() as cursor:
        cursor.execute(sql.plan(climb), {"member": member.pk, "ladder": climb.id, "now": now})
        tier, since, until, held_by, is_protected, enrolled_at, current, term = cursor.fetchone()
    step = climb.lowest if since is None else next((each for each in climb.steps if each.id == tier), None)
    following = climb.after(step)
    rise = path(climb, following, current, keeping=False, by=climb.ends_at(now, enrolled_at)) if following else None
    may_fall = until is not None and held_by == Held.EARNED and not is_protected and climb.at_end != "keep"
    stay = path(climb, step, term, keeping=True, by=until) if step and may_fall else None
    for_sale = Tier.objects.filter(pk=following.id).values_list("price", "price_points").get() if following else ()
    plan = Plan(
        climb, step, since, until, held_by, is_protected, benefits.get(step.id, ()) if step else (), stay, rise,
        days_after(until, climb.grace_days) if stay and until and climb.grace_days else None,
    )  # fmt: skip
    return replace(plan, price=for_sale[0], price_points=for_sale[1]) if for_sale else plan


def benefits_of(tiers: Sequence[int]) -> dict[int, tuple[Given, ...]]:
    """What each of these tiers gives, by tier id: the multiplier first, then the rest."""
    given: dict[int, tuple[Given, ...]] = {
        tier: (Given("multiplier", multiplier),)
        for tier, multiplier in Tier.objects.filter(pk__in=tiers).values_list("pk", "multiplier")
        if multiplier != 100
    }
    rows = Benefit.objects.filter(tier__in=tiers).order_by("pk")
    for row in rows:
        given[row.tier_id] = (*given.get(row.tier_id, ()), Given(row.kind, row.value, row.words_zh, row.words_en))
    return given


def words_for_tills(given: Given) -> dict[str, object]:
    """A benefit as the API says it."""
    return {"kind": given.kind, "value": given.value, "words_zh": given.words_zh, "words_en": given.words_en}
