"""Verbs: find members by whatever they show, enrol them one by one or by the thousand, keep their profiles."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, TypedDict, Unpack

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from members.kit.hands import sign
from members.kit.refusals import Malformed, Refusal
from members.profiles import rules
from members.profiles.models import CustomField, Identity, Member
from members.profiles.sql import (
    MEMBER_BY_IDENTITY,
    MEMBER_BY_NUMBER,
    Found,
    NewMember,
    insert_identities,
    insert_members,
    new_member_ids,
    select_erased,
    select_owners,
)
from members.stores.models import Store

ENROLLED_AT_ONCE = 5_000
CHANGED: list[Callable[..., None]] = []  # rooms above that are told (member, fields, now) of a changed profile
SEES_CONTACTS = "members.see_full_contacts"
PROFILE = ["name", "birth_on", "language", "home_store", "custom", "enrolled_at"]  # what a merge decides


class UnknownMember(Refusal):
    """Nobody has this identity or number."""

    code = "unknown_member"
    sentence = _("No member has this phone, e-mail, card or number.")
    status = 404


class IdentityTaken(Refusal):
    """Another member has this identity already."""

    code = "identity_taken"
    sentence = _("Another member already has this %(kind)s.")


class NoIdentity(Malformed):
    """Nothing was given by which the member could be found."""

    code = "no_identity"
    sentence = _("A member needs a phone, an e-mail, a card or a WeChat id.")


class MemberMerged(Refusal):
    """The member lives on in another, and is not changed any more."""

    code = "member_merged"
    sentence = _("This member was merged into another. Change that one.")


class ProfileChanges(TypedDict, total=False):
    """What may change about a member; what is left out stays. Values in `custom` replace those of their codes."""

    name: str
    language: str
    birth_on: date | None
    custom: Mapping[str, Any]


@dataclass(frozen=True)
class Newcomer:
    """A row of an import: an identity as `read_identity` leaves it, and whose it is."""

    kind: str
    value: str
    name: str
    enrolled_at: datetime


def read_identity(*, kind: str, text: str) -> str:
    """`rules.normalise` in the shop's country. Raises BadPhone, BadEmail or BadIdentity."""
    return rules.normalise(kind, text, settings.SHOP_COUNTRY)


def guess_kind(text: str) -> str:
    """Which kind of identity somebody most likely typed; "number" for what looks like a member number."""
    return rules.guess_kind(text, settings.SHOP_COUNTRY)


def find_member(*, kind: str, value: str) -> Member:
    """The member with this identity, however it is written, or with this member number (kind "number").

    Raises UnknownMember, or BadPhone, BadEmail, BadIdentity for what is none.
    """
    exact = read_identity(kind=kind, text=value)
    members = Member.objects.select_related("home_store")
    found = members.filter(number=exact) if kind == "number" else members.identified_by(kind=kind, value=exact)
    member = found.first()
    if member is None:
        raise UnknownMember
    return living(member)


def living(member: Member) -> Member:
    """The member in whom this one lives on: the survivor of a merge, or the member."""
    if member.merged_into is None:
        return member
    return Member.objects.select_related("home_store").get(pk=member.merged_into)


def find_buyer(*, kind: str, value: str) -> Member:
    """`find_member` for a till that waits: the same member and the same refusals, but the home store is not at hand."""
    exact = read_identity(kind=kind, text=value)
    if kind == "number":
        found = Member.objects.raw(MEMBER_BY_NUMBER, [exact])
    else:
        found = Member.objects.raw(MEMBER_BY_IDENTITY, [kind, exact])
    member: Member | None = next(iter(found), None)
    if member is None:
        raise UnknownMember
    return member


def masked_phone(member: Member) -> str:
    """The member's phone as lists show it, empty when there is none. Prefetch `identities` for lists."""
    phones = [identity.value for identity in member.identities.all() if identity.kind == Identity.Kind.PHONE]
    return rules.mask("phone", phones[0]) if phones else ""


@transaction.atomic
def enrol(
    *,
    name: str,
    identities: Mapping[str, str],
    store: Store,
    source: str,
    now: datetime,
    language: str = "zh-hans",
    custom: Mapping[str, Any] | None = None,
    birth_on: date | None = None,
) -> Member:
    """Make a member, found by these identities (text by kind) from now on. The number is random and new.

    Raises IdentityTaken when somebody has one of them, NoIdentity without any, IdentityErased for an import, or what
    `rules` refuse; then nothing was changed.
    """
    found = {(kind, read_identity(kind=kind, text=text)) for kind, text in identities.items() if text}
    if not found or any(kind not in Identity.Kind.values for kind, _value in found):
        raise NoIdentity
    if source == Member.Source.IMPORT and erased_among(found):
        raise rules.IdentityErased
    newcomer = NewMember(
        id=new_member_ids(1)[0],
        name=rules.clean_name(name),
        language=our_language(language),
        birth_on=rules.check_birthday(birth_on, timezone.localdate(now)),
        home_store_id=store.pk,
        source=source,
        enrolled_at=now,
        custom=our_fields(custom or {}),
    )
    claim_identities(dict.fromkeys(found, newcomer.id))
    write_members([newcomer])
    return Member.objects.select_related("home_store").get(pk=newcomer.id)


