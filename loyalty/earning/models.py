"""Nouns: earning rules, their versions, the awards they gave."""

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import PointKind, renews_programme
from members.profiles.models import Member
from members.purchases.models import Sale


class EarningRule(models.Model):
    """What earns points. What it says stands in its versions."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=60)
    name_en = models.CharField(_("name in English"), max_length=60)

    class Meta:
        verbose_name = _("earning rule")
        verbose_name_plural = _("earning rules")
        triggers = [renews_programme("rule_renews_programme")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class RuleVersion(models.Model):
    """What a rule said from a moment on, until its next version. Never edited: a sale is judged by that of its day."""

    class Rounding(models.TextChoices):
        DOWN = "down", _("down")
        NEAREST = "nearest", _("to the nearest, halves up")
        UP = "up", _("up")

    rule = models.ForeignKey(EarningRule, models.PROTECT, related_name="versions", verbose_name=_("rule"))
    number = models.PositiveIntegerField(_("version"))
    valid_from = models.DateTimeField(_("valid from"))
    is_on = models.BooleanField(_("is on"), default=True)
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="+", verbose_name=_("point kind"))
    points = models.PositiveIntegerField(_("points"), validators=[MinValueValidator(1), MaxValueValidator(10_000)])
    per_amount = models.BigIntegerField(  # minor units of money
        _("per amount spent"), validators=[MinValueValidator(1)]
    )
    rounding = models.CharField(_("rounding"), max_length=8, choices=Rounding, default=Rounding.DOWN)
    uses_tier_multiplier = models.BooleanField(_("times the tier's multiplier"), default=True)
    pending_days = models.PositiveSmallIntegerField(_("pending days"), default=0)
    expires_after_months = models.PositiveSmallIntegerField(
        _("expires after months"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(240)],
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("rule version")
        verbose_name_plural = _("rule versions")
        constraints = [
            models.UniqueConstraint(name="rule_version_once", fields=["rule", "number"]),
            models.CheckConstraint(
                name="rule_gives_something", condition=Q(points__range=(1, 10_000), per_amount__gte=1)
            ),
            models.CheckConstraint(
                name="rule_expiry_is_later",
                condition=Q(expires_after_months=None) | Q(expires_after_months__gte=1),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="rule_version_is_final", operation=pgtrigger.Update | pgtrigger.Delete),
            renews_programme("version_renews_programme"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} v{self.number}"


class Award(models.Model):
    """One rule's result on one sale, with what it was computed from."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="awards", db_index=False)
    sale = models.ForeignKey(Sale, models.PROTECT, related_name="awards", db_index=False)
    version = models.ForeignKey(RuleVersion, models.PROTECT, related_name="awards", db_index=False)
    points = models.BigIntegerField(_("points"))  # 0 when the rule fired and gave nothing, as on a small amount
    multiplier = models.PositiveIntegerField(_("multiplier in percent"))
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("award")
        verbose_name_plural = _("awards")
        constraints = [
            models.UniqueConstraint(name="award_once_per_sale", fields=["sale", "version", "member"]),
            models.CheckConstraint(name="award_is_not_negative", condition=Q(points__gte=0)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"
