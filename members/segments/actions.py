"""Verbs and reads: say what a segment is, refresh who is in it, freeze audiences; who is in what, and why."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from members.kit.actions import plan_chunks
from members.kit.models import Chunk
from members.kit.names import named
from members.kit.ranges import id_ranges
from members.kit.refusals import Malformed, Refusal
from members.kit.traits import DEEDS, Asking, Trait, all_traits, choices_asked_once
from members.profiles.actions import guess_kind, read_identity
from members.profiles.models import Identity, Member
from members.segments import sql
from members.segments.models import (
    Audience,
    ListMember,
    MemberList,
    Membership,
    Segment,
    SegmentSize,
    SegmentVersion,
)
from members.segments.rules import (
    SHAPE,
    Known,
    check_circles,
    is_drift,
    read_tree,
)
from members.stores.models import Store, User

NIGHT = "segments"  # the chunks of a night that refresh all of them
ASKED = "segment"  # the chunks of one that was asked for
RANGE = 50_000  # member ids a statement
AT_ONCE = 2  # such ranges, while somebody waits
COUNT_SECONDS = 10  # somebody waits for the count of what they are typing
FILTER_SECONDS = 5  # a till waits for the members by traits
SAMPLE = 6
MOST_LISTED = 100_000


class TakesTooLong(Refusal):
    """The count of a draft was given up."""

    code = "segment_takes_too_long"
    sentence = _("Counting this takes longer than %(seconds)s seconds. It can be saved; the night counts it.")


class FiltersTakeTooLong(Refusal):
    """A till's question was given up."""

    code = "filters_take_too_long"
    sentence = _("This takes longer than %(seconds)s seconds. Ask for less, or keep it as a segment.")


class NoName(Malformed):
    """An audience or a list without a name."""

    code = "no_name"
    sentence = _("Give it a name of 1 to 100 characters.")


class ListTooLong(Malformed):
    """More lines than a list may have."""

    code = "list_too_long"
    sentence = _("A list holds at most %(most)s lines.")


class SegmentChanged(Refusal):
    """Somebody else saved the segment since this page was opened."""

    code = "segment_changed"
    sentence = _("Somebody changed this segment in the meantime. Open it again and look at what it says now.")


def what_is_known() -> Known:
    """All that trees may name, as it stands."""
    segments = Segment.objects.by_name()
    trees, names = {}, {}
    for each in segments:
        trees[each.code], names[each.code] = each.says["tree"], named(each)
    lists = dict(MemberList.objects.order_by("pk").values_list("pk", "name"))
    return Known(choices_asked_once(all_traits()), choices_asked_once(DEEDS), trees, lists, names)


@transaction.atomic
def change_segment(*, segment: Segment, tree: Any, by: User | None, now: datetime, seen: int | None = None) -> int:
    """Let a segment say something else: the number of the version. The same tree again changes nothing.

    Raises what `read_tree` and `check_circles` raise, and SegmentChanged when it is no longer at the version `seen`.
    """
    list(Segment.objects.select_for_update().order_by("pk").values_list("pk", flat=True))  # two edits make no circle
    here = Segment.objects.get(pk=segment.pk)
    if seen is not None and seen != here.version:
        raise SegmentChanged
    known = what_is_known()
    read = read_tree(tree, known)
    check_circles(here.code, read, known.segments)
    says = {"shape": SHAPE, "tree": read}
    if here.version and here.says == says:
        return here.version
    number = here.version + 1
    SegmentVersion.objects.create(segment=here, number=number, says=says, created_by=by, created_at=now)
    Segment.objects.filter(pk=here.pk).update(says=says, version=number, trouble="")
    segment.says, segment.version = says, number
    return number


def members_now(tree: Mapping[str, Any], *, now: datetime, known: Known | None = None) -> QuerySet[Member]:
    """The members who are as a tree says at this moment, asked in one query."""
    return sql.members_as(tree, known or what_is_known(), Asking(now))


@dataclass(frozen=True)
class Preview:
    """How many members somebody would see, and some of them."""

    size: int
    sample: list[Member]


def preview(
    *, among: QuerySet[Member], tree: Mapping[str, Any], now: datetime, known: Known, without: Any = None
) -> Preview:
    """How many of these members a tree takes in, and some of them; without those whom another tree takes in.

    Raises TakesTooLong after ten seconds.
    """
    asking = Asking(now)
    found = among.filter(sql.as_q(tree, known, asking))
    if without is not None:
        found = found.filter(~sql.as_q(without, known, asking))
    try:
        with sql.room_for_sets(COUNT_SECONDS):
            size = found.order_by().count()
            shown = found.select_related("home_store").prefetch_related("identities").order_by("-pk")[:SAMPLE]
            return Preview(size, list(shown) if size else [])
    except OperationalError as error:
        if "statement timeout" not in str(error):
            raise
        raise TakesTooLong(seconds=COUNT_SECONDS) from None


