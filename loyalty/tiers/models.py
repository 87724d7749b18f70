"""Nouns: ladders, tiers, where each member stands, and how they came there."""

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import renews_programme
from members.profiles.models import Member


class Ladder(models.Model):
    """An ordered set of tiers and what is counted to climb it."""

    class Basis(models.TextChoices):
        SPEND = "spend", _("spend")
        GROWTH = "growth", _("growth")

    class Window(models.TextChoices):
        ROLLING = "rolling", _("the last months")
        CALENDAR = "calendar", _("this calendar year")
        LIFETIME = "lifetime", _("ever")

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=40)
    name_en = models.CharField(_("name in English"), max_length=40)
    basis = models.CharField(_("counts"), max_length=8, choices=Basis)
    window = models.CharField(_("within"), max_length=8, choices=Window)
    months = models.PositiveSmallIntegerField(_("months"), default=12, validators=[MinValueValidator(1)])

    class Meta:
        verbose_name = _("ladder")
        verbose_name_plural = _("ladders")
        triggers = [renews_programme("ladder_renews_programme")]
        constraints = [models.CheckConstraint(name="ladder_window_has_months", condition=Q(months__gte=1))]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class Tier(models.Model):
    """A level of a ladder. The threshold is points of growth, or minor units of money spent."""

    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="tiers", verbose_name=_("ladder"))
    code = models.SlugField(_("code"), max_length=20)
    name_zh = models.CharField(_("name in Chinese"), max_length=40)
    name_en = models.CharField(_("name in English"), max_length=40)
    threshold = models.BigIntegerField(_("threshold"), validators=[MinValueValidator(0)])
    multiplier = models.PositiveIntegerField(  # percent: 150 earns half as much again
        _("multiplier in percent"), default=100, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    colour = models.CharField(
        _("colour"), max_length=7, default="#57534E", validators=[RegexValidator(r"^#[0-9A-Fa-f]{6}$")]
    )

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        triggers = [renews_programme("tier_renews_programme")]
        constraints = [
            models.UniqueConstraint(name="tier_code_once_per_ladder", fields=["ladder", "code"]),
            models.UniqueConstraint(name="tier_threshold_once_per_ladder", fields=["ladder", "threshold"]),
            models.CheckConstraint(name="tier_threshold_counts_up", condition=Q(threshold__gte=0)),
            models.CheckConstraint(name="tier_multiplier_is_sane", condition=Q(multiplier__range=(1, 1000))),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class Standing(models.Model):
    """Where a member stands on a ladder. A member without one stands on the lowest tier."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="standings", db_index=False)
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="+", db_index=False)
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="standings", db_index=False)
    since = models.DateTimeField(_("since"))

    class Meta:
        constraints = [
            models.UniqueConstraint(name="standing_once_per_ladder", fields=["member", "ladder"], include=["tier"])
        ]
        indexes = [models.Index(name="standing_by_tier", fields=["tier"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.tier_id}"


class TierChange(models.Model):
    """One step up or down, and why."""

    class Reason(models.TextChoices):
        SALE = "sale", _("a sale")
        NIGHT = "night", _("nightly re-evaluation")

    member = models.ForeignKey(Member, models.PROTECT, related_name="tier_changes", db_index=False)
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="+", db_index=False)
    before = models.ForeignKey(Tier, models.PROTECT, related_name="+", null=True, db_index=False)
    after = models.ForeignKey(Tier, models.PROTECT, related_name="+", db_index=False)
    total = models.BigIntegerField(_("total"))  # what the window held: growth, or minor units
    reason = models.CharField(_("reason"), max_length=8, choices=Reason)
    happened_at = models.DateTimeField(_("happened at"))
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("tier change")
        verbose_name_plural = _("tier changes")
        indexes = [
            models.Index(name="tier_change_by_member", fields=["member", "-happened_at"]),
            models.Index(name="tier_change_by_moment", fields=["happened_at"]),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.before_id}>{self.after_id}"
