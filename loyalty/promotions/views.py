"""The member's page of offers: what takes something off the price, until when, and what a point is worth."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loyalty.promotions.actions import offers_for, pricebook
from loyalty.promotions.rules import words_of_rate
from members.profiles.views import member_of


@login_required
@never_cache
@require_safe
def offers(request: HttpRequest) -> HttpResponse:
    """Promotions that run or are to come for this member, and what points pay."""
    member, now = member_of(request), timezone.now()
    rate = pricebook().rate(now)
    context = {"member": member, "offers": offers_for(member, now), "rate": words_of_rate(rate) if rate else ""}
    return render(request, "portal/offers.html", context)
