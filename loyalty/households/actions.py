"""Verbs: start a household, ask and accept, leave, hand over; spend together and give back.

Locks: the household, then the accounts of all who sit in it, in primary-key order.
"""

from datetime import datetime

from django.db import transaction

from loyalty.households.models import Household, HouseholdRule, Invitation, Seat
from loyalty.households.rules import (
    AlreadyInHousehold,
    HeadMustHandOver,
    HouseholdFull,
    HouseholdsOff,
    JoinedTooSoon,
    NoHousehold,
    NoInvitation,
    NotInHousehold,
    NotTheHead,
    SeatReasonMissing,
)
from members.kit.windows import days_after
from members.messaging.actions import queue_message
from members.profiles.actions import check_current
from members.profiles.models import Member
from members.profiles.rules import mask_name


def rule_now() -> HouseholdRule:
    """The shop's rule. Raises HouseholdsOff where there are none."""
    rule = HouseholdRule.objects.filter(pk=1, is_on=True).first()
    if rule is None:
        raise HouseholdsOff
    return rule


def seat_of(member: Member) -> Seat | None:
    """Where the member sits now, if anywhere."""
    return Seat.objects.current().of(member).select_related("household").first()


def locked(member: Member) -> tuple[Household, Seat]:
    """The member's household, locked, and their place in it. Raises NoHousehold."""
    seat = seat_of(member)
    if seat is None:
        raise NoHousehold
    household = Household.objects.select_for_update().get(pk=seat.household_id)
    seat = Seat.objects.current().of(member).filter(household=household).first()
    if seat is None:
        raise NoHousehold
    return household, seat


def locked_by_head(head: Member) -> Household:
    """The household, locked. Raises NoHousehold, NotTheHead."""
    household, _seat = locked(head)
    if household.head != head.pk:
        raise NotTheHead
    return household


def take_seat(household: Household, member: Member, *, now: datetime, reason: str = "", actor: str = "") -> Seat:
    """Seat a member. Raises AlreadyInHousehold, JoinedTooSoon, HouseholdFull, MemberMerged."""
    rule = rule_now()
    check_current(member)
    if Seat.objects.current().of(member).exists():
        raise AlreadyInHousehold
    left = Seat.objects.of(member).exclude(left_at=None).order_by("-left_at").first()
    if left is not None and left.left_at is not None and days_after(left.left_at, rule.cooldown_days) > now:
        raise JoinedTooSoon(days=rule.cooldown_days)
    if Seat.objects.current().filter(household=household).count() >= rule.most_members:
        raise HouseholdFull(most=rule.most_members)
    return Seat.objects.create(member=member, household=household, joined_at=now, reason=reason, actor=actor)


@transaction.atomic
def start_household(*, head: Member, now: datetime) -> Household:
    """Make a household of one, who asks the others. Raises AlreadyInHousehold, JoinedTooSoon, HouseholdsOff."""
    household = Household.objects.create(head=head.pk, started_at=now)
    take_seat(household, head, now=now)
    return household


@transaction.atomic
def invite(*, head: Member, guest: Member, now: datetime) -> Invitation:
    """Ask somebody to join; they are told. Asked again while it is open it is the same invitation.

    Raises NotTheHead, NoHousehold, AlreadyInHousehold, HouseholdFull.
    """
    rule, household = rule_now(), locked_by_head(head)
    if Seat.objects.current().of(guest).exists():
        raise AlreadyInHousehold
    if Seat.objects.current().filter(household=household).count() >= rule.most_members:
        raise HouseholdFull(most=rule.most_members)
    asked = Invitation.objects.filter(member=guest, household=household, answered_at=None).first()
    if asked is not None and asked.expires_at > now:
        return asked
    if asked is not None:
        answer(asked, is_accepted=False, now=now)
    made = Invitation.objects.create(
        member=guest, household=household, invited_at=now, expires_at=days_after(now, rule.invitation_days)
    )
    said = {"other": mask_name(head.name) or head.number[-4:]}
    queue_message(member=guest, template="household_invited", key=f"household:{made.pk}", now=now, context=said)
    return made


