"""Verbs: take a night's liability range by range, and close it; read the accountant's journal."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty.ledger.models import PointKind
from loyalty.liability.models import LiabilityCell, LiabilityDay, LiabilityLapse
from loyalty.liability.rules import Cell, Cohort, Outlook, cohorts_of, money_of, outlook, run_off
from loyalty.liability.sql import MONTHS, TAKE_RANGE
from members.kit.models import Chunk

FORECAST_DAYS = 90
CHUNK = "liability"


def take_range(*, first: int, last: int, day: date) -> None:
    """Add a range of account ids to the night's liability, as it stands at this moment. Once for each range."""
    said: dict[str, Any] = {"first": first, "last": last, "day": day, "days": FORECAST_DAYS, "zone": zone()}
    with connection.cursor() as cursor:
        cursor.execute(TAKE_RANGE, said)


def zone() -> str:
    """The shop's time zone, by name."""
    return timezone.get_default_timezone_name()


def close_nights() -> int:
    """Close each night whose ranges are all taken; how many. A second time changes nothing."""
    nights = LiabilityDay.objects.filter(is_complete=False).order_by("taken_on").values_list("taken_on", flat=True)
    moments = Chunk.objects.unfinished().filter(name=CHUNK).values_list("as_of", flat=True).distinct()
    unfinished = {timezone.localdate(moment) for moment in moments}
    done = [night for night in nights.distinct() if night not in unfinished]
    for night in done:
        close_night(day=night)
    return len(done)


@transaction.atomic
def close_night(*, day: date) -> None:
    """Say what is expected of the night's points, and let go of the cells of nights before."""
    rows = LiabilityDay.objects.select_for_update(of=("self",)).select_related("kind")
    for row in rows.filter(taken_on=day, is_complete=False).order_by("pk"):
        expected = [each for _cohort, each in outlooks(day=day, kind=row.kind)]
        row.expected_use = sum(each.used for each in expected)
        row.breakage = sum(each.lapsed for each in expected)
        row.money_per_thousand = row.kind.money_per_thousand
        row.is_complete = True
        row.save(update_fields=["expected_use", "breakage", "money_per_thousand", "is_complete"])
    LiabilityCell.objects.filter(taken_on__lt=day).delete()
    LiabilityLapse.objects.filter(taken_on__lt=day).delete()


def outlooks(*, day: date, kind: PointKind) -> list[tuple[Cohort, Outlook]]:
    """The cohorts of a night and what is expected of each, oldest first."""
    rows = LiabilityCell.objects.filter(taken_on=day, kind=kind)
    names = ("cohort", "month", "issued", "used", "lapsed", "taken", "open")
    cohorts = cohorts_of(Cell(*row) for row in rows.values_list(*names))
    this_month = day.replace(day=1)
    rates = run_off(cohorts, this_month)
    return [(cohort, outlook(cohort, rates, this_month)) for cohort in cohorts]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: points and minor units on one side of one account."""

    month: date
    kind: PointKind
    what: str
    account: str
    points: int
    debit: int
    credit: int


def journal(*, start: datetime, end: datetime) -> Iterator[Entry]:
    """Two lines for each month, point kind and event from the start on and before the end; debit equals credit.

    Valued by what the kind is worth today. `points` are above zero where the liability grows.
    """
    kinds = PointKind.objects.in_bulk()
    with connection.cursor() as cursor:
        cursor.execute(MONTHS, {"start": start, "end": end, "zone": zone()})
        rows = cursor.fetchall()
    for month, kind_id, what, points in rows:
        kind = kinds[kind_id]
        money, (words, other) = money_of(points, kind.money_per_thousand), EVENTS[what]()
        yield Entry(month, kind, words, other, 0, max(money, 0), max(-money, 0))
        yield Entry(month, kind, words, _("Points liability"), points, max(-money, 0), max(money, 0))


# What happened, and the account on the other side of the liability.
EVENTS = {
    "earn": lambda: (_("issued"), _("Cost of points")),
    "import": lambda: (_("brought in"), _("Cost of points")),
    "adjust": lambda: (_("given by hand"), _("Cost of points")),
    "taken": lambda: (_("taken by hand"), _("Cost of points")),
    "claw_back": lambda: (_("taken back"), _("Cost of points")),
    "write_off": lambda: (_("debt forgiven"), _("Cost of points")),
    "spend": lambda: (_("used"), _("Revenue from points")),
    "expire": lambda: (_("expired"), _("Breakage income")),
}
