"""The staff's door to advisers: a page beside the member's, and a filter of the list."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.addresses import admin as addresses
from members.advisers.actions import adviser_of, entrust, name_of
from members.advisers.forms import AdviserForm
from members.advisers.models import Advising
from members.kit.admin import stores_seen
from members.profiles.models import Member
from members.stores.models import User

MOST_LISTED = 30
MINE, VACANT, NOBODY = "mine", "vacant", "nobody"

admin.site.unregister(Member)


class AdviserFilter(admin.SimpleListFilter):
    """The reader's own members, those whose adviser left, those without one, and each colleague's."""

    title = gettext_lazy("adviser")
    parameter_name = "adviser"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        staff = User.objects.filter(is_staff=True, is_active=True).filter(
            Exists(Advising.objects.filter(adviser=OuterRef("pk")))
        )
        stores = stores_seen(request)
        if stores is not None:
            staff = staff.filter(posts__store__in=stores).distinct()
        named = [(each.username, name_of(each)) for each in staff.order_by("first_name", "username")[:MOST_LISTED]]
        return [(MINE, _("mine")), (VACANT, _("adviser left")), (NOBODY, _("without an adviser")), *named]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        said = self.value()
        theirs = Advising.objects.filter(member=OuterRef("pk"))
        match said:
            case None:
                return queryset
            case "mine":
                return queryset.filter(Exists(theirs.by(cast(User, request.user))))
            case "vacant":
                return queryset.filter(Exists(theirs.vacant()))
            case "nobody":
                return queryset.exclude(Exists(theirs.standing()))
            case _name:
                return queryset.filter(Exists(theirs.standing().filter(adviser__username=said)))


@admin.register(Member)
class MemberDesk(addresses.MemberDesk):
    """Members with somebody who looks after them."""

    list_filter: Any = (*addresses.MemberDesk.list_filter, AdviserFilter)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.adviser)
        return [path("<int:number>/adviser/", view, name="member_adviser"), *super().get_urls()]

    def adviser(self, request: HttpRequest, number: int) -> HttpResponse:
        """Who looks after the member."""
        member = self.one(request, number)
        found = adviser_of(member)
        form = AdviserForm(request.POST or None, member=member, adviser=found.adviser if found else None)
        left = found is not None and found.is_vacant and found.adviser
        return self.form_page(
            request,
            member,
            form,
            lambda said: entrust(member=member, adviser=said["adviser"], now=timezone.now()),
            heading=_("Adviser"),
            says=_("%(name)s left; the place is vacant.") % {"name": name_of(left)} if left else "",
        )
