"""Verbs: put a tag on a member or on many, take it off, let the night end what has lapsed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from members.kit.names import named
from members.profiles.actions import check_current
from members.profiles.models import Member
from members.stores.models import User
from members.tags import sql
from members.tags.models import Tag, Tagging
from members.tags.rules import TagArchived, TagGuarded, clean_why, lapses_at

TOGETHER = 10_000  # members a statement


def check_may_set(tag: Tag, by: User | None) -> None:
    """Raises TagArchived, or TagGuarded for who may not set it."""
    if tag.is_archived:
        raise TagArchived(tag=named(tag))
    if tag.is_guarded and by is not None and not by.has_perm("members.change_tagging"):
        raise TagGuarded(tag=named(tag))


@transaction.atomic
def put_on(*, member: Member, tag: Tag, by: User | None, why: str = "", now: datetime) -> None:
    """Put a tag on a member. Who has it keeps it from when they got it, and it lasts as long as a new one would.

    Raises MemberMerged, TagArchived, TagGuarded or WhyTooLong.
    """
    check_current(member)
    put_on_many(members=[member.pk], tag=tag, by=by, why=why, now=now)


@transaction.atomic
def put_on_many(*, members: Sequence[int], tag: Tag, by: User | None, why: str = "", now: datetime) -> tuple[int, int]:
    """Put a tag on many: how many are new to it, and for how many it lasts longer now. Set-based, all or nothing.

    Raises TagArchived, TagGuarded or WhyTooLong.
    """
    check_may_set(tag, by)
    words, until = clean_why(why), lapses_at(tag.days, now)
    new = renewed = 0
    for start in range(0, len(members), TOGETHER):
        some = members[start : start + TOGETHER]
        done = sql.put_on(members=some, tag=tag.pk, until=until, why=words, by=by.pk if by else None, now=now)
        new, renewed = new + done[0], renewed + done[1]
    return new, renewed


@transaction.atomic
def take_off(*, member: Member, tag: Tag, by: User | None, now: datetime) -> None:
    """Take a tag off; that there was one stays written. A second time changes nothing. Raises TagGuarded."""
    if tag.is_guarded and by is not None and not by.has_perm("members.change_tagging"):
        raise TagGuarded(tag=named(tag))
    Tagging.objects.standing(now).filter(member=member, tag=tag).update(ended_at=now, ended_by=by)


def lapse_range(*, first: int, last: int, now: datetime) -> int:
    """Let go of the tags of an id range whose time is over; how many."""
    return sql.lapse(first=first, last=last, now=now)


def tags_of(member: Member, now: datetime) -> list[Tagging]:
    """The tags that stand on a member."""
    found = Tagging.objects.standing(now).filter(member=member).select_related("tag", "by")
    return list(found.order_by("tag__position", "tag__code"))


def names_of(members: Sequence[int]) -> Mapping[int, str]:
    """The tags of these members by their codes, as a file has them."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    standing = Tagging.objects.standing(timezone.now()).filter(member__in=members)
    for member, code in standing.order_by("tag__position", "tag__code").values_list("member", "tag__code"):
        found[member].append(code)
    return {member: " ".join(codes) for member, codes in found.items()}
