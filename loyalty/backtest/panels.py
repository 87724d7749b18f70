"""What the page of a backtest shows: sums, money, charts, who gains and who loses, tier moves, what to know of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, cast

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from loyalty.backtest.actions import Draft, draft_of, ladders_tried, version_drafted, version_tried
from loyalty.backtest.models import Backtest, Swing
from loyalty.backtest.rules import COUNTS, EDGES, Whom, by_month
from loyalty.conditions.tree import uses
from loyalty.drafting.rules import UnreadableDraft
from loyalty.liability.rules import money_of
from loyalty.limits.models import Budget
from loyalty.promotions.models import PromotionVersion
from loyalty.promotions.rules import words_of_promotion
from loyalty.retracing.actions import multiplied_by
from loyalty.rulebook.actions import names_of, rulebook
from loyalty.rulebook.forms import shown_in
from loyalty.rulebook.models import RuleVersion
from loyalty.rulebook.rules import words_of_version
from loyalty.tiers.models import Ladder, Tier, TierChange
from loyalty.tiers.rules import Climb
from loyalty.whatif.actions import climb_of_draft, label_of
from loyalty.whatif.models import LadderDraft
from loyalty.whatif.rules import Label, Matrix, matrix
from members.kit.charts import Chart, Series
from members.kit.money import decimal_amount, format_money
from members.kit.names import named
from members.purchases.models import Sale
from members.segments.models import Segment
from members.stores.models import Store

SHOWN = 10  # members at each end
NOW_COLOUR, THEN_COLOUR = "var(--color-base-400)", "var(--color-primary-600)"


def words_of_draft(draft: Draft, backtest: Backtest | None = None) -> str:
    """What a draft says, in one sentence; empty when it cannot be read any more."""
    if isinstance(draft, LadderDraft):
        return words_of_climb(ladders_tried(backtest)[0] if backtest else climb_of_draft(draft))
    try:
        version = version_tried(backtest) if backtest else version_drafted(draft, at=draft.created_at)
    except UnreadableDraft:
        return ""
    if not version.is_on:
        return _("nothing: it is off")
    if isinstance(version, PromotionVersion):
        return words_of_promotion(version, names_of([version]))
    return words_of_version(version, names_of([version]))


def words_of_climb(climb: Climb) -> str:
    """The tiers of a ladder, from where on, and what they make of points."""
    is_money = climb.basis == "spend"
    return _("; ").join(
        _("%(tier)s from %(amount)s (points at %(percent)s%%)")
        % {
            "tier": named(step),
            "amount": format_money(step.threshold) if is_money else f"{step.threshold:,}",
            "percent": step.multiplier,
        }
        for step in climb.steps
    )


def words_of_whom(whom: Whom) -> str:
    """Whose sales are looked at."""
    parts = []
    if whom.tiers:
        names = {tier.code: named(tier) for tier in Tier.objects.filter(code__in=whom.tiers)}
        parts.append(_("who hold %(tiers)s now") % {"tiers": _(", ").join(names.get(c, c) for c in whom.tiers)})
    if whom.stores:
        names = {store.code: named(store) for store in Store.objects.filter(code__in=whom.stores)}
        parts.append(_("at home in %(stores)s") % {"stores": _(", ").join(names.get(c, c) for c in whom.stores)})
    if whom.segments:
        names = {segment.code: named(segment) for segment in Segment.objects.filter(code__in=whom.segments)}
        named_ones = _(", ").join(names.get(code, code) for code in whom.segments)
        parts.append(_("who are in %(segments)s now") % {"segments": named_ones})
    if whom.enrolled_from:
        parts.append(_("who joined from %(day)s on") % {"day": date_format(whom.enrolled_from)})
    if whom.enrolled_to:
        parts.append(_("who joined until %(day)s") % {"day": date_format(whom.enrolled_to)})
    return _("members %(who)s") % {"who": _("; ").join(parts)} if parts else _("all members")


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table: points that were really given, and that would have been."""

    name: str
    really: int
    would: int
    numbers: Sequence[int] = ()

    @property
    def change(self) -> int:
        return self.would - self.really


