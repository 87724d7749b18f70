"""A photo as it is handed in."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.photos.rules import TYPES


class PhotoForm(forms.Form):
    """One file; what it holds decides, not its name."""

    photo = forms.FileField(
        label=_("Photo"),
        help_text=_("JPEG, PNG or WebP, at most 10 MB. Where and with what it was taken is not kept."),
        widget=forms.FileInput(attrs={"accept": TYPES}),
    )

    def refuse(self, refusal: Any) -> None:
        self.add_error("photo", str(refusal))
