"""The member's page "my household": who, how much, limits, invitations, and the way out."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from loyalty.gifts.actions import find_receiver
from loyalty.households.actions import (
    accept,
    decline,
    dissolve,
    hand_over,
    invite,
    leave,
    seat_of,
    set_giving,
    set_limit,
    start_household,
)
from loyalty.households.models import Draw, Household, HouseholdRule, Invitation, Seat
from loyalty.households.rules import NotInHousehold
from loyalty.ledger.models import PointKind
from loyalty.pooling.actions import pool_of
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.profiles.rules import mask_name
from members.profiles.views import member_of

LATEST = 10


@login_required
@never_cache
@require_safe
def my_household(request: HttpRequest) -> HttpResponse:
    """Who spends together with me, and what we have; or how to begin."""
    member, now = member_of(request), timezone.now()
    kind = PointKind.objects.get(code="points")
    seat = seat_of(member)
    context: dict[str, Any] = {
        "member": member,
        "is_on": HouseholdRule.objects.filter(pk=1, is_on=True).exists(),
        "asked": invitations_to(member, now),
        "asks_leave": "leave" in request.GET,
    }
    if seat is not None and context["is_on"]:
        pool = pool_of(member=member, kind=kind, now=now)
        context |= {"pool": pool, "waiting": guests_of(seat.household, now) if pool.is_head else []}
        context["draws"] = draws_around(member, seat)
    return render(request, "portal/household.html", context)


def invitations_to(member: Member, now: datetime) -> list[dict[str, Any]]:
    """The open invitations to a member, with the head's half name."""
    open_ones = Invitation.objects.open(now).filter(member=member).select_related("household").order_by("pk")
    heads = Member.objects.in_bulk([each.household.head for each in open_ones])
    return [{"invitation": each, "head": mask_name(heads[each.household.head].name)} for each in open_ones]


def guests_of(household: Household, now: datetime) -> list[dict[str, Any]]:
    """Who was asked and has not answered."""
    open_ones = Invitation.objects.open(now).filter(household=household).select_related("member").order_by("pk")
    return [{"name": mask_name(each.member.name), "until": each.expires_at} for each in open_ones]


def draws_around(member: Member, seat: Seat) -> list[dict[str, Any]]:
    """The latest points drawn in the household from others, with the names of both."""
    draws = (
        Draw.objects.from_others().filter(household=seat.household).select_related("member").order_by("-pk")[:LATEST]
    )
    drawers = Member.objects.in_bulk([draw.drawer for draw in draws])
    return [{"draw": draw, "giver": draw.member.name, "drawer": drawers[draw.drawer].name} for draw in draws]


@login_required
@require_POST
def change_household(request: HttpRequest, step: str) -> HttpResponse:
    """One step: start, invite, accept, decline, give, limit, hand over, leave or dissolve."""
    member = member_of(request)
    try:
        STEPS[step](member, request.POST, timezone.now())
        messages.success(request, _("Saved."))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("my_household")


def number_in(said: Any, name: str) -> int:
    """A whole number that a form said; 0 for anything else."""
    text = said.get(name, "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 13 else 0


def other_in(said: Any) -> Member:
    """The member of whom a form speaks. Raises NotInHousehold."""
    other = Member.objects.filter(pk=number_in(said, "member")).first()
    if other is None:
        raise NotInHousehold
    return other


def ask(member: Member, said: Any, now: datetime) -> None:
    """Invite whoever has this phone or number."""
    invite(head=member, guest=find_receiver(giver=member, text=said.get("to", "")), now=now)


def limit(member: Member, said: Any, now: datetime) -> None:
    """Set, or lift, what one may draw."""
    points = number_in(said, "points") if said.get("points", "").strip() else None
    set_limit(head=member, member=other_in(said), points=points)


STEPS: dict[str, Callable[[Member, Any, datetime], Any]] = {
    "start": lambda member, said, now: start_household(head=member, now=now),
    "invite": ask,
    "accept": lambda member, said, now: accept(member=member, household=number_in(said, "household"), now=now),
    "decline": lambda member, said, now: decline(member=member, household=number_in(said, "household"), now=now),
    "give": lambda member, said, now: set_giving(member=member, gives=said.get("gives") == "1"),
    "limit": limit,
    "hand-over": lambda member, said, now: hand_over(head=member, heir=other_in(said)),
    "leave": lambda member, said, now: leave(member=member, now=now),
    "dissolve": lambda member, said, now: dissolve(head=member, now=now),
}
