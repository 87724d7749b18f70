"""What a sale comes to: the case that rules judge, the sums, and what rules need to know of the member. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from django.utils import timezone

from loyalty.conditions.case import Case, Goods
from loyalty.conditions.tree import nodes, uses
from loyalty.limits.rules import Usage, periods_of, starts
from loyalty.reckoning.rules import Earned, Rulebook, Terms, Verdict, Version
from loyalty.tiers.rules import Climb, Standing, Step, lifted, with_sale
from members.people.rules import Birthday
from members.purchases.rules import Line, Receipt


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a set of versions has to know beside the sale itself. Most shops' rules need none of it."""

    purchases: bool
    birthday: bool
    products: bool
    segments: frozenset[str]  # codes of those that conditions name
    limited: frozenset[int]  # rules whose earlier awards are counted
    periods: frozenset[str]  # by which they are limited
    cooldown_hours: int  # the longest
    budgets: tuple[int, ...]

    @property
    def is_nothing(self) -> bool:
        """Whether the member need not be asked about at all."""
        return not (self.purchases or self.birthday or self.limited or self.segments)


@lru_cache(maxsize=64)
def wanted_by(versions: tuple[Version, ...]) -> Wanted:
    """What these versions have to know. A rulebook hands out the same tuple until it changes: worked out once."""
    trees = [version.conditions for version in versions]
    limited = [version for version in versions if version.limits]
    return Wanted(
        purchases=any(uses(tree, "first_purchase", "nth_purchase", "every_purchases") for tree in trees),
        birthday=any(uses(tree, "birthday_month") for tree in trees),
        products=any(version.chosen is not None for version in versions)
        or any(uses(tree, "category", "brand") for tree in trees),
        segments=frozenset(
            code for tree in trees for test, wants in nodes(tree) if test == "segment" for code in wants
        ),
        limited=frozenset(version.rule for version in limited),
        periods=frozenset(period for version in limited for period in periods_of(version.limits)),
        cooldown_hours=max((version.limits.get("cooldown_hours", 0) for version in limited), default=0),
        budgets=tuple(sorted({version.budget for version in versions if version.budget is not None})),
    )


def counted_since(wanted: Wanted, at: datetime) -> datetime | None:
    """From when on earlier awards count for a moment; None is from the beginning."""
    begins = [starts(period, at) for period in wanted.periods]
    cooled = datetime.fromtimestamp(at.timestamp() - wanted.cooldown_hours * 3_600, tz=at.tzinfo)
    return None if None in begins else min([each for each in begins if each is not None] + [cooled])


@dataclass(slots=True)
class About:
    """What was found out about a member for the versions that want to know."""

    purchase: int = 0
    birthday: Birthday | None = None
    usage: Usage = field(default_factory=Usage)
    stays: list[tuple[str, datetime, datetime | None]] = field(default_factory=list)  # in segments: which, from, until

    def segments_at(self, at: datetime) -> frozenset[str]:
        """The segments in which the member was at a moment."""
        return frozenset(code for code, since, until in self.stays if since <= at and (until is None or at < until))


@dataclass(frozen=True, slots=True)
class Paid:
    """What points paid of a sale: so many of a kind (its id), worth so many minor units."""

    kind: int
    points: int
    amount: int


@dataclass(frozen=True, slots=True)
class Sitting:
    """A case that was judged: by which versions, what was known of the member, what came of it."""

    case: Case
    versions: tuple[Version, ...]
    about: About
    verdict: Verdict


Products = Mapping[str, tuple[str, str]]  # category and brand, by SKU


def case_of(
    receipt: Receipt,
    *,
    store: str,
    step: Step | None,
    about: About,
    products: Products,
    at: datetime,
    by_points: int = 0,
) -> Case:
    """A receipt as conditions see it: by the shop's clock, with the tier that the member held."""
    return Case(
        at=timezone.localtime(at),
        store=store,
        channel=receipt.channel,
        tender=receipt.tender,
        amount=receipt.amount,
        discount=receipt.discount,
        by_points=by_points,
        lines=tuple(goods_of(place, line, products) for place, line in enumerate(receipt.lines, start=1)),
        attributes=receipt.attributes,
        tiers=frozenset([step.code]) if step else frozenset(),
        segments=about.segments_at(at),
        purchase=about.purchase,
        birthday=about.birthday,
    )


def goods_of(place: int, line: Line, products: Products) -> Goods:
    """A line as conditions see it."""
    category, brand = products.get(line.sku, ("", ""))
    return Goods(place, line.sku, category, brand, line.quantity, line.amount, line.discount)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a sale earns, which rules gave nothing and why, and where it takes the member."""

    awards: list[Earned]
    unfired: dict[str, list[int]]
    before: Step | None
    after: Step | None
    total: int

    @property
    def is_rise(self) -> bool:
        return self.before != self.after

    @property
    def points(self) -> int:
        """Points to spend, over all rules."""
        return points_in(self.awards)


def points_in(awards: Sequence[Earned]) -> int:
    """Points to spend, over all awards."""
    return sum(each.points for each in awards if each.version.kind_code == "points")


def terms_of(book: Rulebook, step: Step | None) -> Terms:
    """What a member's tier and the programme mean for the sums."""
    return Terms(step.multiplier if step else 100, book.most_percent, book.return_days)


def climbed(
    climb: Climb | None, standing: Standing, *, awards: Sequence[Earned], amount: int
) -> tuple[Step | None, Step | None, int]:
    """The step held, the step lifted to, and the window's total; the standing is without this sale or event."""
    if climb is None:
        return None, None, 0
    step = climb.step(standing.tier)
    reached = with_sale(climb, standing, amount=amount, points=points_of(awards))
    risen = None if standing.is_fixed else lifted(climb, step, reached.total, reached.more)
    return step, risen or step, reached.total


def points_of(awards: Sequence[Earned]) -> dict[str, int]:
    """The points of each kind, by its code and by its id: what ladders count."""
    points: dict[str, int] = {}
    for each in awards:
        for name in (each.version.kind_code, str(each.version.kind)):
            points[name] = points.get(name, 0) + each.points
    return points