def result_page(backtest: Backtest, stores: list[int] | None) -> dict[str, Any]:
    """What the page says of a result; members of some home stores only, or of all. Nothing before it is done."""
    result = backtest.result
    if backtest.status != Backtest.Status.DONE or not result:
        return {}
    totals, change = result["totals"], result["totals"]["would"] - result["totals"]["really"]
    sizes = {int(step): numbers[0] for step, numbers in result["spread"].items()}
    zero = EDGES.index(0) + 1
    shown = {
        "totals": totals,
        "difference": change,
        "others": Line("", result["others"], result["others"] + change),
        "members": sum(sizes.values()),
        "gain": sum(size for step, size in sizes.items() if step > zero),
        "lose": sum(size for step, size in sizes.items() if step < zero),
        "budget": budget_words(backtest, result),
        "tiers": lines_of(Tier.objects.all(), result["tiers"], (3, 4)),
        "stores": lines_of(Store.objects.all(), result["stores"], (COUNTS.index("really"), COUNTS.index("would"))),
        "tops": [rows for rows in tops(backtest, stores) if rows[1]],
        "notes": notes(backtest),
    }
    if backtest.is_of_ladder:
        return shown | of_points(backtest, stores, sizes) | of_ladder(backtest, result)
    return shown | (of_prices if backtest.is_of_promotion else of_points)(backtest, stores, sizes)


def of_points(backtest: Backtest, stores: list[int] | None, sizes: dict[int, int]) -> dict[str, Any]:
    """What the page says of points only."""
    result: dict[str, Any] = backtest.result or {}
    return {
        "money": money_words(result, result["totals"]["would"] - result["totals"]["really"]),
        "charts": [months_chart(backtest, result), spread_chart(backtest, sizes)],
        "matrix": matrix_of(result),
        "ladder": Ladder.objects.filter(pk=result.get("ladder") or 0).first(),
    }


def of_ladder(backtest: Backtest, result: dict[str, Any]) -> dict[str, Any]:
    """What the page says of a ladder beside points: from the tier really held to the one that it would have given."""
    before, after = labels_of(backtest)
    moves = [(*map(int, move.split(":")), *numbers, 0) for move, numbers in result["moves"].items()]
    return {"stood": matrix(before, after, cast(Any, moves)), "matrix": None}


def labels_of(backtest: Backtest) -> tuple[list[Label], list[Label]]:
    """The tiers that stood and those of the draft, as they were when it was asked for."""
    climb, stands = ladders_tried(backtest)
    return [label_of(step) for step in stands.steps], [label_of(step) for step in climb.steps]


def of_prices(backtest: Backtest, stores: list[int] | None, sizes: dict[int, int]) -> dict[str, Any]:
    """What the page says of prices only: the members touched, the biggest discounts of members whom the reader sees."""
    result: dict[str, Any] = backtest.result or {}
    biggest = {sale: off for off, sale in result["biggest"]}
    sales = Sale.objects.filter(pk__in=biggest).select_related("member", "store")
    sales = sales if stores is None else sales.filter(member__home_store__in=stores)
    rows = sorted(((biggest[sale.pk], sale.pk, sale) for sale in sales), key=lambda row: row[:2], reverse=True)
    return {
        "touched": sum(numbers[5] for numbers in result["tiers"].values()),
        "charts": [months_chart(backtest, result)],
        "biggest": [(sale, off) for off, _pk, sale in rows[:SHOWN]],
    }


def money_words(result: dict[str, Any], change: int) -> dict[str, int] | None:
    """The worth of the difference in minor units: of all of it, and of what is expected to be used."""
    per_thousand, lapses = result["per_thousand"], result["lapses"]
    if not per_thousand:
        return None
    worth = {"all": money_of(change, per_thousand)}
    return worth if lapses is None else worth | {"used": money_of(round(change * (1 - lapses)), per_thousand)}


