"""The doors: a link that brings people in, and the one that a member gives to friends."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from members.origins.rules import friends_token
from members.profiles.views import member_of, qr_of

CAME_BY = "came_by"  # session: the code in the link by which somebody came
LONGEST = 120


@never_cache
@require_safe
def join_by(request: HttpRequest, code: str) -> HttpResponse:
    """Keep the code and go on to the door. An old poster still leads in."""
    if len(code) <= LONGEST:
        request.session[CAME_BY] = code
    return redirect("account_login")


@login_required
@never_cache
@require_safe
def bring_friends(request: HttpRequest) -> HttpResponse:
    """The member's own link, to be sent or shown."""
    member = member_of(request)
    link = f"{settings.SITE_URL}{reverse('join_by', args=[friends_token(member.pk)])}"
    return render(request, "portal/bring_friends.html", {"link": link, "qr": qr_of(link)})
