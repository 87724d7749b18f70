"""Noun: a treat."""

from datetime import date, datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.tiers.models import Ladder, Tier
from loyalty.treats.rules import TAKEN_BACK_WITHIN, State, state_of
from members.kit.names import named
from members.profiles.models import Member
from members.stores.models import Store, Till, User


class TreatQuerySet(models.QuerySet["Treat"]):
    def of(self, member: Member) -> "TreatQuerySet":
        return self.filter(member=member)

    def waiting(self, today: date) -> "TreatQuerySet":
        """Things that nobody has handed over, and whose last day is not over."""
        return self.filter(handed_at=None, last_on__gte=today)

    def handed(self) -> "TreatQuerySet":
        return self.filter(handed_at__isnull=False)

    def lapsed(self, today: date) -> "TreatQuerySet":
        """Things that nobody came for."""
        return self.filter(handed_at=None, last_on__lt=today)

    def only_points(self) -> "TreatQuerySet":
        """Nothing to hand over: the points came by themselves."""
        return self.filter(last_on=None)

    def received(self) -> "TreatQuerySet":
        """What the member has: things that were handed over, and points."""
        return self.filter(Q(handed_at__isnull=False) | Q(last_on=None))

    def soonest_first(self) -> "TreatQuerySet":
        return self.order_by("last_on", "pk")

    def newest_first(self) -> "TreatQuerySet":
        return self.order_by("-due_at", "-pk")


class Treat(models.Model):
    """What one member is given by a tier for one occasion, in the words and points of its moment.

    Once for each occasion on a ladder: a month ("2026-03"), a year of birthdays ("2026"), a tier and the day on which
    it was joined ("gold:2026-03-09").
    Points were given when it was made. With a last day something waits until then, and is handed over once.
    """

    class Kind(models.TextChoices):
        BIRTHDAY = "birthday", _("birthday gift")
        JOINING = "joining", _("gift set on joining")
        MONTHLY = "monthly", _("gift set each month")

    member = models.ForeignKey(Member, models.PROTECT, related_name="treats", verbose_name=_("member"), db_index=False)
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="+", db_index=False)
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="+", verbose_name=_("tier"), db_index=False)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    occasion = models.CharField(_("occasion"), max_length=40)
    words_zh = models.CharField(_("words in Chinese"), max_length=100, db_default="")
    words_en = models.CharField(_("words in English"), max_length=100, db_default="")
    points = models.BigIntegerField(_("points"), null=True)
    points_days = models.PositiveSmallIntegerField(null=True)  # how long the points last
    due_at = models.DateTimeField(_("due since"))
    last_on = models.DateField(_("waits until"), null=True)
    handed_at = models.DateTimeField(_("handed over at"), null=True)
    handed_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, verbose_name=_("handed over by"))
    handed_till = models.ForeignKey(Till, models.PROTECT, related_name="+", null=True, verbose_name=_("till"))
    handed_store = models.ForeignKey(
        Store, models.PROTECT, related_name="+", null=True, verbose_name=_("handed over in")
    )
    taken_back_at = models.DateTimeField(null=True)  # when a handing over was last undone
    taken_back_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TreatQuerySet.as_manager()

    class Meta:
        verbose_name = _("treat")
        verbose_name_plural = _("treats")
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(name="treat_once_per_occasion", fields=["member", "ladder", "kind", "occasion"]),
            models.CheckConstraint(name="treat_has_points_or_none", condition=Q(points=None) | Q(points__gte=1)),
            models.CheckConstraint(
                name="treat_is_something", condition=Q(points__isnull=False) | Q(last_on__isnull=False)
            ),
            models.CheckConstraint(
                name="treat_is_handed_over_by_somebody",
                condition=Q(handed_at=None, handed_by=None, handed_till=None, handed_store=None)
                | Q(handed_at__isnull=False, last_on__isnull=False, handed_by__isnull=False, handed_till=None)
                | Q(
                    handed_at__isnull=False,
                    last_on__isnull=False,
                    handed_by=None,
                    handed_till__isnull=False,
                    handed_store__isnull=False,
                ),
            ),
        ]
        indexes = [
            models.Index(name="treat_newest", fields=["-due_at", "-id"]),
            models.Index(name="treat_waiting", fields=["last_on"], condition=Q(handed_at=None)),
            models.Index(name="treat_by_tier", fields=["tier", "kind"]),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind} {self.occasion}"

    @property
    def name_zh(self) -> str:
        return self.words_zh

    @property
    def name_en(self) -> str:
        return self.words_en

    @property
    def title(self) -> str:
        """What it is in the reader's language: the shop's words, or else its kind."""
        return named(self) or str(self.get_kind_display())

    def state(self, today: date) -> State:
        """Waiting, handed over, lapsed, or only points."""
        return state_of(handed_at=self.handed_at, last_on=self.last_on, today=today)

    def may_be_taken_back(self, now: datetime) -> bool:
        """Whether the handing over was just now."""
        return self.handed_at is not None and now < self.handed_at + TAKEN_BACK_WITHIN
