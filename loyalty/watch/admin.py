"""The staff's door to what looks odd: the views, their files, and the thresholds."""

from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_safe

from loyalty.watch.models import Watch
from loyalty.watch.panels import MOST, VIEWS, look
from members.kit.admin import Kept
from members.kit.tables import write_rows
from members.stores.models import User
from members.stores.panels import scope_of


@admin.register(Watch)
class WatchDesk(Kept):
    """The list below the views is the one row of thresholds."""

    list_display = (
        "days", "clerk_least", "clerk_times", "bare_least", "quick_minutes", "apart_minutes", "return_least",
        "return_times", "regret_hours",
    )  # fmt: skip
    sortable_by: Any = ()
    list_before_template = "admin/watch.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = dict(extra_context or {})
        if self.has_view_permission(request):
            scope, now = scope_of(cast(User, request.user)), timezone.now()
            context |= {"found": [look(view, scope=scope, now=now) for view in VIEWS.values()], "now": now}
        return cast(HttpResponse, super().changelist_view(request, context))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.download))
        return [path("<slug:code>.csv", view, name="watch_file"), *super().get_urls()]

    def download(self, request: HttpRequest, code: str) -> StreamingHttpResponse:
        """What one view found, as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if code not in VIEWS:
            raise Http404
        found = look(VIEWS[code], scope=scope_of(cast(User, request.user)), now=timezone.now(), most=MOST)
        rows = [[str(column) for column in found.view.columns], *(row.words for row in found.rows)]
        headers = {"Content-Disposition": f'attachment; filename="{code}.csv"'}
        return StreamingHttpResponse(write_rows(rows), content_type="text/csv; charset=utf-8", headers=headers)
