"""Nouns: reasons, limits by role, and corrections from the asking to the decision."""

from datetime import datetime

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.corrections.rules import Limits
from loyalty.ledger.models import Movement, PointKind
from members.profiles.models import Member
from members.stores.models import User


class CorrectionReason(models.Model):
    """Why points are corrected by hand. Members read its name in their statement."""

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=60)
    name_en = models.CharField(_("name in English"), max_length=60)
    is_on = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("reason for corrections")
        verbose_name_plural = _("reasons for corrections")

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class CorrectionLimit(models.Model):
    """How many points somebody in this role gives or takes without a second person."""

    role = models.OneToOneField(Group, models.CASCADE, related_name="correction_limit", verbose_name=_("role"))
    gives_once = models.BigIntegerField(_("gives at once"))
    takes_once = models.BigIntegerField(_("takes at once"))
    gives_a_day = models.BigIntegerField(_("gives in a day"))
    takes_a_day = models.BigIntegerField(_("takes in a day"))

    class Meta:
        verbose_name = _("limit of corrections")
        verbose_name_plural = _("limits of corrections")
        constraints = [
            models.CheckConstraint(
                name="correction_limit_is_a_limit",
                condition=Q(gives_once__gte=0, takes_once__gte=0, gives_a_day__gte=0, takes_a_day__gte=0),
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.role_id}"

    @property
    def limits(self) -> Limits:
        """As the rules want them."""
        return Limits(self.gives_once, self.takes_once, self.gives_a_day, self.takes_a_day)


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def waiting(self) -> "CorrectionQuerySet":
        return self.filter(status=Correction.Status.WAITING)

    def waiting_for(self, user: User) -> "CorrectionQuerySet":
        """What this person may decide: asked by somebody else, for a member whom they see."""
        if not user.has_perm("loyalty.approve_correction"):
            return self.none()
        return self.waiting().exclude(asked_by=user).filter(member__in=Member.objects.visible_to(user))

    def alone_since(self, start: datetime, user: User) -> "CorrectionQuerySet":
        """What this person did from a moment on without a second one."""
        return self.filter(asked_by=user, asked_at__gte=start, needs_second=False)


class Correction(models.Model):
    """Points to give or take by hand, or debt to forgive: asked for, and then done, refused, withdrawn or forgotten."""

    class Purpose(models.TextChoices):
        ADJUST = "adjust", _("give or take points")
        WRITE_OFF = "write_off", _("forgive debt")

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        APPROVED = "approved", _("done")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")
        EXPIRED = "expired", _("nobody decided")

    member = models.ForeignKey(Member, models.PROTECT, related_name="corrections", verbose_name=_("member"))
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="+", verbose_name=_("point kind"))
    purpose = models.CharField(_("what"), max_length=9, choices=Purpose)
    points = models.BigIntegerField(_("points"))  # below zero to take
    reason = models.ForeignKey(CorrectionReason, models.PROTECT, related_name="+", verbose_name=_("reason"))
    note = models.CharField(_("note"), max_length=200, blank=True, db_default="")  # for staff only
    needs_second = models.BooleanField(_("needs a second person"))
    status = models.CharField(_("status"), max_length=9, choices=Status)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("asked by"), db_index=False)
    asked_at = models.DateTimeField(_("asked at"))
    expires_at = models.DateTimeField(_("waits until"))
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("decided by"), null=True)
    decided_at = models.DateTimeField(_("decided at"), null=True)
    movement = models.ForeignKey(Movement, models.PROTECT, related_name="+", null=True)
    key = models.CharField(max_length=100)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        permissions = [("approve_correction", _("Can decide on corrections that need a second person"))]
        constraints = [
            models.UniqueConstraint(name="correction_once_per_key", fields=["member", "key"]),
            models.CheckConstraint(name="correction_is_never_zero", condition=~Q(points=0)),
            models.CheckConstraint(
                name="forgiving_takes_two", condition=Q(purpose="adjust") | Q(points__gt=0, needs_second=True)
            ),
            models.CheckConstraint(
                name="correction_is_done_with_a_movement",
                condition=Q(status="approved", movement__isnull=False) | (~Q(status="approved") & Q(movement=None)),
            ),
            models.CheckConstraint(
                name="correction_is_decided_by_another",
                condition=~Q(status__in=["approved", "refused"])
                | Q(needs_second=False)
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("asked_by"))),
            ),
        ]
        indexes = [
            models.Index(name="correction_waiting", fields=["expires_at"], condition=Q(status="waiting")),
            models.Index(name="correction_by_asker", fields=["asked_by", "asked_at"]),
            models.Index(name="correction_by_moment", fields=["asked_at"]),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"
