"""Verbs and reads: set a goal; how far it is, and the way it came."""

from datetime import date
from typing import Any

from django.db.models import Sum

from members.goals.models import Goal
from members.goals.rules import Progress, Sums, check_goal, progress_of
from members.kit.charts import Scope
from members.scores.models import StoreDay

COUNTED = ("members", "buyers", "repeaters", "active", "before", "stayed")


def keep_goal(*, goal: Goal, **said: Any) -> Goal:
    """Write a goal, new or changed. Raises BadGoal or BadPeriod, changing nothing."""
    asked = {name: getattr(goal, name) for name in ("kind", "target", "starts_on", "ends_on")} | said
    check_goal(**{name: asked[name] for name in ("kind", "target", "starts_on", "ends_on")})
    for name, value in said.items():
        setattr(goal, name, value)
    goal.save()
    return goal


def sums_by_night(scope: Scope, *, since: date | None = None, until: date | None = None) -> list[Sums]:
    """The members of the stores in view, night by night, oldest first."""
    rows = StoreDay.objects.filter(**scope.within("store"))
    rows = rows if since is None else rows.filter(taken_on__gte=since)
    rows = rows if until is None else rows.filter(taken_on__lte=until)
    found: Any = rows.order_by("taken_on").values("taken_on").annotate(**{name: Sum(name) for name in COUNTED})
    return [Sums(row["taken_on"], *(row[name] for name in COUNTED)) for row in found]


def nights_of(goal: Goal) -> list[Sums]:
    """The nights of a goal's period, and the last one before it."""
    scope = Scope(None if goal.store_id is None else (goal.store_id,))
    before = (
        StoreDay.objects.filter(**scope.within("store"), taken_on__lte=goal.starts_on).order_by("-taken_on").first()
    )
    return sums_by_night(scope, since=before.taken_on if before else goal.starts_on, until=goal.ends_on)


def progress(goal: Goal, today: date) -> Progress:
    """How far a goal is."""
    return progress_of(
        kind=goal.kind, target=goal.target, starts_on=goal.starts_on, ends_on=goal.ends_on, nights=nights_of(goal),
        today=today,
    )  # fmt: skip
