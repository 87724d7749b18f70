"""What the ledger refuses, and why."""

from datetime import UTC, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

MOST_POINTS = 10**12  # in one movement; more is a slip of the finger
LONGEST_KEY = 100
LONGEST_REASON = 200  # what is longer is cut
LONGEST_ACTOR = 310  # two names of staff; what is longer is cut
MOST_IDLE_MONTHS = 120
WHEN_TOLD = datetime(9000, 1, 1, tzinfo=UTC)  # `activates_at` of points that wait for an event, not for a day

REASONS: dict[str, Promise] = {}  # words for reasons that rooms above write as codes


def said_reason(reason: str) -> str:
    """A reason that is a code in the reader's words; nothing for others."""
    return str(REASONS.get(reason, ""))


class BadPoints(Malformed):
    code = "bad_points"
    sentence = _("%(points)s points cannot be moved: give a whole number from 1 up.")


class BadLife(Malformed):
    code = "bad_life"
    sentence = _("These points would expire before they begin to count, or by two rules at once.")


class ReasonMissing(Malformed):
    code = "reason_missing"
    sentence = _("A correction by hand needs a reason.")


class BadKey(Malformed):
    code = "bad_key"
    sentence = _("A key has 1 to 100 characters.")


class NotEnoughPoints(Refusal):
    code = "not_enough_points"
    sentence = _("%(asked)s points asked for, %(active)s held.")


class NotSpendable(Refusal):
    """Growth and the like are counted, not spent."""

    code = "not_spendable"
    sentence = _("This kind of points is counted, not spent.")


class KeyReused(Refusal):
    """The key names another posting already."""

    code = "key_reused"
    sentence = _("This key was used before, for something else.")


class MoreThanOpen(Refusal):
    code = "more_than_open"
    sentence = _("%(asked)s points asked for, only %(open)s are open.")


class UnknownCause(Refusal):
    code = "unknown_cause"
    sentence = _("There is no such movement to complete or undo.")
    status = 404


class NotPending(Refusal):
    code = "not_pending"
    sentence = _("Nothing of these points is pending.")


class AlreadyUndone(Refusal):
    code = "already_undone"
    sentence = _("This claw-back was undone before.")


class DebtLimitReached(Refusal):
    code = "debt_limit_reached"
    sentence = _("The member owes as much as is allowed already (%(limit)s points).")


class SamePerson(Refusal):
    code = "same_person"
    sentence = _("This needs two different people.")


def check_points(points: int) -> None:
    """Raises BadPoints unless it is a whole number from 1 to a million million."""
    if type(points) is not int or not 0 < points <= MOST_POINTS:
        raise BadPoints(points=str(points)[:40])


def check_key(key: str) -> None:
    """Raises BadKey unless it has 1 to 100 characters."""
    if not 0 < len(key) <= LONGEST_KEY:
        raise BadKey


def check_life(
    activates_at: datetime, expires_at: datetime | None, *, now: datetime, idle_months: int | None = None
) -> None:
    """Raises BadLife when points would expire before they count, or by a day and by idle months at once."""
    if expires_at is not None and (idle_months is not None or expires_at <= max(activates_at, now)):
        raise BadLife
    if idle_months is not None and not 1 <= idle_months <= MOST_IDLE_MONTHS:
        raise BadLife
