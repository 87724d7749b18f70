"""Nouns: a change of a profile."""

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

from members.profiles.models import CustomField, Member
from members.stores.models import User


class ChangeQuerySet(models.QuerySet["Change"]):
    def of_family(self, member: Member) -> "ChangeQuerySet":
        """Of a member and of those who were merged into them."""
        return self.filter(member__in=Member.objects.family_of(member))

    def open_to_all(self) -> "ChangeQuerySet":
        """Without those of further fields that not everybody of the staff may see."""
        named = Concat(Value("custom."), "code", output_field=CharField())
        guarded = CustomField.objects.guarded().annotate(field=named)
        return self.exclude(field__in=guarded.values("field"))

    def newest_first(self) -> "ChangeQuerySet":
        return self.order_by("-changed_at", "-pk")


class Change(models.Model):
    """That a field of a profile changed: from what to what, when, and by whose hand. Contacts stand here masked.

    Triggers on the profile's tables write these rows. They are never edited; they go with the person, or when the
    shop keeps them no longer.
    """

    class Door(models.TextChoices):
        HOUSE = "", _("Regulars")
        STAFF = "staff", _("staff")
        MEMBER = "member", _("the member")
        TILL = "till", _("till")
        IMPORT = "import", _("import")
        MERGE = "merge", _("two members became one")

    member = models.ForeignKey(Member, models.PROTECT, related_name="changes", db_index=False)
    field = models.CharField(_("field"), max_length=60)  # a column, a kind of identity, or custom.code
    before = models.TextField(_("before"), blank=True)
    after = models.TextField(_("after"), blank=True)
    door = models.CharField(_("by way of"), max_length=6, choices=Door, blank=True)
    by = models.ForeignKey(  # of the staff; empty for the member, a till and the house
        User, models.PROTECT, related_name="+", null=True, verbose_name=_("by")
    )
    changed_at = models.DateTimeField(_("when"))

    objects = ChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of a profile")
        verbose_name_plural = _("changes of profiles")
        constraints = [models.CheckConstraint(name="change_changes_something", condition=~Q(before=F("after")))]
        indexes = [
            models.Index(name="change_by_member", fields=["member", "-changed_at", "-id"]),
            BrinIndex(name="change_by_moment", fields=["changed_at"]),  # what changed lately
        ]
        triggers = [pgtrigger.Protect(name="change_is_final", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"#{self.pk} {self.field}"
