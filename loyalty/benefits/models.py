"""Nouns: what a tier gives."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loyalty.benefits.rules import HANDED, LONGEST_LIFE, LONGEST_WAIT
from loyalty.ledger.rules import MOST_POINTS
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

    points = models.BigIntegerField(  # given by themselves; empty: none
        _("points with it"), null=True, blank=True, help_text=_("Given by themselves when the gift is due."),
        validators=[MinValueValidator(1), MaxValueValidator(MOST_POINTS)],
    )  # fmt: skip
    points_days = models.PositiveSmallIntegerField(  # empty: they never lapse
        _("days the points last"),
        null=True,
        blank=True,
        help_text=_("Empty: they never lapse."),
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_LIFE)],
    )
    wait_days = models.PositiveSmallIntegerField(  # empty: there is nothing to hand over
        _("days it waits for the member"), null=True, blank=True,
        help_text=_("Empty: there is nothing to hand over."),
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_WAIT)],
    )  # fmt: skip
    handed_since = models.DateTimeField(null=True, editable=False)  # what was due before is not given

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
            models.CheckConstraint(
                name="benefit_of_this_kind_is_handed_out",
                condition=Q(kind__in=HANDED) | Q(points=None, wait_days=None, handed_since=None),
            ),
            models.CheckConstraint(
                name="benefit_hands_out_something",
                condition=(Q(points=None) | Q(points__gte=1))
                & (Q(points_days=None) | Q(points_days__gte=1, points__isnull=False))
                & (Q(wait_days=None) | Q(wait_days__range=(1, LONGEST_WAIT))),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"
