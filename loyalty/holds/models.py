"""Nouns: a hold of points; a hold of budgets and what it keeps of each."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import PointKind
from loyalty.limits.models import Budget
from members.profiles.models import Member
from members.stores.models import Store, Till

LONGEST_KEY = 240  # a till's own key with the till before it


class HoldQuerySet(models.QuerySet["Hold"]):
    def of(self, member: Member) -> "HoldQuerySet":
        return self.filter(member=member)

    def open(self) -> "HoldQuerySet":
        return self.filter(status=Hold.Status.OPEN)

    def overdue(self, now: datetime) -> "HoldQuerySet":
        return self.open().filter(expires_at__lte=now)


class Hold(models.Model):
    """Points that wait for a basket to be paid. The ledger's movements of it have keys that begin with its `stem`."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        CAPTURED = "captured", _("spent")
        RELEASED = "released", _("set free")
        EXPIRED = "expired", _("time is up")

    member = models.ForeignKey(Member, models.PROTECT, related_name="holds", verbose_name=_("member"), db_index=False)
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="+", verbose_name=_("point kind"))
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", verbose_name=_("store"))
    till = models.ForeignKey(Till, models.PROTECT, related_name="+", verbose_name=_("till"), null=True)
    points = models.BigIntegerField(_("points"))
    captured = models.BigIntegerField(_("of these spent"), db_default=0)
    status = models.CharField(_("status"), max_length=8, choices=Status, db_default=Status.OPEN)
    key = models.CharField(max_length=LONGEST_KEY)
    placed_at = models.DateTimeField(_("placed at"))
    expires_at = models.DateTimeField(_("held until"))
    closed_at = models.DateTimeField(_("over since"), null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = HoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = [
            models.UniqueConstraint(name="hold_once_per_key", fields=["member", "key"]),
            models.CheckConstraint(
                name="hold_spends_what_it_held", condition=Q(points__gt=0, captured__gte=0, captured__lte=F("points"))
            ),
            models.CheckConstraint(name="hold_has_a_time", condition=Q(expires_at__gt=F("placed_at"))),
            models.CheckConstraint(
                name="hold_is_over_once",
                condition=Q(status="open", closed_at=None) | (~Q(status="open") & Q(closed_at__isnull=False)),
            ),
        ]
        indexes = [models.Index(name="hold_open", fields=["expires_at"], condition=Q(status="open"))]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"

    @property
    def stem(self) -> str:
        """What its keys in the ledger begin with."""
        return f"hold:{self.pk}"


class BudgetHoldQuerySet(models.QuerySet["BudgetHold"]):
    def open(self) -> "BudgetHoldQuerySet":
        return self.filter(status=BudgetHold.Status.OPEN)

    def overdue(self, now: datetime) -> "BudgetHoldQuerySet":
        return self.open().filter(expires_at__lte=now)


class BudgetHold(models.Model):
    """What a quoted basket would take of budgets, kept for its sale. While it is open, budgets count it as used."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        USED = "used", _("used by a sale")
        RELEASED = "released", _("set free")
        LAPSED = "lapsed", _("time is up")

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="budget_holds", verbose_name=_("member"), db_index=False
    )
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", verbose_name=_("store"))
    till = models.ForeignKey(Till, models.PROTECT, related_name="+", verbose_name=_("till"), null=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, db_default=Status.OPEN)
    key = models.CharField(max_length=LONGEST_KEY)
    digest = models.CharField(max_length=64)  # of what was quoted, so that a repeat is known
    placed_at = models.DateTimeField(_("placed at"))
    expires_at = models.DateTimeField(_("held until"))
    closed_at = models.DateTimeField(_("over since"), null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = BudgetHoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("hold of budgets")
        verbose_name_plural = _("holds of budgets")
        constraints = [
            models.UniqueConstraint(name="budget_hold_once_per_key", fields=["member", "key"]),
            models.CheckConstraint(name="budget_hold_has_a_time", condition=Q(expires_at__gt=F("placed_at"))),
            models.CheckConstraint(
                name="budget_hold_is_over_once",
                condition=Q(status="open", closed_at=None) | (~Q(status="open") & Q(closed_at__isnull=False)),
            ),
        ]
        indexes = [models.Index(name="budget_hold_open", fields=["expires_at"], condition=Q(status="open"))]

    def __str__(self) -> str:
        return f"#{self.pk} {self.status}"

    @property
    def reference(self) -> str:
        """What tills call it: never to be taken for the number of a hold of points."""
        return f"b{self.pk}"


class HeldPart(models.Model):
    """What a hold keeps of one budget: points, or minor units. It stays written when the hold is over."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    hold = models.ForeignKey(BudgetHold, models.PROTECT, related_name="parts", db_index=False)
    budget = models.ForeignKey(Budget, models.PROTECT, related_name="+")
    amount = models.BigIntegerField(_("held"))

    class Meta:
        constraints = [
            models.UniqueConstraint(name="held_part_once_per_budget", fields=["hold", "budget", "member"]),
            models.CheckConstraint(name="held_part_is_something", condition=Q(amount__gte=1)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.amount}"
