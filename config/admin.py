"""The staff's site: who gets in, what its pages may run, and the first page, by what each person may see."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin as Desk
from unfold.sites import UnfoldAdminSite

from config.portal import say_no
from loyalty.ledger.panels import differences, points_per_day
from loyalty.tiers.actions import load_climb, tier_shown
from loyalty.tiers.panels import tier_mix
from members.kit.panels import last_night
from members.profiles.actions import masked_phone
from members.profiles.models import Member
from members.profiles.panels import members_today
from members.purchases.panels import sales_per_day, sales_today
from members.segments.panels import drifting
from members.stores.models import User
from members.stores.panels import scope_of
from members.webhooks.panels import endpoints_off

FOUND = 8  # members below the search field
LOOSER = {  # Alpine computes its expressions, htmx and unfold write styles into their pages
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}
loosened: Any = csp_update(LOOSER)


class StaffSite(UnfoldAdminSite):
    """Our admin. Desks that libraries bring along look and scope otherwise, so they stay outside."""

    index_title = gettext_lazy("Today")

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        if issubclass(admin_class or ModelAdmin, Desk):
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponse]:
        return cast(Callable[..., HttpResponse], loosened(super().admin_view(view, cacheable)))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return cast(HttpResponse, loosened(super().login)(request, extra_context))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """The language switch leads back to the page where it stands."""
        context: dict[str, Any] = super().each_context(request)
        return context | {"redirect_to": request.get_full_path()}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The first page: search for whoever may see members, figures for whoever may see them."""
        user = cast(User, request.user)
        context = {**self.each_context(request), "title": self.index_title, **found_members(user, request)}
        if user.has_perm("loyalty.see_figures"):
            context |= figures_for(user)
        if user.has_perm("members.view_segment") and scope_of(user).stores is None:
            context["drifting"] = drifting()
        if user.has_perm("members.view_endpoint"):
            context["endpoints_off"] = endpoints_off()
        if user.has_perm("loyalty.view_difference"):
            context |= {"differences": differences(), "night": last_night()}
        request.current_app = self.name
        is_part = bool(getattr(request, "htmx", False))
        return TemplateResponse(request, "admin/index.html#found" if is_part else "admin/index.html", context)


def found_members(user: User, request: HttpRequest) -> dict[str, Any]:
    """The members whom somebody means, with a masked phone, tier and points."""
    if not user.has_perm("members.view_member"):
        return {}
    said = request.GET.get("find", "").strip()
    if not said:
        return {"finds": True, "said": ""}
    members = Member.objects.visible_to(user).search(said).select_related("home_store")
    shown = members.prefetch_related("identities", "standings__tier", "accounts__kind").order_by("-pk")[: FOUND + 1]
    climb = load_climb()
    rows = [
        {
            "member": member,
            "phone": masked_phone(member),
            "tier": tier_shown(member, climb),
            "points": sum(each.active for each in member.accounts.all() if each.kind.code == "points"),
        }
        for member in shown
    ]
    return {"finds": True, "said": said, "found": rows[:FOUND], "has_more": len(rows) > FOUND}


def figures_for(user: User) -> dict[str, Any]:
    """Today beside last week, and the charts, of the stores that the reader sees."""
    now, scope = timezone.now(), scope_of(user)
    members = members_today(scope, now)
    charts = [sales_per_day(scope, now), points_per_day(scope, now), tier_mix(scope, now, members["members"])]
    return {
        "now": now,
        "stores": None if scope.stores is None else user.stores.order_by("code"),
        "sales": sales_today(scope, now),
        "members": members,
        "charts": [chart for chart in charts if chart is not None],
    }


def locked_out(request: HttpRequest, *_facts: Any) -> HttpResponse:
    """What axes shows after five wrong passwords."""
    words = _(
        "After five wrong passwords this name waits an hour. Ask whoever looks after Regulars to let you in sooner."
    )
    return say_no(request, HTTPStatus.TOO_MANY_REQUESTS, "locked_out", _("Too many wrong passwords"), words)
