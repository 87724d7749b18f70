"""What is typed before data are erased, and why somebody looks."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.privacy.rules import WrongWord

REASONS = {
    "call": _("To call the member back"),
    "order": _("About an order or a return"),
    "complaint": _("About a complaint"),
    "check": _("To check or mend an address"),
    "asked": _("The member asks what we have"),
    "other": _("Something else"),
}


class WordForm(forms.Form):
    """The word that confirms."""

    word = forms.CharField(
        max_length=30, widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"})
    )

    def __init__(self, *args: Any, word: str, label: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = word
        self.fields["word"].label = label

    def clean_word(self) -> str:
        said: str = self.cleaned_data["word"].strip()
        if said.casefold() != self.expected.casefold():
            refusal = WrongWord(word=self.expected)
            raise forms.ValidationError(str(refusal), code=refusal.code)
        return said


class LookForm(forms.Form):
    """Why somebody needs a member's contacts."""

    reason = forms.ChoiceField(label=_("why"), choices=REASONS.items())
    more = forms.CharField(label=_("more about it"), max_length=160, required=False)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("reason") == "other" and not said.get("more", "").strip():
            raise forms.ValidationError(_("Say what it is about."), code="reason_missing")
        return said

    @property
    def why(self) -> str:
        """In words, as the member reads it."""
        said = self.cleaned_data
        words = str(REASONS[said["reason"]]) if said["reason"] != "other" else ""
        return " · ".join(each for each in (words, said["more"].strip()) if each)


class StaffErasureForm(WordForm):
    """Staff say why, and type the member's number."""

    why = forms.CharField(label=_("reason"), max_length=200)
