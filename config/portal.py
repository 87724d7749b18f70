"""The member's home, which several floors furnish; the pages that say no; the demo's mail."""

from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.api import error_body
from loyalty.benefits.actions import main_plan_of
from loyalty.ledger.views import holdings_of, latest_of
from loyalty.promotions.actions import offers_for
from loyalty.treats.actions import waiting_for
from members.completeness.actions import asks_for
from members.messaging.models import Message
from members.messaging.views import inbox_of, letters
from members.profiles.views import member_of

LATEST = 5
DEMO_MESSAGES = 100


@login_required
@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """How many points, which tier, what lapses, what is new: at one look."""
    member = member_of(request)
    now = timezone.now()
    plan = main_plan_of(member, now)
    context = {
        "member": member,
        "holdings": holdings_of(member, now),
        "plan": plan,
        "progress": plan.progress if plan else None,
        "entries": latest_of(member, LATEST),
        "treats": waiting_for(member, now)[:LATEST],
        "offers": offers_for(member, now),
        "standing": asks_for(member, now),
        "letter": next(iter(letters(inbox_of(member)[:1])), None),
    }
    return render(request, "portal/home.html", context)


@never_cache
@require_safe
def demo_mail(request: HttpRequest) -> HttpResponse:
    """What would have been sent, in the demo, where nothing is. Routed only there."""
    outside = Message.objects.exclude(channel=Message.Channel.INBOX).select_related("member")
    return render(request, "portal/demo_mail.html", {"letters": letters(outside.newest_first()[:DEMO_MESSAGES])})


def say_no(request: HttpRequest, status: HTTPStatus, code: str, title: str, words: str) -> HttpResponse:
    """A page without database or session, so that it stands when they do not; JSON to the callers of the API."""
    if request.path.startswith("/api/"):
        return JsonResponse(error_body(code, words), status=status)
    context = {
        "request": request,
        "LANGUAGE_CODE": get_language(),
        "status": status.value,
        "title": title,
        "words": words,
    }
    return HttpResponse(render_to_string("portal/error.html", context), status=status)


def malformed(request: HttpRequest, exception: Exception) -> HttpResponse:
    title, words = _("We did not understand that"), _("Nothing was changed. Please go back and try again.")
    return say_no(request, HTTPStatus.BAD_REQUEST, "malformed", title, words)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    words = _("This page is for members. Staff find their pages behind the staff sign-in.")
    return say_no(request, HTTPStatus.FORBIDDEN, "forbidden", _("This is not for this account"), words)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's answer to a form without its token: mostly a page that stood open for long, or refused cookies."""
    words = _("Nothing was changed. Please load the page again; it needs cookies to keep you safe.")
    return say_no(request, HTTPStatus.FORBIDDEN, "stale_form", _("This page is too old"), words)


def nothing_here(request: HttpRequest, exception: Exception) -> HttpResponse:
    title, words = _("There is nothing here"), _("The address may be mistyped, or the page has moved.")
    return say_no(request, HTTPStatus.NOT_FOUND, "not_found", title, words)


def too_many(request: HttpRequest) -> HttpResponse:
    title, words = _("That was a little too fast"), _("Please wait ten minutes and try again.")
    return say_no(request, HTTPStatus.TOO_MANY_REQUESTS, "too_many", title, words)


def broken(request: HttpRequest) -> HttpResponse:
    title = _("Something broke on our side")
    words = _("Your points are safe. Please try again in a few minutes.")
    return say_no(request, HTTPStatus.INTERNAL_SERVER_ERROR, "broken", title, words)
