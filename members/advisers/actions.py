"""Verbs: give a member an adviser, or none; and reads: who may be one, who is."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from members.advisers.models import Advising
from members.advisers.rules import NotAnAdviser
from members.profiles.actions import check_current
from members.profiles.models import Member
from members.stores.models import Store, User


def advisers_for(store: Store | int) -> QuerySet[User]:
    """Staff who are with the shop and may see this store."""
    sees = Q(posts__store=store) | Q(sees_all_stores=True)
    return User.objects.filter(sees, is_staff=True, is_active=True).distinct().order_by("first_name", "username")


@transaction.atomic
def entrust(*, member: Member, adviser: User | None, now: datetime) -> Advising | None:
    """Let this person look after the member, or nobody. The same again changes nothing.

    Raises MemberMerged and NotAnAdviser.
    """
    fresh = check_current(member)
    if adviser is not None and not advisers_for(fresh.home_store_id).filter(pk=adviser.pk).exists():
        raise NotAnAdviser
    known = Advising.objects.filter(member=fresh).first()
    if (known.adviser_id if known else None) == (adviser.pk if adviser else None):
        return known
    known = known or Advising(member=fresh)
    known.adviser, known.since = adviser, now
    known.save()
    return known


def adviser_of(member: Member) -> Advising | None:
    """Who looks after the member, with their account at hand; None where nobody was ever chosen or is now."""
    found = Advising.objects.select_related("adviser").filter(member=member).first()
    return found if found is not None and found.adviser is not None else None


def name_of(user: User) -> str:
    """How colleagues and members call somebody of the staff."""
    return user.first_name or user.username


def names_of(members: Sequence[int]) -> Mapping[int, str]:
    """The names of the advisers of these members."""
    found = Advising.objects.standing().filter(member__in=members).select_related("adviser")
    return {each.member_id: name_of(each.adviser) for each in found if each.adviser}
