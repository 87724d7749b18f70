"""The staff's door to imports of sales."""

from collections.abc import Iterable
from typing import Any, BinaryIO, ClassVar, cast

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from loyalty.imports.actions import bad_rows, hand_out
from loyalty.imports.forms import SaleImportForm
from loyalty.imports.models import SaleImport
from members.kit.desks import FileDesk
from members.kit.tables import rows_of
from members.stores.admin import StoreFilter

SHOWN = 50  # bad rows on the page; the file has them all


@admin.register(SaleImport)
class SaleImportDesk(FileDesk):
    """Files of sales: hand one in, watch it go, fetch the rows that could not be taken."""

    nothing_yet = _("Sales of earlier years come from a file: hand one in, try it, and take it in.")
    door: ClassVar[str] = "import"
    state_template: ClassVar[str] = "admin/import_state.html"
    store_path = "store"
    list_display = ("name", "store_name", "state", "done", "sales", "repeats", "enrolled", "bad_rows", "handed_in_at")
    list_filter = (("store", StoreFilter), "status")
    list_select_related = ("store",)
    change_form_outer_before_template = "admin/import_state.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("file", "store", "identity", "is_dry_run") if obj is None else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = type("HereForm", (SaleImportForm,), {"reader": request.user})
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: SaleImport, form: Any, change: bool) -> None:
        """The form wrote it; a worker takes it from here."""
        transaction.on_commit(lambda: hand_out(import_id=obj.pk))

    def state_of(self, work: SaleImport, request: HttpRequest) -> dict[str, Any]:
        """What the page says about an import."""
        rejects = work.rejects.order_by("line")[:SHOWN]
        return {"sale_import": work, "percent": percent_of(work), "rejects": rejects}

    def bad_rows_of(self, work: SaleImport) -> Iterable[list[str]]:
        return bad_rows(work, columns_of(work))

    @display(description=_("read"))
    def done(self, sale_import: SaleImport) -> str:
        return f"{percent_of(sale_import)}%"


def percent_of(sale_import: SaleImport) -> int:
    """How much of the file has been read."""
    return min(100, sale_import.bytes_read * 100 // max(sale_import.bytes_total, 1))


def columns_of(sale_import: SaleImport) -> list[str]:
    """The file's column names; numbers when the file is gone."""
    try:
        with sale_import.file.open("rb") as raw, rows_of(cast(BinaryIO, raw)) as rows:
            return next(rows)[1]
    except (FileNotFoundError, ValueError):
        widest = max((len(row.cells) for row in sale_import.rejects.all()[:1000]), default=0)
        return [str(number) for number in range(1, widest + 1)]
