"""Noun: where a member lives."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from members.addresses.rules import LENGTHS, LONGEST_POSTCODE, PARTS, written
from members.profiles.models import Member


class Address(models.Model):
    """Where a member lives, as far as they said; one row a member."""

    member = models.OneToOneField(Member, models.PROTECT, related_name="address", verbose_name=_("member"))
    country = models.CharField(_("country"), max_length=2)  # ISO 3166
    province = models.CharField(_("province"), max_length=LENGTHS["province"], blank=True)
    city = models.CharField(_("city"), max_length=LENGTHS["city"], blank=True)
    district = models.CharField(_("district"), max_length=LENGTHS["district"], blank=True)
    street = models.CharField(_("street and house"), max_length=LENGTHS["street"], blank=True)
    postcode = models.CharField(_("postcode"), max_length=LONGEST_POSTCODE, blank=True)
    said_at = models.DateTimeField(_("said at"))

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        default_permissions = ()
        constraints = [models.CheckConstraint(name="address_has_a_country", condition=Q(country__regex="^[A-Z]{2}$"))]
        indexes = [models.Index(name="address_by_city", fields=["city"], condition=~Q(city=""))]

    def __str__(self) -> str:
        return f"#{self.pk} {self.country}"

    @property
    def line(self) -> str:
        """All of it on one line, in the order in which such addresses are written."""
        parts = {name: getattr(self, name) for name in ("country", *PARTS, "postcode")}
        return written(parts, home=settings.SHOP_COUNTRY, language=get_language() or "")

    @property
    def is_empty(self) -> bool:
        return not any((self.province, self.city, self.district, self.street, self.postcode))
