"""Nouns: segments and what they said, who is in them, their sizes, frozen audiences, lists of members."""

from collections.abc import Iterable
from datetime import datetime

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from members.profiles.models import Member
from members.segments.rules import SHAPE, everybody


class SegmentQuerySet(models.QuerySet["Segment"]):
    def live(self) -> "SegmentQuerySet":
        """Those that are refreshed every night."""
        return self.filter(is_live=True)

    def by_name(self) -> "SegmentQuerySet":
        return self.order_by("code")


class Segment(models.Model):
    """Members who are as a tree of traits says. `says` is that tree, in a named shape, as the newest version has it."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=60)
    name_en = models.CharField(_("name in English"), max_length=60)
    says = models.JSONField(default=everybody, editable=False)
    version = models.PositiveIntegerField(_("version"), default=0, editable=False)
    is_live = models.BooleanField(_("refreshed every night"), default=True)
    drift_percent = models.PositiveSmallIntegerField(
        _("alarm when the size moves by more than so many percent"),
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
    )
    trouble = models.CharField(max_length=300, db_default="", editable=False)  # why the last refresh could not be done
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints = [
            models.CheckConstraint(name="segment_has_a_shape", condition=Q(says__shape=SHAPE)),
            models.CheckConstraint(name="segment_drift_is_a_share", condition=Q(drift_percent__range=(1, 1000))),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class SegmentVersion(models.Model):
    """What a segment said from a moment on. Never edited, never deleted."""

    segment = models.ForeignKey(Segment, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    says = models.JSONField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="segment_version_once", fields=["segment", "number"]),
            models.CheckConstraint(name="segment_version_has_a_shape", condition=Q(says__shape=SHAPE)),
        ]
        triggers = [pgtrigger.Protect(name="segment_version_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"#{self.pk} v{self.number}"


class MembershipQuerySet(models.QuerySet["Membership"]):
    def at(self, moment: datetime) -> "MembershipQuerySet":
        """Those that held at a moment, as far as refreshes found out."""
        return self.filter(Q(until=None) | Q(until__gt=moment), since__lte=moment)

    def open(self) -> "MembershipQuerySet":
        return self.filter(until=None)

    def of(self, members: Iterable[int]) -> "MembershipQuerySet":
        return self.filter(member__in=members)


class Membership(models.Model):
    """That a member is or was in a segment. `clause` is the place in the tree of what let them in: "1.0"."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="memberships", db_index=False)
    segment = models.ForeignKey(Segment, models.PROTECT, related_name="memberships", db_index=False)
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True)
    version = models.PositiveIntegerField(_("version"))  # by which they came in
    clause = models.CharField(max_length=40, db_default="", blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership of a segment")
        verbose_name_plural = _("memberships of segments")
        constraints = [
            models.UniqueConstraint(
                name="membership_open_once", fields=["segment", "member"], condition=Q(until__isnull=True)
            ),
            models.CheckConstraint(
                name="membership_ends_after_it_began", condition=Q(until=None) | Q(until__gte=F("since"))
            ),
        ]
        indexes = [
            models.Index(name="membership_by_member", fields=["member", "segment", "since"]),
            models.Index(name="membership_by_segment", fields=["segment", "since"]),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.segment_id}"


class SegmentSizeQuerySet(models.QuerySet["SegmentSize"]):
    def newest_first(self) -> "SegmentSizeQuerySet":
        return self.order_by("-as_of", "-pk")


class SegmentSize(models.Model):
    """One refresh of a segment: how many were in it, who came and went, how long the database took."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="sizes")
    as_of = models.DateTimeField(_("as of"))
    slot = models.CharField(max_length=40)  # the night or request that found it
    version = models.PositiveIntegerField()
    size = models.PositiveIntegerField(_("members"))
    entered = models.PositiveIntegerField(_("came in"))
    left = models.PositiveIntegerField(_("went out"))
    milliseconds = models.PositiveIntegerField(_("milliseconds"))
    drifts = models.BooleanField(default=False)  # moved by more than the segment's share since the refresh before

    objects = SegmentSizeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(name="segment_size_once", fields=["segment", "slot"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.size}"


class MemberList(models.Model):
    """Members by name: pasted phones or a file. What could not be found is counted, not kept."""

    name = models.CharField(_("name"), max_length=100)
    size = models.PositiveIntegerField(_("members"), default=0)
    unknown = models.PositiveIntegerField(_("not found"), default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True, editable=False, verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("since"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("list of members")
        verbose_name_plural = _("lists of members")

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"


class ListMember(models.Model):
    """That a member stands on a list."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="+")
    member_list = models.ForeignKey(MemberList, models.CASCADE, related_name="rows", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(name="list_member_once", fields=["member_list", "member"])]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Audience(models.Model):
    """A segment as it stood at a moment, under a name. Never changed; erased members leave it."""

    segment = models.ForeignKey(Segment, models.PROTECT, related_name="audiences", verbose_name=_("segment"))
    name = models.CharField(_("name"), max_length=100)
    says = models.JSONField()
    version = models.PositiveIntegerField(_("version"))
    size = models.PositiveIntegerField(_("members"))
    key = models.CharField(max_length=100)
    frozen_at = models.DateTimeField(_("frozen at"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, verbose_name=_("by")
    )

    class Meta:
        verbose_name = _("frozen audience")
        verbose_name_plural = _("frozen audiences")
        constraints = [models.UniqueConstraint(name="audience_once_per_key", fields=["segment", "key"])]
        triggers = [pgtrigger.Protect(name="audience_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"


class AudienceMember(models.Model):
    """That a member was in an audience when it was frozen."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="+")
    audience = models.ForeignKey(Audience, models.PROTECT, related_name="rows", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(name="audience_member_once", fields=["audience", "member"])]
        triggers = [pgtrigger.Protect(name="audience_member_is_final", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"#{self.pk}"
