"""Desks of files that a worker goes through: hand one in, watch it go, stop it, fetch the rows that were not taken."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from unfold.decorators import display

from members.kit import uploads
from members.kit.admin import Records
from members.kit.names import named
from members.kit.tables import write_rows

LABELS = {"done": "success", "failed": "danger", "running": "info", "cancelled": "warning"}


class FileDesk(Records):
    """Files of one kind. `door` begins the names of its addresses."""

    door: ClassVar[str] = ""
    state_template: ClassVar[str] = ""
    sees_cells: ClassVar[str] = "members.see_full_contacts"  # who may read what stands in bad rows

    def state_of(self, work: Any, request: HttpRequest) -> dict[str, Any]:
        """What the page says about a file."""
        raise NotImplementedError

    def bad_rows_of(self, work: Any) -> Iterable[list[str]]:
        """The rows that were not taken, column names first."""
        raise NotImplementedError

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def may_stop(self, request: HttpRequest) -> bool:
        """Whether the reader may stop files of this kind."""
        return admin.ModelAdmin.has_change_permission(self, request)

    def page(self, number: int) -> HttpResponse:
        """Back to the file's page."""
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", number)

    def response_add(self, request: HttpRequest, obj: Model, post_url_continue: str | None = None) -> HttpResponse:
        return self.page(obj.pk)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = (extra_context or {}) | (self.whole_state(found, request) if found else {})
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def get_urls(self) -> list[URLPattern]:
        doors = [
            ("state", require_safe(self.show_state), "state"),
            ("cancel", require_POST(self.cancel), "cancel"),
            ("bad-rows", require_safe(self.download), "bad_rows"),
        ]
        ours = [
            path(f"<int:number>/{word}/", self.admin_site.admin_view(view), name=f"{self.door}_{name}")
            for word, view, name in doors
        ]
        return [*ours, *super().get_urls()]

    def one(self, request: HttpRequest, number: int) -> Any:
        """The file, if the reader may see it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_queryset(request).filter(pk=number).first()
        if found is None:
            raise Http404
        return found

    def whole_state(self, work: Any, request: HttpRequest) -> dict[str, Any]:
        """What the page says, and what is the same for all kinds of files."""
        runs = work.finished_at is None and work.status in ("waiting", "running")
        return {
            "runs": runs,
            "may_cancel": runs and self.may_stop(request),
            "sees_cells": cast(Any, request.user).has_perm(self.sees_cells),
            "state_url": reverse(f"admin:{self.door}_state", args=[work.pk]),
            **self.state_of(work, request),
        }

    def show_state(self, request: HttpRequest, number: int) -> HttpResponse:
        """The part of the page that renews itself while a worker goes through the file."""
        return render(request, self.state_template, self.whole_state(self.one(request, number), request))

    def cancel(self, request: HttpRequest, number: int) -> HttpResponse:
        """Stop after the chunk at hand."""
        found = self.one(request, number)
        if not self.may_stop(request):
            raise PermissionDenied
        if uploads.cancel(work=found):
            self.message_user(request, _("Stopped. What was taken in stands."), messages.SUCCESS)
        else:
            self.message_user(request, _("It was over already."), messages.WARNING)
        return self.page(number)

    def download(self, request: HttpRequest, number: int) -> StreamingHttpResponse:
        """The bad rows with their reasons, as a file to be mended and handed in again."""
        found = self.one(request, number)
        if not cast(Any, request.user).has_perm(self.sees_cells):
            raise PermissionDenied
        headers = {"Content-Disposition": f'attachment; filename="bad-rows-{number}.csv"'}
        rows = write_rows(self.bad_rows_of(found))
        return StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8", headers=headers)

    @display(description=_("store"))
    def store_name(self, work: Any) -> str:
        return named(work.store)

    @display(description=_("status"), label=LABELS)
    def state(self, work: Any) -> tuple[str, str]:
        return work.status, work.get_status_display()

    @display(description=_("handed in at"))
    def handed_in_at(self, work: Any) -> datetime:
        return cast(datetime, work.created_at)
