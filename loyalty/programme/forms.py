"""A programme file, as staff hand it in: uploaded or pasted."""

from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from loyalty.programme.actions import hand_in
from loyalty.programme.models import ProgrammeFile
from loyalty.programme.rules import LARGEST_FILE
from members.kit.refusals import Refusal
from members.profiles.rules import printable
from members.stores.models import User

BYTES = 4  # a character takes at most so many


class ProgrammeFileForm(forms.ModelForm[ProgrammeFile]):
    """The text or the file; it is compared at once, so that what cannot be read is said beside the form."""

    reader: User | None = None
    upload = forms.FileField(
        label=_("file"),
        required=False,
        help_text=_("The file that “download” on the list of this page gives, changed as you wish."),
    )
    text = forms.CharField(
        label=_("or its text"),
        required=False,
        widget=forms.Textarea(attrs={"class": "box code", "rows": 14, "spellcheck": "false"}),
    )

    class Meta:
        model = ProgrammeFile
        fields = ()

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        upload, text = cast("UploadedFile[Any] | None", said.get("upload")), said.get("text") or ""
        if bool(upload) == bool(text.strip()):
            raise forms.ValidationError(_("Hand in a file, or paste its text."), code="one_of_two")
        name = printable(upload.name or "") if upload else str(_("pasted"))
        try:
            content = read_upload(upload) if upload else text
            self.instance = hand_in(text=content, name=name, now=timezone.now(), by=self.reader)
        except Refusal as refusal:
            raise forms.ValidationError(str(refusal), code=refusal.code) from None
        return said

    def save(self, commit: bool = True) -> ProgrammeFile:
        return self.instance

    def save_m2m(self) -> None:
        """There is nothing of the kind."""


def read_upload(upload: "UploadedFile[Any]") -> str:
    """The text of an upload. Raises ValidationError."""
    if (upload.size or 0) > LARGEST_FILE * BYTES:
        raise forms.ValidationError(_("The file is too large."), code="too_large")
    try:
        return cast(bytes, upload.read()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise forms.ValidationError(_("The file is no text in UTF-8."), code="not_utf8") from None
