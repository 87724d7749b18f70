"""Nouns: files that say how the programme is to be, and what became of them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ProgrammeFile(models.Model):
    """A file as it was compared with the programme of its moment, and taken in or not."""

    name = models.CharField(_("name"), max_length=200)
    text = models.TextField(_("file"))
    before = models.TextField(_("the programme before it"))  # as a file
    changes = models.JSONField(_("changes"), default=list)  # [[path, before, after]]
    problems = models.JSONField(_("problems"), default=list)  # [[path, code, words]]
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    taken_in_at = models.DateTimeField(_("taken in at"), null=True)
    taken_in_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("compared at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("programme file")
        verbose_name_plural = _("programme files")
        constraints = [
            models.CheckConstraint(
                name="programme_file_is_taken_in_whole",
                condition=Q(taken_in_at=None) | (Q(problems=[]) & ~Q(changes=[])),
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"
