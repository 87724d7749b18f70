"""What the liability page shows: the nights, the months of earning, and the days to come."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from loyalty.ledger.models import PointKind
from loyalty.liability.actions import FORECAST_DAYS, outlooks
from loyalty.liability.models import LiabilityDay, LiabilityLapse
from loyalty.liability.rules import Cohort, Outlook, money_of
from members.kit.charts import Chart, Series, day_labels
from members.kit.names import named

SHOWN_NIGHTS = 92
SHOWN_COHORTS = 36


@dataclass(frozen=True, slots=True)
class CohortRow:
    """A month of earning as the page and the file show it; shares in percent of what was issued."""

    cohort: Cohort
    outlook: Outlook
    money: int

    def percent(self, points: int) -> float:
        return points * 100 / self.cohort.issued if self.cohort.issued else 0.0

    @property
    def used_percent(self) -> float:
        return self.percent(self.cohort.used)

    @property
    def lapsed_percent(self) -> float:
        return self.percent(self.cohort.lapsed)

    @property
    def taken_percent(self) -> float:
        return self.percent(self.cohort.taken + self.cohort.repaid)


def cohort_rows(day: LiabilityDay) -> list[CohortRow]:
    """Every month of earning of a night, the latest first."""
    found = outlooks(day=day.taken_on, kind=day.kind)
    return [CohortRow(cohort, each, money_of(cohort.open, day.money_per_thousand)) for cohort, each in reversed(found)]


def liability_page(kind: PointKind, now: datetime) -> dict[str, Any]:
    """What the page says of one kind; nothing but the kind before the first night."""
    nights = LiabilityDay.objects.complete().filter(kind=kind).select_related("kind").order_by("-taken_on")
    shown = list(nights[:SHOWN_NIGHTS])
    if not shown:
        return {"kind": kind}
    latest = shown[0]
    return {
        "kind": kind,
        "latest": latest,
        "money": {name: money_of(getattr(latest, name), latest.money_per_thousand) for name in MONEY},
        "charts": [nights_chart(kind, shown[::-1], now), lapses_chart(latest, now)],
        "cohorts": cohort_rows(latest)[:SHOWN_COHORTS],
    }


MONEY = ("open", "expected_use", "breakage", "debt")


def nights_chart(kind: PointKind, nights: list[LiabilityDay], now: datetime) -> Chart:
    """What was outstanding night by night, and how much of it was expected to be used."""
    return Chart(
        code="liability",
        title=_("Outstanding %(kind)s by night") % {"kind": named(kind)},
        labels=day_labels([night.taken_on for night in nights]),
        series=[
            Series(_("outstanding"), [night.open for night in nights], "var(--color-primary-600)"),
            Series(_("expected to be used"), [night.expected_use for night in nights], "var(--color-base-400)"),
        ],
        size=len(nights),
        counted=_("nights"),
        as_of=now,
        first=_("night"),
    )


def lapses_chart(latest: LiabilityDay, now: datetime) -> Chart:
    """How many points lapse on each of the days to come if nobody uses them."""
    found = dict(
        LiabilityLapse.objects.filter(taken_on=latest.taken_on, kind=latest.kind_id).values_list("lapses_on", "points")
    )
    days: list[date] = [latest.taken_on + timedelta(days=ahead) for ahead in range(FORECAST_DAYS + 1)]
    values = [found.get(day, 0) for day in days]
    return Chart(
        code="lapses",
        title=_("Lapsing in the next %(days)s days if unused") % {"days": FORECAST_DAYS},
        labels=day_labels(days),
        series=[Series(_("points"), values, "var(--color-primary-600)")],
        size=sum(values),
        counted=_("points"),
        as_of=now,
        first=_("day"),
    )
