"""The member's door to reasons: what a purchase or an event brought, in plain words."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loyalty.earning.models import Event
from loyalty.reasons.actions import why_of_event, why_of_sale
from loyalty.rulebook.rules import words_of_trigger
from members.profiles.views import member_of
from members.purchases.models import Sale


@login_required
@never_cache
@require_safe
def why_sale(request: HttpRequest, sale: int) -> HttpResponse:
    """Why a purchase of the member's own brought its points."""
    member = member_of(request)
    found = Sale.objects.of(member).select_related("store").filter(pk=min(sale, 2**62)).first()
    if found is None:
        raise Http404
    return page(request, {"member": member, "sale": found, "at": found.happened_at, "why": why_of_sale(found)})


@login_required
@never_cache
@require_safe
def why_event(request: HttpRequest, event: int) -> HttpResponse:
    """Why something else that the member did brought its points."""
    member = member_of(request)
    found = Event.objects.filter(member=member, pk=min(event, 2**62)).first()
    if found is None:
        raise Http404
    said = {"what": words_of_trigger(found.code), "at": found.happened_at, "why": why_of_event(found)}
    return page(request, {"member": member, **said})


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The whole page, or just the part that opens under a movement."""
    is_part = getattr(request, "htmx", False)
    return render(request, "portal/why.html#why" if is_part else "portal/why.html", context)
