"""Reads: a member's plan on every ladder, and what each tier gives."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from loyalty.benefits import sql
from loyalty.benefits.models import Benefit
from loyalty.benefits.rules import Path, path, title_of
from loyalty.tiers.actions import load_climbs
from loyalty.tiers.models import Held, Tier
from loyalty.tiers.rules import TICK, Climb, Progress, Step, progress
from members.kit.names import named
from members.kit.windows import days_after
from members.profiles.models import Member

SOON = 90  # days before its end, a tier still to be kept is worth a warning colour


@dataclass(frozen=True, slots=True)
class Given:
    """A benefit as doors show it: kind, number, and the shop's own words in both languages."""

    kind: str
    value: int | None
    words_zh: str = ""
    words_en: str = ""
    points: int | None = None

    @property
    def title(self) -> str:
        """In the reader's language."""
        return title_of(self.kind, self.value, self.points)

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
    ends_soon: bool
    totals: tuple[int, ...]  # of the window of now, a number for each measure of the ladder

    @property
    def is_given(self) -> bool:
        return self.held_by != Held.EARNED

    @property
    def last_day(self) -> datetime | None:
        """The last moment at which the tier is held."""
        return None if self.until is None else self.until - TICK

    @property
    def last_of_grace(self) -> datetime | None:
        """The last moment of the grace."""
        return None if self.grace_until is None else self.grace_until - TICK

    @property
    def progress(self) -> Progress:
        """How far it is to the next tier, by the ladder's own measure."""
        return progress(self.climb, self.step, self.totals[0])

    @property
    def held_words(self) -> str:
        """How the tier came to be held, in words."""
        return str(Held(self.held_by).label)


def plans_of(member: Member, now: datetime) -> list[Plan]:
    """The member's plan on every ladder that has tiers, the main one first. Writes nothing."""
    return plans_on(member, [climb for climb in load_climbs() if climb.steps], now)


def main_plan_of(member: Member, now: datetime) -> Plan | None:
    """The member's plan on the shop's main ladder; None before one is set up."""
    climbs = load_climbs()[:1]
    return next(iter(plans_on(member, [climb for climb in climbs if climb.steps], now)), None)


def plans_on(member: Member, climbs: Sequence[Climb], now: datetime) -> list[Plan]:
    """The member's plan on some ladders."""
    benefits = benefits_of([step for climb in climbs for step in climb.steps])
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
    grace = days_after(until, climb.grace_days) if stay and until and climb.grace_days else None
    is_soon = until is not None and until <= days_after(now, SOON)
    gives = benefits.get(step.id, ()) if step else ()
    return Plan(climb, step, since, until, held_by, is_protected, gives, stay, rise, grace, is_soon, tuple(current))


def benefits_of(steps: Sequence[Step]) -> dict[int, tuple[Given, ...]]:
    """What each of these tiers gives, by tier id: the multiplier first, then the rest."""
    given: dict[int, tuple[Given, ...]] = {
        step.id: (Given("multiplier", step.multiplier),) for step in steps if step.multiplier != 100
    }
    rows = Benefit.objects.filter(tier__in=[step.id for step in steps]).order_by("pk")
    for row in rows:
        gives = Given(row.kind, row.value, row.words_zh, row.words_en, row.points)
        given[row.tier_id] = (*given.get(row.tier_id, ()), gives)
    return given


def handed_before(*, tiers: Iterable[Tier]) -> dict[tuple[int, str], datetime]:
    """Since when benefits of these tiers are handed out, by tier and kind: who writes them anew keeps that."""
    rows = Benefit.objects.filter(tier__in=[tier.pk for tier in tiers], handed_since__isnull=False)
    return {(row.tier_id, row.kind): row.handed_since for row in rows if row.handed_since}


def words_for_tills(given: Given) -> dict[str, object]:
    """A benefit as the API says it."""
    words = {"words_zh": given.words_zh, "words_en": given.words_en}
    return {"kind": given.kind, "value": given.value, "points": given.points, **words}
