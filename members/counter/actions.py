"""Reads: what matters now about a member, the weightiest first."""

from datetime import datetime

from members.counter.rules import FINDERS, Cue
from members.profiles.models import Member
from members.stores.models import User


def cues_for(*, member: Member, user: User, now: datetime) -> list[Cue]:
    """What matters now, of what this person may read."""
    cues = [
        cue
        for _code, (permission, finder) in sorted(FINDERS.items())
        if user.has_perm(permission)
        for cue in finder(member, now)
    ]
    return sorted(cues, key=lambda cue: -cue.weight)


def suggested(cues: list[Cue]) -> Cue | None:
    """The weightiest cue about which there is something to say."""
    return next((cue for cue in cues if cue.say), None)
