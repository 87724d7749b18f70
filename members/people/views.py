"""The member's door: what I say of myself."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from members.kit.refusals import Refusal
from members.people.actions import birthday_after, describe, person_of
from members.people.forms import PersonForm
from members.profiles.views import member_of


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def about_me(request: HttpRequest) -> HttpResponse:
    """Names, gender, birthday, occupation and interests, all as far as I like."""
    member, now = member_of(request), timezone.now()
    form = PersonForm(request.POST or None, person=person_of(member))
    if request.method == "POST" and form.is_valid():
        try:
            describe(member=member, now=now, **form.cleaned_data)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return redirect(reverse("about_me") + "?saved=1")
    context = {
        "form": form,
        "birthday": birthday_after(member, timezone.localdate(now)),
        "is_saved": "saved" in request.GET and request.method == "GET",
    }
    return render(request, "portal/about_me.html", context)
