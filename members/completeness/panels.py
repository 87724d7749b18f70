"""What a clerk hears of the profile of the member in front of them. Imported when the floor is ready."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from members.completeness.actions import standing_of
from members.counter.rules import Cue, register
from members.profiles.models import Member

MOST_NAMED = 3


def fullness(member: Member, now: datetime) -> Iterator[Cue]:
    """What is missing, or was not confirmed for long."""
    standing = standing_of(member, now)
    listed = _(", ")
    url = reverse("admin:members_member_change", args=[member.pk])
    if standing.missing:
        parts = listed.join(part.title for part in standing.missing[:MOST_NAMED])
        words = _("Profile %(percent)s %% complete; missing: %(parts)s")
        yield Cue(25, words % {"percent": standing.percent, "parts": parts}, "", "", "task", url)
    if standing.stale:
        parts = listed.join(part.title for part in standing.stale[:MOST_NAMED])
        say = _("Is your %(part)s still the same?") % {"part": standing.stale[0].title}
        yield Cue(24, _("To be confirmed: %(parts)s") % {"parts": parts}, say, "", "history", url)


register("fullness", "members.change_member", fullness)
