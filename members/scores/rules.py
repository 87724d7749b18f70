"""The decisions of scoring: cut points, cells and what they mean, risk, engagement. A score of 5 is the best."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from members.kit.refusals import Malformed

CUTS = 4  # between five classes
SHARES = [0.2, 0.4, 0.6, 0.8]
TENTHS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
QUARTER = 90  # days: the window of activity, and the one before it
NEXT_WEEKS = 52  # how far expected purchases and values look
USUAL_DAYS = 30  # between purchases, before the shop's own members say it
LATE, VERY_LATE = 2, 4  # times the usual interval since the last purchase
SAFE, DOUBTFUL = 67, 34  # percent: likely still a customer from here on; below the second one probably not


class BadCuts(Malformed):
    """The shop's own cut points make no five classes."""

    code = "bad_cuts"
    sentence = _("Give four numbers from 1 up, each larger than the one before.")


class Cell(models.TextChoices):
    """Where a member stands by recency, frequency and spend."""

    CHAMPION = "champion", pgettext_lazy("RFM cell", "Champions")
    LOYAL = "loyal", pgettext_lazy("RFM cell", "Loyal")
    PROMISING = "promising", pgettext_lazy("RFM cell", "Becoming loyal")
    FRESH = "fresh", pgettext_lazy("RFM cell", "Newcomers")
    WAVERING = "wavering", pgettext_lazy("RFM cell", "Need attention")
    SLEEPY = "sleepy", pgettext_lazy("RFM cell", "About to sleep")
    PRECIOUS = "precious", pgettext_lazy("RFM cell", "Must not be lost")
    AT_RISK = "at_risk", pgettext_lazy("RFM cell", "At risk")
    ASLEEP = "asleep", pgettext_lazy("RFM cell", "Asleep")
    LOST = "lost", pgettext_lazy("RFM cell", "Lost")
    NEVER = "never", pgettext_lazy("RFM cell", "Never bought")


class Risk(models.TextChoices):
    """How likely a member is gone."""

    LOW = "low", pgettext_lazy("risk", "low")
    MIDDLE = "middle", pgettext_lazy("risk", "middle")
    HIGH = "high", pgettext_lazy("risk", "high")


class Band(models.TextChoices):
    """How much a member is worth, in three parts."""

    HIGH = "high", pgettext_lazy("value", "high")
    MIDDLE = "middle", pgettext_lazy("value", "middle")
    LOW = "low", pgettext_lazy("value", "low")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a cell says in plain words, and what a shop may do."""

    cell: Cell
    says: str | Promise
    advice: str | Promise
    tone: str  # "good", "warn", "bad" or nothing


MEANINGS: dict[str, Meaning] = {
    each.cell: each
    for each in (
        Meaning(
            Cell.CHAMPION,
            _("Bought lately, often and for much."),
            _("Thank them: early access, a personal word, a place in tastings. No discounts needed."),
            "good",
        ),
        Meaning(
            Cell.LOYAL,
            _("Buy often and for much; the last time is a little while ago."),
            _("Remind them of what they like, show what is new, offer the next tier."),
            "good",
        ),
        Meaning(
            Cell.PROMISING,
            _("Bought lately, now and then."),
            _("Give a reason for the next visit: what goes with their last purchase, points for the second category."),
            "good",
        ),
        Meaning(
            Cell.FRESH,
            _("Bought lately, but seldom and for little: mostly first purchases."),
            _("Welcome them, explain the points, invite them to a second visit within four weeks."),
            "",
        ),
        Meaning(
            Cell.WAVERING,
            _("In the middle of everything, and the last visit drifts away."),
            _("Ask how it was, and make a small offer that ends soon."),
            "warn",
        ),
        Meaning(
            Cell.SLEEPY,
            _("Seldom, for little, and not for a while."),
            _("Send one message with what is popular now. Do not spend much."),
            "warn",
        ),
        Meaning(
            Cell.PRECIOUS,
            _("Were among the best, and have stayed away for long."),
            _("Call them. Ask what happened before offering anything."),
            "bad",
        ),
        Meaning(
            Cell.AT_RISK,
            _("Used to buy well, and have stayed away for long."),
            _("Win them back now: a personal offer on what they used to buy."),
            "bad",
        ),
        Meaning(
            Cell.ASLEEP,
            _("Bought little, and not for long."),
            _("Reach them with the season's message only."),
            "",
        ),
        Meaning(
            Cell.LOST,
            _("Bought little, longest ago."),
            _("Leave them in peace, or ask once whether they still want to hear from you."),
            "",
        ),
        Meaning(
            Cell.NEVER,
            _("Joined and have not bought yet."),
            _("Offer a first taste: a welcome gift with an end."),
            "",
        ),
    )
}

# By recency from 1 up, then by (frequency + spend) / 2 rounded up, from 1 up.
GRID: tuple[Cell, ...] = (
    Cell.LOST, Cell.LOST, Cell.AT_RISK, Cell.AT_RISK, Cell.PRECIOUS,
    Cell.ASLEEP, Cell.ASLEEP, Cell.AT_RISK, Cell.AT_RISK, Cell.PRECIOUS,
    Cell.SLEEPY, Cell.SLEEPY, Cell.WAVERING, Cell.LOYAL, Cell.LOYAL,
    Cell.FRESH, Cell.PROMISING, Cell.PROMISING, Cell.CHAMPION, Cell.CHAMPION,
    Cell.FRESH, Cell.PROMISING, Cell.PROMISING, Cell.CHAMPION, Cell.CHAMPION,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weight:
    """One part of the engagement score, and how much it can give."""

    code: str
    points: int
    says: str | Promise


ENGAGEMENT = (
    Weight("visits", 40, _("purchases in the last 90 days, all of it from 6 on")),
    Weight("freshness", 30, _("how fresh the last purchase is; nothing after 180 days")),
    Weight("breadth", 15, _("kinds of goods bought, all of it from 3 on")),
    Weight("account", 10, _("has signed in to the members' pages")),
    Weight("profile", 5, _("told their birthday")),
)
FULL_VISITS, STALE_DAYS, FULL_BREADTH = 6, 180, 3


def check_cuts(cuts: Sequence[int]) -> list[int]:
    """The cuts again. Raises BadCuts unless they are four rising numbers from 1 up."""
    found = list(cuts)
    if len(found) != CUTS or found[0] < 1 or any(low >= high for low, high in pairwise(found)):
        raise BadCuts
    return found


def strictly(cuts: Sequence[int]) -> list[int]:
    """Cuts for PostgreSQL's width_bucket, which counts those at or below a value: we count those below it.

    So a cut belongs to the class that ends with it: with cuts 2, 4, 6, 8, who bought twice has 1, three times 2.
    """
    return [cut + 1 for cut in cuts]


def cell_at(recency: int, frequency: int, monetary: int) -> Cell:
    """The cell of three scores from 1 to 5."""
    return GRID[(recency - 1) * 5 + (frequency + monetary + 1) // 2 - 1]


def month_of(day: date) -> date:
    """The first of the month."""
    return day.replace(day=1)
