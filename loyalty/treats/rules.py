"""What a treat refuses, how long it waits, and which birthdays are kept on which days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Refusal
from members.people.rules import LUNAR, SOLAR, lunar_birthdays_on, lunar_year_of, solar_birthdays_on

TAKEN_BACK_WITHIN = timedelta(hours=24)
MISSED_DAYS = 31  # nights that were missed longer ago are let go: so far back a birthday or a joining is made good
MISSED_MONTHS = 2  # and so many months before this one
BIRTHDAYS_APART = 300  # days at least: a birthday that is said anew brings no second treat, the moon's year has 353
JOININGS_APART = 365  # days at least: who leaves a tier and comes back brings home no second set


class UnknownTreat(Refusal):
    """Nothing of the kind, or not this member's."""

    code = "unknown_treat"
    sentence = _("This member has no such treat.")
    status = 404


class AlreadyHandedOver(Refusal):
    """Once."""

    code = "already_handed_over"
    sentence = _("This was handed over already, on %(day)s.")


class TreatLapsed(Refusal):
    """Its last day is over."""

    code = "treat_lapsed"
    sentence = _("This waited until %(day)s and has lapsed.")


class NothingToHandOver(Refusal):
    """Points come by themselves."""

    code = "nothing_to_hand_over"
    sentence = _("There is nothing to hand over: these are points, and the member has them.")


class NotHandedOver(Refusal):
    """Nothing to take back."""

    code = "not_handed_over"
    sentence = _("This was not handed over.")


class TakenBackTooLate(Refusal):
    """A slip of the hand is seen soon."""

    code = "taken_back_too_late"
    sentence = _("That it was handed over can be undone within %(hours)s hours. This was earlier.")


class State(models.TextChoices):
    """What has become of a treat."""

    WAITING = "waiting", _("waits")
    HANDED = "handed", _("handed over")
    LAPSED = "lapsed", _("lapsed")
    POINTS = "points", _("points given")


def state_of(*, handed_at: datetime | None, last_on: date | None, today: date) -> State:
    """What has become of a treat by this day; its last day counts."""
    if last_on is None:
        return State.POINTS
    if handed_at is not None:
        return State.HANDED
    return State.WAITING if last_on >= today else State.LAPSED


@dataclass(frozen=True, slots=True)
class Kept:
    """A day on which birthdays of a calendar, as month * 100 + day, are kept, and of which year they are."""

    day: date
    calendar: str
    born: int
    year: int


def kept_on(days: Iterable[date]) -> list[Kept]:
    """Which birthdays are kept on these days. One by the moon is of the moon's year: two may lie in one of ours."""
    return [
        kept
        for day in days
        for kept in (
            *(Kept(day, SOLAR, born, day.year) for born in sorted(solar_birthdays_on(day))),
            *(Kept(day, LUNAR, born, lunar_year_of(day)) for born in sorted(lunar_birthdays_on(day))),
        )
    ]
