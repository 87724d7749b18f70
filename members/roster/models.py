"""Nouns: a file of members on its way in, and what became of its rows."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from members.stores.models import Store


class RosterImport(models.Model):
    """One file of members. First it is only looked at; then tried, and taken in, by a worker."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("columns to be named")
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    file = models.FileField(_("file"), upload_to="imports/", blank=True)  # empty once it is forgotten
    name = models.CharField(_("name"), max_length=200)
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", verbose_name=_("store"))
    columns = models.JSONField(default=list)  # the names as they stand in the file
    header = models.CharField(max_length=64, db_index=True)  # SHA-256 of them: the next such file is read the same way
    meaning = models.JSONField(default=list)  # for each column what it says, or nothing
    language = models.CharField(max_length=10, default="zh-hans")  # in which reasons are told
    is_dry_run = models.BooleanField(_("dry run"), default=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    message = models.CharField(_("message"), max_length=300, blank=True)
    line = models.PositiveBigIntegerField(_("line"), default=0)  # the last line dealt with
    rows_total = models.PositiveBigIntegerField(_("rows"), default=0)
    rows_read = models.PositiveBigIntegerField(default=0)
    enrolled = models.PositiveBigIntegerField(_("members enrolled"), default=0)
    changed = models.PositiveBigIntegerField(_("members changed"), default=0)
    unchanged = models.PositiveBigIntegerField(_("as they were"), default=0)
    bad_rows = models.PositiveBigIntegerField(_("bad rows"), default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("import of members")
        verbose_name_plural = _("imports of members")
        constraints = [
            models.CheckConstraint(
                name="roster_is_over_or_not",
                condition=Q(status__in=["draft", "waiting", "running"], finished_at=None)
                | Q(status__in=["done", "failed", "cancelled"], finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"


class RosterRowQuerySet(models.QuerySet["RosterRow"]):
    def bad(self) -> "RosterRowQuerySet":
        return self.filter(outcome=RosterRow.Outcome.BAD)

    def in_order(self) -> "RosterRowQuerySet":
        return self.order_by("line")


class RosterRow(models.Model):
    """What a row would do, found by a trial; or why it could not be taken."""

    class Outcome(models.TextChoices):
        ENROLLED = "enrolled", _("new member")
        CHANGED = "changed", _("changes")
        BAD = "bad", _("refused")

    roster_import = models.ForeignKey(RosterImport, models.CASCADE, related_name="rows", db_index=False)
    line = models.PositiveBigIntegerField(_("line"))
    outcome = models.CharField(max_length=9, choices=Outcome)
    changes: "models.JSONField[Any, Any]" = models.JSONField(default=dict)  # by field: what was there, what comes
    cells = models.JSONField(_("cells"), default=list)  # of those that could not be taken
    code = models.CharField(max_length=40, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    objects = RosterRowQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(name="roster_row_once_per_line", fields=["roster_import", "line"])]

    def __str__(self) -> str:
        return f"#{self.pk} line {self.line}"
