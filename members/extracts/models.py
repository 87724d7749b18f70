"""Nouns: a list of members that somebody takes away as a file."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Extract(models.Model):
    """A list as it stood when somebody asked for it, written by a worker for them alone."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"

    name = models.CharField(_("list"), max_length=200)
    format = models.CharField(_("format"), max_length=4, choices=Format)
    wanted = ArrayField(models.BigIntegerField(), default=list)  # ids of members, emptied once the file is written
    language = models.CharField(max_length=10)  # in which its columns are named
    file = models.FileField(_("file"), upload_to="extracts/", blank=True)  # empty until written, and once removed
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.WAITING)
    message = models.CharField(_("message"), max_length=300, blank=True)
    total = models.PositiveIntegerField(_("members"))
    written = models.PositiveIntegerField(_("members written"), default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("asked for at"), db_default=Now(), editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("export of members")
        verbose_name_plural = _("exports of members")
        permissions = [("export_member", _("Can take lists of members away as files"))]
        constraints = [
            models.CheckConstraint(
                name="extract_is_over_or_not",
                condition=Q(status__in=["waiting", "running"], finished_at=None)
                | Q(status__in=["done", "failed", "cancelled"], finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"
