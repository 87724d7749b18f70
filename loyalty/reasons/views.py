"""The member's door to reasons: what a purchase or an event brought, in plain words."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loyalty.earning.models import Event
from loyalty.reasons.actions import unrewarded, why_of_event, why_of_sale
from loyalty.rulebook.rules import words_of_trigger
from members.kit.windows import days_after
from members.profiles.views import member_of
from members.purchases.models import Sale

DAYS_SHOWN, MOST_SHOWN = 90, 30


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


@login_required
@never_cache
@require_safe
def no_points(request: HttpRequest) -> HttpResponse:
    """What the member did of late that brought no points, and why where that is of use to them."""
    member, since = member_of(request), days_after(timezone.now(), -DAYS_SHOWN)
    found = [
        (words_of_trigger(event.code), event, [each for each in missed if each.friendly])
        for event, missed in unrewarded(member, since=since, most=MOST_SHOWN)
    ]
    return render(request, "portal/no_points.html", {"member": member, "found": found, "days": DAYS_SHOWN})


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The whole page, or just the part that opens under a movement."""
    is_part = getattr(request, "htmx", False)
    return render(request, "portal/why.html#why" if is_part else "portal/why.html", context)
