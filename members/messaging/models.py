"""Nouns: templates in two languages, and the outbox that is also the record of every decision."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from members.consents.models import Channel, Purpose
from members.profiles.models import Member


class Template(models.Model):
    """Words of one kind of message in one language. An edit is a new version; old messages keep theirs."""

    code = models.SlugField(_("code"), max_length=40)
    language = models.CharField(
        _("language"), max_length=10, choices=[("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
    )
    version = models.PositiveIntegerField(_("version"), default=1)
    subject = models.CharField(_("subject"), max_length=200)  # Liquid, as the body
    body = models.TextField(_("body"))
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        constraints = [models.UniqueConstraint(name="template_version_once", fields=["code", "language", "version"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code} {self.language} v{self.version}"


FORGOTTEN = "forgotten"  # the reason of a message whose words we let go of


class MessageQuerySet(models.QuerySet["Message"]):
    def of(self, member: Member) -> "MessageQuerySet":
        return self.filter(member=member)

    def in_inbox(self) -> "MessageQuerySet":
        return self.filter(channel=Message.Channel.INBOX)

    def shown(self) -> "MessageQuerySet":
        """Those that can be read: not held back, and their words are still there."""
        return self.exclude(status=Message.Status.SUPPRESSED).exclude(reason=FORGOTTEN)

    def unread(self) -> "MessageQuerySet":
        return self.filter(read_at=None)

    def due(self, now: datetime) -> "MessageQuerySet":
        return self.filter(status=Message.Status.QUEUED, due_at__lte=now)

    def in_flight(self, now: datetime) -> "MessageQuerySet":
        """Held by workers that are alive, as far as we know."""
        return self.filter(status=Message.Status.SENDING, leased_until__gte=now)

    def held(self, *, until: datetime | None) -> "MessageQuerySet":
        """Held by the worker whose lease runs out at exactly this moment."""
        return self.filter(status=Message.Status.SENDING, leased_until=until)

    def newest_first(self) -> "MessageQuerySet":
        return self.order_by("-due_at", "-pk")


class Message(models.Model):
    """One thing to tell one member by one channel, and what became of it."""

    Channel, Purpose = Channel, Purpose

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")
        SUPPRESSED = "suppressed", _("suppressed")
        UNKNOWN = "unknown", _("unknown")  # its worker died while sending: a person decides

    member = models.ForeignKey(  # empty only for the code by which a newcomer proves an address
        Member, models.CASCADE, related_name="messages", db_index=False, null=True, blank=True
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    topic = models.CharField(_("topic"), max_length=30, db_default="", blank=True)  # a Topic's code
    template = models.CharField(_("template"), max_length=40)  # a Template's code
    template_version = models.PositiveIntegerField(null=True)  # which words were sent
    key = models.CharField(max_length=120)  # what caused it, for example "sale:1042"
    context = models.JSONField(default=dict)  # plain values that the words need
    address = models.CharField(_("address"), max_length=254, db_default="", blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status)
    reason = models.CharField(_("reason"), max_length=200, db_default="", blank=True)
    due_at = models.DateTimeField(_("due at"))
    leased_until = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(db_default=0)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    read_at = models.DateTimeField(_("read at"), null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(name="message_once_per_cause", fields=["member", "channel", "key"]),
            models.CheckConstraint(
                name="message_has_a_member_or_is_a_code",
                condition=Q(member__isnull=False) | Q(template="sign_in_code"),
            ),
            models.CheckConstraint(name="message_is_for_somebody", condition=~Q(purpose="profiling")),
        ]
        indexes = [
            models.Index(name="message_by_member", fields=["member", "channel", "-due_at"]),
            models.Index(name="message_due", fields=["due_at"], condition=Q(status="queued")),
            models.Index(name="message_in_flight", fields=["leased_until"], condition=Q(status="sending")),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.template} {self.status}"
