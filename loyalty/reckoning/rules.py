"""What a case earns: pure sums over the rule versions of its own moment, and every reason why not.

Points are exact fractions until they are rounded once, by the version's own rounding. A version that multiplies gives
the extra points as an award of its own, so that its caps, budget and expiry hold for just what it brings.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from loyalty.conditions.case import Case, Check, Goods
from loyalty.limits.rules import Usage, barred, cuts
from loyalty.tiers.rules import Climb
from members.kit.windows import days_after, months_after, start_of_day

SALE = "sale"  # the trigger of rules about sales; other triggers are codes of events
WHOLE = 0  # the place of a sale that came without lines
NOTHING = Fraction(0)
NOT_YET = datetime(9999, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A rule version, ready to judge: its conditions are compiled."""

    id: int
    rule: int
    rule_code: str
    name_zh: str
    name_en: str
    number: int
    valid_from: datetime
    is_on: bool
    kind: int
    kind_code: str
    trigger: str
    effect: str
    points: int
    per_amount: int
    percent: int
    stacking: str
    rounding: str
    basis: str
    counts_paid_by_points: bool
    uses_tier_multiplier: bool
    priority: int
    group: str
    stops: bool
    conditions: Mapping[str, Any]
    lines: Mapping[str, Any]
    limits: Mapping[str, Any]
    budget: int | None
    budget_price: int | None
    waits: str
    pending_days: int
    waits_for: str
    expires_after_months: int | None
    expires_rounding: str
    expires_on: date | None
    idle_months: int | None
    check: Check
    chosen: Callable[[Goods], bool] | None


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All versions and the ladder: everything that judges. Its revision says which it is."""

    revision: UUID
    versions: tuple[Version, ...]
    climb: Climb | None
    return_days: int
    most_percent: int
    aside: tuple[Climb, ...] = ()  # ladders beside the main one
    eras: list[datetime] = field(default_factory=list)  # the moments at which a version begins, rising
    known: dict[tuple[int, str], tuple[Version, ...]] = field(default_factory=dict)

    def in_force(self, at: datetime, trigger: str = SALE) -> tuple[Version, ...]:
        """The versions that judge a moment, most important first; each rule has one, those that are off have none."""
        era = (bisect_right(self.eras, at), trigger)
        if era not in self.known:
            latest: dict[int, Version] = {}
            for version in self.versions:
                if version.valid_from <= at:
                    latest[version.rule] = version
            wanted = [each for each in latest.values() if each.is_on and each.trigger == trigger]
            self.known[era] = tuple(sorted(wanted, key=lambda each: (each.priority, each.rule)))
        return self.known[era]


def bound(
    revision: UUID, versions: Sequence[Version], climbs: Sequence[Climb], *, return_days: int, most_percent: int
) -> Rulebook:
    """A rulebook of versions, oldest first, and of ladders, the main one first."""
    eras = sorted({version.valid_from for version in versions})
    main = climbs[0] if climbs else None
    return Rulebook(revision, tuple(versions), main, return_days, most_percent, tuple(climbs[1:]), eras)


@dataclass(slots=True)
class Earned:
    """What one version gives: points after every cap. `why` holds what the sum was made of, and each cut."""

    version: Version
    points: int
    multiplier: int  # of the tier, in percent
    activates_at: datetime
    expires_at: datetime | None
    why: dict[str, Any] = field(default_factory=dict)
    reserved: int = 0  # taken from the budget: points, or minor units


@dataclass(slots=True)
class Verdict:
    """What a case earns, and which versions gave nothing for which reason."""

    awards: list[Earned] = field(default_factory=list)
    unfired: dict[str, list[int]] = field(default_factory=dict)

    def pass_over(self, reason: str, version: Version) -> None:
        """Note why a version gave nothing."""
        self.unfired.setdefault(reason, []).append(version.id)


@dataclass(slots=True)
class Gross:
    """What a version that fired would give before caps; `by_place` are the minor units it looks at, line by line."""

    version: Version
    points: Fraction | int
    rate: Fraction  # points for one minor unit
    by_place: dict[int, int]
    why: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the judging needs beside the case: the tier's multiplier and the programme's settings."""

    multiplier: int = 100
    most_percent: int = 1_000
    return_days: int = 0


