"""Nouns of the machinery: answers kept for repeats, ticks claimed once, chunks of nightly work."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class IdempotentAnswer(models.Model):
    """What a caller was told, kept under the caller's key: the same key and content gets the same answer."""

    scope = models.CharField(max_length=40)  # who calls, for example "till:7"
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)  # SHA-256 of what was asked
    status = models.SmallIntegerField(null=True)  # empty only inside the transaction that answers
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(name="answer_once_per_key", fields=["scope", "key"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.scope} {self.key}"


class Tick(models.Model):
    """One due moment of a clock, claimed by inserting it: two beats do a night's work once."""

    name = models.CharField(max_length=40)
    slot = models.CharField(max_length=40)  # the shop's day, for example "2026-11-21"
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(name="tick_once_per_slot", fields=["name", "slot"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name} {self.slot}"


class ChunkQuerySet(models.QuerySet["Chunk"]):
    def unfinished(self) -> "ChunkQuerySet":
        return self.filter(finished_at=None)

    def overdue(self, now: datetime) -> "ChunkQuerySet":
        """Unfinished, and nobody holds them any more."""
        return self.unfinished().filter(Q(leased_until=None) | Q(leased_until__lt=now))


class Chunk(models.Model):
    """An id range of nightly work: done once, handed out again when its worker died."""

    name = models.CharField(max_length=40)  # the work, for example "settle"
    slot = models.CharField(max_length=40)
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    as_of = models.DateTimeField()  # the moment for which the work is done
    leased_until = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    outcome = models.JSONField(null=True)  # counts, for the page that shows the night
    created_at = models.DateTimeField(db_default=Now())

    objects = ChunkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="chunk_once_per_slot", fields=["name", "slot", "first_id"]),
            models.CheckConstraint(name="chunk_runs_forward", condition=Q(first_id__lte=F("last_id"))),
        ]
        indexes = [models.Index(name="chunk_unfinished", fields=["leased_until"], condition=Q(finished_at=None))]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name} {self.slot} {self.first_id}-{self.last_id}"