def erased_among(identities: Iterable[Found]) -> set[Found]:
    """Those whose members were erased."""
    return select_erased({(kind, value): (kind, blind(kind, value)) for kind, value in identities})


def blind(kind: str, value: str) -> str:
    """The identity as it is still known when its member was erased."""
    return rules.blinded(kind, value, settings.ERASURE_KEY)


def claim_identities(owners: dict[Found, int]) -> None:
    """Write identities. Raises IdentityTaken for the first that another member has."""
    taken = sorted(owners.keys() - insert_identities(owners))
    if taken:
        raise IdentityTaken(kind=Identity.Kind(taken[0][0]).label)


def write_members(members: Sequence[NewMember]) -> None:
    """Write members under new random numbers; a number that is in use is drawn again."""
    while members:
        written = insert_members(members, draw_numbers(len(members)))
        members = [member for member in members if member.id not in written]


def draw_numbers(count: int) -> list[str]:
    """So many different numbers of ten digits, from the system's randomness: nobody guesses the next."""
    numbers: set[str] = set()
    while len(numbers) < count:
        numbers.add(str(10**9 + secrets.randbelow(9 * 10**9)))
    return list(numbers)


def enrol_many(*, rows: Iterable[Newcomer], store: Store, source: str, language: str = "zh-hans") -> dict[Found, int]:
    """The member id of every (kind, value), enrolled where there was none: a few statements for thousands of rows.

    Each 5,000 rows are a transaction of their own, or part of the caller's. Whoever enrols the same identity at the
    same moment is waited for, and then has it. Of rows with the same identity the first one counts. Those who were
    erased are not enrolled by an import, and have no id.
    """
    found: dict[Found, int] = {}
    left = iter(rows)
    while batch := list(islice(left, ENROLLED_AT_ONCE)):
        newcomers = {(row.kind, row.value): row for row in reversed(batch)}
        found |= enrol_batch(newcomers, store=store, source=source, language=our_language(language))
    return found


@transaction.atomic
def enrol_batch(rows: Mapping[Found, Newcomer], *, store: Store, source: str, language: str) -> dict[Found, int]:
    """One transaction of enrol_many."""
    found = select_owners(rows)
    missing = [identity for identity in rows if identity not in found]
    if source == Member.Source.IMPORT and missing:
        gone = erased_among(missing)
        missing = [identity for identity in missing if identity not in gone]
    if not missing:
        return found
    names = {identity: rules.clean_name(rows[identity].name) for identity in missing}
    owners = dict(zip(missing, new_member_ids(len(missing)), strict=True))
    ours = insert_identities(owners)
    newcomers = [
        NewMember(
            id=owners[identity],
            name=names[identity],
            language=language,
            home_store_id=store.pk,
            source=source,
            enrolled_at=rows[identity].enrolled_at,
        )
        for identity in missing
        if identity in ours
    ]
    write_members(newcomers)
    found |= {identity: owners[identity] for identity in ours}
    return found | select_owners([identity for identity in missing if identity not in ours])


@transaction.atomic
def add_identity(*, member: Member, kind: str, text: str) -> Identity:
    """Let the member be found by this as well. A second time changes nothing. Raises IdentityTaken, MemberMerged."""
    if kind not in Identity.Kind.values:
        raise rules.BadIdentity(kind=kind[:20], value=rules.shown(text))
    value = read_identity(kind=kind, text=text)
    check_current(member)
    insert_identities({(kind, value): member.pk})
    identity = Identity.objects.get(kind=kind, value=value)
    if identity.member_id != member.pk:
        raise IdentityTaken(kind=Identity.Kind(kind).label)
    return identity


def verify_identity(*, member: Member, kind: str, value: str, now: datetime) -> None:
    """Note that the member proved to hold this identity. The first proof stands. Raises UnknownMember."""
    exact = read_identity(kind=kind, text=value)
    theirs = Identity.objects.filter(member=member, kind=kind, value=exact)
    if not theirs.filter(verified_at=None).update(verified_at=now) and not theirs.exists():
        raise UnknownMember


@transaction.atomic
def update_profile(*, member: Member, now: datetime, **changes: Unpack[ProfileChanges]) -> Member:
    """Change what is given and leave the rest. Raises what `rules` refuse, MemberMerged."""
    fresh = check_current(member)
    if "name" in changes:
        fresh.name = rules.clean_name(changes["name"])
    if "language" in changes:
        fresh.language = our_language(changes["language"])
    if "birth_on" in changes:
        fresh.birth_on = rules.check_birthday(changes["birth_on"], timezone.localdate(now))
    if "custom" in changes:
        kept = {code: value for code, value in fresh.custom.items() if code not in changes["custom"]}
        fresh.custom = kept | our_fields(changes["custom"])
    fresh.save(update_fields=list(changes))
    say_changed(fresh, list(changes), now)
    return fresh


