"""Verbs: say yes or no with proof, speak for a child, prove an address by a link, choose how often and about what.

Whoever changes consents locks the member first. What stands (`Consent`) always follows from the newest proof.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from members.consents.models import (
    ALL_ASKED,
    ASKED,
    Channel,
    Consent,
    ConsentChange,
    Guardian,
    OptIn,
    Purpose,
    Wording,
)
from members.consents.rules import (
    ANY,
    LONGEST_PROOF,
    AddressUnproved,
    ConsentKeyReused,
    DeadLink,
    GuardianNeeded,
    MemberRestricted,
    NoAddress,
    NotAChild,
    NothingToConsent,
    OwnNo,
    ProofMissing,
    WordingEmpty,
    is_child,
)
from members.kit.windows import days_after
from members.profiles.actions import check_current, verify_identity
from members.profiles.models import Identity, Member
from members.profiles.rules import clean_name, printable
from members.stores.models import Store, User

LINK_DAYS = 7
Source = ConsentChange.Source
OWN = {Source.PORTAL, Source.MAIL, Source.LINK}  # said by the member in person


@dataclass(frozen=True)
class Said:
    """How and where a yes or no was said: what makes it a proof."""

    source: str
    language: str = ""
    by: User | None = None
    store: Store | None = None
    proof: str = ""
    trace: str = ""  # the address on the net from which it came


@transaction.atomic
def say(
    *, member: Member, purpose: str, channel: str, is_given: bool, said: Said, key: str, now: datetime
) -> ConsentChange | None:
    """Write down a yes or no about a purpose and channel, with its proof; None when it is what stands already.

    The same key again is the same change. A yes to newer words than those of the old yes is a change. Raises
    NothingToConsent, OwnNo, ProofMissing, GuardianNeeded, AddressUnproved, NoAddress, ConsentKeyReused,
    MemberRestricted, MemberMerged.
    """
    check_asked(purpose, channel)
    fresh = check_current(member)
    known = ConsentChange.objects.of(fresh).filter(key=key).first()
    if known is not None:
        return repeated(known, purpose, channel, is_given)
    stands = Consent.objects.of(fresh).filter(purpose=purpose, channel=channel).first()
    if is_given:
        check_yes(fresh, stands, channel, said, now)
    wording = Wording.objects.newest(purpose) if is_given else None
    if stands is not None and is_same(stands, is_given=is_given, wording=wording, said=said):
        return None
    return put_change(fresh, stands, purpose, channel, is_given, wording=wording, said=said, key=key, now=now)


def check_asked(purpose: str, channel: str) -> None:
    """Raises NothingToConsent unless members are asked about this."""
    channels = [ANY] if purpose == Purpose.PROFILING else Channel.values
    if purpose not in ALL_ASKED or channel not in channels:
        raise NothingToConsent


def repeated(known: ConsentChange, purpose: str, channel: str, is_given: bool) -> ConsentChange:
    """The change that has the key. Raises ConsentKeyReused when it is about something else."""
    if (known.purpose, known.channel, known.is_given) != (purpose, channel, is_given):
        raise ConsentKeyReused
    return known


def check_yes(member: Member, stands: Consent | None, channel: str, said: Said, now: datetime) -> None:
    """Raises what stands in the way of a yes."""
    if member.restricted_at is not None:
        raise MemberRestricted
    if said.source not in OWN:
        if stands is not None and not stands.is_given and stands.is_own:
            raise OwnNo
        if not said.proof.strip():
            raise ProofMissing
    check_age(member, now)
    if channel == Channel.EMAIL and said.source != Source.MAIL:
        check_address(member)


def check_age(member: Member, now: datetime) -> None:
    """Raises GuardianNeeded for a child for whom nobody spoke yet."""
    if needs_guardian(member, now) and not Guardian.objects.filter(member=member).exists():
        raise GuardianNeeded(age=settings.CHILD_AGE)


def needs_guardian(member: Member, now: datetime) -> bool:
    """Whether the member is a child by the law of the shop's country."""
    return is_child(member.birth_on, timezone.localdate(now), settings.CHILD_AGE)


def mail_identity(member: Member) -> Identity | None:
    """The e-mail address to which messages go: the proved one, or else the oldest."""
    mails = [each for each in member.identities.all() if each.kind == Identity.Kind.EMAIL]
    return min(
        mails, key=lambda each: (each.verified_at is None, each.verified_at or now_or_never(), each.pk), default=None
    )


