"""What members may change about themselves."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.profiles.models import Member

THEMES = ("light", "dark")
REFUSED = {"bad_name": "name", "bad_birthday": "birth_on"}  # which field a refusal speaks of


class ProfileForm(forms.Form):
    """Name and birthday. What may not be changed by the member is not a field here."""

    name = forms.CharField(
        label=_("Name"), max_length=100, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    birth_on = forms.DateField(
        label=_("Birthday"),
        required=False,
        help_text=_("So that we can wish you well on the day."),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "bday"}),
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        kwargs["initial"] = {"name": member.name, "birth_on": member.birth_on}
        super().__init__(*args, **kwargs)