def members_by(
    *,
    tests: Sequence[Mapping[str, Any]],
    traits: Mapping[str, Trait],
    store: Store,
    after: int,
    limit: int,
    now: datetime,
) -> list[Member]:
    """Members of a store of whom all tests hold, so many behind an id. Raises FiltersTakeTooLong after 5 seconds."""
    tree = {"all": list(tests)} if tests else {}
    found = sql.members_as(tree, Known(traits), Asking(now)).filter(home_store=store.pk, pk__gt=after)
    try:
        with sql.room_for_sets(FILTER_SECONDS):
            return list(found.order_by("pk")[:limit])
    except OperationalError as error:
        if "statement timeout" not in str(error):
            raise
        raise FiltersTakeTooLong(seconds=FILTER_SECONDS) from None


def refresh_range(*, segment: Segment, known: Known, first: int, last: int, now: datetime) -> dict[str, int]:
    """Bring memberships of a range of member ids up to date: who is in it, who came, who went, milliseconds.

    The same moment a second time changes nothing.
    """
    began = time.monotonic()
    found = sql.with_clause(segment.says["tree"], known, Asking(now, first, last))
    with sql.room_for_sets():
        done = sql.refresh(segment=segment.pk, version=segment.version, found=found, first=first, last=last, now=now)
    spent = round((time.monotonic() - began) * 1000)
    return {"size": done.size, "entered": done.entered, "left": done.left, "milliseconds": spent}


def refresh_chunk(chunk: Chunk) -> dict[str, Any]:
    """Bring segments up to date in a chunk's range: all live ones at night, or the one that was asked for.

    What came of each, or why it could not be done.
    """
    known, outcome = what_is_known(), dict[str, Any]()
    first, last, now = chunk.first_id, chunk.last_id, chunk.as_of
    asked = Segment.objects.live() if chunk.name == NIGHT else Segment.objects.filter(pk=int(chunk.slot.split(":")[1]))
    for segment in asked.filter(version__gt=0).order_by("pk"):
        try:
            outcome[str(segment.pk)] = refresh_range(segment=segment, known=known, first=first, last=last, now=now)
        except Refusal as refusal:
            outcome[str(segment.pk)] = {"trouble": str(refusal)[:300]}
    return {"segments": outcome}


def ask_refresh(*, segment: Segment, now: datetime) -> SegmentSize | None:
    """Bring a segment up to date now; None in a large shop, where workers do it within minutes."""
    ranges = list(id_ranges(Member, size=RANGE))
    if len(ranges) <= AT_ONCE:
        return refresh(segment=segment, now=now)
    plan_chunks(name=ASKED, slot=slot_of(segment, now), as_of=now, ranges=ranges)
    return None


def slot_of(segment: Segment, now: datetime) -> str:
    """What a refresh that was asked for is called."""
    return f"{ASKED}:{segment.pk}:{now:%y%m%d%H%M%S}"


def refresh(*, segment: Segment, now: datetime) -> SegmentSize:
    """Bring one segment up to date, range by range, and write its size down. Raises UnknownTrait and its like."""
    known, slot = what_is_known(), slot_of(segment, now)
    segment.refresh_from_db()
    total = dict.fromkeys(("size", "entered", "left", "milliseconds"), 0)
    for first, last in id_ranges(Member, size=RANGE):
        done = refresh_range(segment=segment, known=known, first=first, last=last, now=now)
        total = {name: number + done[name] for name, number in total.items()}
    return write_size(segment=segment, slot=slot, as_of=now, total=total)


@transaction.atomic
def write_size(*, segment: Segment, slot: str, as_of: datetime, total: Mapping[str, int]) -> SegmentSize:
    """Keep what a refresh found, once; whether it drifts is judged against the size before, of the same version."""
    before = SegmentSize.objects.filter(segment=segment, version=segment.version).newest_first().first()
    drifts = before is not None and is_drift(before=before.size, after=total["size"], percent=segment.drift_percent)
    says = {name: total[name] for name in ("size", "entered", "left", "milliseconds")}
    made, _is_new = SegmentSize.objects.get_or_create(
        segment=segment, slot=slot,
        defaults={"as_of": as_of, "version": segment.version, "drifts": drifts, **says},
    )  # fmt: skip
    Segment.objects.filter(pk=segment.pk).exclude(trouble="").update(trouble="")
    return made


def close_refreshes() -> int:
    """Write down the sizes of refreshes whose ranges are all done; how many. A second time changes nothing."""
    chunks = Chunk.objects.filter(name__in=(NIGHT, ASKED))
    waiting = chunks.filter(finished_at=None).values("slot")
    closed = SegmentSize.objects.values("slot")
    done = chunks.exclude(slot__in=waiting).exclude(slot__in=closed)
    slots = list(done.order_by("slot").values_list("slot", flat=True).distinct())
    for slot in slots:
        close_refresh(slot=slot)
    return len(slots)


