"""The staff's door to imports of sales."""

from datetime import datetime
from typing import Any, BinaryIO, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from unfold.decorators import display

from loyalty.imports.actions import bad_rows, cancel_import, hand_out
from loyalty.imports.forms import SaleImportForm
from loyalty.imports.models import SaleImport
from members.kit.admin import Records
from members.kit.names import named
from members.kit.tables import rows_of, write_rows
from members.profiles.actions import SEES_CONTACTS
from members.stores.admin import StoreFilter
from members.stores.models import User

SHOWN = 50  # bad rows on the page; the file has them all
LABELS = {"done": "success", "failed": "danger", "running": "info", "cancelled": "warning"}


@admin.register(SaleImport)
class SaleImportDesk(Records):
    """Files of sales: hand one in, watch it go, fetch the rows that could not be taken."""

    store_path = "store"
    list_display = ("name", "store_name", "state", "done", "sales", "repeats", "enrolled", "bad_rows", "handed_in_at")
    list_filter = (("store", StoreFilter), "status")
    list_select_related = ("store",)
    change_form_outer_before_template = "admin/import_state.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("file", "store", "identity", "is_dry_run") if obj is None else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = type("HereForm", (SaleImportForm,), {"reader": request.user})
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: SaleImport, form: Any, change: bool) -> None:
        """The form wrote it; a worker takes it from here."""
        transaction.on_commit(lambda: hand_out(import_id=obj.pk))

    def response_add(self, request: HttpRequest, obj: SaleImport, post_url_continue: str | None = None) -> HttpResponse:
        return redirect("admin:loyalty_saleimport_change", obj.pk)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = (extra_context or {}) | (state_of(found, request) if found else {})
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def get_urls(self) -> list[URLPattern]:
        ours = [
            path("<int:number>/state/", self.admin_site.admin_view(require_safe(self.show_state)), name="import_state"),
            path("<int:number>/cancel/", self.admin_site.admin_view(require_POST(self.cancel)), name="import_cancel"),
            path(
                "<int:number>/bad-rows/",
                self.admin_site.admin_view(require_safe(self.download)),
                name="import_bad_rows",
            ),
        ]
        return [*ours, *super().get_urls()]

    def one(self, request: HttpRequest, number: int) -> SaleImport:
        """The import, if the reader may see it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_queryset(request).filter(pk=number).first()
        if found is None:
            raise Http404
        return cast(SaleImport, found)

    def show_state(self, request: HttpRequest, number: int) -> HttpResponse:
        """The part of the page that renews itself while the import runs."""
        context = state_of(self.one(request, number), request)
        return render(request, "admin/import_state.html", context)

    def cancel(self, request: HttpRequest, number: int) -> HttpResponse:
        """Stop after the chunk at hand."""
        found = self.one(request, number)
        if not cast(User, request.user).has_perm("loyalty.change_saleimport"):
            raise PermissionDenied
        if cancel_import(sale_import=found):
            self.message_user(request, _("Stopped. What was taken in stands."), messages.SUCCESS)
        else:
            self.message_user(request, _("It was over already."), messages.WARNING)
        return redirect("admin:loyalty_saleimport_change", number)

    def download(self, request: HttpRequest, number: int) -> StreamingHttpResponse:
        """The bad rows with their reasons, as a file to be mended and handed in again."""
        found = self.one(request, number)
        if not cast(User, request.user).has_perm(SEES_CONTACTS):
            raise PermissionDenied
        rows = bad_rows(found, columns_of(found))
        headers = {"Content-Disposition": f'attachment; filename="bad-rows-{number}.csv"'}
        return StreamingHttpResponse(write_rows(rows), content_type="text/csv; charset=utf-8", headers=headers)

    @display(description=_("store"))
    def store_name(self, sale_import: SaleImport) -> str:
        return named(sale_import.store)

    @display(description=_("status"), label=LABELS)
    def state(self, sale_import: SaleImport) -> tuple[str, str]:
        return sale_import.status, sale_import.get_status_display()

    @display(description=_("handed in at"))
    def handed_in_at(self, sale_import: SaleImport) -> datetime:
        return sale_import.created_at

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


def state_of(sale_import: SaleImport, request: HttpRequest) -> dict[str, Any]:
    """What the page says about an import."""
    user = cast(User, request.user)
    return {
        "sale_import": sale_import,
        "percent": percent_of(sale_import),
        "runs": sale_import.finished_at is None,
        "may_cancel": sale_import.finished_at is None and user.has_perm("loyalty.change_saleimport"),
        "sees_cells": user.has_perm(SEES_CONTACTS),
        "rejects": sale_import.rejects.order_by("line")[:SHOWN],
        "state_url": reverse("admin:import_state", args=[sale_import.pk]),
    }
