"""The member's page of treats: what waits and until when, and what they had."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loyalty.treats.actions import received_by, waiting_for
from members.profiles.views import member_of

LATEST = 20


@login_required
@never_cache
@require_safe
def my_treats(request: HttpRequest) -> HttpResponse:
    """What waits, the soonest to lapse first, and what was received, the latest first."""
    member, now = member_of(request), timezone.now()
    context = {"member": member, "waiting": waiting_for(member, now), "received": received_by(member)[:LATEST]}
    return render(request, "portal/treats.html", context)