def judge_case(versions: Sequence[Version], case: Case, *, terms: Terms, usage: Usage) -> Verdict:
    """What a case earns by the versions of its moment, most important first. Budgets are not asked yet."""
    verdict = Verdict()
    fired = firing(versions, case, usage, verdict)
    bases = [gross_of(version, case, terms) for version in fired if version.effect != "multiply"]
    bases = best_of_groups(bases, verdict)
    extras = multiplied([version for version in fired if version.effect == "multiply"], bases, case, terms, verdict)
    order = {version.id: place for place, version in enumerate(fired)}
    for gross in sorted(bases + extras, key=lambda each: order[each.version.id]):
        award = settled(gross, case, terms, usage)
        if award.expires_at is not None and award.expires_at <= award.activates_at:
            verdict.pass_over("expired", gross.version)
        else:
            verdict.awards.append(award)
    return verdict


def firing(versions: Sequence[Version], case: Case, usage: Usage, verdict: Verdict) -> list[Version]:
    """The versions whose conditions and limits let them fire, until one stops the rest."""
    fired: list[Version] = []
    stopped = False
    for version in versions:
        reason = "stopped" if stopped else why_not(version, case, usage)
        if reason is not None:
            verdict.pass_over(reason, version)
            continue
        fired.append(version)
        stopped = version.stops
    return fired


def why_not(version: Version, case: Case, usage: Usage) -> str | None:
    """The test or limit that keeps a version from firing, or None."""
    miss = version.check(case)
    if miss is not None:
        return miss.test
    if version.chosen is not None and not any(map(version.chosen, case.lines)):
        return "lines"
    return barred(version.limits, usage, version.rule, case.at) if version.limits else None


def places_of(version: Version, case: Case) -> dict[int, int]:
    """The minor units that a version looks at, by line; a sale without lines is one line."""
    full = version.basis == "full"
    if not case.lines or (version.chosen is None and version.effect != "multiply"):
        return {WHOLE: case.amount + (case.discount if full else 0)}
    return {
        line.position: line.amount + (line.discount if full else 0)
        for line in case.lines
        if version.chosen is None or version.chosen(line)
    }


def gross_of(version: Version, case: Case, terms: Terms) -> Gross:
    """What a version gives before caps: fixed points, or so many for an amount."""
    if version.effect == "fixed":  # nothing multiplies it, so its lines do not matter
        return Gross(version, version.points, NOTHING, {}, {})
    places = places_of(version, case)
    amount = sum(places.values())
    why: dict[str, Any] = {}
    multiplier = terms.multiplier if version.uses_tier_multiplier else 100
    rate = Fraction(version.points * multiplier, version.per_amount * 100)
    if case.by_points and not version.counts_paid_by_points and case.amount:
        rate *= Fraction(max(case.amount - case.by_points, 0), case.amount)
        why["by_points"] = case.by_points
    if version.chosen is not None:
        why["of"] = amount
        why["lines"] = list(places)
    return Gross(version, amount * rate, rate, places, why)


def best_of_groups(bases: list[Gross], verdict: Verdict) -> list[Gross]:
    """Of each group the version that gives most; of equals the more important one."""
    best: dict[tuple[str, int], Gross] = {}
    for gross in bases:
        key = (gross.version.group, gross.version.kind)
        if gross.version.group and (key not in best or gross.points > best[key].points):
            best[key] = gross
    kept = []
    for each in bases:
        if not each.version.group or best[each.version.group, each.version.kind] is each:
            kept.append(each)
        else:
            verdict.pass_over("beaten", each.version)
    return kept


def multiplied(
    versions: Sequence[Version], bases: Sequence[Gross], case: Case, terms: Terms, verdict: Verdict
) -> list[Gross]:
    """The extra points of versions that multiply what others give for an amount, line by line.

    One that adds gives (percent - 100) of the base; one that multiplies also of what those before it gave. Together
    they stay below the programme's highest multiplier.
    """
    given: list[Gross] = []
    factors: dict[tuple[int, int], Fraction] = {}
    for version in versions:
        base = base_by_line(version, bases, case)
        if not any(base.values()):
            verdict.pass_over("nothing_to_multiply", version)
            continue
        extra, is_cut = Fraction(0), False
        for place, points in base.items():
            factor = factors.get((version.kind, place), Fraction(1))
            more = Fraction(version.percent - 100, 100) * (factor if version.stacking == "multiply" else 1)
            room = max(Fraction(terms.most_percent, 100) - factor, Fraction(0))
            is_cut = is_cut or more > room
            factors[version.kind, place] = factor + min(more, room)
            extra += points * min(more, room)
        why: dict[str, Any] = {"base": int(sum(base.values(), Fraction(0)))}
        places = [place for place, points in base.items() if points]
        if case.lines and len(places) < len(case.lines):
            why["lines"] = places
        if is_cut:
            why["cut"] = [["multiplier", terms.most_percent]]
        given.append(Gross(version, extra, Fraction(0), {}, why))
    return given


