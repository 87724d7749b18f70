"""Nouns: a file of sales on its way in, and the rows that could not be taken."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from members.stores.models import Store


class SaleImport(models.Model):
    """One file of sales. Rows are taken in chunks; `line` says how far, so that a stopped import goes on."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    digest = models.CharField(max_length=64, db_index=True)  # SHA-256 of the file and how it is read
    file = models.FileField(_("file"), upload_to="imports/", blank=True)  # empty when read from the command line
    name = models.CharField(_("name"), max_length=200)
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", verbose_name=_("store"))
    mapping = models.JSONField(_("columns"), default=dict)
    is_dry_run = models.BooleanField(_("dry run"), default=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.WAITING)
    message = models.CharField(_("message"), max_length=300, blank=True)
    line = models.PositiveBigIntegerField(_("line"), default=0)  # the last line dealt with
    bytes_read = models.PositiveBigIntegerField(default=0)
    bytes_total = models.PositiveBigIntegerField(default=0)
    sales = models.PositiveBigIntegerField(_("sales"), default=0)
    repeats = models.PositiveBigIntegerField(_("already there"), default=0)
    enrolled = models.PositiveBigIntegerField(_("members enrolled"), default=0)
    bad_rows = models.PositiveBigIntegerField(_("bad rows"), default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    leased_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("import of sales")
        verbose_name_plural = _("imports of sales")

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"


class BadRow(models.Model):
    """A row that could not be taken: its line, its cells, and why."""

    sale_import = models.ForeignKey(SaleImport, models.CASCADE, related_name="rejects", db_index=False)
    line = models.PositiveBigIntegerField(_("line"))
    cells = models.JSONField(_("cells"))
    code = models.CharField(max_length=40)
    reason = models.CharField(_("reason"), max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(name="bad_row_once_per_line", fields=["sale_import", "line"])]

    def __str__(self) -> str:
        return f"#{self.pk} line {self.line}"
