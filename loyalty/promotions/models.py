"""Nouns: promotions and their versions, what points pay, what a promotion took off a sale and what a return undid."""

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import PointKind, renews_programme
from loyalty.limits.models import Budget
from members.profiles.models import Member
from members.purchases.models import Return, Sale


class PromotionQuerySet(models.QuerySet["Promotion"]):
    def with_given(self) -> "PromotionQuerySet":
        """Each with `times` it was applied and `given` minor units it took off; what returns undid is left out."""
        applied = Applied.objects.filter(version__promotion=OuterRef("pk"), returned__lt=F("off")).order_by()
        totals = applied.values("version__promotion")
        return self.annotate(
            times=Coalesce(Subquery(totals.annotate(n=Count("pk")).values("n")), 0),
            given=Coalesce(
                Subquery(totals.annotate(n=Sum(F("off") - F("returned"))).values("n")),
                0,
                output_field=models.BigIntegerField(),
            ),
        )


class Promotion(models.Model):
    """What lowers the price of a sale. What it says stands in its versions."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=60)
    name_en = models.CharField(_("name in English"), max_length=60)
    words_zh = models.CharField(_("words for members in Chinese"), max_length=200, default="", blank=True)
    words_en = models.CharField(_("words for members in English"), max_length=200, default="", blank=True)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        triggers = [renews_programme("promotion_renews_programme")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class PromotionVersion(models.Model):
    """What a promotion said from a moment on, until its next version. Never edited: a sale has that of its day."""

    class Effect(models.TextChoices):
        AMOUNT_OFF = "amount_off", _("an amount off")
        PERCENT_OFF = "percent_off", _("percent off")
        BUY_GET = "buy_get", _("buy some, get some for less")

    class Rounding(models.TextChoices):
        DOWN = "down", _("down")
        NEAREST = "nearest", _("to the nearest, halves up")
        UP = "up", _("up")

    promotion = models.ForeignKey(Promotion, models.PROTECT, related_name="versions", verbose_name=_("promotion"))
    number = models.PositiveIntegerField(_("version"))
    valid_from = models.DateTimeField(_("valid from"))
    is_on = models.BooleanField(_("is on"), default=True)
    effect = models.CharField(_("gives"), max_length=12, choices=Effect, default=Effect.AMOUNT_OFF)
    amount = models.BigIntegerField(_("amount off"), default=100, validators=[MinValueValidator(1)])  # minor units
    is_per_piece = models.BooleanField(_("off each piece"), default=False)
    percent = models.PositiveSmallIntegerField(
        _("percent off"), default=10, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    most = models.BigIntegerField(  # minor units off a sale
        _("at most so much off a sale"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    rounding = models.CharField(_("rounding"), max_length=8, choices=Rounding, default=Rounding.DOWN)
    buys = models.PositiveIntegerField(_("buy"), default=1, validators=[MinValueValidator(1)])
    gets = models.PositiveIntegerField(_("get"), default=1, validators=[MinValueValidator(1)])
    sets = models.PositiveIntegerField(
        _("at most so often in a sale"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    conditions = models.JSONField(_("conditions"), default=dict, db_default={}, blank=True)
    lines = models.JSONField(_("lines that count"), default=dict, db_default={}, blank=True)
    got_lines = models.JSONField(_("lines to get from"), default=dict, db_default={}, blank=True)  # empty: the same
    limits = models.JSONField(_("limits of a member"), default=dict, db_default={}, blank=True)
    budget = models.ForeignKey(
        Budget, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("budget")
    )
    priority = models.PositiveSmallIntegerField(_("priority (small first)"), default=100)
    group = models.SlugField(_("group of which the best wins"), max_length=40, default="", blank=True)
    stops = models.BooleanField(_("stops those after it"), default=False)
    combines = models.BooleanField(_("combines with others"), default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("promotion's version")
        verbose_name_plural = _("promotions' versions")
        constraints = [
            models.UniqueConstraint(name="promotion_version_once", fields=["promotion", "number"]),
            models.CheckConstraint(
                name="promotion_takes_something_off",
                condition=Q(amount__gte=1, percent__range=(1, 100), buys__gte=1, gets__gte=1),
            ),
            models.CheckConstraint(
                name="promotion_caps_are_caps",
                condition=(Q(most=None) | Q(most__gte=1)) & (Q(sets=None) | Q(sets__gte=1)),
            ),
            models.CheckConstraint(name="promotion_gets_of_a_choice", condition=~Q(effect="buy_get", lines={})),
        ]
        triggers = [
            pgtrigger.Protect(name="promotion_version_is_final", operation=pgtrigger.Update | pgtrigger.Delete),
            renews_programme("promotion_version_renews_programme"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} v{self.number}"


class PromotionDraft(models.Model):
    """What a promotion's next version might say. Never edited: whoever changes a word has another draft."""

    promotion = models.ForeignKey(Promotion, models.PROTECT, related_name="drafts", verbose_name=_("promotion"))
    says = models.JSONField()  # as `change_promotion` takes it; the budget by id
    digest = models.CharField(max_length=64)  # of what it says
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("drawn at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("draft of a promotion")
        verbose_name_plural = _("drafts of promotions")
        constraints = [models.UniqueConstraint(name="promotion_draft_once", fields=["promotion", "digest"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.promotion_id}"


class PayTerms(models.Model):
    """What points pay from a moment on, until the next terms. Never edited: a sale has those of its day."""

    valid_from = models.DateTimeField(_("valid from"))
    is_on = models.BooleanField(_("is on"), default=True)
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="+", verbose_name=_("point kind"))
    points = models.PositiveIntegerField(_("so many points"), default=100, validators=[MinValueValidator(1)])
    worth = models.BigIntegerField(_("pay so much"), default=100, validators=[MinValueValidator(1)])  # minor units
    least = models.PositiveIntegerField(_("at least so many at once"), default=1, validators=[MinValueValidator(1)])
    step = models.PositiveIntegerField(_("in steps of"), default=1, validators=[MinValueValidator(1)])
    most_share = models.PositiveSmallIntegerField(
        _("at most this part of a sale, in percent"),
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("terms of paying with points")
        verbose_name_plural = _("paying with points")
        constraints = [
            models.CheckConstraint(
                name="points_pay_something",
                condition=Q(points__gte=1, worth__gte=1, least__gte=1, step__gte=1, most_share__range=(1, 100)),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="pay_terms_are_final", operation=pgtrigger.Update | pgtrigger.Delete),
            renews_programme("pay_terms_renew_programme"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"


class Applied(models.Model):
    """What one promotion took off one sale, line by line, in minor units."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    sale = models.ForeignKey(Sale, models.PROTECT, related_name="applied", db_index=False)
    version = models.ForeignKey(PromotionVersion, models.PROTECT, related_name="applied")
    off = models.BigIntegerField(_("taken off"))
    lines = models.JSONField()  # {"1": 300}: minor units by the line's place; "0" is a sale without lines
    why = models.JSONField(db_default={})  # full, cut: as in awards
    returned = models.BigIntegerField(_("undone"), db_default=0)  # by returns
    reserved = models.BigIntegerField(db_default=0)  # what its budget holds for it
    happened_at = models.DateTimeField(_("happened at"))  # of the sale
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("applied promotion")
        verbose_name_plural = _("applied promotions")
        constraints = [
            models.UniqueConstraint(name="applied_once_per_sale", fields=["sale", "version", "member"]),
            models.CheckConstraint(
                name="applied_takes_something_off", condition=Q(off__gte=1, returned__gte=0, returned__lte=F("off"))
            ),
            models.CheckConstraint(
                name="applied_holds_what_it_takes_off", condition=Q(reserved__gte=0, reserved__lte=F("off"))
            ),
        ]
        indexes = [models.Index(name="applied_counted", fields=["member", "happened_at"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.off}"


class Undone(models.Model):
    """What one return undid of one applied promotion: so much is back in its limits and its budget."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    goods_return = models.ForeignKey(Return, models.PROTECT, related_name="undone", db_index=False)
    applied = models.ForeignKey(Applied, models.PROTECT, related_name="undone", db_index=False)
    off = models.BigIntegerField(_("undone"))

    class Meta:
        constraints = [
            models.UniqueConstraint(name="undone_once_per_return", fields=["goods_return", "applied", "member"]),
            models.CheckConstraint(name="undone_is_something", condition=Q(off__gte=1)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.off}"
