"""Reads and verbs of sales: where members stand, and the rises that their sales bring at once."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from loyalty.tiers import sql
from loyalty.tiers.models import Ladder, Need, Tier
from loyalty.tiers.rules import Ask, Climb, Measure, Progress, Standing, Step, progress
from members.kit.arrays import integers
from members.messaging.actions import queue_messages
from members.profiles.models import Member

__all__ = ["Climb", "Standing", "Step"]  # what sales are judged with


def load_climbs() -> list[Climb]:
    """Every ladder that has tiers, the main one first."""
    tiers = Tier.objects.order_by("threshold").prefetch_related("needs")
    steps: dict[int, list[Step]] = {}
    for tier in tiers:
        steps.setdefault(tier.ladder_id, []).append(step_of(tier))
    return [climb_of(ladder, steps.get(ladder.pk, [])) for ladder in Ladder.objects.main_first()]


def load_climb() -> Climb | None:
    """The shop's main ladder with its tiers, lowest first; None before one is set up."""
    return next(iter(load_climbs()), None)


def climb_of(ladder: Ladder, steps: Iterable[Step]) -> Climb:
    """A ladder as the sums need it."""
    return Climb(
        ladder.pk, ladder.basis, ladder.window, ladder.months, tuple(steps), ladder.kind_id, ladder.validity,
        ladder.validity_months, ladder.rounding, ladder.grace_days, ladder.at_end, ladder.warn_days, ladder.code,
        ladder.name_zh, ladder.name_en,
    )  # fmt: skip


def step_of(tier: Tier) -> Step:
    """A tier as the sums need it."""
    asks = tuple(ask_of(need) for need in sorted(tier.needs.all(), key=lambda need: need.pk))
    return Step(
        tier.pk, tier.code, tier.name_zh, tier.name_en, tier.threshold, tier.multiplier, tier.colour, tier.retention,
        tier.combines, asks, tier.price, tier.price_points,
    )  # fmt: skip


def ask_of(need: Need) -> Ask:
    """A further need as the sums need it."""
    keep = need.threshold if need.retention is None else need.retention
    return Ask(Measure(need.basis, need.kind_id or need.segment_id), need.threshold, keep)


def standing_of(*, member: int, climb: Climb | None, at: datetime) -> Standing:
    """Where a member stands at a moment, by member id; without a ladder only the revision is told."""
    climb = climb or Climb(0, "spend", "lifetime", 0, ())
    values: dict[str, Any] = {"member": member, "ladder": climb.id, "end": at}
    if climb.is_plain:
        values["start"] = climb.starts_at(at)
    with connection.cursor() as cursor:
        cursor.execute(sql.standing(climb), values)
        tier, then, total, revision, is_fixed, *rest = cursor.fetchone()
    more, in_month = rest or ((), 0)
    return Standing(tier, then, total, revision, is_fixed, tuple(more), in_month)


def progress_of(member: Member, now: datetime) -> Progress | None:
    """The member's tier and what is missing to the next one; None before a ladder is set up."""
    climb = load_climb()
    if climb is None or not climb.steps:
        return None
    standing = standing_of(member=member.pk, climb=climb, at=now)
    return progress(climb, climb.step(standing.tier), standing.total)


