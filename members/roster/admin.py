"""The staff's door to files of members."""

from collections.abc import Iterable
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from members.kit.desks import FileDesk
from members.kit.refusals import Refusal
from members.roster.actions import bad_rows, begin
from members.roster.forms import RosterImportForm
from members.roster.models import RosterImport, RosterRow
from members.roster.panels import columns_of, meanings, report_of
from members.stores.admin import StoreFilter
from members.stores.models import User


@admin.register(RosterImport)
class RosterImportDesk(FileDesk):
    """Files of members: hand one in, name its columns, try it, take it in, fetch what could not be taken."""

    nothing_yet = _("Bring your members along: a CSV or XLSX file, tried row by row before anything is written.")
    door: ClassVar[str] = "roster"
    state_template: ClassVar[str] = "admin/roster_state.html"
    store_path = "store"
    list_display = (
        "name",
        "store_name",
        "state",
        "kind",
        "enrolled",
        "changed",
        "unchanged",
        "bad_rows",
        "handed_in_at",
    )
    list_filter = (("store", StoreFilter), "status")
    list_select_related = ("store",)
    change_form_outer_before_template = "admin/roster_state.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("file", "store") if obj is None else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = type("HereForm", (RosterImportForm,), {"reader": request.user})
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: RosterImport, form: Any, change: bool) -> None:
        """The form wrote it."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.begin))
        return [path("<int:number>/begin/", view, name="roster_begin"), *super().get_urls()]

    def begin(self, request: HttpRequest, number: int) -> HttpResponse:
        """Try the file, or take it in, with its columns as they were named."""
        found = self.one(request, number)
        if not self.has_add_permission(request):
            raise PermissionDenied
        meaning = [request.POST.get(f"column-{at}", "") for at in range(len(found.columns))]
        try:
            begin(roster=found, meaning=meaning, is_dry_run=request.POST.get("do") != "take")
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return self.page(number)

    def state_of(self, work: RosterImport, request: HttpRequest) -> dict[str, Any]:
        """What the page says about a file."""
        over, reader = work.finished_at is not None, cast(User, request.user)
        taken = over and work.status == "done" and not work.is_dry_run
        kinds = [kind for kind in RosterRow.Outcome.values if over or kind == "bad"]
        asked = request.GET.get("show", "")
        after = request.GET.get("after", "")
        show = asked if asked in kinds else first_of(work)
        may_begin = bool(work.file) and self.has_add_permission(request) and work.status not in ("waiting", "running")
        return {
            "roster": work,
            "percent": min(100, work.rows_read * 100 // max(work.rows_total, 1)),
            "may_begin": may_begin and not taken,
            "columns": columns_of(work) if may_begin and not taken else [],
            "meanings": meanings(reader).items(),
            "show": show,
            "tabs": [
                {"code": kind, "label": RosterRow.Outcome(kind).label, "count": count}
                for kind, count in counts_of(work).items()
                if count
            ],
            "report": report_of(work, show, int(after) if after.isdecimal() and len(after) < 19 else 0, reader),
        }

    def bad_rows_of(self, work: RosterImport) -> Iterable[list[str]]:
        return bad_rows(work)

    @display(description=_("kind"))
    def kind(self, roster: RosterImport) -> Any:
        return _("dry run") if roster.is_dry_run else _("import")


def counts_of(roster: RosterImport) -> dict[str, int]:
    """How many rows the report has, by outcome; after a run only those that could not be taken."""
    bad = {"bad": roster.bad_rows}
    return bad | {"changed": roster.changed, "enrolled": roster.enrolled} if roster.is_dry_run else bad


def first_of(roster: RosterImport) -> str:
    """The outcome that is looked at first: what is wrong."""
    return next((kind for kind, count in counts_of(roster).items() if count), "bad")
