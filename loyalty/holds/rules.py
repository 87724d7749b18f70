"""What a hold refuses, and why."""

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

USUAL_MINUTES = 15
MOST_MINUTES = 24 * 60


class BadMinutes(Malformed):
    code = "bad_minutes"
    sentence = _("Points are held for 1 to %(limit)s minutes.")


class UnknownHold(Refusal):
    code = "unknown_hold"
    sentence = _("This store has no such hold.")
    status = 404


class HoldOver(Refusal):
    """Captured, released, or its time is up."""

    code = "hold_over"
    sentence = _("This hold is over: its points are not set aside any more.")


def check_minutes(minutes: int) -> None:
    """Raises BadMinutes unless from one minute to a day."""
    if type(minutes) is not int or not 1 <= minutes <= MOST_MINUTES:
        raise BadMinutes(limit=MOST_MINUTES)
