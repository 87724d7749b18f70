"""The staff's door to notes: the list of what is to be done, and one note with what can be done about it."""

from typing import Any, cast
from uuid import uuid4

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from members.kit.admin import Records
from members.kit.refusals import Refusal
from members.notes.actions import finish_task, reopen_task, withdraw_note, write_note
from members.notes.forms import NoteForm
from members.notes.models import Note
from members.profiles.admin import OfMemberMixin
from members.profiles.models import Member
from members.stores.models import User

STATES = {"late": "danger", "open": "warning", "done": "success"}


class StateFilter(admin.SimpleListFilter):
    """What is to be done, what was done, and plain notes."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("to be done")), ("late", _("late")), ("done", _("done")), ("note", _("notes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Note]) -> QuerySet[Note]:
        notes = cast(Any, queryset)
        match self.value():
            case "open":
                return cast(QuerySet[Note], notes.open_tasks())
            case "late":
                return cast(QuerySet[Note], notes.open_tasks().filter(due_on__lt=timezone.localdate()))
            case "done":
                return queryset.filter(done_at__isnull=False)
            case "note":
                return queryset.filter(due_on=None)
        return queryset


@admin.register(Note)
class NoteDesk(OfMemberMixin, Records):
    """What colleagues wrote down: tasks first, by their day."""

    nothing_yet = _("Notes and tasks are written on a member's page and in the till card.")
    store_path = "member__home_store"
    list_display: Any = ("said", "member_link", "state", "due_on", "writer", "written_at")
    list_filter: Any = (StateFilter,)
    list_select_related = ("member", "written_by", "done_by")
    fields = readonly_fields = (
        "said", "member_link", "state", "due_on", "writer", "written_at", "doer", "done_at",
    )  # fmt: skip
    change_form_outer_after_template = "admin/note_doors.html"

    def get_ordering(self, request: HttpRequest) -> Any:
        return (F("due_on").asc(nulls_last=True), "-written_at", "-pk")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("<int:number>/done/", view(require_POST(self.done)), name="note_done"),
            path("<int:number>/reopen/", view(require_POST(self.reopen)), name="note_reopen"),
            path("<int:number>/withdraw/", view(require_POST(self.withdraw)), name="note_withdraw"),
        ]
        return [*ours, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        note = self.get_object(request, object_id) if self.has_view_permission(request) else None
        user = cast(User, request.user)
        may = {
            "may_work": user.has_perm("members.add_note"),
            "may_withdraw": note is not None and withdraws(user, note),
        }
        context = (extra_context or {}) | {"note": note, "title": _("Note")} | may
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    @display(description=_("note"))
    def said(self, note: Note) -> Any:
        return note.words or _("withdrawn")

    @display(description=_("state"), label=STATES)
    def state(self, note: Note) -> Any:
        if note.is_open:
            is_late = note.due_on is not None and note.due_on < timezone.localdate()
            return ("late", _("late")) if is_late else ("open", _("to be done"))
        return ("done", _("done")) if note.is_task and note.done_at else None

    @display(description=_("by"))
    def writer(self, note: Note) -> str:
        return note.written_by.username if note.written_by else "—"

    @display(description=_("done by"))
    def doer(self, note: Note) -> str:
        return note.done_by.username if note.done_by else "—"

    def one(self, request: HttpRequest, number: int) -> Note:
        """The note, if the reader may see its member and work here."""
        if not cast(User, request.user).has_perm("members.add_note"):
            raise PermissionDenied
        note = self.get_queryset(request).filter(pk=number).first()
        if note is None:
            raise Http404
        return cast(Note, note)

    def done(self, request: HttpRequest, number: int) -> HttpResponse:
        """The task is done."""
        note = self.one(request, number)
        return self.told(request, note, lambda: finish_task(note=note, by=cast(User, request.user), now=timezone.now()))

    def reopen(self, request: HttpRequest, number: int) -> HttpResponse:
        """The task is to be done after all."""
        note = self.one(request, number)
        return self.told(request, note, lambda: reopen_task(note=note))

    def withdraw(self, request: HttpRequest, number: int) -> HttpResponse:
        """The words go; whoever wrote them may, and whoever looks after the store."""
        note = self.one(request, number)
        if not withdraws(cast(User, request.user), note):
            raise PermissionDenied
        return self.told(request, note, lambda: withdraw_note(note=note, now=timezone.now()))

    def told(self, request: HttpRequest, note: Note, verb: Any) -> HttpResponse:
        """Do it, say so, and back to the note."""
        try:
            verb()
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.message_user(request, _("Done."), messages.SUCCESS)
        return redirect("admin:members_note_change", note.pk)


def take_note(request: HttpRequest, member: Member) -> NoteForm:
    """The note form of a member's page: empty, or with what was sent; what was sent and can be kept is written down."""
    user = cast(User, request.user)
    if request.method != "POST":
        return NoteForm(initial={"key": uuid4()})
    if not user.has_perm("members.add_note"):
        raise PermissionDenied
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            write_note(member=member, by=user, now=timezone.now(), **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    if form.is_valid():
        messages.success(request, _("It is written down."))
    return form


def withdraws(user: User, note: Note) -> bool:
    """Whether this person may wipe the note's words."""
    return note.withdrawn_at is None and (note.written_by_id == user.pk or user.has_perm("members.change_note"))
