"""The member's page "my tier": what I have, what the next one gives, my plan."""

import secrets

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from loyalty.benefits.actions import benefits_of, plans_of
from loyalty.grants.actions import buy_tier
from loyalty.tiers.models import Tier
from members.kit.names import named
from members.kit.refusals import Refusal
from members.profiles.views import member_of

KEY = 40  # characters of a form's own key


@login_required
@never_cache
@require_safe
def my_tier(request: HttpRequest) -> HttpResponse:
    """Every ladder: the tier held, what it gives, what keeps it, and the tiers above."""
    member = member_of(request)
    plans = plans_of(member, timezone.now())
    benefits = benefits_of([step.id for plan in plans for step in plan.climb.steps])
    ladders = [
        {
            "plan": plan,
            "steps": [
                {"step": step, "benefits": benefits.get(step.id, ()), "is_held": step == plan.step}
                for step in plan.climb.steps
            ],
        }
        for plan in plans
    ]
    context = {"member": member, "ladders": ladders, "key": secrets.token_hex(KEY // 2)}
    return render(request, "portal/tier.html", context)


@login_required
@require_POST
def buy(request: HttpRequest, tier: int) -> HttpResponse:
    """Spend points on a tier. The form's own key makes a second click harmless."""
    member = member_of(request)
    wanted = get_object_or_404(Tier, pk=tier, price_points__isnull=False)
    key = f"portal:{request.POST.get('key', '')[:KEY]}"
    try:
        buy_tier(member=member, tier=wanted, key=key, now=timezone.now(), actor=f"member:{member.pk}")
        messages.success(request, _("You hold %(tier)s now.") % {"tier": named(wanted)})
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("my_tier")
