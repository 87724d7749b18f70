"""Nouns: drafts of a ladder, what-ifs over all members, and who would move."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.benefits.models import Benefit
from loyalty.benefits.rules import LONGEST_LIFE, LONGEST_WAIT
from loyalty.ledger.rules import MOST_POINTS
from loyalty.tiers.models import Ladder, Tier
from members.profiles.models import Member


class LadderDraft(models.Model):
    """A ladder as somebody wants it to be, drawn from the ladder as it was: stale once that moves on."""

    class Status(models.TextChoices):
        OPEN = "open", _("draft")
        PUBLISHING = "publishing", _("being published")
        PUBLISHED = "published", _("published")
        STALE = "stale", _("overtaken")

    class Mode(models.TextChoices):
        RECOMPUTE = "recompute", _("judge everybody now")
        UPWARDS = "upwards", _("only upwards")
        KEEP = "keep", _("keep until validity ends")

    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="drafts", verbose_name=_("ladder"))
    name = models.CharField(_("what changes"), max_length=100)
    drawn_from = models.CharField(max_length=64, editable=False)  # the digest of the ladder as it was
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN, editable=False)
    mode = models.CharField(_("published so"), max_length=10, choices=Mode, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False, verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("drawn at"), db_default=Now(), editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    published_at = models.DateTimeField(_("published at"), null=True, editable=False)

    class Meta:
        verbose_name = _("draft of a ladder")
        verbose_name_plural = _("drafts of ladders")
        permissions = [("publish_ladderdraft", _("Can publish a draft of a ladder"))]
        constraints = [
            models.CheckConstraint(
                name="draft_published_says_how", condition=~Q(status__in=["publishing", "published"]) | ~Q(mode="")
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"


class DraftTier(models.Model):
    """A tier as it is to be; without `tier` a new one. What it asks for besides stays as it is."""

    draft = models.ForeignKey(LadderDraft, models.CASCADE, related_name="tiers")
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="+", null=True, blank=True, editable=False)
    place = models.PositiveSmallIntegerField(_("position"), default=0)
    code = models.SlugField(_("code"), max_length=20)
    name_zh = models.CharField(_("name in Chinese"), max_length=40)
    name_en = models.CharField(_("name in English"), max_length=40)
    threshold = models.BigIntegerField(_("threshold"), validators=[MinValueValidator(0)])
    retention = models.BigIntegerField(_("to keep it"), null=True, blank=True, validators=[MinValueValidator(0)])
    multiplier = models.PositiveIntegerField(_("multiplier in percent"), default=100)
    colour = models.CharField(
        _("colour"), max_length=7, default="#57534E", validators=[RegexValidator(r"^#[0-9A-Fa-f]{6}$")]
    )

    class Meta:
        verbose_name = _("tier of a draft")
        verbose_name_plural = _("tiers of a draft")
        constraints = [models.UniqueConstraint(name="draft_tier_code_once", fields=["draft", "code"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class DraftBenefit(models.Model):
    """A benefit as it is to be, on the tier with this code."""

    draft = models.ForeignKey(LadderDraft, models.CASCADE, related_name="benefits")
    tier_code = models.SlugField(_("code of the tier"), max_length=20)
    kind = models.CharField(_("kind"), max_length=10, choices=Benefit.Kind)
    value = models.BigIntegerField(_("value"), null=True, blank=True, validators=[MinValueValidator(0)])
    words_zh = models.CharField(_("words in Chinese"), max_length=100, blank=True)
    words_en = models.CharField(_("words in English"), max_length=100, blank=True)
    points = models.BigIntegerField(
        _("points with it"), null=True, blank=True, help_text=_("Given by themselves when the gift is due."),
        validators=[MinValueValidator(1), MaxValueValidator(MOST_POINTS)],
    )  # fmt: skip
    points_days = models.PositiveSmallIntegerField(
        _("days the points last"),
        null=True,
        blank=True,
        help_text=_("Empty: they never lapse."),
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_LIFE)],
    )
    wait_days = models.PositiveSmallIntegerField(
        _("days it waits for the member"), null=True, blank=True,
        help_text=_("Empty: there is nothing to hand over."),
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_WAIT)],
    )  # fmt: skip

    class Meta:
        verbose_name = _("benefit of a draft")
        verbose_name_plural = _("benefits of a draft")
        constraints = [
            models.UniqueConstraint(name="draft_benefit_once_per_tier", fields=["draft", "tier_code", "kind"])
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"


class WhatIf(models.Model):
    """What a draft would do to everybody at a moment. Its chunks keep the counts, its moves say who."""

    draft = models.ForeignKey(LadderDraft, models.CASCADE, related_name="what_ifs")
    digest = models.CharField(max_length=64)  # of the draft and the ladder as they were
    steps = models.JSONField()  # both ladders in words, for the matrix: of the tiers before, and after
    as_of = models.DateTimeField(_("as of"))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return f"#{self.pk} {self.as_of}"

    @property
    def slot(self) -> str:
        """Under which its chunks stand."""
        return f"whatif:{self.pk}"


class Move(models.Model):
    """A member who would move, from where to where, and the points more (or less) of the last twelve months."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    what_if = models.ForeignKey(WhatIf, models.CASCADE, related_name="moves", db_index=False)
    before = models.CharField(max_length=20)  # codes; empty for no tier
    after = models.CharField(max_length=20)
    total = models.BigIntegerField()
    points = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(name="move_once_per_what_if", fields=["what_if", "member"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.before}>{self.after}"

    @property
    def change(self) -> int:
        """The points more, or fewer."""
        return self.points
