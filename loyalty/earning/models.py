"""Nouns: members' events, what rules awarded for sales and events, and which rules gave nothing and why."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.rulebook.models import RuleVersion
from members.profiles.models import Member
from members.purchases.models import Sale
from members.stores.models import Store


class Event(models.Model):
    """Something a member did that is no sale: enrolled, wrote a review, brought a friend."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="events", db_index=False)
    code = models.SlugField(_("event"), max_length=40)
    key = models.CharField(max_length=100)  # what caused it; the same event is reported once
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("store"))
    facts = models.JSONField(_("facts"), default=dict, db_default={}, blank=True)
    happened_at = models.DateTimeField(_("happened at"))
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [models.UniqueConstraint(name="event_once_per_key", fields=["member", "code", "key"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class Award(models.Model):
    """One rule's result on one sale or event, with what it was made of."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="awards", db_index=False)
    sale = models.ForeignKey(Sale, models.PROTECT, related_name="awards", null=True, db_index=False)
    event = models.ForeignKey(Event, models.PROTECT, related_name="awards", null=True, db_index=False)
    version = models.ForeignKey(RuleVersion, models.PROTECT, related_name="awards", db_index=False)
    points = models.BigIntegerField(_("points"))  # 0 when the rule fired and gave nothing, as on a small amount
    multiplier = models.PositiveIntegerField(_("multiplier in percent"))
    why = models.JSONField(db_default={})  # see rulebook.rules: of, lines, by_points, base, full, cut
    reserved = models.BigIntegerField(db_default=0)  # what its budget holds for it: points, or minor units
    returned = models.BigIntegerField(_("taken back"), db_default=0)  # points that returns took back
    is_limited = models.BooleanField(db_default=False)  # limits count it
    happened_at = models.DateTimeField(db_default=Now())  # of the sale or event
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("award")
        verbose_name_plural = _("awards")
        constraints = [
            models.UniqueConstraint(name="award_once_per_sale", fields=["sale", "version", "member"]),
            models.UniqueConstraint(
                name="award_once_per_event",
                fields=["event", "version", "member"],
                condition=Q(event__isnull=False),
            ),
            models.CheckConstraint(
                name="award_is_not_negative", condition=Q(points__gte=0, returned__gte=0, reserved__gte=0)
            ),
            models.CheckConstraint(name="award_returns_what_it_gave", condition=Q(returned__lte=models.F("points"))),
            models.CheckConstraint(
                name="award_has_one_cause",
                condition=Q(sale=None, event__isnull=False) | Q(sale__isnull=False, event=None),
            ),
        ]
        indexes = [
            models.Index(name="award_counted", fields=["member", "happened_at"], condition=Q(is_limited=True)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"


class Judgement(models.Model):
    """Which rules gave nothing on a sale or an event, by reason. Without a row every rule that was in force fired."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    sale = models.ForeignKey(Sale, models.PROTECT, related_name="judgements", null=True, db_index=False)
    event = models.ForeignKey(Event, models.PROTECT, related_name="judgements", null=True, db_index=False)
    unfired = models.JSONField()  # {"store": [12, 15], "stopped": [7]}: ids of versions by the test or limit

    class Meta:
        constraints = [
            models.UniqueConstraint(name="judgement_once_per_sale", fields=["sale", "member"]),
            models.UniqueConstraint(
                name="judgement_once_per_event", fields=["event", "member"], condition=Q(event__isnull=False)
            ),
            models.CheckConstraint(
                name="judgement_has_one_cause",
                condition=Q(sale=None, event__isnull=False) | Q(sale__isnull=False, event=None),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
