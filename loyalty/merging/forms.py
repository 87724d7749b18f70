"""What somebody decides before two members become one."""

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from loyalty.merging.actions import Preview

CHOICE = "choice_"  # before the name of a profile's field, in the names of form fields
SIDES = [("survivor", _("stays")), ("duplicate", _("merged"))]


class MergeForm(forms.Form):
    """Whose value is kept, field by field, and why the two are one. The key makes a second click harmless."""

    reason = forms.CharField(label=_("Why are these two one person?"), max_length=200)
    key = forms.CharField(widget=forms.HiddenInput, max_length=100)
    token = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def __init__(self, *args: Any, preview: Preview, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid4().hex} | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        for name, side in preview.choices.items():
            self.fields[CHOICE + name] = forms.ChoiceField(choices=SIDES, required=False, initial=side)

    def choices(self) -> dict[str, str]:
        """The decisions, by field; what was not decided is chosen as usual."""
        said = {name: side for name, side in self.cleaned_data.items() if name.startswith(CHOICE) and side}
        return {name.removeprefix(CHOICE): side for name, side in said.items()}
