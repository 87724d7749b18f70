"""Nouns: goals."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from members.stores.models import Store


class Goal(models.Model):
    """What is to be reached with the members of a store, or of all, in a period."""

    class Kind(models.TextChoices):
        MEMBERS = "members", _("number of members")
        ACTIVE = "active", _("activity: percent of members who bought within 90 days")
        REPURCHASE = "repurchase", _("repurchase: percent of buyers who came back")
        RETENTION = "retention", _("retention: percent of the 90 days before who bought again")

    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("what is measured"), max_length=10, choices=Kind)
    store = models.ForeignKey(
        Store, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("store"),
        help_text=_("Empty: all stores together."),
    )  # fmt: skip
    target = models.PositiveIntegerField(_("target"))  # members, or percent
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("owner"))
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("goal")
        verbose_name_plural = _("goals")
        constraints = [
            models.CheckConstraint(name="goal_ends_after_it_starts", condition=Q(ends_on__gte=F("starts_on"))),
            models.CheckConstraint(
                name="goal_can_be_reached", condition=Q(target__gt=0) & (Q(kind="members") | Q(target__lte=100))
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"
