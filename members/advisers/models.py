"""Noun: who looks after a member."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from members.profiles.models import Member
from members.stores.models import User


class AdvisingQuerySet(models.QuerySet["Advising"]):
    def standing(self) -> "AdvisingQuerySet":
        """Those whose adviser is still with the shop."""
        return self.filter(adviser__is_active=True)

    def by(self, user: User) -> "AdvisingQuerySet":
        return self.filter(adviser=user)

    def vacant(self) -> "AdvisingQuerySet":
        """Those whose adviser left."""
        return self.filter(adviser__is_active=False)


class Advising(models.Model):
    """That somebody of the staff looks after a member, since when; one row a member, empty when nobody does any more.

    Whoever leaves the shop is made inactive, and so the place is vacant without a write.
    """

    member = models.OneToOneField(Member, models.PROTECT, related_name="advising", verbose_name=_("member"))
    adviser = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, verbose_name=_("adviser"))
    since = models.DateTimeField(_("since"))

    objects = AdvisingQuerySet.as_manager()

    class Meta:
        verbose_name = _("adviser of a member")
        verbose_name_plural = _("advisers of members")
        default_permissions = ()

    def __str__(self) -> str:
        return f"#{self.pk} {self.adviser_id}"

    @property
    def is_vacant(self) -> bool:
        """Whether somebody was to look after the member, and left. `adviser` is at hand, or read."""
        return self.adviser is not None and not self.adviser.is_active
