"""The member's card, in the colour of the tier."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loyalty.tiers.actions import progress_of
from members.profiles.views import in_groups, member_of, qr_of

NO_TIER = "#57534E"


@login_required
@never_cache
@require_safe
def card(request: HttpRequest) -> HttpResponse:
    """What a till scans, and what a clerk can read."""
    member = member_of(request)
    progress = progress_of(member, timezone.now())
    tier = progress.step if progress else None
    context = {
        "member": member,
        "tier": tier,
        "colour": tier.colour if tier else NO_TIER,
        "qr": qr_of(member.number),
        "groups": in_groups(member.number),
    }
    return render(request, "portal/card.html", context)
