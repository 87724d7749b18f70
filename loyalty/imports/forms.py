"""A file of sales, as staff hand it in."""

from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

from django import forms
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from loyalty.imports.actions import prepare_import
from loyalty.imports.models import SaleImport
from members.kit.uploads import kept, unpacks_to_more
from members.profiles.models import Identity
from members.profiles.rules import printable
from members.stores.models import User

LARGEST_FILE = 100_000_000  # bytes; larger ones go through `manage.py import_sales`
LARGEST_UNPACKED = 1_000_000_000


class SaleImportForm(forms.ModelForm[SaleImport]):
    """File, store, what finds the members, and whether to write at all."""

    reader: ClassVar[User | None] = None
    identity = forms.ChoiceField(
        label=_("The members' column holds"),
        choices=[("", _("guess from the column's name")), *Identity.Kind.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = SaleImport
        fields = ("file", "store", "is_dry_run")
        help_texts = {
            "file": _(
                "CSV, also packed with gzip. It has columns for member, date and amount, and may have some for "
                "receipt, quantity, SKU, item and payment."
            ),
            "is_dry_run": _("Check every row and write nothing."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].required = True

    def clean_file(self) -> "UploadedFile[Any]":
        upload: UploadedFile[Any] = self.cleaned_data["file"]
        if (upload.size or 0) > LARGEST_FILE or unpacks_to_more(cast(BinaryIO, upload.file), LARGEST_UNPACKED):
            words = _(
                "The file is too large for this page (%(most)s, unpacked %(unpacked)s). Use the command import_sales."
            )
            sizes = {"most": filesizeformat(LARGEST_FILE), "unpacked": filesizeformat(LARGEST_UNPACKED)}
            raise forms.ValidationError(words % sizes, code="too_large")
        upload.seek(0)
        return upload

    def clean(self) -> dict[str, Any]:
        """Keep the file and prepare the import, so that a refusal stands beside the form."""
        said = super().clean() or self.cleaned_data
        if not self.errors:
            self.prepared = self.prepare(said["file"], said)
        return said

    def prepare(self, upload: "UploadedFile[Any]", said: dict[str, Any]) -> SaleImport:
        """The import of this file, or that of the same file which was stopped in the middle."""
        with kept(upload) as name:
            prepared = prepare_import(
                source=Path(default_storage.path(name)),
                name=printable(upload.name or "")[:200],
                store=said["store"],
                mapping={"identity": said["identity"]} if said["identity"] else {},
                is_dry_run=said["is_dry_run"],
                by=self.reader,
            )
            if prepared.file:
                default_storage.delete(name)
            else:
                prepared.file.name = name
                prepared.save(update_fields=["file"])
        return prepared

    def save(self, commit: bool = True) -> SaleImport:
        return self.prepared

    def save_m2m(self) -> None:
        """There is nothing of the kind."""
