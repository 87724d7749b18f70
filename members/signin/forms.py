"""What members type to come in: an address, a code, and for newcomers a name and a store."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Refusal
from members.profiles.rules import LONGEST_NAME, normalise, plain
from members.signin.actions import Address
from members.stores.models import Store


class AddressForm(forms.Form):
    """One field for phones and e-mails: people know which of the two they typed."""

    address = forms.CharField(
        label=_("Phone or e-mail"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_address(self) -> Address:
        text = self.cleaned_data["address"]
        kind = "email" if "@" in plain(text) else "phone"
        try:
            return Address(kind=kind, value=normalise(kind, text, settings.SHOP_COUNTRY))
        except Refusal:
            raise forms.ValidationError(
                _("This looks like neither a phone number nor an e-mail address."), code="address"
            ) from None


class CodeForm(forms.Form):
    """The six digits, with or without spaces between them."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "class": "code-input",
                "autofocus": True,
            }
        ),
    )

    def clean_code(self) -> str:
        digits = "".join(character for character in self.cleaned_data["code"] if character.isdecimal())
        if len(digits) != 6:
            raise forms.ValidationError(_("The code has six digits."), code="length")
        return digits


class StoreField(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django has no classes with brackets
    """Stores by the name in the reader's language."""

    def label_from_instance(self, obj: Store) -> str:
        name = obj.name_en if (get_language() or "").startswith("en") else obj.name_zh
        return f"{name} · {obj.city}" if obj.city else name


class JoinForm(forms.Form):
    """What a newcomer tells us, the address being proved already."""

    name = forms.CharField(
        label=_("Your name"), max_length=LONGEST_NAME, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    store = StoreField(label=_("Your usual store"), queryset=Store.objects.none(), empty_label=_("Please choose"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["store"].queryset = Store.objects.filter(is_open=True).order_by("code")  # type: ignore[attr-defined]
