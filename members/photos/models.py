"""Noun: a member's photo."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from members.profiles.models import Member


class Photo(models.Model):
    """What a member looks like, in two sizes; one row a member. The files lie under names that say nothing."""

    member = models.OneToOneField(Member, models.PROTECT, related_name="photo", verbose_name=_("member"))
    whole = models.FileField(upload_to="photos/")
    small = models.FileField(upload_to="photos/")
    given_at = models.DateTimeField(_("given at"))

    class Meta:
        verbose_name = _("photo")
        verbose_name_plural = _("photos")
        default_permissions = ()

    def __str__(self) -> str:
        return f"#{self.pk}"
