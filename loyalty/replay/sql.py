"""The statement that judges a range of members' past sales by a draft, put together for what the draft says.

Its steps: `tried` is one row a sale with the points that the draft would give before limits, and what the rule really
gave; `limited` what limits leave; `netted` what is left after what came back. Everything that a draft does not need is
left out, so that a plain rule costs little more than the sum of an amount.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from typing import Any

from loyalty.conditions.case import Bound
from loyalty.conditions.goods import chosen_in_sql
from loyalty.conditions.tree import in_sql, uses
from loyalty.reckoning.rules import Version
from loyalty.tiers.rules import Climb
from loyalty.tiers.sql import zone

NAMES = ("step",)  # of the functions; `limit` is the aggregate made of it
FUNCTIONS = tuple((Path(__file__).parent / "functions" / f"{name}.sql").read_text() for name in NAMES)
AGGREGATE = (Path(__file__).parent / "functions" / "limit.sql").read_text()

SMALL = 2_000_000  # factors up to this keep the largest amounts within a bigint
SIZES = {"day": "day", "week": "week", "month": "month", "year": "year"}
COLUMNS = ("s.id", "s.member_id", "s.store_id", "s.happened_at", "c.clock")
PURCHASES = ("first_purchase", "nth_purchase", "every_purchases")


@dataclass(frozen=True, slots=True)
class Ground:
    """What a draft is judged by beside itself: the main ladder and other rules."""

    climb: Climb | None
    own: Sequence[int]  # versions of the draft's rule or promotion
    bases: Sequence[Version] = ()  # of other rules that a multiplier multiplies
    stoppers: Sequence[int] = ()  # versions of more important rules that stop the rest
    most_percent: int = 100


@dataclass(frozen=True, slots=True)
class Looked:
    """At which sales to look, and what else to say of each: conditions and columns over `s`, `m` and `c.clock`."""

    conditions: Sequence[str] = ()
    columns: Sequence[str] = ()
    needs_member: bool = False


def divided(numerator: str, divisor: int, rounding: str, *, is_small: bool) -> str:
    """Whole points out of a numerator that is not below zero: rounded as `reckoning.rules.rounded` does."""
    if rounding == "nearest":
        numerator, divisor, more = f"2 * ({numerator})", 2 * divisor, divisor
    else:
        more = divisor - 1 if rounding == "up" else 0
    if is_small:
        return f"(({numerator}) + {more}) / {divisor}"
    return f"div(({numerator}) + {more}, {divisor})::bigint"


def steps_of(climb: Climb) -> str:
    """From when until when each member of the range held which tier.

    A rise that a sale brought counts after that sale, and not for it.
    """
    own = f"ladder_id = {climb.id:d} AND member_id BETWEEN %(first)s AND %(last)s"
    return f"""held AS (
    SELECT member_id, tier_id, since,
           lead(since, 1, 'infinity') OVER (PARTITION BY member_id ORDER BY since, id) AS until
      FROM (SELECT id, member_id, after_id AS tier_id,
                   happened_at + CASE reason WHEN 'sale' THEN interval '1 microsecond' ELSE interval '0' END AS since
              FROM loyalty_tierchange WHERE {own}
             UNION ALL
            SELECT 0, member_id, tier_id, since FROM loyalty_standing st
             WHERE {own} AND NOT EXISTS (SELECT FROM loyalty_tierchange tc
                                          WHERE tc.member_id = st.member_id AND tc.ladder_id = st.ladder_id)) step
), """


def tier_of_then(climb: Climb) -> list[str]:
    """The joins that bring the tier held at the moment of a sale, as `t.tier`; beside `steps_of`."""
    lowest = climb.lowest.id if climb.lowest else "NULL::bigint"
    return [
        "LEFT JOIN held ON held.member_id = s.member_id AND s.happened_at >= held.since AND s.happened_at < held.until",
        f"CROSS JOIN LATERAL (SELECT coalesce(held.tier_id, {lowest}) AS tier) t",
    ]


# Which purchase of the member's each sale is: those that came back whole do not count.
NUMBERED = """numbered AS (
    SELECT id, count(*) FILTER (WHERE is_kept) OVER (PARTITION BY member_id ORDER BY happened_at)
               + CASE WHEN is_kept THEN 0 ELSE 1 END AS purchase
      FROM (SELECT id, member_id, happened_at, returned_amount < amount OR amount = 0 AS is_kept FROM members_sale
             WHERE member_id BETWEEN %(first)s AND %(last)s AND happened_at < %(until)s) sale
), """


def multipliers(climb: Climb) -> set[int]:
    """The different multipliers of a ladder's tiers."""
    return {step.multiplier for step in climb.steps} | (set() if climb.lowest else {100})


