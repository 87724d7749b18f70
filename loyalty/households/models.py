"""Nouns: what households may do, a household, who sits in it, who was asked, and who drew what from whom."""

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import PointKind
from members.profiles.models import Member


class HouseholdRule(models.Model):
    """One row: whether there are households, and their limits."""

    is_on = models.BooleanField(_("on"), db_default=True)
    most_members = models.PositiveSmallIntegerField(
        _("most members"), db_default=6, validators=[MinValueValidator(2), MaxValueValidator(20)]
    )
    draws_a_month = models.BigIntegerField(
        _("points drawn from others in a month"), db_default=2_000, validators=[MinValueValidator(0)]
    )
    cooldown_days = models.PositiveSmallIntegerField(
        _("days before joining another"), db_default=30, validators=[MaxValueValidator(366)]
    )
    invitation_days = models.PositiveSmallIntegerField(
        _("days to accept"), db_default=14, validators=[MinValueValidator(1), MaxValueValidator(90)]
    )

    class Meta:
        verbose_name = _("rule of households")
        verbose_name_plural = _("rules of households")
        constraints = [
            models.CheckConstraint(name="household_rule_is_one", condition=Q(pk=1)),
            models.CheckConstraint(
                name="household_rule_makes_sense",
                condition=Q(most_members__range=(2, 20), draws_a_month__gte=0, invitation_days__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Household(models.Model):
    """People who spend together. Locked first by whoever changes it or spends from it."""

    head = models.BigIntegerField(_("head"))  # a member's id
    started_at = models.DateTimeField(_("since"))
    ended_at = models.DateTimeField(_("until"), null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("household")
        verbose_name_plural = _("households")

    def __str__(self) -> str:
        return f"#{self.pk}"


class SeatQuerySet(models.QuerySet["Seat"]):
    def current(self) -> "SeatQuerySet":
        """Of those who have not left."""
        return self.filter(left_at=None)

    def of(self, member: Member) -> "SeatQuerySet":
        return self.filter(member=member)

    def in_order(self) -> "SeatQuerySet":
        return self.order_by("joined_at", "pk")


class Seat(models.Model):
    """That a member belongs to a household, and on which terms."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="seats", verbose_name=_("member"))
    household = models.ForeignKey(Household, models.PROTECT, related_name="seats", verbose_name=_("household"))
    gives = models.BooleanField(_("others may draw"), db_default=True)
    draws_a_month = models.BigIntegerField(_("draws in a month"), null=True)  # empty: as the rule says
    joined_at = models.DateTimeField(_("joined at"))
    left_at = models.DateTimeField(_("left at"), null=True)
    reason = models.CharField(_("reason"), max_length=200, db_default="")  # of staff who seated them
    actor = models.CharField(_("by"), max_length=60, db_default="")

    objects = SeatQuerySet.as_manager()

    class Meta:
        verbose_name = _("place in a household")
        verbose_name_plural = _("places in households")
        constraints = [
            models.UniqueConstraint(name="seat_one_a_member", fields=["member"], condition=Q(left_at=None)),
            models.CheckConstraint(
                name="seat_draws_count_up", condition=Q(draws_a_month=None) | Q(draws_a_month__gte=0)
            ),
            models.CheckConstraint(
                name="seat_is_left_after_it_was_taken", condition=Q(left_at=None) | Q(left_at__gte=F("joined_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.household_id}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, now: datetime) -> "InvitationQuerySet":
        """Neither answered nor too old."""
        return self.filter(answered_at=None, expires_at__gt=now)


class Invitation(models.Model):
    """That the head asked somebody to join."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="invitations", verbose_name=_("member"))
    household = models.ForeignKey(Household, models.PROTECT, related_name="invitations")
    invited_at = models.DateTimeField(_("invited at"))
    expires_at = models.DateTimeField(_("good until"))
    answered_at = models.DateTimeField(_("answered at"), null=True)
    is_accepted = models.BooleanField(_("accepted"), null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation to a household")
        verbose_name_plural = _("invitations to households")
        constraints = [
            models.UniqueConstraint(
                name="invitation_open_once", fields=["member", "household"], condition=Q(answered_at=None)
            ),
            models.CheckConstraint(
                name="invitation_is_answered_once",
                condition=Q(answered_at=None, is_accepted=None)
                | Q(answered_at__isnull=False, is_accepted__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class DrawQuerySet(models.QuerySet["Draw"]):
    def by(self, drawer: int) -> "DrawQuerySet":
        """What this member spent, by member id."""
        return self.filter(drawer=drawer)

    def from_others(self) -> "DrawQuerySet":
        return self.exclude(member=F("drawer"))


class Draw(models.Model):
    """The part of one spending that came from one member, or from the spender. The movement has its id in its key."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="draws", verbose_name=_("from"), db_index=False)
    drawer = models.BigIntegerField(_("drawn by"))  # the id of who spent
    household = models.ForeignKey(Household, models.PROTECT, related_name="draws", verbose_name=_("household"))
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="+", verbose_name=_("point kind"))
    points = models.BigIntegerField(_("points"))
    restored = models.BigIntegerField(_("given back"), db_default=0)
    key = models.CharField(max_length=240)
    drawn_at = models.DateTimeField(_("drawn at"))
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = DrawQuerySet.as_manager()

    class Meta:
        verbose_name = _("draw")
        verbose_name_plural = _("draws")
        constraints = [
            models.UniqueConstraint(name="draw_once_per_key", fields=["member", "drawer", "key"]),
            models.CheckConstraint(
                name="draw_gives_back_what_it_took",
                condition=Q(points__gte=1, restored__gte=0, restored__lte=F("points")),
            ),
        ]
        indexes = [models.Index(name="draw_by_drawer", fields=["drawer", "drawn_at"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"
