"""Verbs: show what a merge would do, merge two members, undo it.

What goes over how. **Points**: by two movements a kind, lot by lot, each with its own dates; the old account is closed,
and a claw-back or restore of what the duplicate earned or spent finds it through the ledger's `adopt`. **Sales**,
returns, awards and events: the rows change their member, and the merge keeps their ids, so that an undoing gives back
exactly them; that way windows, limits and later returns see them where they look anyway, at their own moments.
**Growth**: movements never change, so the ledger copies what counts into rows of its own (`Inherited`), each at its own
moment. **Tiers**: the better standing of the two is taken over, then both histories are judged together.

An undoing gives each what is left of their own: every lot that came bears what was spent of it, soonest-expiring first,
as it would have without the merge. Sales and points that came since stay with the survivor.

Locks: both members in primary-key order, then waiting corrections, then all accounts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from loyalty.corrections.models import Correction
from loyalty.holds.models import Hold
from loyalty.households.models import Seat
from loyalty.judging.actions import put_standings, standings_of, take_better
from loyalty.ledger.models import Account, PointKind
from loyalty.merging import sql
from loyalty.merging.models import Merge
from loyalty.merging.rules import (
    UNDO_DAYS,
    AlreadyMerged,
    AlreadyUndone,
    HasMerged,
    InHousehold,
    MergeChanged,
    MergeKeyReused,
    NoReason,
    OpenHolds,
    OutOfScope,
    SameMember,
    SameReceipt,
    TooLate,
)
from members.consents.actions import join_consents, part_consents
from members.kit.actions import digest_of
from members.kit.hands import Hand, sign
from members.kit.windows import days_after
from members.messaging.actions import redirect_messages, return_messages
from members.people.actions import OF_PERSON, join_sheets, part_sheets, sheets_of
from members.profiles.actions import facts_of, join_profiles, part_profiles
from members.profiles.models import Member
from members.profiles.rules import usual_choices
from members.purchases.models import Return
from members.stores.models import User


@dataclass(frozen=True, slots=True)
class Preview:
    """What a merge would do: both profiles with the usual choice of each field, and the outcome, under a token."""

    survivor: Member
    duplicate: Member
    ours: dict[str, Any]
    theirs: dict[str, Any]
    choices: dict[str, str]
    outcome: dict[str, Any]
    token: str


def preview_merge(
    *, survivor: Member, duplicate: Member, by: User, now: datetime, choices: Mapping[str, str] | None = None
) -> Preview:
    """All that `merge_members` would do, by doing it and taking it back; its refusals are the same."""
    ours, theirs = facts_of_both(survivor, duplicate)
    usual = usual_choices(ours, theirs) | dict(choices or {})
    with transaction.atomic():
        merge = merge_members(
            survivor=survivor, duplicate=duplicate, choices=usual, by=by, reason="preview", key="preview", now=now
        )
        transaction.set_rollback(True)
    return Preview(survivor, duplicate, ours, theirs, usual, merge.outcome, digest_of(merge.outcome)[:32])


def facts_of_both(survivor: Member, duplicate: Member) -> tuple[dict[str, Any], dict[str, Any]]:
    """All of both that is chosen from: their profiles, and what both said of themselves."""
    ours, theirs = sheets_of(survivor, duplicate)
    return facts_of(survivor) | ours, facts_of(duplicate) | theirs


@transaction.atomic
def merge_members(
    *,
    survivor: Member,
    duplicate: Member,
    choices: Mapping[str, str],
    by: User,
    reason: str,
    key: str,
    now: datetime,
    token: str | None = None,
) -> Merge:
    """Let the duplicate live on in the survivor: nothing is earned or lost by it, and it can be undone for 30 days.

    `choices` says field by field whose value is kept ("survivor" or "duplicate"); what is left out is chosen as usual.
    The same key again is the same merge. With the `token` of a preview it happens as shown, or MergeChanged is raised.
    Raises also SameMember, AlreadyMerged, HasMerged, OutOfScope, OpenHolds, InHousehold, SameReceipt, NoReason,
    BadChoice.
    """
    if not reason.strip():
        raise NoReason
    ours, theirs = lock(survivor, duplicate)
    known = Merge.objects.of(ours).filter(key=key).first()
    if known is not None:
        return same(known, theirs)
    check_pair(ours, theirs, by)
    sign(Hand("merge", by.pk))
    merge = Merge.objects.create(
        member=ours,
        duplicate=theirs.pk,
        duplicate_number=theirs.number,
        reason=reason.strip()[:200],
        key=key,
        merged_by=by,
        merged_at=now,
        undo_until=days_after(now, UNDO_DAYS),
    )
    carry_out(merge, ours, theirs, choices, by=by, now=now)
    if token is not None and token != digest_of(merge.outcome)[:32]:
        raise MergeChanged
    return merge


def lock(one: Member, other: Member) -> tuple[Member, Member]:
    """Both members, locked in primary-key order, and what of theirs could wait for the accounts. Raises SameMember."""
    if one.pk == other.pk:
        raise SameMember
    rows = Member.objects.select_for_update(no_key=True).filter(pk__in=[one.pk, other.pk]).order_by("pk")
    found = {row.pk: row for row in rows}
    waiting = Correction.objects.select_for_update(of=("self",)).waiting().filter(member__in=found)
    list(waiting.order_by("pk").values_list("pk"))
    sql.open_accounts(sorted(found))
    return found[one.pk], found[other.pk]


def same(known: Merge, theirs: Member) -> Merge:
    """The merge that has the key. Raises MergeKeyReused when it was with somebody else."""
    if known.duplicate != theirs.pk:
        raise MergeKeyReused
    return known


def check_pair(ours: Member, theirs: Member, by: User) -> None:
    """Raises the fitting refusal unless these two can become one by this person."""
    for each in (ours, theirs):
        if each.merged_into is not None:
            raise AlreadyMerged(number=each.number)
    if Merge.objects.of(theirs).standing().exists():
        raise HasMerged(number=theirs.number)
    if Seat.objects.current().of(theirs).exists():
        raise InHousehold(number=theirs.number)
    check_scope(by, ours, theirs)
    check_holds(ours, theirs)
    receipt = sql.same_receipt(survivor=ours.pk, duplicate=theirs.pk)
    if receipt is not None:
        raise SameReceipt(receipt=receipt)


def check_scope(by: User, *members: Member) -> None:
    """Raises OutOfScope unless this person sees all of them, or those in whom they live on."""
    wanted = {member.merged_into or member.pk for member in members}
    if Member.objects.visible_to(by).filter(pk__in=wanted).count() != len(wanted):
        raise OutOfScope


def check_holds(*members: Member) -> None:
    """Raises OpenHolds while points of somebody are set aside."""
    for member in members:
        is_held = Account.objects.of(member).filter(held__gt=0).exists()
        if is_held or Hold.objects.of(member).open().exists():
            raise OpenHolds(number=member.number)


def carry_out(
    merge: Merge, ours: Member, theirs: Member, choices: Mapping[str, str], *, by: User, now: datetime
) -> None:
    """Do all of it, and write down what an undoing needs and what the page shows."""
    kinds = list(PointKind.objects.order_by("pk"))
    for kind in kinds:
        sql.settle(members=[ours.pk, theirs.pk], kind=kind.pk, now=now)
    outcome = {"balances": balances_of(kinds, survivor=ours, duplicate=theirs), "waiting": waiting_of(theirs)}
    before, other = standings_of(ours), standings_of(theirs)
    words = (f"to {ours.number}", f"from {theirs.number}", by.username)
    for kind in kinds:
        sql.carry(source=theirs.pk, target=ours.pk, kind=kind.pk, key=merge.stem, now=now, words=words)
    of_person = {name: side for name, side in choices.items() if name.startswith(OF_PERSON)}
    sheets = join_sheets(survivor=ours, duplicate=theirs, choices=of_person)
    moved = sql.move_rows(survivor=ours.pk, duplicate=theirs.pk)
    messages = redirect_messages(source=theirs, target=ours)
    of_profile = {name: side for name, side in choices.items() if name not in of_person}
    merge.profile = join_profiles(survivor=ours, duplicate=theirs, choices=of_profile) | {"sheets": sheets}
    merge.profile["consents"] = join_consents(survivor=ours, duplicate=theirs, key=merge.stem, now=now)
    sql.adopt_waiting(member=ours.pk, now=now)
    take_better(survivor=ours, before=before, other=other, note=theirs.number, actor=by.username, now=now)
    after = standings_of(ours)
    merge.moved = moved | {"members_message": messages["moved"]}
    merge.standings = {"before": before, "after": after}
    outcome |= {"balances_after": balances_of(kinds, after=ours), "tiers": tiers_of(before, other, after)}
    outcome["counts"] = {table: len(ids) for table, ids in merge.moved.items()} | {
        "members_identity": len(merge.profile["identities"]),
        "suppressed": len(messages["suppressed"]),
    }
    merge.outcome = outcome
    merge.save(update_fields=["profile", "moved", "standings", "outcome"])


def balances_of(kinds: list[PointKind], **members: Member) -> dict[str, dict[str, list[int]]]:
    """Pending, active and held of each of the members, by the code of the kind."""
    whose = {member.pk: name for name, member in members.items()}
    found: dict[str, dict[str, list[int]]] = {kind.code: {name: [0, 0, 0] for name in members} for kind in kinds}
    codes = {kind.pk: kind.code for kind in kinds}
    for account in Account.objects.filter(member__in=whose):
        found[codes[account.kind_id]][whose[account.member_id]] = [account.pending, account.active, account.held]
    return found


def waiting_of(member: Member) -> dict[str, int]:
    """What of a member is not finished, and goes over as it is."""
    return {
        "corrections": Correction.objects.waiting().filter(member=member).count(),
        "returns": Return.objects.of(member).waiting().count(),
    }


def tiers_of(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, list[int | None]]:
    """The tiers before, of both, and after, by ladder."""
    ladders = sorted({*ours, *theirs, *after})
    return {each: [(found.get(each) or {}).get("tier_id") for found in (ours, theirs, after)] for each in ladders}


@transaction.atomic
def undo_merge(*, merge: Merge, by: User, now: datetime) -> Merge:
    """Give each back what was theirs: identities, sales, tiers, and what is left of their own points.

    Sales and points that came since stay with the survivor. Raises AlreadyUndone, TooLate, OutOfScope, OpenHolds.
    """
    ours, theirs = lock(merge.member, Member(pk=merge.duplicate))
    found = Merge.objects.select_for_update(of=("self",)).get(pk=merge.pk)
    if found.undone_at is not None:
        raise AlreadyUndone
    if not found.is_open(now):
        raise TooLate
    check_scope(by, ours)
    check_holds(ours)
    sign(Hand("merge", by.pk))
    words = (f"to {theirs.number}", f"from {ours.number}", by.username)
    for kind in PointKind.objects.order_by("pk"):
        sql.carry_back(
            source=ours.pk,
            target=theirs.pk,
            kind=kind.pk,
            merge=found.stem,
            key=f"un{found.stem}",
            now=now,
            words=words,
        )
    sql.move_rows_back(survivor=ours.pk, duplicate=theirs.pk, moved=found.moved)
    return_messages(source=ours, target=theirs, moved=found.moved.get("members_message", []))
    made = found.profile.get("consents", [])
    part_consents(survivor=ours, made=made, key=f"un{found.stem}", now=now)
    part_profiles(survivor=ours, duplicate=theirs, kept=found.profile)
    if "sheets" in found.profile:  # not in merges of earlier times
        part_sheets(survivor=ours, kept=found.profile["sheets"])
    put_standings(survivor=ours, kept=found.standings, note=theirs.number, actor=by.username, now=now)
    found.undone_at, found.undone_by = now, by
    found.save(update_fields=["undone_at", "undone_by"])
    return found
