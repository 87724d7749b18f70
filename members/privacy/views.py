"""The member's privacy centre: what we know and why, who looked, take it along, keep it unused, erase it."""

import json
import secrets

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from members.consents.actions import Said
from members.consents.models import ConsentChange, Purpose
from members.consents.rules import ANY
from members.kit.rates import count
from members.kit.refusals import Refusal
from members.preferences.actions import answer, answers_of
from members.preferences.views import trace_of
from members.privacy.actions import (
    ask_erasure,
    lift_restriction,
    note,
    restrict,
    take_back_erasure,
    waiting_days,
)
from members.privacy.forms import WordForm
from members.privacy.models import Erasure, Look, PrivacyStep
from members.privacy.panels import document, summary, told
from members.profiles.views import member_of

DOWNLOADS_A_DAY = 20
LATEST = 50


@login_required
@never_cache
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """What we know, stated or not, and why; who looked; what can be done about it."""
    member = member_of(request)
    context = {
        "member": member,
        "groups": summary(member),
        "looks": Look.objects.of_family(member).newest_first().select_related("user")[:LATEST],
        "steps": PrivacyStep.objects.filter(member=member).order_by("-happened_at", "-pk")[:10],
        "is_personal": answers_of(member)[Purpose.PROFILING.value, ANY],
        "waiting": Erasure.objects.of_family(member).waiting().order_by("pk").first(),
    }
    return render(request, "portal/privacy.html", context)


@login_required
@require_POST
def choose_privacy(request: HttpRequest) -> HttpResponse:
    """Recommendations on or off; all data kept and not used, or used again."""
    member, now = member_of(request), timezone.now()
    said = request.POST.get("choice", "")
    try:
        if said in {"personal", "plain"}:
            how = Said(source=ConsentChange.Source.PORTAL, language=get_language() or "", trace=trace_of(request))
            wanted = {(Purpose.PROFILING.value, ANY): said == "personal"}
            answer(member=member, wanted=wanted, said=how, key=f"portal:{secrets.token_hex(8)}", now=now)
        elif said == "restrict":
            restrict(member=member, by=None, now=now)
        elif said == "lift":
            lift_restriction(member=member, by=None, now=now)
        messages.success(request, _("Saved."))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("privacy")


@login_required
@never_cache
@require_safe
def take_along(request: HttpRequest, form: str) -> HttpResponse:
    """Everything that is held about the member, as a file: JSON for programs, a page for people."""
    member, now = member_of(request), timezone.now()
    if count(what="take-along", who=str(member.pk), seconds=86_400) > DOWNLOADS_A_DAY:
        messages.error(request, _("That was a little too fast. Please wait a while and try again."))
        return redirect("privacy")
    if request.method == "GET":
        note(member, PrivacyStep.What.DOWNLOADED, None, now)
    tables = told(member)
    if form == "json":
        body = json.dumps(document(member, tables, now), cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)
        kind = "application/json"
    else:
        filled = [each for each in tables if each.rows]
        body = render_to_string("portal/take_along.html", {"member": member, "tables": filled, "now": now}, request)
        kind = "text/html; charset=utf-8"
    headers = {"Content-Disposition": f'attachment; filename="{member.number}.{form}"'}
    return HttpResponse(body, content_type=kind, headers=headers)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def erase_me(request: HttpRequest) -> HttpResponse:
    """What an erasure does, then the word that confirms it; or, while it waits, a button that takes it back."""
    member, now = member_of(request), timezone.now()
    word = _("erase me")
    label = _("Type “%(word)s” to confirm") % {"word": word}
    form = WordForm(request.POST if "word" in request.POST else None, word=word, label=label)
    if request.method == "POST":
        try:
            if "stay" in request.POST:
                take_back_erasure(member=member, now=now)
                messages.success(request, _("Good that you stay. Nothing is erased."))
                return redirect("privacy")
            if form.is_valid():
                ask_erasure(member=member, now=now)
                return redirect("erase_me")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    context = {
        "member": member,
        "form": form,
        "days": waiting_days(),
        "waiting": Erasure.objects.of_family(member).waiting().order_by("pk").first(),
    }
    return render(request, "portal/erase_me.html", context)