def numbers(values: Sequence[int]) -> str:
    """Ids as an array of the statement."""
    return f"'{{{','.join(str(value) for value in values)}}}'::bigint[]"


@dataclass(frozen=True, slots=True)
class Gift:
    """What a draft gives for a sale: what must hold, the points before limits, and the joins that both need."""

    fires: list[str]
    points: str
    joins: list[str]


class Judging:
    """Puts together what a draft says."""

    def __init__(self, draft: Version, ground: Ground, bound: Bound) -> None:
        self.draft, self.ground, self.bound = draft, ground, bound

    @property
    def needs_tier(self) -> bool:
        """Whether the tier of then matters."""
        climb, draft = self.ground.climb, self.draft
        is_multiplied = draft.effect == "per_amount" and draft.uses_tier_multiplier
        return climb is not None and (uses(draft.conditions, "tier") or (is_multiplied and len(multipliers(climb)) > 1))

    @property
    def needs_goods(self) -> bool:
        """Whether the draft looks at lines of its own choice, or at their discounts."""
        return bool(self.draft.lines) or (self.draft.effect != "multiply" and self.draft.basis == "full")

    def multiplier(self) -> str:
        """The multiplier of the tier of then, in percent."""
        climb = self.ground.climb
        if climb is None or not self.draft.uses_tier_multiplier:
            return "100"
        known = multipliers(climb)
        if len(known) == 1:
            return str(known.pop())
        percents = numbers([step.multiplier for step in climb.steps])
        return f"coalesce(({percents})[array_position({numbers([step.id for step in climb.steps])}, t.tier)], 100)"

    def gift(self) -> Gift:
        """What the draft gives, and what must hold for it."""
        draft = self.draft
        fires = [in_sql(draft.conditions, self.bound)] if draft.conditions else []
        fires += ["g.places > 0"] if draft.lines else []
        fires += [] if draft.is_on else ["false"]
        if self.ground.stoppers:
            stopped = f"st.sale_id = s.id AND st.version_id = ANY ({numbers(self.ground.stoppers)})"
            fires.append(f"NOT EXISTS (SELECT FROM loyalty_award st WHERE {stopped})")
        joins = self.joins()
        if draft.effect == "fixed":
            return Gift(fires, str(draft.points), joins)
        if draft.effect == "multiply":
            return Gift([*fires, "b.base > 0"], self.extra(), [*joins, self.base()])
        return Gift(fires, self.per_amount(), joins)

    def per_amount(self) -> str:
        """So many points for an amount."""
        draft, multiplier = self.draft, self.multiplier()
        amount = "g.amount" if draft.lines else "s.amount"
        if draft.basis == "full":
            amount = "g.full_amount" if draft.lines else "(s.amount + s.discount)"
        highest = max(multipliers(self.ground.climb)) if self.ground.climb else 100
        is_small = draft.points * highest <= SMALL
        kind = "bigint" if is_small else "numeric"
        return divided(
            f"{amount}::{kind} * {draft.points} * {multiplier}", draft.per_amount * 100, draft.rounding,
            is_small=is_small,
        )  # fmt: skip

    def extra(self) -> str:
        """What a multiplier adds to what others really gave; it alone stays below the programme's highest."""
        more = min(self.draft.percent, self.ground.most_percent) - 100
        return divided(f"b.base * {more}", self.common * 100, self.draft.rounding, is_small=False)

    @property
    def common(self) -> int:
        """A divisor that all bases have in common: with it no fraction is lost."""
        return lcm(1, *(base.per_amount * 100 for base in self.ground.bases))

    def base(self) -> str:
        """The join that brings what others gave for an amount on the lines that the draft looks at, as `b.base`."""
        weights = ", ".join(
            f"({base.id:d}, {base.points * self.common // (base.per_amount * 100):d}::numeric, {base.basis == 'full'})"
            for base in self.ground.bases
        )
        chosen = chosen_in_sql(self.draft.lines, self.bound)
        whole = (
            ""
            if self.draft.lines
            else """
                   UNION ALL
                  SELECT 0, s.amount, s.discount
                   WHERE NOT EXISTS (SELECT FROM members_saleline l WHERE l.sale_id = s.id)"""
        )
        return f"""LEFT JOIN LATERAL (
           SELECT sum((place.amount + CASE WHEN w.is_full THEN place.discount ELSE 0 END) * w.weight * ba.multiplier)
                  AS base
             FROM loyalty_award ba
             JOIN (VALUES {weights or "(0, 0::numeric, false)"}) w(version, weight, is_full)
               ON w.version = ba.version_id
             JOIN (SELECT l.position, l.amount, l.discount FROM members_saleline l
                    WHERE l.sale_id = s.id AND {chosen}{whole}) place(position, amount, discount)
               ON NOT ba.why ? 'lines' OR ba.why -> 'lines' @> to_jsonb(place.position::int)
            WHERE ba.sale_id = s.id) b ON true"""

    def joins(self) -> list[str]:
        """The joins beside the sale itself."""
        draft, ground = self.draft, self.ground
        joins = []
        if self.needs_tier and ground.climb:
            joins += tier_of_then(ground.climb)
        elif uses(draft.conditions, "tier"):
            joins.append("CROSS JOIN (SELECT NULL::bigint AS tier) t")
        if uses(draft.conditions, *PURCHASES):
            joins.append("JOIN numbered n ON n.id = s.id")
        if self.needs_goods:
            joins.append(self.goods())
        if ground.own:
            joins.append(
                "LEFT JOIN loyalty_award a ON a.sale_id = s.id AND a.member_id = s.member_id "
                f"AND a.version_id = ANY ({numbers(ground.own)})"
            )
        return joins

    def before(self) -> str:
        """The steps that stand before the sales: tiers of then, purchases numbered."""
        held = steps_of(self.ground.climb) if self.needs_tier and self.ground.climb else ""
        return held + (NUMBERED if uses(self.draft.conditions, *PURCHASES) else "")

    def goods(self) -> str:
        """The join that adds up the lines that count: how many, their amounts, and what of them came back."""
        full = "+ l.discount" if self.draft.basis == "full" else ""
        share = "coalesce(l.returned_amount::numeric / nullif(l.amount, 0), l.returned_quantity::numeric / l.quantity)"
        return f"""CROSS JOIN LATERAL (
           SELECT count(*) AS places, coalesce(sum(l.amount), 0)::bigint AS amount,
                  coalesce(sum(l.amount + l.discount), 0)::bigint AS full_amount,
                  sum((l.amount {full}) * {share}) AS back, sum(l.amount {full}) AS weight
             FROM members_saleline l
            WHERE l.sale_id = s.id AND {chosen_in_sql(self.draft.lines, self.bound)}) g"""

    def came_back(self) -> tuple[str, str]:
        """Which part of what the draft looked at came back, as what by what. A fixed gift looks at the whole sale."""
        if not self.needs_goods or (self.draft.effect == "fixed" and self.draft.basis != "full"):
            return "s.returned_amount", "s.amount"
        return "coalesce(g.back, s.returned_amount)", "coalesce(nullif(g.weight, 0), s.amount)"

    def units(self) -> str:
        """What a gift takes from the draft's budget: points, or minor units rounded up."""
        price = self.draft.budget_price
        return "given" if price is None else f"(given * {price:d} + 999) / 1000"