class Tally:
    """Where many members stand, kept in memory while a batch of their sales is judged, oldest sale first."""

    def __init__(self, *, members: Sequence[int], climb: Climb, earliest: datetime) -> None:
        self.climb = climb
        self.tiers: dict[int, int | None] = {}
        self.fixed: dict[int, datetime] = {}
        self.changes: dict[int, list[tuple[datetime, int | None]]] = {}
        self.moments: dict[int, list[datetime]] = {}
        self.counted: dict[int, list[tuple[int, ...]]] = {}
        self.enrolled: dict[int, datetime] = {}
        values: dict[str, Any] = {"members": integers(members), "ladder": climb.id, "earliest": earliest}
        with connection.cursor() as cursor:
            cursor.execute(sql.STANDINGS, values)
            for member, tier, fixed_until in cursor.fetchall():
                self.tiers[member] = tier
                if fixed_until is not None:
                    self.fixed[member] = fixed_until
            cursor.execute(sql.CHANGES, values)
            for member, at, tier in cursor.fetchall():
                self.changes.setdefault(member, []).append((at, tier))
            if climb.window == "anniversary":
                cursor.execute(sql.ENROLLED, values)
                self.enrolled.update(cursor.fetchall())
            self.read_history(cursor, values | {"start": self.first_start(earliest)})

    def first_start(self, earliest: datetime) -> datetime | None:
        """When the earliest window begins: what came before counts for nobody."""
        if self.climb.window == "anniversary":
            return min((self.climb.starts_at(earliest, at) or at for at in self.enrolled.values()), default=earliest)
        return self.climb.starts_at(earliest)

    def read_history(self, cursor: Any, values: dict[str, Any]) -> None:
        """Count what was there before the batch, measure by measure."""
        measures = self.climb.measures
        for place, measure in enumerate(measures):
            summed = Measure("purchases") if measure.basis == "months" else measure
            begin = {"start": None} if measure.basis == "segment" else {}
            cursor.execute(sql.HISTORY.format(counted=sql.counted(summed)), values | begin)
            for member, at, points in cursor.fetchall():
                self.add(member=member, at=at, gains=tuple(points if n == place else 0 for n in range(len(measures))))

    def add(self, *, member: int, at: datetime, gains: tuple[int, ...]) -> None:
        """Count what a moment put into each measure: points, minor units, purchases."""
        moments = self.moments.setdefault(member, [])
        place = bisect_right(moments, at)
        moments.insert(place, at)
        self.counted.setdefault(member, []).insert(place, gains)

    def standing(self, *, member: int, at: datetime) -> Standing:
        """Where a member stands at a moment, with all that was added."""
        start = self.climb.starts_at(at, self.enrolled.get(member))
        moments = self.moments.get(member, [])
        first = 0 if start is None else bisect_left(moments, start)
        last = bisect_right(moments, at)
        total, *more = self.sums(member, first, last)
        tier = self.tiers.get(member)
        changes = self.changes.get(member)
        then = tier if changes is None else next((each for moment, each in reversed(changes) if moment <= at), None)
        is_fixed = member in self.fixed and self.fixed[member] > at
        in_month = self.purchases_in_month(member, first, last, at) if more or self.climb.basis == "months" else 0
        return Standing(tier, then, total, None, is_fixed, tuple(more), in_month)

    def sums(self, member: int, first: int, last: int) -> list[int]:
        """The totals of the measures over some of a member's moments."""
        counted = self.counted.get(member, [])[first:last]
        totals = []
        for place, measure in enumerate(self.climb.measures):
            if measure.basis == "months":
                moments = self.moments.get(member, [])[first:last]
                bought = (at for at, gains in zip(moments, counted, strict=True) if gains[place])
                totals.append(len({month_of(at) for at in bought}))
            elif measure.basis == "segment":
                totals.append(sum(gains[place] for gains in self.counted.get(member, [])[:last]))
            else:
                totals.append(sum(gains[place] for gains in counted))
        return totals

    def purchases_in_month(self, member: int, first: int, last: int, at: datetime) -> int:
        """How many purchases of the moment's month are counted so far, where months are counted at all."""
        bases = [measure.basis for measure in self.climb.measures]
        if "months" not in bases:
            return 0
        place = bases.index("months")
        pairs = zip(self.moments.get(member, [])[first:last], self.counted.get(member, [])[first:last], strict=True)
        return sum(1 for moment, gains in pairs if gains[place] and month_of(moment) == month_of(at))

    def rise(self, *, member: int, at: datetime, tier: int) -> None:
        """Note that a member holds a higher tier now."""
        self.tiers[member] = tier
        if member in self.changes:
            self.changes[member].append((at, tier))


def month_of(moment: datetime) -> tuple[int, int]:
    """The shop's month in which a moment lies."""
    local = moment.astimezone(timezone.get_default_timezone())
    return local.year, local.month


@dataclass(frozen=True, slots=True)
class Rise:
    """A member lifted by a sale: from which step to which, with which total, when."""

    member: int
    before: Step | None
    after: Step
    total: int
    at: datetime


def lift(*, rises: Sequence[Rise], climb: Climb) -> None:
    """Write down rises that sales brought. The caller has locked the members."""
    if not rises:
        return
    values: dict[str, Any] = {
        "ladder": climb.id,
        "members": [rise.member for rise in rises],
        "before": [rise.before.id if rise.before else None for rise in rises],
        "after": [rise.after.id for rise in rises],
        "totals": [rise.total for rise in rises],
        "moments": [rise.at for rise in rises],
        "ends": [climb.held_until(rise.at) for rise in rises],
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.rise(climb), values)


def lift_aside(*, climbs: Sequence[Climb], sales: Sequence[tuple[int, datetime]], now: datetime, tells: bool) -> None:
    """Let members rise on the ladders beside the main one, at the moments of their sales (member id, moment).

    The sales and their points are written; the caller has locked the members. Sales of one moment count together.
    """
    distinct = sorted(set(sales))
    for climb in climbs if distinct else ():
        values = {
            "ladder": climb.id,
            "lowest": 1 if climb.lowest else 0,
            "tiers": [step.id for step in climb.steps],
            "members": [member for member, _at in distinct],
            "moments": [at for _member, at in distinct],
            "ends": [climb.held_until(at) for _member, at in distinct],
        }
        with connection.cursor() as cursor:
            cursor.execute(sql.rise_aside(climb), values)
            risen = cursor.fetchall()
        if tells:
            rows = [(member, after, f"{at:%Y%m%d%H%M%S}") for member, _before, after, at in risen]
            tell_risen(risen=rows, climb=climb, now=now)


def tell_risen(*, risen: Iterable[tuple[int, int, str]], climb: Climb, now: datetime) -> None:
    """Queue "welcome to Gold": member id, tier id, and what makes the message's key one."""
    steps = {step.id: step for step in climb.steps}
    queue_messages(
        rows=[(member, f"tier:{tier}:{mark}", welcome(steps[tier])) for member, tier, mark in risen],
        template="tier_reached",
        now=now,
        channels=("inbox", "email"),
    )


def welcome(step: Step) -> dict[str, str]:
    """What the words of "welcome to Gold" need."""
    return {"tier_zh": step.name_zh, "tier_en": step.name_en}


def tier_shown(member: Member, climb: Climb | None) -> Tier | Step | None:
    """The tier on the main ladder of a member whose standings were fetched; who has none stands on the lowest."""
    if climb is None:
        return None
    for standing in member.standings.all():
        if standing.ladder_id == climb.id:
            return standing.tier
    return climb.lowest
