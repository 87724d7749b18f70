"""Nouns: what staff write down about a member."""

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from members.notes.rules import LONGEST
from members.profiles.models import Member
from members.stores.models import Store


class NoteQuerySet(models.QuerySet["Note"]):
    def of(self, member: Member) -> "NoteQuerySet":
        return self.filter(member=member)

    def of_stores(self, stores: models.QuerySet[Store]) -> "NoteQuerySet":
        return self.filter(member__home_store__in=stores)

    def standing(self) -> "NoteQuerySet":
        """Without those that were withdrawn."""
        return self.filter(withdrawn_at=None)

    def open_tasks(self) -> "NoteQuerySet":
        """What is still to be done."""
        return self.standing().filter(due_on__isnull=False, done_at=None)

    def due(self, day: date) -> "NoteQuerySet":
        """What is to be done on this day or was before."""
        return self.open_tasks().filter(due_on__lte=day)


class Note(models.Model):
    """Something written down about a member; with a day it is a task."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="notes", db_index=False, verbose_name=_("member"))
    words = models.CharField(_("note"), max_length=LONGEST, blank=True)  # empty once it was withdrawn
    due_on = models.DateField(_("to be done by"), null=True, blank=True)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    written_at = models.DateTimeField(_("written at"))
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("done by")
    )
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    key = models.CharField(max_length=60)  # of the form that was sent; twice writes one note
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = NoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes and tasks")
        constraints = [
            models.UniqueConstraint(name="note_once_per_key", fields=["member", "key"]),
            models.CheckConstraint(name="note_says_something", condition=~Q(words="") | Q(withdrawn_at__isnull=False)),
            models.CheckConstraint(name="only_tasks_are_done", condition=Q(done_at=None) | Q(due_on__isnull=False)),
        ]
        indexes = [
            models.Index(name="note_by_member", fields=["member", "written_at"]),
            models.Index(
                name="task_open", fields=["due_on"], condition=Q(due_on__isnull=False, done_at=None, withdrawn_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {'task' if self.is_task else 'note'}"

    @property
    def is_task(self) -> bool:
        return self.due_on is not None

    @property
    def is_open(self) -> bool:
        """Whether it is a task that is still to be done."""
        return self.is_task and self.done_at is None and self.withdrawn_at is None