def left_by(limits: Mapping[str, Any]) -> str:
    """What the limits of a member leave of the points of a sale."""
    capped = f"least(points, {limits['per_sale']:d})" if "per_sale" in limits else "points"
    counted = [
        (period, most, name == "times") for name in ("times", "points") for period, most in limits.get(name, {}).items()
    ]
    pause = limits.get("cooldown_hours", 0) * 3_600_000_000
    if not counted and not pause:
        return f"{capped}::bigint"
    periods = ", ".join(period_of(period) for period, _most, _is_times in counted)
    times = ", ".join(str(is_times).lower() for _period, _most, is_times in counted)
    return (
        f"(replay_limit({capped}::bigint, {microseconds('happened_at')}, ARRAY[{periods}]::bigint[], "
        f"{numbers([most for _period, most, _is_times in counted])}, ARRAY[{times}]::boolean[], {pause:d}) "
        f"OVER (PARTITION BY member_id ORDER BY happened_at, id ROWS UNBOUNDED PRECEDING))[1]"
    )


def of_sales(joins: Sequence[str], conditions: Sequence[str], *, needs_member: bool) -> str:
    """From where the sales of a range of members in a period are read."""
    return f"""FROM members_sale s
     CROSS JOIN LATERAL (SELECT s.happened_at AT TIME ZONE {zone()} AS clock) c
      {"JOIN members_member m ON m.id = s.member_id" if needs_member else ""}
      {" ".join(joins)}
     WHERE s.member_id BETWEEN %(first)s AND %(last)s
       AND s.happened_at >= %(since)s AND s.happened_at < %(until)s
       AND {" AND ".join(conditions) or "true"}"""


