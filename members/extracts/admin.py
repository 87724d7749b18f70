"""The staff's door to lists as files: asked for beside a list, fetched by whoever asked and nobody else."""

from datetime import timedelta
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from unfold.decorators import display

from members.extracts.actions import EXPORTS, KEPT, ask, is_short, read_format, rows_for
from members.extracts.models import Extract
from members.kit import uploads
from members.kit.admin import Records
from members.kit.desks import LABELS
from members.kit.refusals import Refusal
from members.kit.tables import write_rows
from members.profiles import admin as profiles
from members.profiles.models import Member
from members.stores.models import User

KINDS = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def take_away(request: HttpRequest, *, members: QuerySet[Any], name: str, back: str) -> Any:
    """A list of members as a file: a short CSV at once, anything else from a worker. `back` is where a no is shown."""
    user = cast(User, request.user)
    if not user.has_perm(EXPORTS):
        raise PermissionDenied
    try:
        kind = read_format(request.POST.get("format", ""))
        if kind == Extract.Format.CSV and is_short(members):
            return streamed(list(members.order_by("-pk").values_list("pk", flat=True)), user)
        made = ask(members=members, name=name, format=kind, by=user)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect(back)
    return redirect("admin:members_extract_change", made.pk)


def streamed(members: list[int], user: User) -> StreamingHttpResponse:
    """A short list, line by line."""
    headers = {"Content-Disposition": 'attachment; filename="members.csv"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(write_rows(rows_for(members, user)), content_type=KINDS["csv"], headers=headers)


admin.site.unregister(Member)


@admin.register(Member)
class MemberDesk(profiles.MemberDesk):
    """The list of members, which can be taken away as it is filtered."""

    list_before_template: Any = "admin/extract_doors.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.take_away))
        return [path("take-away/", view, name="members_take_away"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        takes = cast(User, request.user).has_perm(EXPORTS)
        context = {"takes_away": takes, "asked": request.GET.urlencode(), **(extra_context or {})}
        return cast(HttpResponse, super().changelist_view(request, context))

    def take_away(self, request: HttpRequest) -> Any:
        """The list with the filters and the search of the page on which the button was."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_changelist_instance(request).get_queryset(request)
        plain = Member.objects.filter(pk__in=found.order_by().values("pk"))
        return take_away(
            request, members=plain, name=str(_("List of members")), back=f"{reverse('admin:members_member_changelist')}"
        )


@admin.register(Extract)
class ExtractDesk(Records):
    """The reader's own files."""

    nothing_yet = _(
        "Open the list of members or a segment and choose “Export”: the file can be fetched here for some days."
    )
    list_display: Any = ("name", "format", "state", "total", "created_at")
    change_form_outer_before_template = "admin/extract_state.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).defer("wanted")
        return rows.filter(created_by=request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return cast(User, request.user).has_perm(EXPORTS)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return cast(User, request.user).has_perm(EXPORTS)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = (extra_context or {}) | (state_of(found) if found else {})
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("<int:number>/state/", view(require_safe(self.show_state)), name="extract_state"),
            path("<int:number>/cancel/", view(require_POST(self.cancel)), name="extract_cancel"),
            path("<int:number>/file/", view(require_safe(self.fetch)), name="extract_file"),
        ]
        return [*ours, *super().get_urls()]

    def one(self, request: HttpRequest, number: int) -> Extract:
        """The file, if the reader asked for it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_queryset(request).filter(pk=number).first()
        if found is None:
            raise Http404
        return cast(Extract, found)

    def show_state(self, request: HttpRequest, number: int) -> HttpResponse:
        """The part of the page that renews itself while the file is written."""
        return render(request, "admin/extract_state.html", state_of(self.one(request, number)))

    def cancel(self, request: HttpRequest, number: int) -> HttpResponse:
        """Stop it; nothing of it is left."""
        found = self.one(request, number)
        words = _("Stopped.") if uploads.cancel(work=found) else _("It was over already.")
        self.message_user(request, words, messages.SUCCESS)
        return redirect("admin:members_extract_change", number)

    def fetch(self, request: HttpRequest, number: int) -> FileResponse:
        """The file, once it is written and until it is removed."""
        found = self.one(request, number)
        if not found.file:
            raise Http404
        response = FileResponse(
            found.file.open("rb"),
            as_attachment=True,
            filename=f"members-{number}.{found.format}",
            headers={"Content-Type": KINDS[found.format]},
        )
        response["Cache-Control"] = "no-store"
        return response

    @display(description=_("status"), label=LABELS)
    def state(self, extract: Extract) -> tuple[str, str]:
        return extract.status, extract.get_status_display()


def state_of(extract: Extract) -> dict[str, Any]:
    """What the page says about a file."""
    runs = extract.finished_at is None
    return {
        "extract": extract,
        "runs": runs,
        "percent": min(100, extract.written * 100 // max(extract.total, 1)),
        "state_url": reverse("admin:extract_state", args=[extract.pk]),
        "days": KEPT // timedelta(days=1),
        "removed_at": extract.finished_at + KEPT if extract.finished_at else None,
    }
