"""Nouns: ladders, tiers and what they ask for, where each member stands, what was given, and how they came there."""

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import PointKind, renews_programme
from members.profiles.models import Member
from members.segments.models import Segment


class Basis(models.TextChoices):
    """What can be counted."""

    SPEND = "spend", _("spend")
    GROWTH = "growth", _("growth")
    PURCHASES = "purchases", _("number of purchases")
    MONTHS = "months", _("months with a purchase")
    POINTS = "points", _("points of a kind")
    SEGMENT = "segment", _("being in a segment")  # 1 or 0 at a moment, whatever the window; only beside another


class LadderQuerySet(models.QuerySet["Ladder"]):
    def main_first(self) -> "LadderQuerySet":
        """The shop's main ladder, then the others as they are placed."""
        return self.order_by("position", "pk")


class Ladder(models.Model):
    """An ordered set of tiers, what is counted to climb it, and how long a tier is held."""

    Basis = Basis

    class Window(models.TextChoices):
        ROLLING = "rolling", _("the last months")
        CALENDAR = "calendar", _("this calendar year")
        ANNIVERSARY = "anniversary", _("the member's year")
        LIFETIME = "lifetime", _("ever")

    class Validity(models.TextChoices):
        NONE = "", _("judged every night")
        MONTHS = "months", _("so many months")
        NEXT_YEAR = "next_year", _("to the end of next year")

    class Rounding(models.TextChoices):
        EXACT = "", _("to the day")
        MONTH = "month", _("to the end of the month")
        QUARTER = "quarter", _("to the end of the quarter")
        YEAR = "year", _("to the end of the year")

    class AtEnd(models.TextChoices):
        RECOMPUTE = "recompute", _("the tier that was kept")
        STEP = "step", _("one tier down")
        KEEP = "keep", _("renewed in any case")

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=40)
    name_en = models.CharField(_("name in English"), max_length=40)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    basis = models.CharField(
        _("counts"), max_length=10, choices=[each for each in Basis.choices if each[0] != Basis.SEGMENT]
    )
    kind = models.ForeignKey(
        PointKind, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("point kind")
    )
    window = models.CharField(_("within"), max_length=12, choices=Window)
    months = models.PositiveSmallIntegerField(_("months"), default=12, validators=[MinValueValidator(1)])
    validity = models.CharField(_("held for"), max_length=10, choices=Validity, blank=True, default=Validity.NONE)
    validity_months = models.PositiveSmallIntegerField(
        _("months held"), default=12, validators=[MinValueValidator(1), MaxValueValidator(120)]
    )
    rounding = models.CharField(_("rounded"), max_length=8, choices=Rounding, blank=True, default=Rounding.EXACT)
    grace_days = models.PositiveSmallIntegerField(_("days of grace"), default=0, validators=[MaxValueValidator(366)])
    at_end = models.CharField(_("then"), max_length=10, choices=AtEnd, default=AtEnd.RECOMPUTE)
    warn_days = models.PositiveSmallIntegerField(_("days of warning"), default=30, validators=[MaxValueValidator(366)])

    objects = LadderQuerySet.as_manager()

    class Meta:
        verbose_name = _("ladder")
        verbose_name_plural = _("ladders")
        triggers = [renews_programme("ladder_renews_programme")]
        constraints = [
            models.CheckConstraint(name="ladder_window_has_months", condition=Q(months__gte=1)),
            models.CheckConstraint(name="ladder_validity_has_months", condition=Q(validity_months__gte=1)),
            models.CheckConstraint(name="ladder_counts_something", condition=~Q(basis="segment")),
            models.CheckConstraint(
                name="ladder_of_points_has_kind",
                condition=Q(basis="points", kind__isnull=False) | (~Q(basis="points") & Q(kind=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class TierQuerySet(models.QuerySet["Tier"]):
    def of_main_ladder(self) -> "TierQuerySet":
        """Those that rules and promotions can ask for."""
        return self.filter(ladder__in=Ladder.objects.main_first()[:1])


class Tier(models.Model):
    """A level of a ladder. Thresholds are points, minor units of money, purchases or months, as the ladder counts."""

    class Combines(models.TextChoices):
        ALL = "all", _("all of them")
        ANY = "any", _("any of them")

    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="tiers", verbose_name=_("ladder"))
    code = models.SlugField(_("code"), max_length=20)
    name_zh = models.CharField(_("name in Chinese"), max_length=40)
    name_en = models.CharField(_("name in English"), max_length=40)
    threshold = models.BigIntegerField(_("threshold"), validators=[MinValueValidator(0)])
    retention = models.BigIntegerField(  # what keeps the tier; empty: the threshold itself
        _("to keep it"), null=True, blank=True, validators=[MinValueValidator(0)]
    )
    combines = models.CharField(_("asks for"), max_length=3, choices=Combines, default=Combines.ALL)
    multiplier = models.PositiveIntegerField(  # percent: 150 earns half as much again
        _("multiplier in percent"), default=100, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    colour = models.CharField(
        _("colour"), max_length=7, default="#57534E", validators=[RegexValidator(r"^#[0-9A-Fa-f]{6}$")]
    )
    price = models.BigIntegerField(  # minor units of the shop's currency
        _("price"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    price_points = models.BigIntegerField(
        _("price in points"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    sold_months = models.PositiveSmallIntegerField(
        _("months sold"), default=12, validators=[MinValueValidator(1), MaxValueValidator(120)]
    )

    objects = TierQuerySet.as_manager()

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        triggers = [renews_programme("tier_renews_programme")]
        constraints = [
            models.UniqueConstraint(name="tier_code_once_per_ladder", fields=["ladder", "code"]),
            models.UniqueConstraint(
                name="tier_threshold_once_per_ladder",
                fields=["ladder", "threshold"],
                deferrable=models.Deferrable.DEFERRED,  # publishing a draft may move several at once
            ),
            models.CheckConstraint(name="tier_threshold_counts_up", condition=Q(threshold__gte=0)),
            models.CheckConstraint(
                name="tier_is_kept_for_no_more",
                condition=Q(retention=None) | Q(retention__gte=0, retention__lte=F("threshold")),
            ),
            models.CheckConstraint(name="tier_multiplier_is_sane", condition=Q(multiplier__range=(1, 1000))),
            models.CheckConstraint(
                name="tier_prices_are_prices",
                condition=(Q(price=None) | Q(price__gte=1)) & (Q(price_points=None) | Q(price_points__gte=1)),
            ),
            models.CheckConstraint(name="tier_is_sold_for_months", condition=Q(sold_months__gte=1)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class Need(models.Model):
    """A further thing that a tier asks for, beside the ladder's own measure."""

    tier = models.ForeignKey(Tier, models.CASCADE, related_name="needs", verbose_name=_("tier"))
    basis = models.CharField(_("counts"), max_length=10, choices=Basis)
    kind = models.ForeignKey(
        PointKind, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("point kind")
    )
    segment = models.ForeignKey(
        Segment, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("segment")
    )
    threshold = models.BigIntegerField(_("threshold"), validators=[MinValueValidator(1)], default=1)
    retention = models.BigIntegerField(_("to keep it"), null=True, blank=True, validators=[MinValueValidator(0)])

    class Meta:
        verbose_name = _("further need")
        verbose_name_plural = _("further needs")
        triggers = [renews_programme("need_renews_programme")]
        constraints = [
            models.UniqueConstraint(
                name="need_once_per_tier", fields=["tier", "basis", "kind", "segment"], nulls_distinct=False
            ),
            models.CheckConstraint(name="need_is_one", condition=Q(threshold__gte=1)),
            models.CheckConstraint(
                name="need_is_kept_for_no_more",
                condition=Q(retention=None) | Q(retention__gte=0, retention__lte=F("threshold")),
            ),
            models.CheckConstraint(
                name="need_of_points_has_kind",
                condition=Q(basis="points", kind__isnull=False) | (~Q(basis="points") & Q(kind=None)),
                violation_error_message=_("Points need their kind, and nothing else has one."),
            ),
            models.CheckConstraint(
                name="need_of_segment_names_it",
                condition=Q(basis="segment", segment__isnull=False, threshold=1)
                | (~Q(basis="segment") & Q(segment=None)),
                violation_error_message=_("Being in a segment needs the segment and 1; nothing else names one."),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.basis}"


class Held(models.TextChoices):
    """How a tier came to be held."""

    EARNED = "earned", _("earned")
    MANUAL = "manual", _("given by staff")
    SOLD = "sold", _("sold")
    POINTS = "points", _("bought with points")


class Standing(models.Model):
    """Where a member stands on a ladder. A member without one stands on the lowest tier, if that asks for nothing.

    A tier that was given lies over the one that was earned: `earned_tier`, good until `earned_until`, comes back.
    """

    member = models.ForeignKey(Member, models.PROTECT, related_name="standings", db_index=False)
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="+", db_index=False)
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="standings", db_index=False, null=True)
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True)  # held until then; empty: judged every night
    held_by = models.CharField(max_length=8, choices=Held, db_default=Held.EARNED)
    counts_from = models.DateTimeField(null=True)  # the beginning of the window that earned this term
    is_renewed = models.BooleanField(db_default=False)  # this term was earned by what keeps the tier
    is_protected = models.BooleanField(_("protected"), db_default=False)
    earned_tier = models.ForeignKey(Tier, models.PROTECT, related_name="+", db_index=False, null=True)
    earned_until = models.DateTimeField(null=True)
    warned_until = models.DateTimeField(null=True)  # the end of which the member has been warned

    class Meta:
        constraints = [
            models.UniqueConstraint(name="standing_once_per_ladder", fields=["member", "ladder"], include=["tier"]),
            models.CheckConstraint(
                name="standing_given_has_end", condition=Q(held_by="earned") | Q(until__isnull=False)
            ),
        ]
        indexes = [models.Index(name="standing_by_tier", fields=["tier"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.tier_id}"


class GrantQuerySet(models.QuerySet["Grant"]):
    def running(self, now: datetime) -> "GrantQuerySet":
        """Begun, not over, not taken back."""
        return self.filter(since__lte=now, until__gt=now, ended_at=None)


class Grant(models.Model):
    """A tier given until a day: by staff with a reason, sold for money, or bought with points."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="grants", db_index=False, verbose_name=_("member"))
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="+", db_index=False, verbose_name=_("ladder"))
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="+", db_index=False, verbose_name=_("tier"))
    held_by = models.CharField(_("how"), max_length=8, choices=Held)
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"))
    ended_at = models.DateTimeField(_("taken back at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    actor = models.CharField(_("by"), max_length=60, blank=True)
    price = models.BigIntegerField(_("price"), default=0)  # minor units, or points
    reference = models.CharField(_("payment reference"), max_length=100, blank=True)
    key = models.CharField(max_length=100)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("given tier")
        verbose_name_plural = _("given tiers")
        permissions = [("protect_standing", _("Can protect a member's tier"))]
        constraints = [
            models.UniqueConstraint(name="grant_once_per_key", fields=["member", "ladder", "key"]),
            models.CheckConstraint(name="grant_lasts", condition=Q(until__gt=F("since"))),
            models.CheckConstraint(name="grant_is_given", condition=~Q(held_by="earned")),
            models.CheckConstraint(
                name="grant_by_staff_has_reason", condition=~Q(held_by="manual") | (~Q(reason="") & ~Q(actor=""))
            ),
            models.CheckConstraint(
                name="grant_sold_has_payment", condition=~Q(held_by="sold") | (~Q(reference="") & Q(price__gte=1))
            ),
        ]
        indexes = [
            models.Index(
                name="grant_open",
                fields=["ladder", "member", "until"],
                condition=Q(ended_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.held_by}"


class TierChange(models.Model):
    """One step up or down, or a term that began anew, and why."""

    class Reason(models.TextChoices):
        SALE = "sale", _("a sale")
        NIGHT = "night", _("nightly re-evaluation")
        RENEWED = "renewed", _("kept for another term")
        MANUAL = "manual", _("given by staff")
        SOLD = "sold", _("sold")
        POINTS = "points", _("bought with points")
        RETURN = "return", _("a return")
        PUBLISHED = "published", _("a change of the ladder")
        ENDED = "ended", _("taken back by staff")
        PROTECTED = "protected", _("protected by staff")
        RELEASED = "released", _("protection lifted")
        MERGE = "merge", _("a merge of members")
        UNMERGE = "unmerge", _("a merge undone")

    member = models.ForeignKey(Member, models.PROTECT, related_name="tier_changes", db_index=False)
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="+", db_index=False)
    before = models.ForeignKey(Tier, models.PROTECT, related_name="+", null=True, db_index=False)
    after = models.ForeignKey(Tier, models.PROTECT, related_name="+", null=True, db_index=False)
    total = models.BigIntegerField(_("total"))  # what the window held, as the ladder counts
    reason = models.CharField(_("reason"), max_length=12, choices=Reason)
    until = models.DateTimeField(_("until"), null=True)
    note = models.CharField(_("note"), max_length=200, db_default="")
    actor = models.CharField(_("by"), max_length=60, db_default="")
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
