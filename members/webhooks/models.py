"""Nouns: endpoints, what happened, who was told, and how far the sweeps have read."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from members.kit.outside import LONGEST_URL
from members.profiles.models import Member


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def wanting(self, code: str) -> "EndpointQuerySet":
        """Those that are told of such things."""
        return self.filter(is_on=True, events__contains=[code])


class Endpoint(models.Model):
    """An address of another system that is told what happens here."""

    class Reason(models.TextChoices):
        GONE = "gone", _("it answered that it is gone (410)")
        FAILING = "failing", _("it failed for days")

    name = models.CharField(_("name"), max_length=60)
    address = models.CharField(_("address"), max_length=LONGEST_URL)
    events = ArrayField(models.CharField(max_length=40), verbose_name=_("what it is told"), default=list, blank=True)
    is_on = models.BooleanField(_("on"), default=True)
    has_contacts = models.BooleanField(
        _("with phones and e-mails"),
        default=False,
        help_text=_("Only where the other system cannot do without: members' contacts leave the house."),
    )
    secret = models.CharField(max_length=100, editable=False)  # whsec_…; signing needs it as it is
    former_secret = models.CharField(max_length=100, db_default="", blank=True, editable=False)
    former_until = models.DateTimeField(_("former secret signs until"), null=True, editable=False)
    resting_until = models.DateTimeField(null=True, editable=False)  # as it asked by Retry-After
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    off_at = models.DateTimeField(_("switched off at"), null=True, editable=False)  # by us
    off_reason = models.CharField(
        _("switched off because"), max_length=8, choices=Reason, db_default="", blank=True, editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        constraints = [
            models.CheckConstraint(name="endpoint_has_a_secret", condition=~Q(secret="")),
            models.CheckConstraint(name="endpoint_off_by_us_is_off", condition=Q(off_reason="") | Q(is_on=False)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"


class Occurrence(models.Model):
    """Something that happened and that some endpoint wants to know; kept for 90 days."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="+", null=True)  # none only for a test
    code = models.CharField(_("what happened"), max_length=40)
    key = models.CharField(max_length=120)  # the row that it stands for, for example "points.moved:1042"
    identifier = models.CharField(max_length=40)  # webhook-id: the same over all tries, and for every endpoint
    facts = models.JSONField(default=dict)
    happened_at = models.DateTimeField(_("happened at"))
    shared_at = models.DateTimeField(null=True)  # when it was handed to the endpoints
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(name="occurrence_once_per_key", fields=["member", "key"])]
        indexes = [
            models.Index(name="occurrence_to_share", fields=["id"], condition=Q(shared_at=None)),
            models.Index(name="occurrence_by_creation", fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def held(self, *, until: datetime | None) -> "DeliveryQuerySet":
        """Held by the worker whose lease runs out at exactly this moment."""
        return self.filter(status=Delivery.Status.SENDING, leased_until=until)

    def failed_since(self, moment: datetime) -> "DeliveryQuerySet":
        """Those that were given up at this moment or later."""
        return self.filter(status=Delivery.Status.FAILED, finished_at__gte=moment)


class Delivery(models.Model):
    """One thing told to one endpoint, and what came of it."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")

    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="deliveries", verbose_name=_("endpoint"))
    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="deliveries", verbose_name=_("what"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    attempts = models.SmallIntegerField(_("tries"), default=0, db_default=0)
    due_at = models.DateTimeField(_("due at"))
    leased_until = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(_("last tried at"), null=True)
    finished_at = models.DateTimeField(_("settled at"), null=True)
    answered = models.SmallIntegerField(_("answer"), null=True)  # the status code of the last answer
    answer = models.CharField(_("words of the answer"), max_length=1000, db_default="", blank=True)
    problem = models.CharField(_("problem"), max_length=200, db_default="", blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints = [
            models.UniqueConstraint(name="delivery_once_per_endpoint", fields=["endpoint", "occurrence"]),
            models.CheckConstraint(
                name="delivery_is_settled_at_a_moment",
                condition=Q(status__in=["delivered", "failed"], finished_at__isnull=False)
                | Q(status__in=["queued", "sending"], finished_at=None),
            ),
        ]
        indexes = [
            models.Index(name="delivery_due", fields=["endpoint", "due_at"], condition=Q(status="queued")),
            models.Index(name="delivery_in_flight", fields=["endpoint", "leased_until"], condition=Q(status="sending")),
            models.Index(name="delivery_failed", fields=["endpoint", "finished_at"], condition=Q(status="failed")),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.status}"


class Reading(models.Model):
    """How far a sweep has read a table whose rows it tells of. There is none while no endpoint wants to know."""

    code = models.CharField(max_length=40, unique=True)
    done_id = models.BigIntegerField()  # whatever has a smaller id was told, and nothing late can come below it
    seen_id = models.BigIntegerField()  # read so far; rows below may still be on their way
    seen_before = models.BigIntegerField()  # once all transactions below this number are over, they are not
    since = models.DateTimeField(db_default=Now())  # rows that were there before are nobody's news
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"#{self.pk} {self.code} {self.done_id}"
