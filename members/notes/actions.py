"""Verbs: write a note or a task, do it, reopen it, withdraw it."""

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from members.notes.models import Note
from members.notes.rules import NotATask, check_day, check_words
from members.profiles.models import Member
from members.stores.models import User


@transaction.atomic
def write_note(*, member: Member, words: str, by: User, key: str, now: datetime, due_on: date | None = None) -> Note:
    """Write something down about a member; with a day it is a task. The same key again writes nothing new.

    Raises NoteEmpty, NoteTooLong or DayOutOfReach.
    """
    words = check_words(words)
    check_day(due_on, today=timezone.localdate(now))
    said = {"words": words, "due_on": due_on, "written_by": by, "written_at": now}
    return Note.objects.get_or_create(member=member, key=key, defaults=said)[0]


@transaction.atomic
def finish_task(*, note: Note, by: User, now: datetime) -> None:
    """Mark a task as done; a second time changes nothing. Raises NotATask."""
    task = task_held(note)
    if task.done_at is None:
        Note.objects.filter(pk=task.pk).update(done_at=now, done_by=by)


@transaction.atomic
def reopen_task(*, note: Note) -> None:
    """Mark a task as still to be done. Raises NotATask."""
    Note.objects.filter(pk=task_held(note).pk).update(done_at=None, done_by=None)


@transaction.atomic
def withdraw_note(*, note: Note, now: datetime) -> None:
    """Wipe the words of a note; that there was one stays. A second time changes nothing."""
    Note.objects.standing().filter(pk=note.pk).update(words="", withdrawn_at=now)


def task_held(note: Note) -> Note:
    """The note, locked. Raises NotATask."""
    task = Note.objects.select_for_update(of=("self",)).get(pk=note.pk)
    if not task.is_task or task.withdrawn_at is not None:
        raise NotATask
    return task