def now_or_never() -> datetime:
    """Later than any proof."""
    return datetime.max.replace(tzinfo=timezone.get_default_timezone())


def check_address(member: Member) -> None:
    """Raises NoAddress, or AddressUnproved for an e-mail address whose holder we do not know."""
    identity = mail_identity(member)
    if identity is None:
        raise NoAddress
    if identity.verified_at is None:
        raise AddressUnproved


def is_same(stands: Consent, *, is_given: bool, wording: Wording | None, said: Said) -> bool:
    """Whether this was said before in just the same way: a member's own word weighs more than what staff wrote."""
    if stands.is_given != is_given or (said.source in OWN and not stands.is_own):
        return False
    return not is_given or stands.change.wording_id == (wording and wording.pk)


def put_change(
    member: Member,
    stands: Consent | None,
    purpose: str,
    channel: str,
    is_given: bool,
    *,
    wording: Wording | None,
    said: Said,
    key: str,
    now: datetime,
) -> ConsentChange:
    """Write the proof, and where the member stands by it. The caller has locked the member."""
    guardian = Guardian.objects.filter(member=member).first() if is_given and needs_guardian(member, now) else None
    change = ConsentChange.objects.create(
        member=member,
        purpose=purpose,
        channel=channel,
        is_given=is_given,
        source=said.source,
        wording=wording,
        language=said.language or member.language,
        recorded_by=said.by,
        store=said.store,
        proof=printable(said.proof)[:LONGEST_PROOF],
        trace=said.trace[:60],
        guardian=guardian.name if guardian else "",
        key=key,
        happened_at=now,
    )
    standing = stands or Consent(member=member, purpose=purpose, channel=channel)
    standing.is_given, standing.is_own, standing.since = is_given, said.source in OWN, now
    standing.change = change
    standing.save()
    return change


@transaction.atomic
def say_no_to_all(*, member: Member, channel: str | None, said: Said, key: str, now: datetime) -> int:
    """No to all messages but service, by this channel or by any; how many noes were new."""
    channels = [channel] if channel else Channel.values
    pairs = [(purpose, each) for purpose in ASKED for each in channels]
    changes = [
        say(
            member=member,
            purpose=purpose,
            channel=each,
            is_given=False,
            said=said,
            key=f"{key}:{purpose}:{each}",
            now=now,
        )
        for purpose, each in pairs
    ]
    return sum(change is not None for change in changes)


@transaction.atomic
def speak_for(*, member: Member, name: str, proof: str, by: User, now: datetime) -> Guardian:
    """Note that a parent or guardian agreed in person, and by what that can be shown. A later one takes the place.

    Raises NotAChild, ProofMissing, BadName, MemberMerged.
    """
    fresh = check_current(member)
    if not needs_guardian(fresh, now):
        raise NotAChild
    said, shown = clean_name(name), printable(proof)[:LONGEST_PROOF]
    if not said or not shown:
        raise ProofMissing
    values = {"name": said, "proof": shown, "recorded_by": by, "recorded_at": now}
    return Guardian.objects.update_or_create(member=fresh, defaults=values)[0]


@transaction.atomic
def ask_by_mail(*, member: Member, purposes: Iterable[str], said: Said, now: datetime) -> tuple[OptIn, str]:
    """Prepare a yes to e-mail that its holder confirms by a link. The link's secret is returned this once.

    What waited for an older link is replaced. Raises NoAddress, OwnNo, ProofMissing, GuardianNeeded, NothingToConsent,
    MemberRestricted, MemberMerged.
    """
    fresh = check_current(member)
    identity = mail_identity(fresh)
    if identity is None:
        raise NoAddress
    wordings = {}
    for purpose in sorted(set(purposes)):
        check_asked(purpose, Channel.EMAIL)
        stands = Consent.objects.of(fresh).filter(purpose=purpose, channel=Channel.EMAIL).first()
        check_yes(fresh, stands, Channel.INBOX, said, now)
        newest = Wording.objects.newest(purpose)
        wordings[purpose] = newest.pk if newest else None
    if not wordings:
        raise NothingToConsent
    secret = secrets.token_urlsafe(24)
    OptIn.objects.filter(member=fresh, used_at=None).update(used_at=now)
    asked = OptIn.objects.create(
        member=fresh,
        identity=identity,
        digest=sha256(secret.encode()).hexdigest(),
        purposes=wordings,
        source=said.source,
        language=said.language or fresh.language,
        recorded_by=said.by,
        store=said.store,
        proof=printable(said.proof)[:LONGEST_PROOF],
        asked_at=now,
        expires_at=days_after(now, LINK_DAYS),
    )
    return asked, f"{asked.pk}.{secret}"


