"""The staff's door to the programme as a file: download it, hand one in, read what it would change, take it in."""

from datetime import datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from unfold.decorators import display

from loyalty.programme.actions import export_programme, hand_in, take_in
from loyalty.programme.forms import ProgrammeFileForm
from loyalty.programme.models import ProgrammeFile
from members.kit.admin import Records
from members.kit.refusals import Refusal
from members.stores.models import User

LABELS = {"in": "success", "bad": "danger", "same": "info", "open": "warning"}


@admin.register(ProgrammeFile)
class ProgrammeFileDesk(Records):
    """Files of the programme: nothing changes before somebody has read what would."""

    nothing_yet = _("Hand in a programme as a YAML file: you see what it would change before anything does.")
    list_display = ("name", "state", "handed_in_at", "who", "taken_in_at")
    list_select_related = ("created_by",)
    list_before_template = "admin/programme_files.html"
    change_form_outer_before_template = "admin/programme_file.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("upload", "text") if obj is None else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = type("HereForm", (ProgrammeFileForm,), {"reader": request.user})
            kwargs["fields"] = None
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: ProgrammeFile, form: Any, change: bool) -> None:
        """The form wrote it."""

    def response_add(
        self, request: HttpRequest, obj: ProgrammeFile, post_url_continue: str | None = None
    ) -> HttpResponse:
        return redirect("admin:loyalty_programmefile_change", obj.pk)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        may_take_in = cast(User, request.user).has_perm("loyalty.change_programmefile")
        context = (extra_context or {}) | {"file": found, "may_take_in": may_take_in}
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("download/", view(require_safe(self.download)), name="programme_download"),
            path("<int:number>/take-in/", view(require_POST(self.take_in)), name="programme_take_in"),
            path("<int:number>/compare/", view(require_POST(self.compare)), name="programme_compare"),
            path("<int:number>/bring-back/", view(require_POST(self.bring_back)), name="programme_bring_back"),
        ]
        return [*ours, *super().get_urls()]

    def one(self, request: HttpRequest, number: int, permission: str) -> ProgrammeFile:
        """The file, for those who may do this with it."""
        if not cast(User, request.user).has_perm(f"loyalty.{permission}"):
            raise PermissionDenied
        found = ProgrammeFile.objects.filter(pk=number).first()
        if found is None:
            raise Http404
        return found

    def download(self, request: HttpRequest) -> HttpResponse:
        """The programme as it stands."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        headers = {"Content-Disposition": f'attachment; filename="programme-{timezone.localdate():%Y-%m-%d}.yaml"'}
        return HttpResponse(export_programme(), content_type="application/yaml; charset=utf-8", headers=headers)

    def take_in(self, request: HttpRequest, number: int) -> HttpResponse:
        """Make the programme what the file says."""
        file = self.one(request, number, "change_programmefile")
        try:
            take_in(file=file, now=timezone.now(), by=cast(User, request.user))
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.message_user(request, _("The programme is as the file says."), messages.SUCCESS)
        return redirect("admin:loyalty_programmefile_change", number)

    def compare(self, request: HttpRequest, number: int) -> HttpResponse:
        """The same file, compared with the programme of now."""
        file = self.one(request, number, "add_programmefile")
        return self.go_on(request, file.text, file.name)

    def bring_back(self, request: HttpRequest, number: int) -> HttpResponse:
        """What stood before a file was taken in, as a file to be read and taken in."""
        file = self.one(request, number, "add_programmefile")
        return self.go_on(request, file.before, str(_("before %(name)s") % {"name": file.name}))

    def go_on(self, request: HttpRequest, text: str, name: str) -> HttpResponse:
        """To the page of a file that is handed in again."""
        file = hand_in(text=text, name=name, now=timezone.now(), by=cast(User, request.user))
        return redirect("admin:loyalty_programmefile_change", file.pk)

    @display(description=_("state"), label=LABELS)
    def state(self, file: ProgrammeFile) -> tuple[str, Any]:
        if file.taken_in_at:
            return "in", _("taken in")
        if file.problems:
            return "bad", _("has problems")
        return ("open", _("to be read")) if file.changes else ("same", _("changes nothing"))

    @display(description=_("by"))
    def who(self, file: ProgrammeFile) -> str:
        return file.created_by.username if file.created_by else "—"

    @display(description=_("handed in at"))
    def handed_in_at(self, file: ProgrammeFile) -> datetime:
        return file.created_at