def budget_words(backtest: Backtest, result: dict[str, Any]) -> dict[str, Any] | None:
    """What it would have taken of the budget, and on which day nothing would have been left."""
    said = result.get("budget")
    draft = draft_of(backtest)
    if not said or isinstance(draft, LadderDraft):
        return None
    budget = Budget.objects.filter(pk=draft.says.get("budget")).first()
    if budget is None:
        return None
    return {
        "name": named(budget),
        "used": shown_in(budget.counts_money, result["totals"]["units"]),
        "total": shown_in(budget.counts_money, said["total"]),
        "share": min(100, result["totals"]["units"] * 100 // said["total"]),
        "out": date.fromisoformat(said["out"]) if said["out"] else None,
    }


def lines_of(things: Any, counted: dict[str, list[int]], places: tuple[int, int]) -> list[Line]:
    """Rows of stores or tiers by name, those that change most first; 0 stands for no tier."""
    known = things.in_bulk([int(key) for key in counted])
    rows = [
        Line(named(known[int(key)]) if int(key) in known else "—", numbers[places[0]], numbers[places[1]], numbers)
        for key, numbers in counted.items()
    ]
    return sorted(rows, key=lambda row: -abs(row.change))


def month_label(month: str) -> str:
    """2026-03 as the reader writes it, short."""
    first = date.fromisoformat(f"{month}-01")
    return date_format(first, "M Y" if (get_language() or "").startswith("en") else "Y年n月")


def months_chart(backtest: Backtest, result: dict[str, Any]) -> Chart:
    """Points, or money off, by month: really, and as it would have been."""
    months = by_month(result["days"])
    really, would = ([numbers[COUNTS.index(name)] for numbers in months.values()] for name in ("really", "would"))
    is_money = backtest.is_of_promotion
    series = [
        series_of(_("really taken off") if is_money else _("really given"), really, NOW_COLOUR, is_money=is_money),
        series_of(_("with the draft"), would, THEN_COLOUR, is_money=is_money),
    ]
    return Chart(
        code="backtest-months",
        title=_("Taken off by month of the sale") if is_money else _("Points by month of the sale"),
        labels=[month_label(month) for month in months],
        series=series,
        size=result["totals"]["sales"],
        counted=counted_in(backtest),
        as_of=backtest.ended_at or backtest.asked_at,
        first=_("month"),
    )


def counted_in(backtest: Backtest) -> str:
    """Which sales the chart by month counts."""
    if backtest.is_of_ladder:
        return _("sales whose points a tier multiplies")
    return _("sales with something off") if backtest.is_of_promotion else _("sales that would have earned")


def series_of(name: str, numbers: Sequence[int], colour: str, *, is_money: bool) -> Series:
    """A row of points, or of minor units."""
    if not is_money:
        return Series(name, numbers, colour)
    amounts = [float(decimal_amount(each, currency=settings.SHOP_CURRENCY)) for each in numbers]
    return Series(name, amounts, colour, [format_money(each) for each in numbers])


def spread_chart(backtest: Backtest, sizes: dict[int, int]) -> Chart:
    """How many members would have got how much more or less."""
    return Chart(
        code="backtest-spread",
        title=_("Members by how many points more or fewer"),
        labels=step_labels(),
        series=[Series(_("members"), [sizes.get(step, 0) for step in range(len(EDGES) + 1)], THEN_COLOUR)],
        size=sum(sizes.values()),
        counted=_("members"),
        as_of=backtest.ended_at or backtest.asked_at,
        first=_("points more or fewer"),
    )


def step_labels() -> list[str]:
    """The steps of the histogram in words."""
    labels = [f"≤ {signed(EDGES[0] - 1)}"]
    for low, high in pairwise(EDGES):
        labels.append("0" if high - low == 1 else f"{signed(low)} … {signed(high - 1)}")
    return [*labels, f"≥ {signed(EDGES[-1])}"]


def signed(number: int) -> str:
    """With its sign, a real minus."""
    return f"{'+' if number > 0 else '−' if number < 0 else ''}{abs(number):,}"


def matrix_of(result: dict[str, Any]) -> Matrix | None:
    """From which tier to which the totals at the end of the period would have led; None where no ladder counts them."""
    tiers = Tier.objects.filter(ladder=result.get("ladder")).order_by("threshold")
    labels = [Label(tier.code, tier.name_zh, tier.name_en, tier.colour, tier.multiplier) for tier in tiers]
    if not labels or not result["moves"]:
        return None
    places = [(*map(int, move.split(":")), numbers[0]) for move, numbers in result["moves"].items()]
    if any(max(was, becomes) > len(labels) for was, becomes, _size in places):
        return None  # the ladder has fewer tiers by now
    return matrix(labels, labels, [(was, becomes, size, 0, 0) for was, becomes, size in places])


def tops(backtest: Backtest, stores: list[int] | None) -> list[tuple[str, list[Swing]]]:
    """Who would gain most and who would lose most."""
    swings = Swing.objects.filter(backtest=backtest).select_related("member")
    swings = swings if stores is None else swings.filter(member__home_store__in=stores)
    return [
        (_("Would have got more"), list(swings.gaining()[:SHOWN])),
        (_("Would have got less"), list(swings.losing()[:SHOWN])),
    ]


def notes(backtest: Backtest) -> list[str]:
    """What a reader has to know to read the numbers right."""
    if backtest.is_of_ladder:
        return notes_of_ladder(backtest)
    try:
        version = version_tried(backtest)
    except UnreadableDraft:
        return []
    if isinstance(version, PromotionVersion):
        return notes_of_prices(version, backtest)
    said = [_("What came back of a sale is taken off on both sides.")]
    said += notes_of_sums(version, backtest)
    others = [each for each in rulebook().versions if each.rule != version.rule_id and each.kind == version.kind_id]
    has_multipliers = any(each.effect == "multiply" and each.is_on for each in others)
    if version.effect != "multiply" and has_multipliers:
        said.append(_("Rules that multiply points count as they really were: not with more or less to multiply."))
    if version.effect == "multiply" and has_multipliers:
        said.append(_("It multiplies what other rules really gave, as though no other multiplier stood beside it."))
    if version.group:
        said.append(_("It counts as though it always won in its group; what others of the group gave stays."))
    if version.stops:
        said.append(_("The rules that it would stop count as they really were."))
    return said


def notes_of_ladder(backtest: Backtest) -> list[str]:
    """What to know of a ladder that was tried."""
    stands = ladders_tried(backtest)[1]
    said = [
        _("Tiers: as though the draft had judged everybody when the last day was over, each from the tier really held "
          "then: what the window of then reaches, or keeps. Terms and grace do not hold; who had been given a tier, or "
          "was protected, does not fall."),
    ]  # fmt: skip
    said += since_when(stands, backtest.last_on)
    if not multiplied_by(stands):
        said.append(_("No rule multiplies points by the tiers of this ladder, so it makes no difference in points."))
        return said
    return [
        *said,
        _("Points: each sale once more, with the multiplier of the tier that the draft would have given just before "
          "it, in place of the one that it really had."),
        _("What limits cut stays cut, and what other rules multiplied counts as it really was."),
        _("What came back of a sale is taken off on both sides."),
    ]  # fmt: skip


def since_when(stands: Climb, last: date) -> list[str]:
    """A warning where the history of a ladder begins after the period."""
    first = TierChange.objects.filter(ladder=stands.id).order_by("happened_at").first()
    if first is not None and timezone.localdate(first.happened_at) <= last:
        return []
    return [_("Nobody had moved on this ladder by then: everybody counts as having stood on its lowest tier.")]


def notes_of_sums(version: RuleVersion, backtest: Backtest) -> list[str]:
    """What to know of multipliers, limits, the budget and dates."""
    said = []
    if version.effect == "per_amount" and version.uses_tier_multiplier:
        said.append(_("Each sale has the multiplier, as it is today, of the tier that the member held then."))
    if version.limits:
        said.append(_("Limits begin to count on the first day of the period."))
    if version.budget_id:
        said.append(_("The budget is taken as whole on the first day; points are counted on after it has run out."))
    if uses(version.conditions, "first_purchase", "nth_purchase", "every_purchases"):
        said.append(_("Purchases are numbered without those that came back whole."))
    if backtest.years_back:
        said.append(_("The dates of the rule are moved back by a year."))
    return said


def notes_of_prices(version: PromotionVersion, backtest: Backtest) -> list[str]:
    """What to know of a promotion that was tried."""
    said = [
        _("Past sales stand at the prices paid then: what was taken off them then is off already."),
        _("The promotion is tried by itself: its group, and which others it stops or stands beside, are not replayed."),
        _("What came back of a sale is taken off on both sides; of the draft, its share of what counts."),
    ]
    if version.limits:
        said.append(_("Limits begin to count on the first day of the period."))
    if version.budget_id:
        said.append(_("The budget is taken as whole on the first day; it is counted on after it has run out."))
    if uses(version.conditions, "first_purchase", "nth_purchase", "every_purchases"):
        said.append(_("Purchases are numbered without those that came back whole."))
    if backtest.years_back:
        said.append(_("The dates of the promotion are moved back by a year."))
    return said
