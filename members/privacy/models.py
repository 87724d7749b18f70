"""Nouns: looks at contacts, erasures from the asking to the end, what was done with data, how long things are kept."""

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from members.profiles.models import Member
from members.stores.models import User


class LookQuerySet(models.QuerySet["Look"]):
    def of_family(self, member: Member) -> "LookQuerySet":
        """At a member, and at those who were merged into them."""
        return self.filter(member__in=Member.objects.family_of(member))

    def newest_first(self) -> "LookQuerySet":
        return self.order_by("-looked_at", "-pk")


class Look(models.Model):
    """That somebody of the staff looked at a member's contacts in full, and why. The member reads it too."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="looks", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("who"))
    why = models.CharField(_("why"), max_length=200)
    looked_at = models.DateTimeField(_("when"))

    objects = LookQuerySet.as_manager()

    class Meta:
        verbose_name = _("look at contacts")
        verbose_name_plural = _("looks at contacts")
        constraints = [models.CheckConstraint(name="look_has_a_reason", condition=~Q(why=""))]
        indexes = [
            models.Index(name="look_by_member", fields=["member", "-looked_at"]),
            models.Index(name="look_by_moment", fields=["looked_at"]),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def of_family(self, member: Member) -> "ErasureQuerySet":
        """Of a member, and of those who were merged into them."""
        return self.filter(member__in=Member.objects.family_of(member))

    def open(self) -> "ErasureQuerySet":
        return self.filter(status__in=[Erasure.Status.PROPOSED, Erasure.Status.WAITING])

    def waiting(self) -> "ErasureQuerySet":
        return self.filter(status=Erasure.Status.WAITING)

    def due(self, now: datetime) -> "ErasureQuerySet":
        return self.waiting().filter(due_at__lte=now)


class Erasure(models.Model):
    """That a member is to be erased: proposed by the night, waiting to be taken back, done or not."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        WAITING = "waiting", _("waiting")
        WITHDRAWN = "withdrawn", _("taken back")
        DISMISSED = "dismissed", _("kept")
        DONE = "done", _("erased")

    member = models.ForeignKey(Member, models.PROTECT, related_name="erasures", verbose_name=_("member"))
    status = models.CharField(_("status"), max_length=9, choices=Status)
    asked_by = models.ForeignKey(  # empty: the member, or the night
        User, models.PROTECT, related_name="+", null=True, verbose_name=_("asked by")
    )
    reason = models.CharField(_("reason"), max_length=200, db_default="", blank=True)
    obstacle = models.CharField(_("what stands in the way"), max_length=40, db_default="", blank=True)  # a code
    asked_at = models.DateTimeField(_("asked at"))
    due_at = models.DateTimeField(_("due at"), null=True)
    ended_at = models.DateTimeField(_("ended at"), null=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        constraints = [
            models.UniqueConstraint(
                name="erasure_waits_once", fields=["member"], condition=Q(status__in=["proposed", "waiting"])
            ),
            models.CheckConstraint(name="erasure_that_waits_is_due", condition=~Q(status="waiting") | ~Q(due_at=None)),
            models.CheckConstraint(
                name="erasure_ends_once",
                condition=Q(status__in=["proposed", "waiting"], ended_at=None)
                | (~Q(status__in=["proposed", "waiting"]) & Q(ended_at__isnull=False)),
            ),
        ]
        indexes = [models.Index(name="erasure_due", fields=["due_at"], condition=Q(status="waiting"))]
        permissions = [("erase_member", _("Can erase members, and restrict what is done with their data"))]

    def __str__(self) -> str:
        return f"#{self.pk} {self.status}"


class PrivacyStep(models.Model):
    """Something done with a member's data as a whole: taken along, restricted, freed again, erased."""

    class What(models.TextChoices):
        DOWNLOADED = "downloaded", _("all data taken along")
        RESTRICTED = "restricted", _("kept and not used")
        LIFTED = "lifted", _("used again")
        ASKED = "asked", _("erasure asked for")
        WITHDRAWN = "withdrawn", _("erasure taken back")
        ERASED = "erased", _("erased")

    member = models.ForeignKey(Member, models.PROTECT, related_name="privacy_steps", db_index=False)
    what = models.CharField(_("what"), max_length=10, choices=What)
    user = models.ForeignKey(
        User, models.PROTECT, related_name="+", null=True, verbose_name=_("who")
    )  # empty: the member
    happened_at = models.DateTimeField(_("happened at"))
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("step of privacy")
        verbose_name_plural = _("steps of privacy")
        indexes = [models.Index(name="privacy_step_by_member", fields=["member", "-happened_at"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.what}"


class PrivacyRule(models.Model):
    """One row: in how many days an erasure can be taken back."""

    waiting_days = models.PositiveSmallIntegerField(
        _("days in which an erasure can be taken back"), db_default=7, validators=[MaxValueValidator(30)]
    )

    class Meta:
        verbose_name = _("rule of privacy")
        verbose_name_plural = _("rules of privacy")
        constraints = [models.CheckConstraint(name="privacy_rule_is_one", condition=Q(pk=1))]

    def __str__(self) -> str:
        return f"#{self.pk}"


class RetentionRule(models.Model):
    """How long something is kept. The night lets go of what is older."""

    code = models.SlugField(_("code"), max_length=30, unique=True, editable=False)
    months = models.PositiveSmallIntegerField(_("months"), validators=[MinValueValidator(1), MaxValueValidator(600)])
    is_on = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("rule of retention")
        verbose_name_plural = _("rules of retention")
        constraints = [models.CheckConstraint(name="retention_has_months", condition=Q(months__gte=1))]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"
