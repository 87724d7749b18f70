"""Verbs: look at contacts, take data along, restrict, ask for an erasure and take it back, erase from every table.

An erasure locks the members of one person in primary-key order, and is one transaction: all of it, or nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from members.consents.models import Consent, Guardian, OptIn
from members.contact.models import Preference
from members.extracts.models import Extract
from members.history.models import Change
from members.kit.refusals import Refusal
from members.kit.windows import days_after, months_after
from members.messaging.models import Message
from members.photos.actions import forget_photos
from members.privacy import sql
from members.privacy.models import Erasure, Look, PrivacyRule, PrivacyStep, RetentionRule
from members.privacy.rules import (
    CHECKS,
    ERASED,
    ERASERS,
    HOLDINGS,
    AlreadyAsked,
    MemberErased,
    NothingAsked,
    Person,
    ReasonMissing,
)
from members.profiles.actions import blind, draw_numbers, living
from members.profiles.models import Identity, Member
from members.profiles.rules import blinded, printable
from members.roster.models import RosterImport
from members.stores.models import User

What = PrivacyStep.What


def look_at(*, member: Member, by: User, why: str, now: datetime) -> list[Identity]:
    """The member's contacts in full, and a note of who looked, when and why, which the member can read.

    Raises ReasonMissing, MemberErased.
    """
    reason = printable(why)[:200]
    if not reason:
        raise ReasonMissing
    if member.erased_at is not None:
        raise MemberErased
    Look.objects.create(member=member, user=by, why=reason, looked_at=now)
    return list(member.identities.order_by("kind", "pk"))


def note_taken(members: list[int], user: User) -> None:
    """A list with the contacts of these members is taken away: each of them can read it."""
    why, now = gettext("taken along in a list"), timezone.now()
    Look.objects.bulk_create(Look(member_id=member, user=user, why=why, looked_at=now) for member in members)


def note(member: Member, what: str, by: User | None, now: datetime) -> None:
    """Write a step down."""
    PrivacyStep.objects.create(member=member, what=what, user=by, happened_at=now)


@transaction.atomic
def restrict(*, member: Member, by: User | None, now: datetime) -> Member:
    """Keep the data and do nothing with them: no messages, no segments, no scores. A second time changes nothing."""
    fresh = locked(member)
    if fresh.restricted_at is None:
        fresh.restricted_at = now
        fresh.save(update_fields=["restricted_at"])
        note(fresh, What.RESTRICTED, by, now)
    return fresh


@transaction.atomic
def lift_restriction(*, member: Member, by: User | None, now: datetime) -> Member:
    """Use the data again. A second time changes nothing."""
    fresh = locked(member)
    if fresh.restricted_at is not None:
        fresh.restricted_at = None
        fresh.save(update_fields=["restricted_at"])
        note(fresh, What.LIFTED, by, now)
    return fresh


def locked(member: Member) -> Member:
    """The member in whom this one lives on, locked. Raises MemberErased."""
    stands = Member.objects.get(pk=member.pk)
    fresh = Member.objects.select_for_update().get(pk=living(stands).pk)
    if fresh.erased_at is not None:
        raise MemberErased
    return fresh


def waiting_days() -> int:
    """How long an erasure can be taken back."""
    rule = PrivacyRule.objects.filter(pk=1).first()
    return rule.waiting_days if rule else 7


@transaction.atomic
def ask_erasure(*, member: Member, now: datetime) -> Erasure:
    """The member asks to be erased; until it is due they can take it back.

    Raises AlreadyAsked, OpenOrder, MemberErased.
    """
    fresh = locked(member)
    if Erasure.objects.of_family(fresh).waiting().exists():
        raise AlreadyAsked
    check(family_of(fresh))
    values: dict[str, Any] = {
        "status": Erasure.Status.WAITING,
        "asked_at": now,
        "due_at": days_after(now, waiting_days()),
    }
    asked, is_new = Erasure.objects.get_or_create(member=fresh, status=Erasure.Status.PROPOSED, defaults=values)
    if not is_new:
        for name, value in values.items():
            setattr(asked, name, value)
        asked.save()
    note(fresh, What.ASKED, None, now)
    return asked


@transaction.atomic
def take_back_erasure(*, member: Member, now: datetime) -> Erasure:
    """The member stays. Raises NothingAsked, MemberErased."""
    fresh = locked(member)
    asked = Erasure.objects.of_family(fresh).waiting().order_by("pk").first()
    if asked is None:
        raise NothingAsked
    end(asked, Erasure.Status.WITHDRAWN, now)
    note(fresh, What.WITHDRAWN, None, now)
    return asked


def end(asked: Erasure, status: str, now: datetime) -> None:
    asked.status, asked.ended_at, asked.obstacle = status, now, ""
    asked.save(update_fields=["status", "ended_at", "obstacle"])


@transaction.atomic
def dismiss(*, asked: Erasure, now: datetime) -> None:
    """Keep a member whom the night proposed to erase. Raises NothingAsked."""
    found = Erasure.objects.select_for_update().filter(pk=asked.pk, status=Erasure.Status.PROPOSED).first()
    if found is None:
        raise NothingAsked
    end(found, Erasure.Status.DISMISSED, now)


def erase_due(*, now: datetime, most: int = 100) -> int:
    """Erase whose time to take it back is over; how many. What stands in the way is noted, and tried again."""
    done = 0
    for asked in Erasure.objects.due(now).select_related("member").order_by("due_at", "pk")[:most]:
        try:
            erase(member=asked.member, by=None, reason="", now=now)
            done += 1
        except Refusal as refusal:
            Erasure.objects.filter(pk=asked.pk).update(obstacle=refusal.code)
    return done


@transaction.atomic
def erase(*, member: Member, by: User | None, reason: str, now: datetime) -> Erasure:
    """Take everything personal out of every table. Movements, sales and tiers stay, under a number nobody knows.

    Raises OpenOrder, MemberErased, and ReasonMissing for staff who do not say why; then nothing was changed.
    """
    if by is not None and not printable(reason):
        raise ReasonMissing
    fresh = locked(member)
    family = family_of(fresh)
    check(family)
    person = person_behind(family)
    sql.block([(kind, blind(kind, value), now) for kind, value in person.identities])
    for eraser in ERASERS:
        eraser(person, now)
    for holding in HOLDINGS.values():
        forget(holding.model, holding.path, person.members, blank=dict(holding.blank), goes=holding.goes)
    sql.forget_person(members=person.members, values=[value for _kind, value in person.identities], words=person.words)
    forget_signs_of_staff(person)
    forget_user(person)
    become_nobody(person, now)
    note(fresh, What.ERASED, by, now)
    asked = list(Erasure.objects.filter(member__in=family).open().order_by("pk"))
    for each in asked or [Erasure(member=fresh, asked_at=now)]:
        each.asked_by, each.reason = by, printable(reason)[:200] if by else ""
        each.status, each.ended_at, each.obstacle = Erasure.Status.DONE, now, ""
        each.save()
    return each


def erase_again(*, gone: Sequence[sql.Gone], now: datetime) -> int:
    """Erase members who came back with an old backup: those of these identities who joined before; how many.

    Only a hash can be compared, so every identity is hashed once. Who joined again after having been erased did so
    themself, and stays. Raises as `erase`.
    """
    sql.block(gone)
    wanted = {(kind, digest): moment for kind, digest, moment in gone}
    members = set()
    known = Identity.objects.values_list("member", "kind", "value", "member__enrolled_at")
    for owner, kind, value, enrolled_at in known.iterator():
        moment = wanted.get((kind, blinded(kind, value, settings.ERASURE_KEY)))
        if moment is not None and enrolled_at <= moment:
            members.add(owner)
    for member in Member.objects.current().filter(pk__in=members).order_by("pk"):
        erase(member=member, by=None, reason="", now=now)
    return len(members)


def family_of(member: Member) -> list[int]:
    """A member and those who were merged into them, locked in primary-key order."""
    one_of = Q(pk=member.pk) | Q(merged_into=member.pk)
    return list(Member.objects.select_for_update().filter(one_of).order_by("pk").values_list("pk", flat=True))


def check(members: list[int]) -> None:
    """Raises what stands in the way of erasing these members."""
    for each in CHECKS:
        each(members)


def person_behind(family: list[int]) -> Person:
    """By what they can be found, and a new number for each."""
    members = list(Member.objects.filter(pk__in=family).order_by("pk"))
    names = [member.name for member in members if member.name]
    identities = list(Identity.objects.filter(member__in=family).order_by("kind", "value").values_list("kind", "value"))
    numbers = dict(zip((member.number for member in members), draw_numbers(len(members)), strict=True))
    return Person(members=family, names=names, identities=identities, numbers=numbers)


def forget(label: str, path: str, members: list[int], *, blank: dict[str, Any], goes: bool) -> None:
    """Let a table's rows of these members go, or put what is blank into their columns."""
    rows = apps.get_model(label)._base_manager.filter(**{f"{path}__in": members})
    if goes:
        rows.delete()
    elif blank:
        rows.update(**blank)


