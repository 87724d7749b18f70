"""Nouns: topics, what a member prefers, what the shop allows itself."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from members.consents.models import ASKED
from members.profiles.models import Member


class TopicQuerySet(models.QuerySet["Topic"]):
    def offered(self) -> "TopicQuerySet":
        return self.filter(is_on=True).order_by("position", "code")


class Topic(models.Model):
    """Something that messages can be about, and that members can do without."""

    code = models.SlugField(_("code"), max_length=30, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=40)
    name_en = models.CharField(_("name in English"), max_length=40)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_on = models.BooleanField(_("in use"), default=True)

    objects = TopicQuerySet.as_manager()

    class Meta:
        verbose_name = _("topic of messages")
        verbose_name_plural = _("topics of messages")

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class Preference(models.Model):
    """How a member wants to be written to: how often at most, not before when, about what, and where they live."""

    member = models.OneToOneField(Member, models.PROTECT, related_name="preference")
    most_a_month = models.PositiveSmallIntegerField(_("at most a month"), null=True, blank=True)
    paused_until = models.DateField(_("paused until"), null=True, blank=True)  # that day they are written to again
    unwanted = models.JSONField(default=list)  # codes of topics
    time_zone = models.CharField(_("time zone"), max_length=40, db_default="", blank=True)  # empty: the shop's
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("preferences of a member")
        verbose_name_plural = _("preferences of members")

    def __str__(self) -> str:
        return f"#{self.pk}"


class ContactRule(models.Model):
    """How often and when the shop writes for a purpose. Service knows no such limits."""

    purpose = models.CharField(
        _("purpose"), max_length=10, choices=[(each, each.label) for each in ASKED], unique=True, editable=False
    )
    inbox_unasked = models.BooleanField(
        _("to the inbox of those who were never asked"),
        help_text=_("A message in the member's own pages disturbs nobody; a no counts there as everywhere."),
    )
    most_a_day = models.PositiveSmallIntegerField(_("at most in a day"), null=True, blank=True)
    most_a_week = models.PositiveSmallIntegerField(_("at most in 7 days"), null=True, blank=True)
    most_a_month = models.PositiveSmallIntegerField(_("at most in 30 days"), null=True, blank=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)  # of the member's clock
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)

    class Meta:
        verbose_name = _("contact rule")
        verbose_name_plural = _("contact rules")
        constraints = [
            models.CheckConstraint(
                name="quiet_hours_begin_and_end",
                condition=Q(quiet_from=None, quiet_until=None)
                | (Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=F("quiet_until"))),
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.purpose}"
