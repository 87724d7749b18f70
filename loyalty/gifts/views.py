"""The member's page "give points": say to whom, see whom it is, give."""

import secrets
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from loyalty.gifts.actions import check_gift_now, find_receiver, give, kinds_given
from loyalty.gifts.forms import FIELD_OF, GiftForm
from loyalty.gifts.models import Gift
from loyalty.ledger.views import holdings_of
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.profiles.rules import mask, mask_name
from members.profiles.views import member_of

LATEST = 5


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def give_points(request: HttpRequest) -> HttpResponse:
    """Three steps on one address: what to give, a look at the receiver, and what was given."""
    member, kinds, now = member_of(request), kinds_given(), timezone.now()
    key = secrets.token_hex(16)
    form = GiftForm(request.POST or None, kinds=kinds, initial={"to": request.GET.get("to", ""), "key": key})
    context: dict[str, Any] = {"member": member, "form": form, "kinds": kinds}
    if kinds and request.method == "POST" and form.is_valid():
        try:
            receiver = find_receiver(giver=member, text=form.cleaned_data["to"])
            done = step(request, member, receiver, form)
            if done is not None:
                return redirect(f"{reverse('give_points')}?done={done.pk}")
            context |= {"receiver": mask_name(receiver.name), "receiver_number": mask("number", receiver.number)}
        except Refusal as refusal:
            form.add_error(FIELD_OF.get(refusal.code), str(refusal))
    given = Gift.objects.by(member).select_related("kind").newest_first()
    context |= {
        "holdings": [each for each in holdings_of(member, now) if each.kind in kinds],
        "done": given.filter(pk=int(f"0{request.GET.get('done', '')}"[:18])).first(),
        "given": given[:LATEST],
    }
    return render(request, "portal/give.html", context)


def step(request: HttpRequest, member: Member, receiver: Member, form: GiftForm) -> Gift | None:
    """The gift if it was confirmed; else nothing is refused so far."""
    said, now = form.cleaned_data, timezone.now()
    asked = {"giver": member, "receiver": receiver, "kind": said["kind"], "points": said["points"], "now": now}
    if "confirm" not in request.POST:
        check_gift_now(**asked)
        return None
    return give(**asked, key=f"portal:{said['key']}", note=said["note"])
