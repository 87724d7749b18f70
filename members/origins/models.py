"""Nouns: codes by which people come, and by what a member came."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from members.profiles.models import Member
from members.stores.models import Store


class JoinCodeQuerySet(models.QuerySet["JoinCode"]):
    def in_use(self) -> "JoinCodeQuerySet":
        return self.filter(is_on=True)


class JoinCode(models.Model):
    """A poster in a store, a flyer, a campaign: its code stands in a link that people follow to become members."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=60)
    name_en = models.CharField(_("name in English"), max_length=60)
    store = models.ForeignKey(  # empty: people choose theirs
        Store, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("store")
    )
    is_on = models.BooleanField(_("in use"), default=True)

    objects = JoinCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("join code")
        verbose_name_plural = _("join codes")

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"

    @property
    def link(self) -> str:
        """What people follow; the QR code says it too."""
        return f"{settings.SITE_URL}{reverse('join_by', args=[self.code])}"


class Origin(models.Model):
    """By what a member came, written when they became one: a code, or another member's link."""

    member = models.OneToOneField(Member, models.PROTECT, related_name="origin")
    code = models.ForeignKey(JoinCode, models.PROTECT, related_name="origins", null=True, verbose_name=_("join code"))
    friend = models.BigIntegerField(_("friend"), null=True)  # another member's id; no constraint: the row is theirs
    came_at = models.DateTimeField(_("came at"))

    class Meta:
        verbose_name = _("origin of a member")
        verbose_name_plural = _("origins of members")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="origin_is_one_thing",
                condition=Q(code__isnull=False, friend=None) | Q(code=None, friend__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
