"""The form of a note, as it stands on a member's pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from members.notes.rules import LONGEST


class NoteForm(forms.Form):
    """Words, and for a task a day; the key makes sending twice harmless. The verb checks what they say."""

    words = forms.CharField(label=_("note"), max_length=10 * LONGEST, required=False)
    due_on = forms.DateField(label=_("to be done by"), required=False)
    key = forms.RegexField(r"^[\w-]{8,60}$")
