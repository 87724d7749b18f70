"""Nouns: earning rules and their versions."""

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import PointKind, renews_programme
from loyalty.limits.models import Budget


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

    class Effect(models.TextChoices):
        PER_AMOUNT = "per_amount", _("points for each amount")
        FIXED = "fixed", _("fixed points")
        MULTIPLY = "multiply", _("multiplies what others give")

    class Rounding(models.TextChoices):
        DOWN = "down", _("down")
        NEAREST = "nearest", _("to the nearest, halves up")
        UP = "up", _("up")

    class Basis(models.TextChoices):
        PAID = "paid", _("after discounts")
        FULL = "full", _("before discounts")

    class Stacking(models.TextChoices):
        ADD = "add", _("adds to other multipliers")
        MULTIPLY = "multiply", _("multiplies other multipliers")

    class Waits(models.TextChoices):
        DAYS = "days", _("so many days")
        RETURNS = "returns", _("until returns are over")
        EVENT = "event", _("until an event")

    class UpTo(models.TextChoices):
        MONTH = "month", _("the end of the month")
        QUARTER = "quarter", _("the end of the quarter")
        YEAR = "year", _("the end of the year")

    rule = models.ForeignKey(EarningRule, models.PROTECT, related_name="versions", verbose_name=_("rule"))
    number = models.PositiveIntegerField(_("version"))
    valid_from = models.DateTimeField(_("valid from"))
    is_on = models.BooleanField(_("is on"), default=True)
    trigger = models.SlugField(_("about"), max_length=40, default="sale")  # a sale, or the code of an event
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="+", verbose_name=_("point kind"))
    effect = models.CharField(_("gives"), max_length=10, choices=Effect, default=Effect.PER_AMOUNT)
    points = models.PositiveIntegerField(
        _("points"), default=1, validators=[MinValueValidator(1), MaxValueValidator(1_000_000)]
    )
    per_amount = models.BigIntegerField(  # minor units of money
        _("per amount spent"), default=100, validators=[MinValueValidator(1)]
    )
    percent = models.PositiveIntegerField(  # 200 doubles
        _("multiplier in percent"), default=200, validators=[MinValueValidator(101), MaxValueValidator(1_000)]
    )
    stacking = models.CharField(_("with other multipliers"), max_length=8, choices=Stacking, default=Stacking.ADD)
    rounding = models.CharField(_("rounding"), max_length=8, choices=Rounding, default=Rounding.DOWN)
    basis = models.CharField(_("counts amounts"), max_length=4, choices=Basis, default=Basis.PAID)
    counts_paid_by_points = models.BooleanField(_("counts what is paid with points"), default=False)
    uses_tier_multiplier = models.BooleanField(_("times the tier's multiplier"), default=True)
    conditions = models.JSONField(_("conditions"), default=dict, db_default={}, blank=True)
    lines = models.JSONField(_("lines that count"), default=dict, db_default={}, blank=True)
    limits = models.JSONField(_("limits of a member"), default=dict, db_default={}, blank=True)
    budget = models.ForeignKey(
        Budget, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("budget")
    )
    priority = models.PositiveSmallIntegerField(_("priority (small first)"), default=100)
    group = models.SlugField(_("group of which the best wins"), max_length=40, default="", blank=True)
    stops = models.BooleanField(_("stops those after it"), default=False)
    waits = models.CharField(_("pending"), max_length=8, choices=Waits, default=Waits.DAYS)
    pending_days = models.PositiveSmallIntegerField(_("pending days"), default=0)
    waits_for = models.SlugField(_("event that makes them active"), max_length=40, default="", blank=True)
    expires_after_months = models.PositiveSmallIntegerField(
        _("expires after months"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(240)],
    )
    expires_rounding = models.CharField(_("and lasts until"), max_length=8, choices=UpTo, default="", blank=True)
    expires_on = models.DateField(_("or expires after this day"), null=True, blank=True)
    idle_months = models.PositiveSmallIntegerField(
        _("or after months without activity"),
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
                name="rule_gives_something",
                condition=Q(points__range=(1, 1_000_000), per_amount__gte=1, percent__range=(101, 1_000)),
            ),
            models.CheckConstraint(
                name="rule_expires_in_one_way",
                condition=Q(expires_on=None, idle_months=None)
                | Q(expires_after_months=None, idle_months=None)
                | Q(expires_after_months=None, expires_on=None),
            ),
            models.CheckConstraint(
                name="rule_expiry_is_later",
                condition=(Q(expires_after_months=None) | Q(expires_after_months__gte=1))
                & (Q(idle_months=None) | Q(idle_months__gte=1)),
            ),
            models.CheckConstraint(name="rule_waits_for_an_event", condition=~Q(waits="event", waits_for="")),
        ]
        triggers = [
            pgtrigger.Protect(name="rule_version_is_final", operation=pgtrigger.Update | pgtrigger.Delete),
            renews_programme("version_renews_programme"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} v{self.number}"
