"""Verbs: keep the figures of a range, fit and cut, score, add up; and say which part of the night comes next."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from members.consents.models import personalised
from members.forecast.rules import (
    DAYS_A_WEEK,
    Histories,
    Lack,
    NotFitted,
    Rates,
    Values,
    alive,
    lacks_of,
    purchases,
    rates_of,
    values_of,
    worth,
)
from members.kit.actions import plan_chunks
from members.kit.arrays import integers
from members.kit.models import Chunk
from members.kit.ranges import id_ranges
from members.kit.windows import shops_day
from members.profiles.models import Member, MemberQuerySet
from members.scores import sql
from members.scores.models import MemberScore, RfmScheme, ScoreNight, StoreDay, Tally
from members.scores.rules import (
    DOUBTFUL,
    ENGAGEMENT,
    FULL_BREADTH,
    FULL_VISITS,
    GRID,
    LATE,
    NEXT_WEEKS,
    QUARTER,
    SAFE,
    SHARES,
    STALE_DAYS,
    TENTHS,
    USUAL_DAYS,
    VERY_LATE,
    check_cuts,
    month_of,
    strictly,
)

RANGE = 50_000  # members
FEW = 20_000  # buyers: up to so many are fitted by days, more by weeks
PARTS = 500  # of the mean spend: how finely means are told apart
FITTED_FOR = timedelta(days=7)
FIGURES = "figures"  # the first part of the night; the others follow it


def scored_members(*, at: datetime) -> MemberQuerySet:
    """Everybody of whom scores are kept: not who refused profiling, or is restricted. The one place that says so."""
    return personalised(Member.objects.all(), at=at)


def scores_of(member: Member) -> MemberScore | None:
    """A member's row; None before their first night, and for those of whom no scores are kept."""
    return MemberScore.objects.select_related("store").filter(pk=member.pk).first()


def scheme() -> RfmScheme:
    """How the shop scores."""
    return RfmScheme.objects.filter(pk=1).first() or RfmScheme(pk=1)


def keep_scheme(*, days: int, own: dict[str, Sequence[int]] | None) -> RfmScheme:
    """Score by this window from the next night on, and by these cuts or by fifths. Raises BadCuts, changing nothing."""
    cuts = {name: check_cuts(each) for name, each in own.items()} if own else {}
    said = {"days": days, "has_own_cuts": own is not None} | cuts
    return RfmScheme.objects.update_or_create(pk=1, defaults=said)[0]


