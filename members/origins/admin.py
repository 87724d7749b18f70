"""The staff's door to join codes: the link, the QR code to print, and how many came."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from members.kit.admin import Kept, stores_seen
from members.kit.names import named
from members.origins.models import JoinCode
from members.photos import admin as photos
from members.profiles.models import Member
from members.profiles.views import qr_of

admin.site.unregister(Member)


@admin.register(JoinCode)
class JoinCodeDesk(Kept):
    """A code goes out of use, and is never deleted: it says how members came. The reader's own are counted."""

    nothing_yet = _("Print a code for a store or a flyer: whoever follows it becomes a member who came by it.")
    list_display = ("code", "name_zh", "name_en", "store_name", "came", "is_on")
    list_select_related = ("store",)
    ordering = ("-is_on", "code")
    fields = ("code", ("name_zh", "name_en"), "store", "is_on", "qr")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows, stores = super().get_queryset(request), stores_seen(request)
        living = Q(origins__member__merged_into=None, origins__member__erased_at=None)
        if stores is not None:
            rows = rows.filter(Q(store=None) | Q(store__in=stores))
            living &= Q(origins__member__home_store__in=stores)
        return cast(QuerySet[Any], rows.annotate(came_here=Count("origins", filter=living)))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is not None else self.fields[:-1]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The code stands: it is printed."""
        return ("code", "qr") if obj is not None else ()

    @display(description=_("store"))
    def store_name(self, code: JoinCode) -> str:
        return named(code.store) or "—"

    @display(description=_("members who came"))
    def came(self, code: JoinCode) -> int:
        return cast(int, cast(Any, code).came_here)

    @display(description=_("link and QR code"))
    def qr(self, code: JoinCode) -> str:
        return format_html('<span class="join-qr">{}</span><a href="{}">{}</a>', qr_of(code.link), code.link, code.link)


@admin.register(Member)
class MemberDesk(photos.MemberDesk):
    """Members with what they came by, read together with the member."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("origin__code")
