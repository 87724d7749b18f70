"""Verbs and reads: count what goes together; a member's portrait; a group's beside all others."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Aggregate, Avg, Case, Count, F, FloatField, Q, QuerySet, Value, Variance, When
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.kit.windows import months_after, shops_day, start_of_day
from members.portraits import sql
from members.portraits.models import Pair
from members.portraits.rules import (
    CHANCE,
    LEAST_BASKETS,
    LEAST_LIFT,
    UNKNOWN,
    Difference,
    Sample,
    chi_square,
    holm,
    welch,
)
from members.profiles.models import Member
from members.scores.actions import STEPS, at_once, outlook_of
from members.scores.models import CellMonth, MemberScore, ScoreNight

HALF_YEAR, LATELY = timedelta(days=182), timedelta(days=60)
MOST_BASKETS, LARGEST_BASKET, PLACES = 500_000, 30, 20
SUGGESTIONS, MONTHS_SHOWN = 5, 24


@transaction.atomic
def count_pairs(*, as_of: datetime) -> int:
    """Count anew what was bought together in the last half year; how many pairs stand out."""
    Pair.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(sql.PAIRS, {
            "since": as_of - HALF_YEAR, "as_of": as_of, "day": shops_day(as_of), "most": MOST_BASKETS,
            "largest": LARGEST_BASKET, "least": LEAST_BASKETS, "least_lift": LEAST_LIFT, "places": PLACES,
        })  # fmt: skip
        return int(cursor.rowcount)


# The whole night of insight, as `members.scores.actions.go_on` takes it.
NIGHT = STEPS | {"pairs": (False, at_once(count_pairs))}


def suggestions_for(member: Member, now: datetime) -> list[Pair]:
    """What goes with what the member bought and they have not bought lately, each with its reason; strongest first."""
    with connection.cursor() as cursor:
        cursor.execute(sql.NEXT_GOODS, {"member": member.pk, "most": SUGGESTIONS, "lately": now - LATELY})
        ids = [row[0] for row in cursor.fetchall()]
    found = Pair.objects.select_related("product", "other").in_bulk(ids)
    return [found[pk] for pk in ids]


def affinity_of(member: Member) -> list[tuple[str, int, int]]:
    """Categories that the member buys: name, minor units, purchases; most first."""
    with connection.cursor() as cursor:
        cursor.execute(sql.AFFINITY, {"member": member.pk})
        return list(cursor.fetchall())


def months_of_purchases(member: Member, now: datetime) -> list[tuple[date, int, int]]:
    """The last 24 months of the shop, each with purchases and minor units."""
    this = start_of_day(now).replace(day=1)
    firsts = [months_after(this, -back).date() for back in range(MONTHS_SHOWN - 1, -1, -1)]
    with connection.cursor() as cursor:
        zone = timezone.get_default_timezone_name()
        since = months_after(this, 1 - MONTHS_SHOWN)
        cursor.execute(sql.MONTHS, {"member": member.pk, "zone": zone, "since": since})
        found = {month: (count, amount) for month, count, amount in cursor.fetchall()}
    return [(month, *found.get(month, (0, 0))) for month in firsts]


def cells_of(member: Member) -> list[CellMonth]:
    """The cells of a member by month, newest first; a month without one is like the one before."""
    return list(CellMonth.objects.filter(member=member).order_by("-month")[:MONTHS_SHOWN])


def expected_within(score: MemberScore, night: ScoreNight, weeks: int) -> float | None:
    """How many purchases are expected of a member within so many weeks; None without a model or a purchase."""
    if "rates" not in night.model or not score.first_on or not score.last_on:
        return None
    past = (score.days_bought - 1, (score.last_on - score.first_on).days, (night.day - score.first_on).days)
    repeats, last, age = (np.array([float(each)]) for each in past)
    spend = np.array([float(score.spend - score.first_spend)])
    found = outlook_of(night.model, repeats=repeats, last=last, age=age, spend=spend, weeks=weeks)
    return float(found["sales"][0])


class Median(Aggregate):
    """The middle value."""

    template = "percentile_cont(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class Amount:
    """A number that members have: in the group and in the others, and whether they differ."""

    code: str
    title: str | Promise
    unit: str  # "money", "days", "points" or "times"
    group: Sample
    others: Sample
    group_median: float | None
    others_median: float | None
    difference: Difference
    chance: float | None  # after Holm

    @property
    def differs(self) -> bool:
        return self.chance is not None and self.chance < CHANCE


@dataclass(frozen=True, slots=True)
class Share:
    """A kind of thing that members are: how many of the group and of the others, for each."""

    code: str
    title: str | Promise
    rows: list[tuple[str, int, int]]  # value, of the group, of the others
    difference: Difference
    chance: float | None

    @property
    def differs(self) -> bool:
        return self.chance is not None and self.chance < CHANCE


@dataclass(frozen=True, slots=True)
class Portrait:
    """A group beside all others that the reader may see."""

    size: int
    others: int
    amounts: list[Amount]
    shares: list[Share]


AMOUNTS: tuple[tuple[str, str | Promise, str, str], ...] = (
    ("recent_spend", _("spend in the window"), "money", "recent_spend"),
    ("recent_sales", _("purchases in the window"), "times", "recent_sales"),
    ("interval_days", _("average interval in days"), "days", "interval_days"),
    ("engagement", _("engagement"), "points", "engagement"),
    ("expected_value", _("expected value in a year"), "money", "expected_value"),
)
SHARES: tuple[tuple[str, str | Promise, str], ...] = (
    ("cell", _("RFM cell"), "cell"),
    ("risk", _("churn risk"), "risk"),
    ("category", _("top category"), "category"),
    ("store", _("home store"), "member__home_store"),
    ("source", _("enrolled by"), "member__source"),
    ("language", _("language"), "member__language"),
)


def portrait_of(members: QuerySet[Member], among: QuerySet[Member], *, but: Collection[str] = ()) -> Portrait:
    """A group of members beside the others of `among`, with tests of every difference, held to one level together.

    What the group was chosen by differs for that reason: name its codes in `but`.
    """
    rows = MemberScore.objects.filter(member__in=among.order_by()).annotate(
        is_in=Case(When(member__in=members.order_by(), then=Value(True)), default=Value(False))
    )
    sizes = dict(rows.values_list("is_in").annotate(n=Count("pk")))
    amounts = {code: samples(rows, field) for code, _title, _unit, field in AMOUNTS}
    kinds = [kind for kind in SHARES if kind[0] not in but]
    shares = {code: counts(rows, field) for code, _title, field in kinds}
    found = {code: welch(*(sample for sample, _median in pair)) for code, pair in amounts.items()}
    found |= {
        code: chi_square([row[1] for row in each], [row[2] for row in each]) if len(each) > 1 else UNKNOWN
        for code, each in shares.items()
    }
    chances = holm({code: each.p for code, each in found.items()})
    return Portrait(
        sizes.get(True, 0),
        sizes.get(False, 0),
        [
            amount(code, title, unit, amounts[code], found[code], chances[code])
            for code, title, unit, _field in AMOUNTS
        ],
        [Share(code, title, shares[code], found[code], chances[code]) for code, title, _field in kinds],
    )  # fmt: skip


def amount(
    code: str, title: str | Promise, unit: str, sides: Sequence[tuple[Sample, float | None]], found: Difference,
    chance: float | None,
) -> Amount:  # fmt: skip
    """A number of both sides, put together."""
    (group, group_median), (others, others_median) = sides
    return Amount(code, title, unit, group, others, group_median, others_median, found, chance)


def samples(rows: QuerySet[Any], field: str) -> tuple[tuple[Sample, float | None], tuple[Sample, float | None]]:
    """The number of the group and that of the others, with medians. Who has none does not count."""
    found = rows.exclude(**{field: None}).order_by().values("is_in").annotate(
        n=Count("pk"), mean=Avg(field), spread=Variance(field, sample=True), middle=Median(field)
    )  # fmt: skip
    by_side = {
        row["is_in"]: (Sample(row["n"], float(row["mean"]), float(row["spread"] or 0)), row["middle"]) for row in found
    }
    none = (Sample(0, 0.0, 0.0), None)
    return by_side.get(True, none), by_side.get(False, none)


def counts(rows: QuerySet[Any], field: str) -> list[tuple[str, int, int]]:
    """For each value how many of the group and of the others have it; most of the group first."""
    said = rows.exclude(**{field: ""}) if field in {"risk", "category"} else rows
    table = (
        said.order_by()
        .values(value=F(field))
        .annotate(group=Count("pk", filter=Q(is_in=True)), others=Count("pk", filter=Q(is_in=False)))
    )
    return sorted(((str(row["value"]), row["group"], row["others"]) for row in table), key=by_size)


def by_size(row: tuple[str, int, int]) -> tuple[int, int, str]:
    """Most of the group first."""
    return -row[1], -row[2], row[0]
