"""Verbs: lift members whose sales reach a higher tier, and judge everybody at night."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from loyalty.tiers.models import Ladder
from loyalty.tiers.rules import Climb, Progress, Step, progress, thresholds
from loyalty.tiers.sql import CHANGES, COUNTED, HISTORY, JUDGE_RANGE, RISE, STANDING, STANDINGS
from members.kit.arrays import integers
from members.messaging.actions import queue_messages
from members.profiles.models import Member


def load_climb() -> Climb | None:
    """The shop's ladder with its tiers, lowest first; None before one is set up."""
    ladder = Ladder.objects.order_by("pk").first()
    if ladder is None:
        return None
    rows = ladder.tiers.order_by("threshold").values_list(
        "id", "code", "name_zh", "name_en", "threshold", "multiplier", "colour"
    )
    return Climb(ladder.pk, ladder.basis, ladder.window, ladder.months, tuple(Step(*row) for row in rows))


@dataclass(frozen=True, slots=True)
class Standing:
    """The tier a member holds, the tier held at a moment, and what the window that ends with it holds."""

    tier: int | None
    tier_then: int | None
    total: int
    revision: UUID | None = None  # of the programme, when this was read


def standing_of(*, member: int, climb: Climb | None, at: datetime) -> Standing:
    """Where a member stands at a moment, by member id; without a ladder only the revision is told."""
    climb = climb or Climb(0, "spend", "lifetime", 0, ())
    values = {"member": member, "ladder": climb.id, "start": climb.starts_at(at), "end": at}
    with connection.cursor() as cursor:
        cursor.execute(STANDING.format(counted=COUNTED[climb.basis]), values)
        return Standing(*cursor.fetchone())


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
        self.tiers: dict[int, int] = {}
        self.changes: dict[int, list[tuple[datetime, int]]] = {}
        self.moments: dict[int, list[datetime]] = {}
        self.counted: dict[int, list[int]] = {}
        values: dict[str, Any] = {
            "members": integers(members),
            "ladder": climb.id,
            "earliest": earliest,
            "start": climb.starts_at(earliest),
        }
        with connection.cursor() as cursor:
            cursor.execute(STANDINGS, values)
            self.tiers.update(cursor.fetchall())
            cursor.execute(CHANGES, values)
            for member, at, tier in cursor.fetchall():
                self.changes.setdefault(member, []).append((at, tier))
            cursor.execute(HISTORY.format(counted=COUNTED[climb.basis]), values)
            for member, at, points in cursor.fetchall():
                self.add(member=member, at=at, points=points)

    def add(self, *, member: int, at: datetime, points: int) -> None:
        """Count points (or minor units) of a moment."""
        moments = self.moments.setdefault(member, [])
        place = bisect_right(moments, at)
        moments.insert(place, at)
        self.counted.setdefault(member, []).insert(place, points)

    def standing(self, *, member: int, at: datetime) -> Standing:
        """Where a member stands at a moment, with all that was added."""
        start = self.climb.starts_at(at)
        moments = self.moments.get(member, [])
        first = 0 if start is None else bisect_left(moments, start)
        total = sum(self.counted.get(member, [])[first : bisect_right(moments, at)])
        tier = self.tiers.get(member)
        changes = self.changes.get(member)
        then = tier if changes is None else next((each for moment, each in reversed(changes) if moment <= at), None)
        return Standing(tier, then, total)

    def rise(self, *, member: int, at: datetime, tier: int) -> None:
        """Note that a member holds a higher tier now."""
        self.tiers[member] = tier
        if member in self.changes:
            self.changes[member].append((at, tier))


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
    }
    with connection.cursor() as cursor:
        cursor.execute(RISE, values)


@transaction.atomic
def judge_range(*, first: int, last: int, as_of: datetime) -> int:
    """Re-evaluate a range of member ids for the window before `as_of`; tell who rose; count who moved.

    The same moment a second time moves nobody.
    """
    climb = load_climb()
    if climb is None or not climb.steps:
        return 0
    floors, tiers = thresholds(climb)
    lowest = climb.step(None)
    values: dict[str, Any] = {
        "first": first,
        "last": last,
        "as_of": as_of,
        "start": climb.starts_at(as_of),
        "ladder": climb.id,
        "lowest": lowest.id if lowest else None,
        "tiers": tiers,
        "thresholds": floors,
    }
    with connection.cursor() as cursor:
        cursor.execute(JUDGE_RANGE.format(counted=COUNTED[climb.basis]), values)
        moved = cursor.fetchall()
    tell_risen(moved=moved, climb=climb, as_of=as_of)
    return len(moved)


def tell_risen(*, moved: Sequence[tuple[int, int | None, int]], climb: Climb, as_of: datetime) -> None:
    """Queue "welcome to Gold" for everybody who went up; those who went down are told by later programmes."""
    steps = {step.id: step for step in climb.steps}
    queue_messages(
        rows=[
            (member, f"tier:{after}:{as_of:%Y%m%d}", welcome(steps[after]))
            for member, before, after in moved
            if before is None or steps[after].threshold > steps[before].threshold
        ],
        template="tier_reached",
        now=as_of,
        channels=("inbox", "email"),
    )


def welcome(step: Step) -> dict[str, str]:
    """What the words of "welcome to Gold" need."""
    return {"tier_zh": step.name_zh, "tier_en": step.name_en}