def base_by_line(version: Version, bases: Sequence[Gross], case: Case) -> dict[int, Fraction]:
    """What others give for an amount, on each line that the version looks at."""
    wanted = places_of(version, case)
    found: dict[int, Fraction] = dict.fromkeys(wanted, Fraction(0))
    for gross in bases:
        if gross.version.kind != version.kind or not gross.rate:
            continue
        for place, amount in on_lines(gross, case).items():
            if place in found:
                found[place] += amount * gross.rate
    return found


def on_lines(gross: Gross, case: Case) -> Mapping[int, int]:
    """The minor units of a base line by line, also where it looked at the sale as a whole."""
    if WHOLE not in gross.by_place or not case.lines:
        return gross.by_place
    full = gross.version.basis == "full"
    return {line.position: line.amount + (line.discount if full else 0) for line in case.lines}


def settled(gross: Gross, case: Case, terms: Terms, usage: Usage) -> Earned:
    """Rounded once, cut by every cap, with its life."""
    version = gross.version
    points = rounded(gross.points, version.rounding)
    left, cut = cuts(version.limits, usage, version.rule, case.at, points) if version.limits else (points, [])
    why = dict(gross.why)
    if cut:
        why["full"] = points
        why["cut"] = [*why.get("cut", []), *cut]
    activates_at, expires_at = life_of(version, at=case.at, return_days=terms.return_days)
    multiplier = terms.multiplier if version.effect == "per_amount" and version.uses_tier_multiplier else 100
    return Earned(version, left, multiplier, activates_at, expires_at, why)


def rounded(points: Fraction | int, rounding: str) -> int:
    """Whole points: down, up, or to the nearest with halves up."""
    if rounding == "up":
        return -(-points.numerator // points.denominator)
    if rounding == "nearest":
        return (2 * points.numerator + points.denominator) // (2 * points.denominator)
    return points.numerator // points.denominator


def life_of(version: Version, *, at: datetime, return_days: int) -> tuple[datetime, datetime | None]:
    """When points of a version become active and when they expire (never, when None)."""
    days = return_days if version.waits == "returns" else version.pending_days
    activates_at = days_after(at, days) if days else at
    if version.waits == "event":
        return NOT_YET.replace(tzinfo=at.tzinfo), None
    return activates_at, expiry_of(version, activates_at)


def expiry_of(version: Version, activates_at: datetime) -> datetime | None:
    """When points that become active at a moment expire; the shop's midnight after a rounded or a fixed day."""
    if version.expires_on is not None:
        local = start_of_day(activates_at)
        last = local.replace(year=version.expires_on.year, month=version.expires_on.month, day=version.expires_on.day)
        return days_after(last, 1)
    if not version.expires_after_months:  # those that lapse without activity have no day of their own
        return None
    return up_to_end(months_after(activates_at, version.expires_after_months), version.expires_rounding)


def up_to_end(moment: datetime, rounding: str) -> datetime:
    """The end of the month, quarter or year in which a moment lies; the moment itself without rounding."""
    length = {"month": 1, "quarter": 3, "year": 12}.get(rounding)
    if length is None:
        return moment
    first = start_of_day(moment).replace(day=1)
    return months_after(first, length - (first.month - 1) % length)


def in_units(award: Earned) -> int:
    """What an award takes from its budget: points, or minor units rounded up where 1,000 points have a price."""
    price = award.version.budget_price
    return award.points if price is None else -(-award.points * price // 1_000)


def cut_to_budget(award: Earned, granted: int) -> None:
    """Keep as many points as the budget granted, and say so."""
    award.reserved = granted
    price = award.version.budget_price
    left = granted if price is None else min(granted * 1_000 // price, award.points)
    if left < award.points:
        award.why.setdefault("full", award.points)
        award.why["cut"] = [*award.why.get("cut", []), ["budget", left]]
        award.points = left
