"""The staff's door to corrections: ask, see what waits for oneself, decide."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from loyalty.corrections.actions import approve_correction, refuse_correction, withdraw_correction
from loyalty.corrections.forms import CorrectionForm
from loyalty.corrections.models import Correction, CorrectionLimit, CorrectionReason
from members.kit.admin import Kept, Records
from members.kit.names import named
from members.kit.refusals import Refusal
from members.profiles.admin import OfMemberMixin
from members.stores.models import User

STATES = {"waiting": "warning", "approved": "success", "refused": "danger", "withdrawn": "", "expired": ""}
STEPS = {"approve": approve_correction, "refuse": refuse_correction, "withdraw": withdraw_correction}
SAID = {
    "approve": _("Done: the points have moved."),
    "refuse": _("Refused. Nothing was changed."),
    "withdraw": _("Withdrawn. Nothing was changed."),
}


class MineFilter(admin.SimpleListFilter):
    """What waits for the reader, or was asked by the reader."""

    title = _("mine")
    parameter_name = "mine"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("decide", _("waiting for me")), ("asked", _("asked by me"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        user = cast(User, request.user)
        if self.value() == "decide":
            return queryset.filter(pk__in=Correction.objects.waiting_for(user))
        return queryset.filter(asked_by=user) if self.value() == "asked" else queryset


@admin.register(Correction)
class CorrectionDesk(OfMemberMixin, Records):
    nothing_yet = _(
        "Points given or taken by hand on a member's page stand here, those that wait for a second person first."
    )
    store_path = "member__home_store"
    list_display = ("asked_at", "member_shown", "amount", "why", "state", "asker", "decider")
    list_filter = (MineFilter, "status", "purpose")
    list_select_related = ("member", "kind", "reason", "asked_by", "decided_by")
    readonly_fields = (
        "member_link", "purpose", "amount", "why", "note", "status", "asker", "asked_at", "decider", "decided_at",
        "expires_at",
    )  # fmt: skip
    change_form_outer_before_template = "admin/correction.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.readonly_fields

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("number", "way", "amount", "kind", "reason", "note", "once") if obj is None else self.readonly_fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = type("HereForm", (CorrectionForm,), {"reader": request.user})
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Correction, form: Any, change: bool) -> None:
        """The form called the verb already."""

    def response_add(self, request: HttpRequest, obj: Correction, post_url_continue: str | None = None) -> HttpResponse:
        if obj.status == Correction.Status.WAITING:
            self.message_user(request, _("Written down. It waits for a second person."), messages.WARNING)
        else:
            self.message_user(request, SAID["approve"], messages.SUCCESS)
        return redirect("admin:loyalty_correction_change", obj.pk)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = (extra_context or {}) | (choices_for(found, cast(User, request.user)) if found else {})
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.decide))
        return [path("<int:number>/decide/", view, name="correction_decide"), *super().get_urls()]

    def decide(self, request: HttpRequest, number: int) -> HttpResponse:
        """Approve, refuse or withdraw; a refusal shows as a message."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_queryset(request).filter(pk=number).first()
        step = request.POST.get("step", "")
        if found is None or step not in STEPS:
            raise Http404
        try:
            STEPS[step](correction=found, by=cast(User, request.user), now=timezone.now())
            self.message_user(request, SAID[step], messages.SUCCESS)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:loyalty_correction_change", number)

    @display(description=_("points"))
    def amount(self, correction: Correction) -> str:
        return f"{correction.points:+,} {named(correction.kind)}"

    @display(description=_("reason"))
    def why(self, correction: Correction) -> str:
        return named(correction.reason)

    @display(description=_("status"), label=STATES)
    def state(self, correction: Correction) -> tuple[str, str]:
        return correction.status, correction.get_status_display()

    @display(description=_("asked by"))
    def asker(self, correction: Correction) -> str:
        return correction.asked_by.username

    @display(description=_("decided by"))
    def decider(self, correction: Correction) -> Any:
        if correction.decided_by is None:
            return _("within the limit") if correction.status == Correction.Status.APPROVED else "—"
        return correction.decided_by.username


def choices_for(correction: Correction, user: User) -> dict[str, Any]:
    """What the reader may do about a correction."""
    waits = correction.status == Correction.Status.WAITING and correction.expires_at > timezone.now()
    is_own = correction.asked_by_id == user.pk
    return {
        "correction": correction,
        "may_decide": waits and not is_own and user.has_perm("loyalty.approve_correction"),
        "may_withdraw": waits and is_own,
        "waits": waits,
    }


@admin.register(CorrectionReason)
class CorrectionReasonDesk(Kept):
    nothing_yet = _("Whoever corrects points chooses a reason from this list. Add the first one.")
    list_display = ("code", "name_zh", "name_en", "is_on")
    ordering = ("pk",)


@admin.register(CorrectionLimit)
class CorrectionLimitDesk(Kept):
    nothing_yet = _("Without a limit for a role its members of staff correct nothing. Add one for each role that may.")
    list_display = ("role", "gives_once", "gives_a_day", "takes_once", "takes_a_day")
    ordering = ("role__name",)