def forget_files(person: Person, now: datetime) -> None:
    """Rows of files of members that name the person; and all files that are done with, whoever stands in them.

    A list that was taken away and the file of an import that is over can be made again.
    """
    sql.forget_roster(digits=person.digits, words=person.words, whole=person.all_words)
    over: list[RosterImport | Extract] = [
        *RosterImport.objects.filter(finished_at__isnull=False).exclude(file="").order_by("pk"),
        *Extract.objects.filter(finished_at__isnull=False).exclude(file="").order_by("pk"),
    ]
    for done in over:
        done.file.delete(save=False)
        type(done)._base_manager.filter(pk=done.pk).update(file="")


def forget_signs_of_staff(person: Person) -> None:
    """What staff left in logs: entries about these members, or with their words; wrong sign-ins with their address."""
    about = Q(content_type__app_label="members", content_type__model="member", object_id__in=map(str, person.members))
    for word in person.words:
        about |= Q(object_repr__contains=word) | Q(change_message__contains=word)
    LogEntry.objects.filter(about).update(object_repr=ERASED, change_message="")
    names = [*person.all_words, *(f"member-{number}" for number in person.numbers)]
    for log in (AccessAttempt, AccessFailureLog, AccessLog):
        log.objects.filter(username__in=names).delete()


