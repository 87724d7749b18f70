"""Nouns: a draft tried on a period that is past, and the members for whom it would have made a difference."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loyalty.drafting.models import RuleDraft
from loyalty.promotions.models import PromotionDraft
from loyalty.whatif.models import LadderDraft
from members.profiles.models import Member


class BacktestQuerySet(models.QuerySet["Backtest"]):
    def with_drafts(self) -> "BacktestQuerySet":
        return self.select_related("draft__rule", "promotion_draft__promotion", "ladder_draft__ladder")

    def running(self) -> "BacktestQuerySet":
        return self.filter(status=Backtest.Status.RUNNING)

    def newest_first(self) -> "BacktestQuerySet":
        return self.order_by("-pk")


class Backtest(models.Model):
    """A draft of a rule, promotion or ladder on some days, both included. Chunks count; `result` keeps it."""

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("failed")

    draft = models.ForeignKey(RuleDraft, models.PROTECT, related_name="backtests", null=True, verbose_name=_("draft"))
    promotion_draft = models.ForeignKey(
        PromotionDraft, models.PROTECT, related_name="backtests", null=True, verbose_name=_("draft of a promotion")
    )
    ladder_draft = models.ForeignKey(
        LadderDraft, models.PROTECT, related_name="backtests", null=True, verbose_name=_("draft of a ladder")
    )
    ladders = models.JSONField(null=True)  # of a ladder: as it was to be, and as it stood, when this was asked for
    first_on = models.DateField(_("first day"))
    last_on = models.DateField(_("last day"))
    whom = models.JSONField(default=dict)  # see rules.Whom: tiers, stores, segments, enrolled_from, enrolled_to
    years_back = models.PositiveSmallIntegerField(default=0)  # how far the rule's own dates are moved back
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.RUNNING)
    message = models.CharField(max_length=300, blank=True)
    result = models.JSONField(null=True)  # what the chunks counted, added up; see rules.Result
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    asked_at = models.DateTimeField(_("asked at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)

    objects = BacktestQuerySet.as_manager()

    class Meta:
        verbose_name = _("backtest")
        verbose_name_plural = _("backtests")
        constraints = [
            models.UniqueConstraint(name="backtest_runs_once_a_draft", fields=["draft"], condition=Q(status="running")),
            models.UniqueConstraint(
                name="backtest_runs_once_a_promotion", fields=["promotion_draft"], condition=Q(status="running")
            ),
            models.UniqueConstraint(
                name="backtest_runs_once_a_ladder", fields=["ladder_draft"], condition=Q(status="running")
            ),
            models.CheckConstraint(
                name="backtest_of_one_draft",
                condition=Q(draft=None, promotion_draft__isnull=False, ladder_draft=None)
                | Q(draft__isnull=False, promotion_draft=None, ladder_draft=None)
                | Q(draft=None, promotion_draft=None, ladder_draft__isnull=False),
            ),
            models.CheckConstraint(
                name="backtest_of_ladder_keeps_it",
                condition=Q(ladder_draft=None, ladders=None) | Q(ladder_draft__isnull=False, ladders__isnull=False),
            ),
            models.CheckConstraint(name="backtest_has_days", condition=Q(last_on__gte=F("first_on"))),
            models.CheckConstraint(
                name="backtest_ends_once",
                condition=Q(status="running", ended_at=None) | Q(~Q(status="running"), ended_at__isnull=False),
            ),
            models.CheckConstraint(name="backtest_done_has_result", condition=~Q(status="done") | ~Q(result=None)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.first_on}"

    @property
    def is_of_promotion(self) -> bool:
        """Whether it counts minor units off prices, and not points."""
        return self.promotion_draft_id is not None

    @property
    def is_of_ladder(self) -> bool:
        """Whether it says who would have stood where."""
        return self.ladder_draft_id is not None

    @property
    def slot(self) -> str:
        """Under which its chunks stand."""
        return f"backtest:{self.pk}"


class SwingQuerySet(models.QuerySet["Swing"]):
    def gaining(self) -> "SwingQuerySet":
        """Who would have got more, the most first."""
        return self.filter(would__gt=F("really")).order_by(F("really") - F("would"), "member_id")

    def losing(self) -> "SwingQuerySet":
        """Who would have got less, the most first."""
        return self.filter(would__lt=F("really")).order_by(F("would") - F("really"), "member_id")

    def moving(self) -> "SwingQuerySet":
        """Who would have stood on another tier."""
        return self.exclude(before=F("after")).exclude(before=None)


class Swing(models.Model):
    """A member to whom the draft would have given more, or less, than was really given, returns taken off.

    Points for a rule or a ladder; for a promotion minor units off. For a ladder also who would have stood elsewhere.
    """

    # A sum over everybody, written a million rows at a time: one index, and no look for what was just read.
    pk = models.CompositePrimaryKey("backtest_id", "member_id")
    member = models.ForeignKey(
        Member, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False, verbose_name=_("member")
    )
    backtest = models.ForeignKey(Backtest, models.CASCADE, related_name="swings", db_index=False, db_constraint=False)
    sales = models.IntegerField(_("sales"))  # on which the draft would have given something
    really = models.BigIntegerField(_("really got"))
    would = models.BigIntegerField(_("would have got"))
    before = models.CharField(_("tier really held"), max_length=20, null=True)  # noqa: DJ001  # null: not of a ladder
    after = models.CharField(_("tier of the draft"), max_length=20, null=True)  # noqa: DJ001  # codes; empty: no tier

    objects = SwingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="swing_is_a_difference",
                condition=~Q(really=F("would")) | (Q(before__isnull=False) & ~Q(before=F("after"))),
            ),
            models.CheckConstraint(
                name="swing_knows_both_tiers",
                condition=Q(before=None, after=None) | Q(before__isnull=False, after__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def change(self) -> int:
        """The points more, or fewer."""
        return self.would - self.really