def after(limits: Mapping[str, Any], units: str) -> str:
    """The steps after `tried`: what limits leave, and what is left after what came back."""
    return f"""limited AS (
    SELECT *, {left_by(limits)} AS given FROM tried
), netted AS (
    SELECT *, CASE WHEN back = 0 OR given = 0 OR weight = 0 THEN given
                   ELSE given - floor(round(given * back::numeric / weight, 9))::bigint END AS would,
           {units} AS units
      FROM limited
)"""


def microseconds(column: str) -> str:
    """A moment as a whole number."""
    return f"(extract(epoch FROM {column}) * 1000000)::bigint"


def period_of(period: str) -> str:
    """The period of the shop's calendar in which a sale lies, as a number that differs from the next one's."""
    return "0" if period == "ever" else f"extract(epoch FROM date_trunc('{SIZES[period]}', clock))::bigint"


def judged(draft: Version, ground: Ground, bound: Bound, looked: Looked | None = None) -> str:
    """The steps of a WITH up to `netted`: sale by sale what the draft would give, and what its rule really gave.

    Wants first, last (members), since and until (moments). Without versions of the rule's own only those sales are
    there for which the draft gives something.
    """
    looked = looked or Looked()
    judging = Judging(draft, ground, bound)
    gift = judging.gift()
    conditions, fires = list(looked.conditions), " AND ".join(gift.fires) or "true"
    points, issued, really = gift.points, "0::bigint", "0::bigint"
    if ground.own:
        points = f"CASE WHEN {fires} THEN {points} ELSE 0 END"
        issued, really = "coalesce(a.points, 0)", "coalesce(a.points - a.returned, 0)"
    else:
        conditions.append(fires)
    is_about_member = looked.needs_member or uses(draft.conditions, "birthday_month")
    back, weight = judging.came_back()
    return f"""{judging.before()}tried AS (
    SELECT {", ".join([*COLUMNS, *looked.columns])}, ({points})::bigint AS points, {back} AS back, {weight} AS weight,
           {issued} AS issued, {really} AS really
      {of_sales(gift.joins, conditions, needs_member=is_about_member)}
), {after(draft.limits, judging.units())}"""


def sales(draft: Version, ground: Ground, bound: Bound) -> str:
    """Sale by sale: its id, the points before limits, after limits, net of returns, and what was really given."""
    steps = judged(draft, ground, bound)
    return f"WITH {steps} SELECT id, points, given, would, issued, really FROM netted ORDER BY id"