def forget_user(person: Person) -> None:
    """The accounts by which they signed in, with all sessions that know of them. Staff keep theirs."""
    users = list(User.objects.filter(member__in=person.members, is_staff=False).values_list("pk", flat=True))
    keys = [session.pk for session in Session.objects.iterator() if knows(session, users, person.words)]
    Session.objects.filter(pk__in=keys).delete()
    Member.objects.filter(pk__in=person.members).update(user=None)
    User.objects.filter(pk__in=users).delete()


def knows(session: Session, users: list[int], words: list[str]) -> bool:
    """Whether a session is of one of these users, or holds one of the words, as when somebody is about to sign in."""
    said = session.get_decoded()
    if str(said.get("_auth_user_id")) in map(str, users):
        return True
    text = str(said)
    return any(word in text for word in words)


def become_nobody(person: Person, now: datetime) -> None:
    """What is left of the members: rows without a name, under numbers that nobody knows."""
    Consent.objects.filter(member__in=person.members).delete()
    OptIn.objects.filter(member__in=person.members).delete()
    Guardian.objects.filter(member__in=person.members).delete()
    Preference.objects.filter(member__in=person.members).delete()
    Identity.objects.filter(member__in=person.members).delete()
    for member in Member.objects.filter(pk__in=person.members).order_by("pk"):
        member.number = person.numbers[member.number]
        member.name, member.birth_on, member.custom, member.user = "", None, {}, None
        member.erased_at, member.restricted_at = now, None
        member.save()
    forget_photos(person.members)
    Change.objects.filter(member__in=person.members).delete()  # last: what was just done wrote some


# What the night lets go of


@dataclass(frozen=True)
class Retention:
    """Work of the night on a table: rows of a range that are older than a moment."""

    model: type[models.Model]
    let_go: Callable[[int, int, datetime, datetime], int]  # first, last, older than, now


def let_go_by(statement: str) -> Callable[[int, int, datetime, datetime], int]:
    """Let go of a range by one statement."""
    return lambda first, last, before, now: sql.run(statement, first=first, last=last, before=before)


def propose(first: int, last: int, before: datetime, now: datetime) -> int:
    """Propose to erase who has not been seen for so long."""
    return sql.run(sql.PROPOSE, first=first, last=last, before=before, now=now)


RETENTION: dict[str, Retention] = {
    "messages": Retention(Message, let_go_by(sql.OLD_MESSAGES)),
    "changes": Retention(Change, let_go_by(sql.OLD_CHANGES)),
    "looks": Retention(Look, let_go_by(sql.OLD_LOOKS)),
    "inactive": Retention(Member, propose),
}


def retain(*, code: str, first: int, last: int, now: datetime) -> int:
    """Let go of what of a range is older than its rule says; how many rows. Nothing while the rule is off."""
    rule = RetentionRule.objects.filter(code=code, is_on=True).first()
    if rule is None:
        return 0
    return RETENTION[code].let_go(first, last, months_after(now, -rule.months), now)
