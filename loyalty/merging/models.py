"""Noun: a merge."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from members.profiles.models import Member
from members.stores.models import User


class MergeQuerySet(models.QuerySet["Merge"]):
    def standing(self) -> "MergeQuerySet":
        """Those that were not undone."""
        return self.filter(undone_at=None)

    def of(self, member: Member) -> "MergeQuerySet":
        """Those by which others came to this member."""
        return self.filter(member=member)

    def newest_first(self) -> "MergeQuerySet":
        return self.order_by("-merged_at", "-pk")


class Merge(models.Model):
    """That one member was merged into another: what was decided, what went over, and whether it was undone."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="merges", verbose_name=_("stays"))
    duplicate = models.BigIntegerField(_("merged"))  # the other member's id; no constraint: the row is another's
    duplicate_number = models.CharField(_("merged"), max_length=20)
    reason = models.CharField(_("reason"), max_length=200)
    key = models.CharField(max_length=100)
    profile = models.JSONField(default=dict)  # what the profiles need to be parted again
    moved = models.JSONField(default=dict)  # ids of the rows that went over, by table
    standings = models.JSONField(default=dict)  # by ladder: the survivor's before and after
    outcome = models.JSONField(default=dict)  # balances, tiers and counts, as the page shows them
    merged_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    merged_at = models.DateTimeField(_("merged at"))
    undo_until = models.DateTimeField(_("can be undone until"))
    undone_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, verbose_name=_("undone by"))
    undone_at = models.DateTimeField(_("undone at"), null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = MergeQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        constraints = [
            models.UniqueConstraint(name="merge_once_per_key", fields=["member", "key"]),
            models.UniqueConstraint(
                name="merge_stands_once", fields=["member", "duplicate"], condition=Q(undone_at=None)
            ),
            models.CheckConstraint(name="merge_takes_two", condition=~Q(member=F("duplicate"))),
            models.CheckConstraint(name="merge_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="merge_is_undone_by_somebody",
                condition=Q(undone_at=None, undone_by=None) | Q(undone_at__isnull=False, undone_by__isnull=False),
            ),
        ]
        indexes = [models.Index(name="merge_of_duplicate", fields=["duplicate"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.duplicate}>{self.member_id}"

    @property
    def stem(self) -> str:
        """What the keys of its movements begin with."""
        return f"merge:{self.pk}"

    def is_open(self, now: datetime) -> bool:
        """Whether it can still be undone."""
        return self.undone_at is None and now < self.undo_until
