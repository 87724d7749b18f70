"""What the pages of insight show, out of the tables that the night wrote: of the stores in view, as of that night."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _

from members.goals.actions import sums_by_night
from members.goals.panels import thinned
from members.insight.rules import Tallied, averages, heat, index_of, triangle
from members.kit.charts import Chart, Scope, Series, day_labels, start_of
from members.kit.money import decimal_amount, format_money
from members.kit.names import named
from members.portraits.models import Pair
from members.scores.actions import scheme
from members.scores.models import ScoreNight, Tally
from members.scores.rules import ENGAGEMENT, MEANINGS, Band, Cell, Risk
from members.stores.models import Store

TREND_DAYS, BEFORE = 365, 30
COHORTS, PAIRS = 24, 40
ACCENT = "var(--color-primary-600)"
TONES = {"good": "var(--good)", "warn": "var(--warn)", "bad": "var(--bad)", "": "var(--color-base-400)"}
INTERVALS = {"007": "1-7", "014": "8-14", "030": "15-30", "060": "31-60", "090": "61-90", "999": "> 90"}
SCORES = ("1", "2", "3", "4", "5")


def last_night() -> ScoreNight | None:
    """The newest night that is complete."""
    return ScoreNight.objects.complete().newest_first().first()


def tallied(name: str, day: date, scope: Scope) -> dict[tuple[str, str], tuple[int, int]]:
    """A table of a night, its stores added up."""
    rows = Tally.objects.named(name, day).filter(**scope.within("store")).order_by().values("down", "across")
    found = rows.annotate(sum_members=Sum("members"), sum_amount=Sum("amount"))
    return {(row["down"], row["across"]): (row["sum_members"], row["sum_amount"]) for row in found}


def overview(scope: Scope, now: datetime) -> dict[str, Any]:
    """Members at a glance; nothing but the empty page before the first night."""
    night = last_night()
    if night is None:
        return {}
    at = start_of(night.day)
    nights = sums_by_night(scope, since=night.day - timedelta(days=TREND_DAYS), until=night.day)
    if not nights or nights[-1].day != night.day:
        return {"night": night, "is_nobody": True}
    latest = nights[-1]
    before = next((each for each in reversed(nights) if each.day <= night.day - timedelta(days=BEFORE)), None)
    index, index_before = index_of(latest), index_of(before) if before else None
    grid = tallied("grid", night.day, scope)
    charts = [
        cells_chart(tallied("cell", night.day, scope), at),
        index_chart(nights, at),
        intervals_chart(tallied("interval", night.day, scope), at),
        deciles_chart(tallied("decile", night.day, scope), at),
        stores_chart(tallied("store", night.day, scope), at),
        categories_chart(tallied("category", night.day, scope), at),
    ]
    return {
        "night": night,
        "as_of": at,
        "sums": latest,
        "index": index,
        "index_change": change_of(index.value, index_before.value if index_before else None),
        "days_before": (night.day - before.day).days if before else 0,
        "bands": [str(band.label) for band in Band],
        "grid": heat(grid, [(band.value, str(band.label)) for band in Band], Risk.values, by_row=False),
        "grid_size": sum(members for members, _amount in grid.values()),
        "risks": [str(risk.label) for risk in Risk],
        "charts": [chart for chart in charts if chart is not None],
        "weights": ENGAGEMENT,
        "model": model_words(night),
    }


def change_of(value: float | None, before: float | None) -> float | None:
    """By how much a number changed; None when one of them is not known."""
    return None if value is None or before is None else round(value - before, 1) or 0.0


def model_words(night: ScoreNight) -> dict[str, Any]:
    """What the models stand on, or what they lack, for people to read."""
    if "rates" in night.model:
        return dict(night.model) | {"fitted_on": date.fromisoformat(night.model["fitted_on"])}
    said = {
        "buyers": _("members who bought: %(have)s of %(need)s"),
        "repeaters": _("members who bought on two days: %(have)s of %(need)s"),
        "weeks": _("weeks since the first purchase: %(have)s of %(need)s"),
        "shape": _("purchases that differ enough between members (%(have)s came back)"),
    }
    return {"lacks": [said[lack["what"]] % lack for lack in night.model.get("lacks", ())]}


def cells_chart(found: Tallied, at: datetime) -> Chart:
    """How many members are in each cell."""
    values = [found.get((cell.value, ""), (0, 0))[0] for cell in Cell]
    colours = [TONES[MEANINGS[cell].tone] for cell in Cell]
    return Chart(
        code="cells",
        title=_("Members by RFM cell"),
        labels=[str(cell.label) for cell in Cell],
        series=[Series(_("members"), values, colours)],
        size=sum(values),
        counted=_("members"),
        as_of=at,
        first=_("RFM cell"),
        lies=True,
    )


def index_chart(nights: Sequence[Any], at: datetime) -> Chart | None:
    """The index of loyalty over the last year."""
    known = [(night, index) for night in thinned(nights) if (index := index_of(night).value) is not None]
    if not known:
        return None
    values = [round(index, 1) for _night, index in known]
    return Chart(
        code="index",
        title=_("Index of loyalty by night"),
        labels=day_labels([night.day for night, _index in known]),
        series=[Series(_("index"), values, ACCENT, words=[f"{value:.1f}" for value in values])],
        size=known[-1][0].buyers,
        counted=_("members who bought"),
        as_of=at,
        first=_("night"),
    )


def intervals_chart(found: Tallied, at: datetime) -> Chart | None:
    """How long members wait between purchases."""
    values = [found.get((code, ""), (0, 0))[0] for code in INTERVALS]
    if not any(values):
        return None
    return Chart(
        code="intervals",
        title=_("Average days between purchases"),
        labels=list(INTERVALS.values()),
        series=[Series(_("members"), values, ACCENT)],
        size=sum(values),
        counted=_("members who bought on two days or more"),
        as_of=at,
        first=_("days"),
    )


def deciles_chart(found: Tallied, at: datetime) -> Chart | None:
    """What each tenth of the members is expected to spend in a year."""
    if not found:
        return None
    rows = [found.get((str(decile), ""), (0, 0)) for decile in range(1, 11)]
    return Chart(
        code="deciles",
        title=_("Expected value in a year by tenth of members"),
        labels=[str(decile) for decile in range(1, 11)],
        series=[
            Series(
                _("expected value"),
                [float(decimal_amount(amount, currency=settings.SHOP_CURRENCY)) for _members, amount in rows],
                ACCENT,
                words=[f"{format_money(amount)} ({members:,})" for members, amount in rows],
            )
        ],
        size=sum(members for members, _amount in rows),
        counted=_("members who bought"),
        as_of=at,
        first=_("tenth, 10 is worth most"),
    )


def stores_chart(found: Tallied, at: datetime) -> Chart | None:
    """In which store members buy most."""
    names = {str(store.pk): named(store) for store in Store.objects.all()}
    return ranking(found, names, "stores", _("Preferred store"), _("store"), at)


def categories_chart(found: Tallied, at: datetime) -> Chart | None:
    """On which kind of goods members spend most."""
    names = {down: down for down, _across in found}
    return ranking(found, names, "categories", _("Top category of members"), _("category"), at)


def ranking(found: Tallied, names: dict[str, str], code: str, title: str, first: str, at: datetime) -> Chart | None:
    """The ten with the most members."""
    rows = sorted(((members, down) for (down, _across), (members, _amount) in found.items()), reverse=True)[:10]
    if not rows:
        return None
    return Chart(
        code=code,
        title=title,
        labels=[names.get(down, down) for _members, down in rows],
        series=[Series(_("members"), [members for members, _down in rows], ACCENT)],
        size=sum(members for members, _amount in found.values()),
        counted=_("members who bought"),
        as_of=at,
        first=first,
        lies=True,
    )


def cells_page(scope: Scope, asked: str) -> dict[str, Any]:
    """The cells with what they mean, the scores they come from, and who moved from which to which."""
    night = last_night()
    if night is None:
        return {}
    found = tallied("cell", night.day, scope)
    total = sum(members for members, _amount in found.values())
    months = list(Tally.objects.filter(name="move").order_by("-taken_on").values_list("taken_on", flat=True).distinct())
    month = next((each for each in months if f"{each:%Y-%m}" == asked), months[0] if months else None)
    moves = tallied("move", month, scope) if month else {}
    cells = [(cell.value, str(cell.label)) for cell in Cell]
    by_scores = heat(tallied("score", night.day, scope), [(each, each) for each in SCORES[::-1]], SCORES, by_row=False)
    rows = []
    for cell in Cell:
        members, amount = found.get((cell.value, ""), (0, 0))
        percent = members * 100 / total if total else 0
        rows.append({"meaning": MEANINGS[cell], "label": cell.label, "members": members, "amount": amount,
                     "percent": percent})  # fmt: skip
    return {
        "night": night,
        "as_of": start_of(night.day),
        "rows": rows,
        "total": total,
        "scheme": scheme(),
        "cuts": cut_rows(night),
        "scores": SCORES,
        "by_scores": by_scores,
        "score_size": sum(row.total for row in by_scores),
        "months": months,
        "month": month,
        "labels": [label for _code, label in cells],
        "moves": heat(moves, cells, [code for code, _label in cells], by_row=True),
        "moved": sum(members for members, _amount in moves.values()),
    }  # fmt: skip


def cut_rows(night: ScoreNight) -> list[tuple[str, list[str]]]:
    """The cut points of the night in words, from the worst class to the best."""
    recency, frequency, spend = (night.cuts.get(name) or [] for name in ("recency", "frequency", "spend"))
    return [
        (_("days since the last purchase, at most"), [*(f"{cut:,}" for cut in recency)]),
        (_("purchases in the window, at most"), [f"{cut:,}" for cut in frequency]),
        (_("spend in the window, at most"), [format_money(cut) for cut in spend]),
    ]


def cohorts_page(scope: Scope) -> dict[str, Any]:
    """Retention by the month of enrolment, as a triangle."""
    night = last_night()
    if night is None:
        return {}
    found = tallied("cohort", night.day, scope)
    ages, rows = triangle(found, last=(night.day.year, night.day.month), newest=COHORTS)
    return {
        "night": night,
        "as_of": start_of(night.day),
        "ages": ages,
        "rows": rows,
        "averages": averages(rows, ages),
        "total": sum(row.total for row in rows),
    }


def goods_page(asked: str) -> dict[str, Any]:
    """What is bought together, strongest first, in one category or all."""
    pairs = Pair.objects.select_related("product", "other").strongest_first()
    categories = sorted(set(pairs.order_by().values_list("product__category", flat=True)) - {""})
    shown = pairs.filter(product__category=asked) if asked in categories else pairs
    first = pairs.first()
    return {
        "night": last_night(),
        "pairs": list(shown[:PAIRS]),
        "categories": categories,
        "category": asked if asked in categories else "",
        "counted_on": first.counted_on if first else None,
        "baskets": first.baskets if first else 0,
    }
