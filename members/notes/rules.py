"""What may be written down."""

from datetime import date, timedelta

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

LONGEST = 1_000  # characters
FURTHEST = timedelta(days=3 * 366)


class NoteEmpty(Malformed):
    code = "note_empty"
    sentence = _("The note is empty. Write what your colleagues should know.")


class NoteTooLong(Malformed):
    code = "note_too_long"
    sentence = _("The note has %(length)s characters; at most %(most)s fit. Nothing was written.")


class DayOutOfReach(Malformed):
    """A task is to be done some day soon."""

    code = "day_out_of_reach"
    sentence = _("A task's day lies from today to three years ahead; %(day)s does not.")


class NotATask(Refusal):
    code = "not_a_task"
    sentence = _("Only a task that has not been withdrawn can be done or reopened.")


def check_words(text: str) -> str:
    """The note without spaces around it. Raises NoteEmpty or NoteTooLong."""
    words = text.replace("\x00", "").strip()
    if not words:
        raise NoteEmpty
    if len(words) > LONGEST:
        raise NoteTooLong(length=len(words), most=LONGEST)
    return words


def check_day(day: date | None, *, today: date) -> None:
    """Raises DayOutOfReach."""
    if day is not None and not today <= day <= today + FURTHEST:
        raise DayOutOfReach(day=day.isoformat())
