"""Sums and sentences: what is missing to rise and to stay, and a benefit in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.tiers.rules import TICK, Climb, Measure, Step
from members.kit.money import format_money
from members.kit.refusals import Refusal

GIFTS = {"birthday", "joining", "monthly", "event", "adviser", "priority"}
HANDED = ("birthday", "joining", "monthly")  # what can be handed out, and not only be said
LONGEST_WAIT, LONGEST_LIFE = 366, 3_660  # days


class ValueMissing(Refusal):
    """Some benefits are nothing without a number."""

    code = "benefit_value_missing"
    sentence = gettext_lazy("This benefit needs a value: percent from 1 to 99, hours, or days.")


class NotHandedOut(Refusal):
    """Nobody hands over a discount."""

    code = "benefit_not_handed_out"
    sentence = gettext_lazy("Only gifts for a birthday, on joining and each month are handed out.")


class LifeWithoutPoints(Refusal):
    """Days that count for nothing."""

    code = "benefit_life_without_points"
    sentence = gettext_lazy("Say how many points are given, if they last so many days.")


def check_value(*, kind: str, value: int | None) -> None:
    """Raises ValueMissing."""
    low, high = {"discount": (1, 99), "early": (1, 10_000), "returns": (1, 10_000)}.get(kind, (0, 10**15))
    if (value is None and kind not in GIFTS | {"shipping"}) or (value is not None and not low <= value <= high):
        raise ValueMissing


def check_handing(*, kind: str, points: int | None, points_days: int | None, wait_days: int | None) -> None:
    """Raises NotHandedOut or LifeWithoutPoints."""
    if kind not in HANDED and (points, wait_days) != (None, None):
        raise NotHandedOut
    if points is None and points_days is not None:
        raise LifeWithoutPoints


def title_of(kind: str, value: int | None, points: int | None = None) -> str:
    """A benefit in the reader's words, without the shop's own; points that are given with it are said."""
    title = plain_title(kind, value)
    return title if points is None else _("%(gift)s: %(points)s points") % {"gift": title, "points": f"{points:,}"}


def plain_title(kind: str, value: int | None) -> str:
    """What kind of benefit it is."""
    match kind:
        case "multiplier":
            return _("%(percent)s%% of the ordinary points") % {"percent": value}
        case "discount":
            return _("%(percent)s%% off every purchase") % {"percent": value}
        case "shipping":
            return _("Free shipping from %(amount)s") % {"amount": format_money(value)} if value else _("Free shipping")
        case "early":
            return _("New things %(hours)s hours before others") % {"hours": value}
        case "returns":
            return _("%(days)s days to return") % {"days": value}
    plain = {
        "adviser": _("An adviser of your own"),
        "priority": _("You are served first"),
        "birthday": _("A gift for your birthday"),
        "joining": _("A gift set to begin with"),
        "monthly": _("A gift set each month"),
        "event": _("Invitations to our events"),
    }
    return plain[kind]


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing of one measure: how much there is, how much it takes."""

    measure: Measure
    have: int
    need: int

    @property
    def missing(self) -> int:
        return max(self.need - max(self.have, 0), 0)

    @property
    def percent(self) -> int:
        return min(max(self.have, 0) * 100 // self.need, 100) if self.need else 100


@dataclass(frozen=True, slots=True)
class Path:
    """The way to a tier: what each measure lacks, whether all or any of them is wanted, until when it counts."""

    step: Step
    lacks: tuple[Lack, ...]
    needs_all: bool
    by: datetime | None

    @property
    def is_met(self) -> bool:
        met = [not lack.missing for lack in self.lacks]
        return all(met) if self.needs_all else any(met)

    @property
    def last_day(self) -> datetime | None:
        """The last moment that counts."""
        return None if self.by is None else self.by - TICK

    @property
    def words(self) -> str:
        """What is missing, in the reader's words: everything, or the way that is furthest."""
        open_ = [lack for lack in self.lacks if lack.missing]
        return _(" and ").join(amount_of(lack) for lack in (open_ if self.needs_all else open_ and [self.nearest]))

    @property
    def nearest(self) -> Lack:
        """The first thing still missing; of several ways the one that is furthest."""
        open_ = [lack for lack in self.lacks if lack.missing] or list(self.lacks)
        return open_[0] if self.needs_all else max(open_, key=lambda lack: lack.percent)


def amount_of(lack: Lack) -> str:
    """What is missing, in the reader's words."""
    missing = format_money(lack.missing) if lack.measure.basis == "spend" else f"{lack.missing:,}"
    words = {
        "spend": _("%(missing)s more spent"),
        "growth": _("%(missing)s more growth"),
        "purchases": _("%(missing)s more purchases"),
        "months": _("purchases in %(missing)s more months"),
        "points": _("%(missing)s more points"),
        "segment": _("an invitation from the shop"),  # what the shop calls its segments is its own affair
    }
    return words[lack.measure.basis] % {"missing": missing}


def path(climb: Climb, step: Step, totals: Sequence[int], *, keeping: bool, by: datetime | None) -> Path:
    """What is missing of these totals (one a measure of the ladder) to reach a step, or to keep it."""
    have = dict(zip(climb.measures, totals, strict=True))
    lacks = [Lack(climb.own, have[climb.own], step.keep if keeping else step.threshold)]
    lacks += [Lack(ask.measure, have[ask.measure], ask.keep if keeping else ask.threshold) for ask in step.asks]
    return Path(step, tuple(lacks), step.combines == "all", by)
