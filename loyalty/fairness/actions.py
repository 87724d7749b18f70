"""Reads: how long, and how much spend, it took to rise to each tier, by store and by cohort."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from loyalty.fairness import sql
from loyalty.tiers.rules import Climb, Step
from loyalty.tiers.sql import zone
from members.kit.charts import Chart, Series
from members.kit.names import named
from members.stores.models import Store

FEW = 10  # below so many members quartiles say little


@dataclass(frozen=True, slots=True)
class Spread:
    """A quarter of the members needed at most `low`, half `middle`, three quarters `high`."""

    low: int
    middle: int
    high: int


@dataclass(frozen=True, slots=True)
class Rising:
    """What it took the members of one part to rise to a tier: n, days since the enrolment, minor units spent."""

    step: Step
    part: str
    size: int
    days: Spread
    spend: Spread

    @property
    def is_few(self) -> bool:
        return self.size < FEW


def risings(*, climb: Climb, by: str, stores: Sequence[int] | None) -> list[Rising]:
    """For each tier and part (all, store, cohort), lowest tier first; of some stores, or of all."""
    groups = {"store": sql.BY_STORE, "cohort": sql.BY_COHORT.format(zone=zone())}
    group = groups.get(by, sql.ALL_TOGETHER)
    with connection.cursor() as cursor:
        values = {"ladder": climb.id, "stores": None if stores is None else list(stores)}
        cursor.execute(sql.FAIRNESS.format(group=group), values)
        rows = cursor.fetchall()
    names = {str(store.pk): named(store) for store in Store.objects.all()} if by == "store" else {}
    return [
        Rising(step, names.get(part, part), size, spread(days), spread(spend))
        for step in climb.steps
        for tier, part, size, days, spend in rows
        if tier == step.id
    ]


def spread(quartiles: Sequence[float]) -> Spread:
    """Quartiles as whole numbers."""
    return Spread(*(round(each) for each in quartiles))


def chart_of(found: Sequence[Rising], *, now: datetime) -> Chart | None:
    """Median days to each tier; None before anybody rose."""
    if not found:
        return None
    return Chart(
        code="fairness",
        title=_("Median days to each tier"),
        labels=[f"{named(each.step)} {each.part}".strip() for each in found],
        series=[Series(_("days"), [each.days.middle for each in found], [each.step.colour for each in found])],
        size=sum(each.size for each in found),
        counted=_("rises"),
        as_of=now,
        first=_("tier"),
        lies=True,
    )
