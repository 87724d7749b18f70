"""What is asked of an address: the same of the member in the portal and of staff in the admin."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from members.addresses.models import Address
from members.addresses.rules import LENGTHS, LONGEST_POSTCODE, PARTS, AddressTooLong, country_names

REFUSED = {"bad_country": "country", "bad_postcode": "postcode", "bad_name": "street"}  # of what a refusal speaks


def country_choices() -> list[tuple[str, str]]:
    """The shop's own country first."""
    names = country_names(get_language() or "")
    home = settings.SHOP_COUNTRY
    return [(home, names.get(home, home)), *((code, name) for code, name in names.items() if code != home)]


def line(label: Any, longest: int, fills: str) -> forms.CharField:
    """A part that may be left out; `fills` is what browsers know it by (the HTML standard's autofill)."""
    widget = forms.TextInput(attrs={"autocomplete": fills})
    return forms.CharField(label=label, max_length=longest, required=False, widget=widget)


class AddressForm(forms.Form):
    """From the large to the small, as far as one likes."""

    country = forms.ChoiceField(label=_("Country"), choices=country_choices)
    province = line(_("Province"), LENGTHS["province"], "address-level1")
    city = line(_("City"), LENGTHS["city"], "address-level2")
    district = line(_("District"), LENGTHS["district"], "address-level3")
    street = line(_("Street and house"), LENGTHS["street"], "street-address")
    postcode = line(_("Postcode"), LONGEST_POSTCODE, "postal-code")

    def __init__(self, *args: Any, address: Address, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(address, name) for name in ("country", *PARTS, "postcode")}
        super().__init__(*args, **kwargs)

    def refuse(self, refusal: Any) -> None:
        """Show a refusal at the field of which it speaks."""
        field = refusal.field if isinstance(refusal, AddressTooLong) else REFUSED.get(refusal.code)
        self.add_error(field, str(refusal))
