"""The member's door: the preference centre; and for everybody the pages behind the links in mails."""

import secrets
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from members.consents.actions import Said, confirm_by_mail, needs_guardian, opt_in_behind
from members.consents.models import Channel, ConsentChange, Guardian, OptIn
from members.consents.rules import DeadLink
from members.contact.actions import prefer
from members.kit.rates import count
from members.kit.refusals import Refusal
from members.preferences.actions import answer, letter_behind, unsubscribe
from members.preferences.forms import NAMES, PreferenceForm
from members.profiles.rules import mask
from members.profiles.views import member_of

CHANGES_AN_HOUR = 60  # of one member; each change is kept for good


class TooManyChanges(Refusal):
    """Somebody plays with the ticks."""

    code = "too_many_changes"
    sentence = gettext_lazy("That was a little too fast. Please wait a while and try again.")
    status = 429


def trace_of(request: HttpRequest) -> str:
    """The address on the net from which the reader comes."""
    return str(get_adapter(request).get_client_ip(request))


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """By what, about what, how often and until when not: one page, one button."""
    member, now = member_of(request), timezone.now()
    form = PreferenceForm(request.POST or None, member=member)
    if request.method == "POST" and form.is_valid():
        said = Said(source=ConsentChange.Source.PORTAL, language=get_language() or "", trace=trace_of(request))
        try:
            if count(what="consents", who=str(member.pk), seconds=3600) > CHANGES_AN_HOUR:
                raise TooManyChanges
            with transaction.atomic():
                prefer(member=member, now=now, **form.choices)
                key = f"portal:{secrets.token_hex(8)}"
                made = answer(member=member, wanted=form.wanted, said=said, key=key, now=now)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Saved."))
            if made.link and settings.DEMO:
                request.session["demo_link"] = made.link
            return redirect("preferences")
    waiting = OptIn.objects.filter(member=member, used_at=None, expires_at__gt=now).select_related("identity").first()
    context = {
        "member": member,
        "form": form,
        "is_child": needs_guardian(member, now) and not Guardian.objects.filter(member=member).exists(),
        "age": settings.CHILD_AGE,
        "waiting": mask("email", waiting.identity.value) if waiting else "",
        "demo_link": request.session.get("demo_link") if settings.DEMO and waiting else "",
    }
    return render(request, "portal/preferences.html", context)


@csrf_exempt  # the reader's mail program has no token; the link itself is the secret
@never_cache
@require_http_methods(["GET", "POST"])
def end_messages(request: HttpRequest, token: str) -> HttpResponse:
    """A page on GET; on POST no more messages of this kind. Nobody needs to be signed in.

    Mail programs post `List-Unsubscribe=One-Click` (RFC 8058), people press a button.
    """
    message = letter_behind(token)
    if message is None:
        return render(request, "portal/way_out.html", {"is_dead": True}, status=404)
    context = {
        "purpose": NAMES[message.purpose],
        "channel": Channel(message.channel).label,
        "is_done": request.method == "POST",
    }
    if request.method == "POST":
        unsubscribe(message=message, is_all="all" in request.POST, trace=trace_of(request), now=timezone.now())
        context["is_all"] = "all" in request.POST
    return render(request, "portal/way_out.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def confirm_address(request: HttpRequest, link: str) -> HttpResponse:
    """A page on GET; on POST the yes counts and the address is proved."""
    try:
        waiting = opt_in_behind(link=link, now=timezone.now())
        context: dict[str, Any] = {
            "purposes": [NAMES[purpose] for purpose in waiting.purposes],
            "address": mask("email", waiting.identity.value),
        }
        if request.method == "POST":
            confirm_by_mail(link=link, trace=trace_of(request), now=timezone.now())
            context["is_done"] = True
    except DeadLink:
        return render(request, "portal/confirm_address.html", {"is_dead": True}, status=404)
    except Refusal as refusal:
        context["refusal"] = str(refusal)
    return render(request, "portal/confirm_address.html", context)
