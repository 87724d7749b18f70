"""The staff's door to given tiers: give one, take one back."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from loyalty.grants.actions import take_back
from loyalty.grants.forms import GrantForm
from loyalty.tiers.admin import tier_badge
from loyalty.tiers.models import Grant
from members.kit.admin import Records
from members.kit.refusals import Refusal
from members.profiles import admin as profiles
from members.stores.models import User


@admin.register(Grant)
class GrantDesk(profiles.OfMemberMixin, Records):
    """Tiers given by staff, sold, and bought with points."""

    nothing_yet = _("Tiers that were given by hand, sold or bought with points. Give one on a member's page.")
    store_path = "member__home_store"
    list_display = ("since", "member_shown", "tier_given", "held_by", "until", "ended_at", "reason")
    list_filter = ("held_by",)
    list_select_related = ("member", "tier")
    change_form_outer_before_template = "admin/grant_state.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("number", "tier", "last_day", "reason")
        return self.get_readonly_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        return (
            "member_link", "tier_given", "held_by", "since", "until", "ended_at", "reason", "actor", "price",
            "reference",
        )  # fmt: skip

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            return type("HereForm", (GrantForm,), {"reader": request.user})
        return super().get_form(request, obj, change, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"number": request.GET.get("number", "")}

    def save_model(self, request: HttpRequest, obj: Grant, form: Any, change: bool) -> None:
        """The form's verb wrote it."""

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        is_running = found is not None and found.ended_at is None and found.until > timezone.now()
        may = is_running and cast(User, request.user).has_perm("loyalty.add_grant")
        context = (extra_context or {}) | {"grant": found, "may_take_back": may}
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.take_back))
        return [path("<int:number>/take-back/", view, name="grant_take_back"), *super().get_urls()]

    def take_back(self, request: HttpRequest, number: int) -> HttpResponse:
        """End it before its day, with a reason."""
        user = cast(User, request.user)
        if not user.has_perm("loyalty.add_grant"):
            raise PermissionDenied
        found = self.get_queryset(request).filter(pk=number).first()
        if found is None:
            raise Http404
        try:
            reason = request.POST.get("reason", "")
            take_back(given=found, reason=reason, actor=f"staff:{user.pk}", now=timezone.now())
            self.message_user(request, _("Taken back."), messages.SUCCESS)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:loyalty_grant_change", number)

    @display(description=_("tier"))
    def tier_given(self, grant: Grant) -> str:
        return tier_badge(grant.tier)