@transaction.atomic
def figure_range(*, first: int, last: int, as_of: datetime) -> int:
    """Keep the figures of a range of member ids, by the sales before the moment; how many rows were written.

    Goods are added up again for those whose purchases changed, and on the first of a month for everybody.
    """
    day = shops_day(as_of)
    there = scored_members(at=as_of).filter(pk__range=(first, last), enrolled_at__lt=as_of)
    ids = list(there.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        for statement in sql.FORGET:
            cursor.execute(statement, {"members": integers(ids), "first": first, "last": last})
        cursor.execute(sql.FIGURES, {
            "members": integers(ids), "first": first, "last": last, "as_of": as_of, "whole": day.day == 1,
            "zone": timezone.get_default_timezone_name(), "window": day - timedelta(days=scheme().days),
            "quarter": day - timedelta(days=QUARTER), "before": day - timedelta(days=2 * QUARTER),
        })  # fmt: skip
        return int(cursor.rowcount)


@transaction.atomic
def cut(*, as_of: datetime) -> ScoreNight:
    """Find the night's cut points, when all figures stand. A second time begins the night anew.

    Its pages keep showing the first time's tables until the second time's are whole.
    """
    day, asked = shops_day(as_of), scheme()
    with connection.cursor() as cursor:
        cursor.execute(sql.CUT_POINTS, {"shares": SHARES, "day": day})
        *fifths, usual, buyers = cursor.fetchone()
    cuts = dict(zip(("recency", "frequency", "spend"), fifths, strict=True))
    if asked.has_own_cuts:
        cuts = {name: getattr(asked, name) for name in cuts}
    Tally.objects.filter(taken_on=day, name="cohort").delete()
    said = {
        "window_days": asked.days,
        "cuts": {name: [int(each) for each in found or ()] for name, found in cuts.items()},
        "usual_days": usual,
        "members": MemberScore.objects.count(),
        "buyers": buyers,
        "model": {},
    }
    return ScoreNight.objects.update_or_create(day=day, defaults=said)[0]


@transaction.atomic
def choose_models(*, as_of: datetime) -> None:
    """Find the night's models: those of the last seven days, or fitted now; or say what they lack."""
    day = shops_day(as_of)
    with connection.cursor() as cursor:
        cursor.execute(sql.ENOUGH, {"day": day})
        buyers, repeaters, age = cursor.fetchone()
    model = model_of(day=day, buyers=buyers, repeaters=repeaters, weeks=(age or 0) // DAYS_A_WEEK)
    ScoreNight.objects.filter(day=day).update(model=model)


def model_of(*, day: date, buyers: int, repeaters: int, weeks: int) -> dict[str, Any]:
    """The models as JSON."""
    lacks = lacks_of(buyers=buyers, repeaters=repeaters, weeks=weeks)
    if lacks:
        return {"lacks": [asdict(lack) for lack in lacks]}
    known = ScoreNight.objects.complete().filter(day__lt=day, day__gt=day - FITTED_FOR).newest_first().first()
    if known and "rates" in known.model and day - date.fromisoformat(known.model["fitted_on"]) < FITTED_FOR:
        return dict(known.model)
    try:
        rates, values = fit(day=day, buyers=buyers)
    except NotFitted:
        return {"lacks": [asdict(Lack("shape", repeaters, 0))]}
    return {
        "rates": asdict(rates),
        "values": asdict(values),
        "fitted_on": day.isoformat(),
        "buyers": buyers,
        "repeaters": repeaters,
    }


def fit(*, day: date, buyers: int) -> tuple[Rates, Values]:
    """Both models on everybody's figures, grouped. Raises NotFitted."""
    with connection.cursor() as cursor:
        cursor.execute(sql.HISTORIES, {"day": day, "grain": 1 if buyers <= FEW else DAYS_A_WEEK})
        repeats, last, age, alike = columns(cursor.fetchall(), 4)
        cursor.execute(sql.MIDDLE_MEAN)
        grain = 1 if buyers <= FEW else max(int(cursor.fetchone()[0] or 0) // PARTS, 1)
        cursor.execute(sql.MEANS, {"grain": grain})
        times, mean, same = columns(cursor.fetchall(), 3)
    rates = rates_of(Histories(repeats, last / DAYS_A_WEEK, age / DAYS_A_WEEK, alike))
    return rates, values_of(repeats=times, mean=mean, alike=same)


def columns(rows: Sequence[Sequence[Any]], count: int) -> list[Any]:
    """Rows of numbers as columns."""
    table = np.array(rows, dtype=float)
    return list(table.T) if len(rows) else [np.array([])] * count


@transaction.atomic
def score_range(*, first: int, last: int, as_of: datetime) -> int:
    """Score a range of member ids by the night's cut points and models; how many rows changed."""
    day = shops_day(as_of)
    night = ScoreNight.objects.get(day=day)
    cuts = {name: integers(strictly(each)) for name, each in night.cuts.items()}
    weights = {weight.code: weight.points for weight in ENGAGEMENT}
    said: dict[str, Any] = {
        "first": first, "last": last, "day": day, "month": month_of(day), "grid": [cell.value for cell in GRID],
        "usual": night.usual_days or USUAL_DAYS, "late": LATE, "very_late": VERY_LATE, "safe": SAFE,
        "doubtful": DOUBTFUL, "full_visits": FULL_VISITS, "stale": STALE_DAYS, "full_breadth": FULL_BREADTH,
    }  # fmt: skip
    with connection.cursor() as cursor:
        said |= forecasts(cursor, night, first=first, last=last)
        cursor.execute(sql.SCORES, said | cuts | weights)
        return int(cursor.fetchone()[0])


@transaction.atomic
def count_cohorts(*, first: int, last: int, as_of: datetime) -> int:
    """Add a range of member ids to the night's cohorts; how many places it touched. Once for each range and night."""
    zone = timezone.get_default_timezone_name()
    with connection.cursor() as cursor:
        said: dict[str, Any] = {"first": first, "last": last, "as_of": as_of, "day": shops_day(as_of), "zone": zone}
        cursor.execute(sql.COHORTS, said)
        return int(cursor.rowcount)


def forecasts(cursor: Any, night: ScoreNight, *, first: int, last: int) -> dict[str, str]:
    """What the models say of a range, as columns; empty ones when there is no model."""
    rows: list[Any] = []
    if "rates" in night.model:
        cursor.execute(sql.PASTS, {"first": first, "last": last, "day": night.day})
        rows = cursor.fetchall()
    if not rows:
        return dict.fromkeys(("members", "alive", "sales", "value"), "{}")
    members = [row[0] for row in rows]
    repeats, last_day, age, spend = columns([row[1:] for row in rows], 4)
    outlook = outlook_of(night.model, repeats=repeats, last=last_day, age=age, spend=spend)
    percent = np.rint(outlook["alive"] * 100).astype(int)
    said = [int(each) if bought else None for each, bought in zip(percent, repeats > 0, strict=True)]
    return {
        "members": integers(members),
        "alive": integers(said),
        "sales": "{" + ",".join(f"{each:.3g}" for each in outlook["sales"]) + "}",
        "value": integers(int(each) for each in rounded(outlook["value"])),
    }


def rounded(values: Any) -> Any:
    """Three digits that count: a forecast says no more, and a row is written only when they change."""
    scale = 10 ** np.maximum(np.floor(np.log10(np.maximum(values, 1))) - 2, 0)
    return np.rint(values / scale) * scale


def outlook_of(
    model: dict[str, Any], *, repeats: Any, last: Any, age: Any, spend: Any, weeks: int = NEXT_WEEKS
) -> dict[str, Any]:
    """Still a customer (0 to 1), expected purchases and value in the weeks to come; days and money as in figures."""
    rates, values = Rates(**model["rates"]), Values(**model["values"])
    past = {"repeats": repeats, "last": last / DAYS_A_WEEK, "age": age / DAYS_A_WEEK}
    sales = purchases(rates, weeks=weeks, **past)
    mean = np.where(repeats > 0, spend / np.maximum(repeats, 1), 0)
    return {"alive": alive(rates, **past), "sales": sales, "value": sales * worth(values, repeats=repeats, mean=mean)}


@transaction.atomic
def cut_values(*, as_of: datetime) -> None:
    """Find the tenths of what members are worth, when all have their scores."""
    with connection.cursor() as cursor:
        cursor.execute(sql.VALUE_CUTS, {"shares": TENTHS})
        found = cursor.fetchone()[0]
    night = ScoreNight.objects.select_for_update().get(day=shops_day(as_of))
    night.cuts["value"] = [int(each) for each in found or ()]
    night.save(update_fields=["cuts"])


@transaction.atomic
def rank_range(*, first: int, last: int, as_of: datetime) -> int:
    """Say in which tenth by value each member of a range is; how many rows changed."""
    night = ScoreNight.objects.get(day=shops_day(as_of))
    with connection.cursor() as cursor:
        value = integers(strictly(night.cuts["value"]))
        cursor.execute(sql.DECILES, {"first": first, "last": last, "value": value})
        return int(cursor.rowcount)


@transaction.atomic
def sum_up(*, as_of: datetime) -> None:
    """Write the night's tables and close it. Of earlier nights the last of each month stays; cohorts only once."""
    day = shops_day(as_of)
    Tally.objects.filter(taken_on=day).exclude(name="cohort").delete()
    StoreDay.objects.filter(taken_on=day).delete()
    with connection.cursor() as cursor:
        for name in sql.TABLES:
            cursor.execute(sql.tally(name), {"day": day, "name": name})
        cursor.execute(sql.STORE_DAYS, {"day": day})
    Tally.objects.filter(taken_on__gte=month_of(day), taken_on__lt=day).delete()
    Tally.objects.filter(taken_on__lt=day, name="cohort").delete()
    ScoreNight.objects.filter(day=day).update(finished_at=timezone.now())


Work = Callable[[Chunk], dict[str, Any]]


def in_range(name: str, work: Callable[..., int]) -> Work:
    """A verb of a range as the work of a chunk."""
    return lambda chunk: {name: work(first=chunk.first_id, last=chunk.last_id, as_of=chunk.as_of)}


def at_once(work: Callable[..., Any]) -> Work:
    """A verb of everybody as the work of a chunk."""

    def do(chunk: Chunk) -> dict[str, Any]:
        work(as_of=chunk.as_of)
        return {}

    return do


# The parts of the night in their order; each begins when the one before is done. Those of ranges have True.
STEPS: dict[str, tuple[bool, Work]] = {
    FIGURES: (True, in_range("rows", figure_range)),
    "score-cuts": (False, at_once(cut)),
    "score-models": (False, at_once(choose_models)),
    "scores": (True, in_range("rows", score_range)),
    "cohorts": (True, in_range("places", count_cohorts)),
    "value-cuts": (False, at_once(cut_values)),
    "ranks": (True, in_range("rows", rank_range)),
    "score-sums": (False, at_once(sum_up)),
}


def go_on(*, steps: dict[str, tuple[bool, Work]] | None = None) -> list[int]:
    """Plan the next part of the newest night once the part before it is done; the chunks to hand out."""
    steps = steps or STEPS
    newest = Chunk.objects.filter(name=FIGURES).order_by("-pk").first()
    if newest is None:
        return []
    for before, step in pairwise(steps):
        if Chunk.objects.unfinished().filter(name=before, slot=newest.slot).exists():
            return []
        if not Chunk.objects.filter(name=step, slot=newest.slot).exists():
            ranges = list(id_ranges(MemberScore, size=RANGE)) if steps[step][0] else []
            return plan_chunks(name=step, slot=newest.slot, as_of=newest.as_of, ranges=ranges or [(1, 1)])
    return []


def score_everybody(*, as_of: datetime) -> None:
    """The whole night at once, part by part, for a shop that has just been filled."""
    for name, (is_ranged, work) in STEPS.items():
        rows = Member if name == FIGURES else MemberScore
        for first, last in id_ranges(rows, size=RANGE) if is_ranged else [(1, 1)]:
            work(Chunk(first_id=first, last_id=last, as_of=as_of))
