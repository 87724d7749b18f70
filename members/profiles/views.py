"""The member's own pages: card and profile. And the gatekeeper of everything a member may see."""

import io
from typing import Any, cast

import segno
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from members.kit.refusals import Refusal
from members.profiles.actions import living, update_profile
from members.profiles.forms import THEMES, ProfileForm
from members.profiles.models import CustomField, Identity, Member
from members.profiles.panels import further_rows
from members.profiles.rules import mask
from members.stores.models import User

THEME_COOKIE = "theme"
A_YEAR = 365 * 24 * 3600  # seconds


def member_of(request: HttpRequest) -> Member:
    """The member who is signed in. Refuses staff and others without a membership with 403."""
    members = Member.objects.select_related("home_store", "fullness")  # what every page or the home shows
    member = members.filter(user=cast(User, request.user)).first()
    if member is None:
        raise PermissionDenied
    return living(member)


def qr_of(text: str) -> SafeString:
    """A QR code as inline SVG, without style attributes, so that the page's security policy lets it stand."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=False, nl=False, omitsize=True, border=1, svgclass="qr", lineclass=None
    )
    return mark_safe(out.getvalue().decode())  # noqa: S308 - segno draws it, and the text is not in it


def in_groups(number: str) -> list[str]:
    """M12345678 as M1 2345 678, so that it can be read out: groups of four from the right."""
    first = len(number) % 4
    groups = [number[:first]] if first else []
    return groups + [number[at : at + 4] for at in range(first, len(number), 4)]


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """Who I am here: name, birthday, addresses, language, look."""
    member = member_of(request)
    form = ProfileForm(request.POST or None, member=member)
    if request.method == "POST" and form.is_valid():
        try:
            update_profile(member=member, now=timezone.now(), **cast(Any, form.changes))
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return redirect(reverse("me") + "?saved=1")
    identities = [
        {
            "kind": Identity.Kind(identity.kind).label,
            "value": mask(identity.kind, identity.value),
            "is_verified": identity.verified_at is not None,
        }
        for identity in member.identities.order_by("kind", "pk")
    ]
    context = {
        "member": member,
        "form": form,
        "identities": identities,
        "further": further_shown(member),
        "is_saved": "saved" in request.GET and request.method == "GET",
    }
    return render(request, "portal/me.html", context)


def further_shown(member: Member) -> list[tuple[str, str]]:
    """What the shop's further fields say that the member may see and not change, with their names."""
    return further_rows(CustomField.objects.shown_to_members().filter(is_asked=False), member.custom)


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep the reader's choice of light or dark, or follow the device again."""
    response = back(request)
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie(
            THEME_COOKIE, theme, max_age=A_YEAR, samesite="Lax", httponly=True, secure=settings.HTTPS_ONLY
        )
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Speak this language on every page; to members also in messages."""
    response = back(request)
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        return response
    member = Member.objects.filter(user_id=request.user.pk).first() if request.user.is_authenticated else None
    if member is not None:
        update_profile(member=living(member), now=timezone.now(), language=language)
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, language, max_age=A_YEAR, samesite="Lax", secure=settings.HTTPS_ONLY
    )
    return response


def back(request: HttpRequest) -> HttpResponse:
    """To the page the reader came from, if it is ours."""
    there = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(there, allowed_hosts={request.get_host()}):
        there = reverse("home")
    return redirect(there)
