"""What holds keep and refuse, and why."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

USUAL_MINUTES = 15
MOST_MINUTES = 24 * 60
REFERENCE = re.compile(r"b([1-9][0-9]{0,17})")


class BadMinutes(Malformed):
    code = "bad_minutes"
    sentence = _("A hold lasts from 1 to %(limit)s minutes.")


class UnknownHold(Refusal):
    code = "unknown_hold"
    sentence = _("This store has no such hold.")
    status = 404


class HoldOver(Refusal):
    """Captured or used, released, or its time is up."""

    code = "hold_over"
    sentence = _("This hold is over: nothing is set aside by it any more.")


def check_minutes(minutes: int) -> None:
    """Raises BadMinutes unless from one minute to a day."""
    if type(minutes) is not int or not 1 <= minutes <= MOST_MINUTES:
        raise BadMinutes(limit=MOST_MINUTES)


@dataclass(frozen=True, slots=True)
class Held:
    """What a hold keeps of budgets, in their units by budget: of those of promotions, and of those of rules."""

    prices: Mapping[int, int] = field(default_factory=dict)
    points: Mapping[int, int] = field(default_factory=dict)


def number_in(reference: str) -> int:
    """The id in the reference of a hold of budgets, such as b17. Raises UnknownHold for anything else."""
    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise UnknownHold
    return int(found[1])