def answer(invitation: Invitation, *, is_accepted: bool, now: datetime) -> None:
    """Write down the answer."""
    invitation.answered_at, invitation.is_accepted = now, is_accepted
    invitation.save(update_fields=["answered_at", "is_accepted"])


def invitation_for(member: Member, household: int, now: datetime) -> Invitation:
    """The open invitation of this member, locked after its household. Raises NoInvitation."""
    Household.objects.select_for_update().filter(pk=household, ended_at=None).first()
    found = Invitation.objects.select_for_update(of=("self",)).open(now).filter(member=member, household=household)
    invitation = found.select_related("household").first()
    if invitation is None or invitation.household.ended_at is not None:
        raise NoInvitation
    return invitation


@transaction.atomic
def accept(*, member: Member, household: int, now: datetime) -> Seat:
    """Join the household, by its id, that asked.

    Raises NoInvitation, AlreadyInHousehold, JoinedTooSoon, HouseholdFull, HouseholdsOff.
    """
    invitation = invitation_for(member, household, now)
    seat = take_seat(invitation.household, member, now=now)
    answer(invitation, is_accepted=True, now=now)
    return seat


@transaction.atomic
def decline(*, member: Member, household: int, now: datetime) -> None:
    """Say no to the household, by its id, that asked. Raises NoInvitation."""
    answer(invitation_for(member, household, now), is_accepted=False, now=now)


@transaction.atomic
def admit(*, head: Member, guest: Member, reason: str, actor: str, now: datetime) -> Seat:
    """Staff seat a member who asked for it in person. Raises SeatReasonMissing, and what `accept` raises."""
    if not reason.strip():
        raise SeatReasonMissing
    household, _seat = locked(head)
    return take_seat(household, guest, now=now, reason=reason.strip()[:200], actor=actor[:60])


@transaction.atomic
def leave(*, member: Member, now: datetime) -> None:
    """Go, with one's own points, which never were anywhere else. The last one to go ends the household.

    Raises NoHousehold, HeadMustHandOver.
    """
    household, seat = locked(member)
    others = Seat.objects.current().filter(household=household).exclude(pk=seat.pk)
    if household.head == member.pk and others.exists():
        raise HeadMustHandOver
    stand_up(seat, now)
    if household.head == member.pk:
        end(household, now)


def stand_up(seat: Seat, now: datetime) -> None:
    """The place is free."""
    seat.left_at = max(now, seat.joined_at)
    seat.save(update_fields=["left_at"])


def end(household: Household, now: datetime) -> None:
    """Nobody sits here any more, and nobody is asked."""
    household.ended_at = now
    household.save(update_fields=["ended_at"])
    for each in Invitation.objects.filter(household=household, answered_at=None).order_by("pk"):
        answer(each, is_accepted=False, now=now)


@transaction.atomic
def hand_over(*, head: Member, heir: Member) -> Household:
    """Make somebody else the head. Raises NotTheHead, NotInHousehold."""
    household = locked_by_head(head)
    if not Seat.objects.current().of(heir).filter(household=household).exists():
        raise NotInHousehold
    household.head = heir.pk
    household.save(update_fields=["head"])
    return household


@transaction.atomic
def dissolve(*, head: Member, now: datetime) -> None:
    """Everybody goes, each with their own points. Raises NotTheHead."""
    household = locked_by_head(head)
    for seat in Seat.objects.current().filter(household=household).order_by("pk"):
        stand_up(seat, now)
    end(household, now)


@transaction.atomic
def set_limit(*, head: Member, member: Member, points: int | None) -> Seat:
    """How many points a member may draw from the others in a month; None: as the rule says. Raises as `hand_over`."""
    household = locked_by_head(head)
    seat = Seat.objects.current().of(member).filter(household=household).first()
    if seat is None:
        raise NotInHousehold
    seat.draws_a_month = None if points is None else max(points, 0)
    seat.save(update_fields=["draws_a_month"])
    return seat


@transaction.atomic
def set_giving(*, member: Member, gives: bool) -> Seat:
    """Let the others draw on one's points, or not. Raises NoHousehold."""
    _household, seat = locked(member)
    seat.gives = gives
    seat.save(update_fields=["gives"])
    return seat
