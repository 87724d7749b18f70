"""The staff's door to a member's address: a page beside the member's."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from members.addresses.actions import address_of, settle_at
from members.addresses.forms import AddressForm
from members.people import admin as people
from members.profiles.models import Member

admin.site.unregister(Member)


@admin.register(Member)
class MemberDesk(people.MemberDesk):
    """Members with a page about where they live."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.address)
        return [path("<int:number>/address/", view, name="member_address"), *super().get_urls()]

    def address(self, request: HttpRequest, number: int) -> HttpResponse:
        """Where the member lives; staff who may change members write it down for them."""
        member = self.one(request, number)
        address = address_of(member)
        form = AddressForm(request.POST or None, address=address)
        return self.form_page(
            request,
            member,
            form,
            lambda said: settle_at(member=member, now=timezone.now(), **said),
            heading=_("Address"),
            says=address.line if address.pk else "",
        )
