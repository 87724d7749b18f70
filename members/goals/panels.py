"""What a goal's page and the list of goals show."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.goals.actions import nights_of, progress
from members.goals.models import Goal
from members.goals.rules import Sums
from members.kit.charts import Chart, Series, day_labels
from members.kit.windows import shops_day

MOST_BARS = 60
STATES: dict[str, tuple[str | Promise, str]] = {
    "unmeasured": (gettext_lazy("not measured yet"), ""),
    "coming": (gettext_lazy("begins later"), ""),
    "reached": (gettext_lazy("reached"), "good"),
    "missed": (gettext_lazy("missed"), "bad"),
    "on_track": (gettext_lazy("on track"), "good"),
    "behind": (gettext_lazy("behind"), "warn"),
}


def words_of(kind: str, value: float | None) -> str:
    """A measure as people write it."""
    if value is None:
        return "—"
    return f"{value:,.0f}" if kind == "members" else f"{value:.1f}%"


def goal_panel(goal: Goal, now: datetime) -> dict[str, Any]:
    """How far, in words, with a bar and the way it came."""
    found = progress(goal, shops_day(now))
    words, tone = STATES[found.state]
    return {
        "goal": goal,
        "progress": found,
        "state": words,
        "tone": tone,
        "start": words_of(goal.kind, found.start),
        "value": words_of(goal.kind, found.value),
        "target": words_of(goal.kind, float(goal.target)),
    }


def trend(goal: Goal, now: datetime) -> Chart | None:
    """The measure night by night, thinned out when there are many; None before the first night."""
    nights = [night for night in nights_of(goal) if night.measure(goal.kind) is not None]
    shown = thinned(nights)
    if not shown:
        return None
    values = [round(night.measure(goal.kind) or 0, 1) for night in shown]
    words = [words_of(goal.kind, night.measure(goal.kind)) for night in shown]
    return Chart(
        code="goal",
        title=str(goal.get_kind_display()).capitalize(),
        labels=day_labels([night.day for night in shown]),
        series=[Series(_("measured"), values, "var(--color-primary-600)", words=words)],
        size=shown[-1].members,
        counted=_("members"),
        as_of=now,
        first=_("night"),
    )


def thinned(nights: Sequence[Sums]) -> list[Sums]:
    """At most sixty, evenly, the newest among them."""
    step = -(-len(nights) // MOST_BARS) or 1
    return list(nights[::-1][::step][::-1])