def opt_in_behind(*, link: str, now: datetime) -> OptIn:
    """What waits behind a link. Raises DeadLink."""
    number, _dot, secret = link.partition(".")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise DeadLink
    found = OptIn.objects.select_related("member", "identity").filter(pk=int(number), used_at=None).first()
    digest = sha256(secret.encode()).hexdigest()
    if found is None or not compare_digest(found.digest, digest) or found.expires_at <= now:
        raise DeadLink
    if found.identity.member_id != found.member_id:
        raise DeadLink
    return found


@transaction.atomic
def confirm_by_mail(*, link: str, trace: str, now: datetime) -> Member:
    """Let the yes count, once, and the address be proved. Raises DeadLink, and what `say` raises."""
    member = check_current(opt_in_behind(link=link, now=now).member)
    asked = opt_in_behind(link=link, now=now)  # again, now that nobody else uses it
    asked.used_at = now
    asked.save(update_fields=["used_at"])
    verify_identity(member=member, kind=asked.identity.kind, value=asked.identity.value, now=now)
    said = Said(source=Source.MAIL, language=asked.language, store=asked.store, proof=asked.proof, trace=trace)
    for purpose in asked.purposes:
        say(
            member=member, purpose=purpose, channel=Channel.EMAIL, is_given=True, said=said,
            key=f"opt-in:{asked.pk}:{purpose}", now=now,
        )  # fmt: skip
    return member


@transaction.atomic
def write_wording(*, purpose: str, text_zh: str, text_en: str, by: User | None, now: datetime) -> Wording:
    """Ask for a purpose in other words from now on; who agreed to the old ones agreed to those. Raises WordingEmpty."""
    check_asked(purpose, ANY if purpose == Purpose.PROFILING else Channel.INBOX)
    texts = [" ".join(text.split()) for text in (text_zh, text_en)]
    if not all(texts):
        raise WordingEmpty
    with_lock = Wording.objects.select_for_update().filter(purpose=purpose).order_by("-version").first()
    version = with_lock.version + 1 if with_lock else 1
    return Wording.objects.create(
        purpose=purpose, version=version, text_zh=texts[0], text_en=texts[1], written_by=by, written_at=now
    )


def join_consents(*, survivor: Member, duplicate: Member, key: str, now: datetime) -> list[int]:
    """Let what two members said count for the one who stays: any no is a no, a yes only where the other said nothing.

    The caller has locked both. The duplicate's own rows stay as they are, for an undoing. The ids of what was written.
    """
    ours = {(each.purpose, each.channel): each for each in Consent.objects.of(survivor)}
    made = []
    for theirs in Consent.objects.of(duplicate).select_related("change__wording").order_by("purpose", "channel"):
        stands = ours.get((theirs.purpose, theirs.channel))
        if stands is not None and (theirs.is_given or not stands.is_given):
            continue
        kept = theirs.change
        said = Said(source=Source.MERGE, language=kept.language, store=kept.store, proof=kept.proof)
        change = put_change(
            survivor, stands, theirs.purpose, theirs.channel, theirs.is_given, wording=kept.wording, said=said,
            key=f"{key}:{theirs.purpose}:{theirs.channel}", now=now,
        )  # fmt: skip
        Consent.objects.filter(change=change).update(is_own=theirs.is_own)
        made.append(change.pk)
    return made


def part_consents(*, survivor: Member, made: Iterable[int], key: str, now: datetime) -> None:
    """Undo `join_consents` where nothing was said since: what stood before stands again, by a proof of its own."""
    for stands in Consent.objects.of(survivor).filter(change__in=made).select_related("change").order_by("pk"):
        before = (
            ConsentChange.objects.of(survivor)
            .filter(purpose=stands.purpose, channel=stands.channel, pk__lt=stands.change_id)
            .order_by("-pk")
            .first()
        )
        if before is None:
            stands.delete()
            continue
        said = replace(Said(source=Source.MERGE), language=before.language, store=before.store, proof=before.proof)
        put_change(
            survivor, stands, stands.purpose, stands.channel, before.is_given, wording=before.wording, said=said,
            key=f"{key}:{stands.purpose}:{stands.channel}", now=now,
        )  # fmt: skip
        Consent.objects.filter(pk=stands.pk).update(is_own=before.source in OWN)
