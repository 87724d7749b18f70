"""The staff's door to reasons: the page of a sale, and members' events."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from loyalty.earning.models import Event
from loyalty.reasons.actions import why_of_event, why_of_sale
from loyalty.reasons.rules import Why
from loyalty.rulebook.rules import words_of_trigger
from members.kit.admin import Records
from members.kit.names import named
from members.profiles.admin import OfMemberMixin
from members.purchases import admin as purchases
from members.purchases.models import Sale
from members.stores.models import User

MAY_READ = "loyalty.view_award"
admin.site.unregister(Sale)


class WhyMixin:
    """A page that says under its form what each rule gave, or why it gave nothing."""

    change_form_outer_after_template = "admin/why.html"

    def why(self, thing: Any) -> Why:
        raise NotImplementedError

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        desk, context = cast(Any, self), extra_context or {}
        if desk.has_view_permission(request) and cast(User, request.user).has_perm(MAY_READ):
            found = desk.get_object(request, object_id)
            context |= {"why": self.why(found)} if found is not None else {}
        return cast(HttpResponse, cast(Any, super()).change_view(request, object_id, form_url, context))


@admin.register(Sale)
class SaleDesk(WhyMixin, purchases.SaleDesk):
    """Sales with the awards they brought."""

    def why(self, thing: Sale) -> Why:
        return why_of_sale(thing)


@admin.register(Event)
class EventDesk(WhyMixin, OfMemberMixin, Records):
    """What members did beside buying, with the awards it brought."""

    nothing_yet = _("What members do beside buying, such as joining or a review, is listed here with what it earned.")
    store_path = "member__home_store"
    list_display = ("happened_at", "member_shown", "what", "store_name")
    list_filter = ("code",)
    list_select_related = ("member", "store")
    ordering = ("-happened_at", "-pk")
    fields = readonly_fields = ("happened_at", "member_link", "what", "store_name", "key", "facts")

    def why(self, thing: Event) -> Why:
        return why_of_event(thing)

    @display(description=_("event"))
    def what(self, event: Event) -> str:
        return words_of_trigger(event.code)

    @display(description=_("store"))
    def store_name(self, event: Event) -> str:
        return named(event.store) or "—"
