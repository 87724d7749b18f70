"""Nouns: what a tier gives."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loyalty.tiers.models import Tier


class Benefit(models.Model):
    """One thing that a tier gives for nothing, as tills and people read it."""

    class Kind(models.TextChoices):
        DISCOUNT = "discount", _("discount in percent")
        SHIPPING = "shipping", _("free shipping")
        ADVISER = "adviser", _("own adviser")
        PRIORITY = "priority", _("priority service")
        EARLY = "early", _("early access, in hours")
        BIRTHDAY = "birthday", _("birthday gift")
        JOINING = "joining", _("gift set on joining")
        MONTHLY = "monthly", _("gift set each month")
        EVENT = "event", _("event invitations")
        RETURNS = "returns", _("days to return")

    tier = models.ForeignKey(Tier, models.CASCADE, related_name="benefits", verbose_name=_("tier"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    value = models.BigIntegerField(  # percent, hours, days, or minor units from which shipping is free
        _("value"), null=True, blank=True, validators=[MinValueValidator(0)]
    )
    words_zh = models.CharField(_("words in Chinese"), max_length=100, blank=True)
    words_en = models.CharField(_("words in English"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("benefit")
        verbose_name_plural = _("benefits")
        constraints = [
            models.UniqueConstraint(name="benefit_once_per_tier", fields=["tier", "kind"]),
            models.CheckConstraint(
                name="benefit_has_the_value_it_needs",
                condition=(Q(kind="discount", value__range=(1, 99)) & Q(value__isnull=False))
                | (Q(kind__in=["early", "returns"], value__gte=1) & Q(value__isnull=False))
                | Q(kind__in=["shipping", "adviser", "priority", "birthday", "joining", "monthly", "event"]),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"
