"""Nouns: what the programme allows of a kind of points, and a gift."""

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import PointKind
from members.profiles.models import Member

LONGEST_NOTE = 60


class GiftRule(models.Model):
    """Whether points of a kind may be given away, how many, and by whom."""

    kind = models.OneToOneField(PointKind, models.CASCADE, related_name="gift_rule", verbose_name=_("point kind"))
    is_on = models.BooleanField(_("may be given"), default=False)
    least = models.BigIntegerField(_("least at once"), default=1, validators=[MinValueValidator(1)])
    most = models.BigIntegerField(_("most at once"), default=1_000, validators=[MinValueValidator(1)])
    most_a_day = models.BigIntegerField(_("most in a day"), default=2_000, validators=[MinValueValidator(1)])
    most_a_month = models.BigIntegerField(_("most in a month"), default=5_000, validators=[MinValueValidator(1)])
    enrolled_days = models.PositiveSmallIntegerField(
        _("days since enrolment"), default=30, validators=[MaxValueValidator(3_650)]
    )

    class Meta:
        verbose_name = _("rule of gifts")
        verbose_name_plural = _("rules of gifts")
        constraints = [
            models.CheckConstraint(
                name="gift_rule_counts_up",
                condition=Q(least__gte=1, most__gte=F("least"), most_a_day__gte=F("least"))
                & Q(most_a_month__gte=F("most_a_day")),
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind_id}"


class GiftQuerySet(models.QuerySet["Gift"]):
    def by(self, member: Member) -> "GiftQuerySet":
        """What this member gave."""
        return self.filter(member=member)

    def since(self, moment: datetime) -> "GiftQuerySet":
        return self.filter(given_at__gte=moment)

    def newest_first(self) -> "GiftQuerySet":
        return self.order_by("-given_at", "-pk")


class Gift(models.Model):
    """Points that one member gave to another. The movements carry its id in their key."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="gifts", verbose_name=_("giver"), db_index=False)
    receiver = models.BigIntegerField(_("receiver"))  # the other's id; no constraint: the row is another's
    receiver_number = models.CharField(_("receiver"), max_length=20)
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="+", verbose_name=_("point kind"))
    points = models.BigIntegerField(_("points"))
    note = models.CharField(_("note"), max_length=LONGEST_NOTE, blank=True, db_default="")
    key = models.CharField(max_length=240)
    given_at = models.DateTimeField(_("given at"))
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = GiftQuerySet.as_manager()

    class Meta:
        verbose_name = _("gift of points")
        verbose_name_plural = _("gifts of points")
        constraints = [
            models.UniqueConstraint(name="gift_once_per_key", fields=["member", "key"]),
            models.CheckConstraint(name="gift_gives_something", condition=Q(points__gte=1)),
            models.CheckConstraint(name="gift_goes_to_another", condition=~Q(member=F("receiver"))),
        ]
        indexes = [models.Index(name="gift_counted", fields=["member", "kind", "given_at"], include=["points"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"