def say_changed(member: Member, fields: Sequence[str], now: datetime) -> None:
    """Let those rooms know that asked to, in the transaction that changes the profile."""
    for tell in CHANGED if fields else ():
        tell(member=member, fields=fields, now=now)


def check_current(member: Member) -> Member:
    """The member, locked and fresh, about to be changed. Raises MemberMerged for who was merged into another."""
    fresh = Member.objects.select_for_update().get(pk=member.pk)
    if fresh.merged_into is not None:
        raise MemberMerged
    sign()
    return fresh


def our_language(code: str) -> str:
    """The code again if we write in it. Raises BadLanguage."""
    ours = dict(settings.LANGUAGES)
    if code not in ours:
        raise rules.BadLanguage(ours=", ".join(ours))
    return code


def our_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the shop's further fields, checked. Raises BadField, FieldRequired."""
    return rules.check_custom(CustomField.objects.in_use(), values) if values else {}


def find_members(*, wanted: Sequence[tuple[str, str]]) -> list[int | None]:
    """The member ids behind many identities or numbers, as written: one query each; None for nobody."""
    exact = [(kind, exact_or_nothing(kind, text)) for kind, text in wanted]
    found = select_owners([each for each in exact if each[0] != "number"])
    numbers = [value for kind, value in exact if kind == "number"]
    if numbers:
        survivor = Coalesce("merged_into", "pk", output_field=BigIntegerField())
        rows = Member.objects.filter(number__in=numbers).values_list("number", survivor)
        found |= {("number", number): member for number, member in rows}
    return [found.get(each) for each in exact]


def exact_or_nothing(kind: str, text: str) -> str:
    """The identity as we keep it; empty for what is none, which nobody has."""
    try:
        return read_identity(kind=kind, text=text)
    except Malformed:
        return ""


def facts_of(member: Member) -> dict[str, Any]:
    """What of a profile is chosen when two become one, as plain values by field; further fields as custom.code."""
    facts = {
        "name": member.name,
        "birth_on": member.birth_on.isoformat() if member.birth_on else None,
        "language": member.language,
        "home_store": member.home_store_id,
    }
    return facts | {f"custom.{code}": value for code, value in member.custom.items()}


def put_facts(member: Member, facts: Mapping[str, Any]) -> None:
    """Set these values; the caller saves."""
    for name, value in facts.items():
        if name.startswith("custom."):
            code = name.removeprefix("custom.")
            member.custom = {key: kept for key, kept in member.custom.items() if key != code}
            if value is not None:
                member.custom[code] = value
        elif name == "birth_on":
            member.birth_on = date.fromisoformat(value) if value else None
        else:
            setattr(member, "home_store_id" if name == "home_store" else name, value)


def join_profiles(*, survivor: Member, duplicate: Member, choices: Mapping[str, str]) -> dict[str, Any]:
    """Let the survivor be found by all that finds either, with the chosen values; what `part_profiles` needs.

    The caller has locked both. The earlier enrolment stands. Whoever is signed in as the duplicate sees the survivor.
    Raises BadChoice.
    """
    before = facts_of(survivor)
    made = rules.chosen(before, facts_of(duplicate), choices)
    kept: dict[str, Any] = {
        "before": before,
        "made": made,
        "enrolled_at": survivor.enrolled_at.isoformat(),
        "identities": sorted(duplicate.identities.values_list("pk", flat=True)),
    }
    Identity.objects.filter(pk__in=kept["identities"]).update(member=survivor)
    duplicate.merged_into = survivor.pk
    duplicate.save(update_fields=["merged_into"])
    put_facts(survivor, made)
    survivor.enrolled_at = min(survivor.enrolled_at, duplicate.enrolled_at)
    survivor.save(update_fields=PROFILE)
    return kept


def part_profiles(*, survivor: Member, duplicate: Member, kept: Mapping[str, Any]) -> None:
    """Undo `join_profiles`: identities and values go back; a value that was changed since stays changed.

    The caller has locked both.
    """
    Identity.objects.filter(pk__in=kept["identities"], member=survivor).update(member=duplicate)
    now = facts_of(survivor)
    back = {name: kept["before"].get(name) for name, value in kept["made"].items() if now.get(name) == value}
    put_facts(survivor, back)
    survivor.enrolled_at = datetime.fromisoformat(kept["enrolled_at"])
    survivor.save(update_fields=PROFILE)
    duplicate.merged_into = None
    duplicate.save(update_fields=["merged_into"])
