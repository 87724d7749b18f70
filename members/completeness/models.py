"""Nouns: which parts of a profile count how much, when members are reminded, and how each profile stands."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.completeness.rules import PARTS
from members.profiles.models import Member


class ProfilePart(models.Model):
    """That a part of a profile counts, how much, and after how many months it is to be confirmed."""

    code = models.CharField(_("part"), max_length=50, unique=True)  # of rules.PARTS, or custom. and a field's code
    weight = models.PositiveSmallIntegerField(
        _("weight"), default=10, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    months = models.PositiveSmallIntegerField(  # empty: never
        _("to be confirmed after months"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
    )

    class Meta:
        verbose_name = _("part of a whole profile")
        verbose_name_plural = _("parts of a whole profile")
        constraints = [
            models.CheckConstraint(name="profile_part_weighs", condition=Q(weight__range=(1, 100))),
            models.CheckConstraint(
                name="profile_part_is_known", condition=Q(code__in=sorted(PARTS)) | Q(code__startswith="custom.")
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class FullnessRule(models.Model):
    """One row: whether and how often members are reminded of what is missing or old."""

    is_on = models.BooleanField(_("remind members"), default=False, db_default=False)
    months = models.PositiveSmallIntegerField(
        _("at most every … months"), default=6, db_default=6, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )

    class Meta:
        verbose_name = _("reminders of profiles")
        verbose_name_plural = _("reminders of profiles")
        constraints = [models.CheckConstraint(name="fullness_rule_is_one", condition=Q(pk=1))]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Fullness(models.Model):
    """How a profile stands: how whole, what is old, when the member last said that it is right, and was reminded."""

    member = models.OneToOneField(Member, models.PROTECT, related_name="fullness")
    percent = models.PositiveSmallIntegerField(_("complete, in percent"), default=0)
    stale = ArrayField(models.CharField(max_length=50), verbose_name=_("to be confirmed"), default=list)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True)
    completed_at = models.DateTimeField(_("complete for the first time"), null=True)
    reminded_at = models.DateTimeField(_("reminded at"), null=True)
    computed_at = models.DateTimeField(_("as of"))

    class Meta:
        verbose_name = _("fullness of a profile")
        verbose_name_plural = _("fullness of profiles")
        default_permissions = ()
        constraints = [models.CheckConstraint(name="fullness_is_a_share", condition=Q(percent__lte=100))]
        indexes = [
            models.Index(name="profile_completed", fields=["completed_at"], condition=Q(completed_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.percent}%"
