"""Who may set which tags, and what is refused."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal
from members.kit.windows import days_after
from members.profiles.rules import printable

LONGEST_WHY = 200
COLOURS = ("grey", "red", "amber", "green", "blue", "violet")  # a dot beside the word: the word is always ink


class TagArchived(Refusal):
    """It is not in use any more; who has it keeps it."""

    code = "tag_archived"
    sentence = _("The tag “%(tag)s” is not in use any more.")


class TagGuarded(Refusal):
    """Not everybody may put it on or take it off."""

    code = "tag_guarded"
    sentence = _("The tag “%(tag)s” is set by managers only.")


class WhyTooLong(Malformed):
    code = "why_too_long"
    sentence = _("Please say why in at most %(limit)s characters.")


def clean_why(text: str) -> str:
    """The reason on one line. Raises WhyTooLong."""
    why = printable(text)
    if len(why) > LONGEST_WHY:
        raise WhyTooLong(limit=LONGEST_WHY)
    return why


def lapses_at(days: int | None, now: datetime) -> datetime | None:
    """When a tag that is put on now lapses; None for one that stays."""
    return None if days is None else days_after(now, days)
