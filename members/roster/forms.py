"""A file of members, as staff hand it in."""

from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

from django import forms
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from members.kit.sheets import OLE_BEGINS, ZIP_BEGINS, begins
from members.kit.uploads import kept, unpacks_to_more
from members.profiles.rules import printable
from members.roster.actions import hand_in
from members.roster.models import RosterImport
from members.stores.models import User

LARGEST_FILE = 100_000_000  # bytes
LARGEST_UNPACKED = 1_000_000_000
TABLES, BOOKS = (".csv", ".tsv", ".txt", ".gz"), (".xlsx",)


class RosterImportForm(forms.ModelForm[RosterImport]):
    """A file, and the store of those for whom it names none."""

    reader: ClassVar[User | None] = None

    class Meta:
        model = RosterImport
        fields = ("file", "store")
        labels = {"store": _("home store of new members")}
        help_texts = {
            "file": _(
                "CSV (also packed with gzip) or XLSX, at most 1,000,000 rows, with column names in the first line. "
                "Nothing is written yet: the columns are named next."
            ),
            "store": _("Unless a column of the file says another."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].required = True

    def clean_file(self) -> "UploadedFile[Any]":
        upload: UploadedFile[Any] = self.cleaned_data["file"]
        raw = cast(BinaryIO, upload.file)
        ending, first = Path(upload.name or "").suffix.lower(), begins(raw)
        if first == OLE_BEGINS or ending not in TABLES + BOOKS or (first == ZIP_BEGINS) != (ending in BOOKS):
            words = _("The file is not what its name says, or neither CSV nor XLSX. Save it as one of them.")
            raise forms.ValidationError(words, code="wrong_extension")
        if (upload.size or 0) > LARGEST_FILE or (first != ZIP_BEGINS and unpacks_to_more(raw, LARGEST_UNPACKED)):
            words = _("The file is too large (at most %(most)s, unpacked %(unpacked)s).")
            sizes = {"most": filesizeformat(LARGEST_FILE), "unpacked": filesizeformat(LARGEST_UNPACKED)}
            raise forms.ValidationError(words % sizes, code="too_large")
        upload.seek(0)
        return upload

    def clean(self) -> dict[str, Any]:
        """Keep the file and look at it, so that a refusal stands beside the form."""
        said = super().clean() or self.cleaned_data
        if not self.errors:
            assert self.reader is not None
            with kept(said["file"]) as name:
                self.made = hand_in(
                    source=Path(default_storage.path(name)),
                    file=name,
                    name=printable(said["file"].name or "")[:200],
                    store=said["store"],
                    by=self.reader,
                )
        return said

    def save(self, commit: bool = True) -> RosterImport:
        return self.made

    def save_m2m(self) -> None:
        """There is nothing of the kind."""