@transaction.atomic
def close_refresh(*, slot: str) -> None:
    """Add up what the ranges of a night or request found, segment by segment."""
    totals: dict[int, dict[str, int]] = {}
    troubles: dict[int, str] = {}
    as_of = None
    for chunk in Chunk.objects.filter(name__in=(NIGHT, ASKED), slot=slot).order_by("pk"):
        as_of = chunk.as_of
        for number, found in ((chunk.outcome or {}).get("segments") or {}).items():
            if "trouble" in found:
                troubles[int(number)] = found["trouble"]
                continue
            total = totals.setdefault(int(number), dict.fromkeys(found, 0))
            totals[int(number)] = {name: total[name] + found[name] for name in found}
    for segment in Segment.objects.filter(pk__in={*totals, *troubles}).order_by("pk"):
        if segment.pk in troubles:
            Segment.objects.filter(pk=segment.pk).update(trouble=troubles[segment.pk])
        elif as_of is not None:
            write_size(segment=segment, slot=slot, as_of=as_of, total=totals[segment.pk])


@transaction.atomic
def freeze(*, segment: Segment, name: str, key: str, by: User | None, now: datetime) -> Audience:
    """Keep under a name who is in a segment at this moment, for good. The same key again is the same audience.

    Raises NoName, and UnknownTrait and its like.
    """
    if not 0 < len(name.strip()) <= 100:
        raise NoName
    Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    made = Audience.objects.filter(segment=segment, key=key).first()
    if made is not None:
        return made
    segment.refresh_from_db()
    found = members_now(segment.says["tree"], now=now)
    with sql.room_for_sets():
        audience = Audience.objects.create(
            segment=segment, name=name.strip(), says=segment.says, version=segment.version, size=found.count(),
            key=key, frozen_at=now, created_by=by,
        )  # fmt: skip
        sql.freeze(audience=audience.pk, found=found)
    return audience


@transaction.atomic
def make_list(*, name: str, texts: Sequence[str], by: User | None) -> MemberList:
    """Keep a list of the members who are found by these phones, e-mails, cards or numbers; how many were not.

    Only members whom the person sees are found. Raises NoName or ListTooLong.
    """
    if not 0 < len(name.strip()) <= 100:
        raise NoName
    if len(texts) > MOST_LISTED:
        raise ListTooLong(most=f"{MOST_LISTED:,}")
    found = found_by(texts)
    seen = Member.objects.visible_to(by) if by is not None else Member.objects.current()
    ids = set(seen.filter(pk__in=set(found.values())).values_list("pk", flat=True))
    unknown = len([text for text in texts if found.get(text) not in ids])
    made = MemberList.objects.create(name=name.strip(), size=len(ids), unknown=unknown, created_by=by)
    rows = (ListMember(member_list=made, member_id=number) for number in sorted(ids))
    ListMember.objects.bulk_create(rows, batch_size=5_000)
    return made


def found_by(texts: Iterable[str]) -> dict[str, int]:
    """The ids of the members whom these texts name, in one query a kind of identity."""
    wanted: dict[str, dict[str, list[str]]] = {}
    for text in texts:
        for kind in {"number", guess_kind(text)}:  # ten digits may be a member number and a phone
            with suppress(Refusal):
                wanted.setdefault(kind, {}).setdefault(read_identity(kind=kind, text=text), []).append(text)
    found: dict[str, int] = {}
    for kind, values in sorted(wanted.items(), key=lambda each: each[0] == "number"):  # member numbers come first
        rows: Any = (
            Member.objects.filter(number__in=values).values_list("number", "pk", "merged_into")
            if kind == "number"
            else Identity.objects.filter(kind=kind, value__in=values).values_list(
                "value", "member", "member__merged_into"
            )
        )
        found |= {text: merged or number for value, number, merged in rows for text in values[value]}
    return found


def members_of(audience: Audience) -> QuerySet[Member]:
    """Who was in it when it was frozen, and is still there."""
    return Member.objects.filter(pk__in=audience.rows.values("member"))


def segments_of(member_ids: Iterable[int], at: datetime) -> dict[int, set[str]]:
    """The codes of the segments in which each of these members was at a moment, by what refreshes found."""
    found: dict[int, set[str]] = {member: set() for member in member_ids}
    rows = Membership.objects.at(at).of(list(found)).values_list("member", "segment__code")
    for member, code in rows:
        found[member].add(code)
    return found


def members_in(segment: Segment, at: datetime) -> QuerySet[Member]:
    """The members who were in a segment at a moment, by what refreshes found."""
    return Member.objects.filter(pk__in=Membership.objects.at(at).filter(segment=segment).values("member"))
