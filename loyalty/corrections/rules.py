"""What a correction refuses, and who may do how much alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

WAITS_DAYS = 7  # then nobody is asked any longer


class ReasonOff(Malformed):
    code = "reason_off"
    sentence = _("This reason is not in use any more: choose another one.")


class NotTheirMember(Refusal):
    code = "not_their_member"
    sentence = _("This member belongs to another store.")
    status = 403


class MayNotApprove(Refusal):
    code = "may_not_approve"
    sentence = _("You may not decide on corrections.")
    status = 403


class NotTheAsker(Refusal):
    code = "not_the_asker"
    sentence = _("Only whoever asked for a correction withdraws it.")
    status = 403


class CorrectionOver(Refusal):
    code = "correction_over"
    sentence = _("This was decided before, or its time is up.")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many points somebody gives or takes without a second person: in one correction, and in a day together."""

    gives_once: int = 0
    takes_once: int = 0
    gives_a_day: int = 0
    takes_a_day: int = 0


def widest(limits: Iterable[Limits]) -> Limits:
    """The limits of somebody with several roles: the widest of each. Without a role there is nothing alone."""
    known = list(limits)
    return Limits(
        gives_once=max((each.gives_once for each in known), default=0),
        takes_once=max((each.takes_once for each in known), default=0),
        gives_a_day=max((each.gives_a_day for each in known), default=0),
        takes_a_day=max((each.takes_a_day for each in known), default=0),
    )


def is_within(limits: Limits, *, points: int, today: int) -> bool:
    """Whether so many points, below zero to take, need nobody else; `today` were given or taken alone already."""
    once, a_day = (limits.gives_once, limits.gives_a_day) if points > 0 else (limits.takes_once, limits.takes_a_day)
    return abs(points) <= once and abs(points) + today <= a_day
