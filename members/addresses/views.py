"""The member's door: where I live."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from members.addresses.actions import address_of, settle_at
from members.addresses.forms import AddressForm
from members.kit.refusals import Refusal
from members.profiles.views import member_of


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def my_address(request: HttpRequest) -> HttpResponse:
    """As much of an address as I like."""
    member = member_of(request)
    address = address_of(member)
    form = AddressForm(request.POST or None, address=address)
    if request.method == "POST" and form.is_valid():
        try:
            settle_at(member=member, now=timezone.now(), **form.cleaned_data)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return redirect(reverse("my_address") + "?saved=1")
    is_saved = "saved" in request.GET and request.method == "GET"
    return render(request, "portal/my_address.html", {"form": form, "address": address, "is_saved": is_saved})
