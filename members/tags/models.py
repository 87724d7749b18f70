"""Nouns: tags, and that a member has one."""

from datetime import datetime
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.functions import JSONObject, Now
from django.utils.translation import gettext_lazy as _

from members.profiles.models import Member
from members.stores.models import User
from members.tags.rules import LONGEST_WHY


class TagQuerySet(models.QuerySet["Tag"]):
    def in_use(self) -> "TagQuerySet":
        return self.filter(is_archived=False)

    def settable_by(self, user: User) -> "TagQuerySet":
        """Those that this person may put on and take off."""
        found = self.in_use()
        return found if user.has_perm("members.change_tagging") else found.filter(is_guarded=False)

    def in_order(self) -> "TagQuerySet":
        return self.order_by("position", "code")


class Tag(models.Model):
    """A word that staff put on members. It is archived, never deleted."""

    class Colour(models.TextChoices):
        GREY = "grey", _("grey")
        RED = "red", _("red")
        AMBER = "amber", _("amber")
        GREEN = "green", _("green")
        BLUE = "blue", _("blue")
        VIOLET = "violet", _("violet")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=40)
    name_en = models.CharField(_("name in English"), max_length=40)
    colour = models.CharField(_("colour"), max_length=6, choices=Colour, default=Colour.GREY)
    days = models.PositiveSmallIntegerField(  # empty: stays until it is taken off
        _("lapses after days"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(3_660)]
    )
    is_guarded = models.BooleanField(_("set by managers only"), default=False)
    is_archived = models.BooleanField(_("archived"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = TagQuerySet.as_manager()

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        constraints = [
            models.CheckConstraint(name="tag_lapses_after_days", condition=Q(days=None) | Q(days__gte=1)),
            models.CheckConstraint(
                name="tag_has_a_colour", condition=Q(colour__in=["grey", "red", "amber", "green", "blue", "violet"])
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class TaggingQuerySet(models.QuerySet["Tagging"]):
    def of_family(self, member: Member) -> "TaggingQuerySet":
        """Of a member and of those who were merged into them."""
        return self.filter(member__in=Member.objects.family_of(member))

    def standing(self, at: datetime) -> "TaggingQuerySet":
        """Those that stand at a moment, whether the night has been there or not."""
        return self.filter(Q(until=None) | Q(until__gt=at), ended_at=None)

    def as_words(self) -> "QuerySet[Tagging, dict[str, Any]]":
        """The tags themselves, in their order, as values by name: for a list in another statement."""
        said = JSONObject(name_zh="tag__name_zh", name_en="tag__name_en", colour="tag__colour")
        return self.order_by("tag__position", "tag__code").values_list(said)

    def newest_first(self) -> "TaggingQuerySet":
        return self.order_by("-since", "-pk")


class Tagging(models.Model):
    """That a member has a tag, or had: since when, until when, by whom and why."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="taggings", db_index=False)
    tag = models.ForeignKey(Tag, models.PROTECT, related_name="taggings", verbose_name=_("tag"))
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True)  # then it lapses
    why = models.CharField(_("why"), max_length=LONGEST_WHY, blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, verbose_name=_("by"))
    ended_at = models.DateTimeField(_("ended at"), null=True)
    ended_by = models.ForeignKey(  # empty for one that lapsed
        User, models.PROTECT, related_name="+", null=True, verbose_name=_("taken off by")
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TaggingQuerySet.as_manager()

    class Meta:
        verbose_name = _("tag of a member")
        verbose_name_plural = _("tags of members")
        constraints = [
            models.UniqueConstraint(
                name="tagging_stands_once", fields=["member", "tag"], condition=Q(ended_at__isnull=True)
            ),
            models.CheckConstraint(name="tagging_has_a_time", condition=Q(until=None) | Q(until__gt=F("since"))),
            models.CheckConstraint(
                name="tagging_is_taken_off_once", condition=Q(ended_by=None) | Q(ended_at__isnull=False)
            ),
        ]
        indexes = [models.Index(name="tagging_by_member", fields=["member", "-since"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.tag_id}"
