"""Verbs: look at a file of members, name its columns, try it, take it in chunk by chunk, once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import get_language, gettext, gettext_lazy

from members.kit import uploads
from members.kit.hands import Hand, sign
from members.kit.refusals import Refusal
from members.kit.sheets import MOST_COLUMNS, TooManyColumns, count_rows, table_of
from members.kit.tables import EmptyFile
from members.profiles.actions import MemberMerged, write_members
from members.profiles.models import CustomField
from members.profiles.sql import Found, NewMember, insert_identities, new_member_ids, select_owners
from members.roster import rules
from members.roster.models import RosterImport, RosterRow
from members.roster.rules import CUSTOM, Entry, Layout
from members.roster.sql import Known, lock_members, look_again, update_members
from members.stores.actions import stores_of
from members.stores.models import Store, User

CHUNK = 10_000  # rows a transaction
ATTEMPTS = 5  # others may take an identity while we write
KEPT = timedelta(days=30)  # files and reports name people
RUN_ROSTER = "members.tasks.run_roster_import"
_ = gettext_lazy
Bad = tuple[int, list[str], Refusal]


class SeveralMembers(Refusal):
    code = "two_members"
    sentence = _("The row's phone, e-mail, card or WeChat id belong to two members. Merge them, or mend the row.")


class RowRepeats(Refusal):
    code = "row_repeats"
    sentence = _("Line %(line)s is about the same member.")


class MemberElsewhere(Refusal):
    code = "member_elsewhere"
    sentence = _("The member is at home in a store in which you do not work.")


class StillGoing(Refusal):
    code = "still_going"
    sentence = _("The file is just being read. Wait for it, or stop it.")


class AlreadyTaken(Refusal):
    code = "already_taken"
    sentence = _("The file was taken in already. Hand it in again if it has changed.")


class FileForgotten(Refusal):
    code = "file_forgotten"
    sentence = _("The file is not there any more. Hand it in again.")


class TooBusy(Refusal):
    code = "too_busy"
    sentence = _("Others enrol the same members at this moment. Try again later.")


class IdentityGone(Exception):
    """Somebody took an identity between our look and our writing; the chunk is planned again."""


@dataclass(slots=True)
class Reading:
    """A file as it is being read: how, for whom, and which identities and members it has named, on which line."""

    layout: Layout
    scope: set[int] | None  # the stores of whoever handed it in; None for all
    language: str = "zh-hans"
    identities: dict[Found, int] = field(default_factory=dict)
    members: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Change:
    """A member whom a row tells something new about."""

    entry: Entry
    before: Known
    after: Known
    found_by: list[Found]  # from now on, as well


@dataclass(slots=True)
class Taken:
    """What a chunk comes to."""

    new: list[Entry] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
    bad: list[Bad] = field(default_factory=list)
    members: dict[int, int] = field(default_factory=dict)


def hand_in(*, source: Path, file: str, name: str, store: Store, by: User) -> RosterImport:
    """Look at a file and keep it for its columns to be named: as those of the last file with the same names were.

    Raises what `table_of` raises, before anything is written.
    """
    with source.open("rb") as raw:
        total = count_rows(raw)
        with table_of(raw) as rows:
            _line, columns = next(rows)
    if len(columns) > MOST_COLUMNS:
        raise TooManyColumns(most=MOST_COLUMNS)
    if not total:
        raise EmptyFile
    return RosterImport.objects.create(
        file=file, name=name, store=store, columns=columns, header=rules.header_of(columns),
        meaning=usual_meaning(columns, by), rows_total=total, created_by=by,
    )  # fmt: skip


def usual_meaning(columns: Sequence[str], by: User) -> list[str]:
    """What these columns said the last time, or most likely say."""
    fields = CustomField.objects.seen_by(by)
    same = RosterImport.objects.filter(header=rules.header_of(columns)).exclude(status=RosterImport.Status.DRAFT)
    last = same.order_by("-pk").first()
    if last is not None and len(set(last.columns)) == len(last.columns):
        known = {*rules.KNOWN_AS, *(CUSTOM + each.code for each in fields)}
        said = {column.strip().lower(): each for column, each in zip(last.columns, last.meaning, strict=True)}
        return [each if (each := said.get(column.strip().lower(), "")) in known else "" for column in columns]
    return rules.guess_meaning(columns, {each.code: (each.code, each.name_zh, each.name_en) for each in fields})


@transaction.atomic
def begin(*, roster: RosterImport, meaning: Sequence[str], is_dry_run: bool) -> RosterImport:
    """Have a worker try the file, or take it in. A file that was stopped or tried begins anew.

    Raises UnknownMeaning, SaidTwice, NothingFinds, StillGoing, AlreadyTaken or FileForgotten; then nothing changed.
    """
    fresh = RosterImport.objects.select_for_update().get(pk=roster.pk)
    if fresh.status in (RosterImport.Status.WAITING, RosterImport.Status.RUNNING):
        raise StillGoing
    if fresh.status == RosterImport.Status.DONE and not fresh.is_dry_run:
        raise AlreadyTaken
    if not fresh.file:
        raise FileForgotten
    if len(meaning) != len(fresh.columns):
        raise rules.UnknownMeaning(field="")
    codes = list(CustomField.objects.seen_by(fresh.created_by).values_list("code", flat=True))
    fresh.meaning = rules.check_meaning(meaning, codes)
    fresh.is_dry_run, fresh.status, fresh.message = is_dry_run, RosterImport.Status.WAITING, ""
    fresh.line = fresh.rows_read = fresh.enrolled = fresh.changed = fresh.unchanged = fresh.bad_rows = 0
    fresh.finished_at = fresh.leased_until = None
    fresh.language = get_language() or fresh.language
    fresh.save()
    fresh.rows.all().delete()
    transaction.on_commit(lambda: uploads.hand_out(task=RUN_ROSTER, work=fresh.pk))
    return fresh


def run(
    *, roster: RosterImport, source: Path, watch: Callable[[RosterImport], None] = lambda _roster: None
) -> RosterImport:
    """Go through the rows that are still to come, 10,000 a transaction, and call `watch` after each.

    Killed at any moment it loses nothing: what was written stands, and the next run goes on behind it.
    """
    reading = reading_of(roster)
    with source.open("rb") as raw, table_of(raw) as rows:
        next(rows)
        for number in count(1):
            chunk = list(islice(rows, CHUNK))
            if not chunk:
                break
            if not take_chunk(roster=roster, chunk=chunk, reading=reading):
                return roster
            if number.bit_count() == 1 and not roster.is_dry_run:  # whenever the tables may have doubled
                look_again()
            watch(roster)
    uploads.close(work=roster, status=RosterImport.Status.DONE)
    return roster


def reading_of(roster: RosterImport) -> Reading:
    """How the rows of a file are to be read."""
    mine = list(stores_of(roster.created_by))
    sees_all = roster.created_by.is_superuser or roster.created_by.sees_all_stores
    stores = {name.lower(): each.pk for each in mine for name in (each.code, each.name_zh, each.name_en) if name}
    now = timezone.now()
    width = max(place for place, said in enumerate(roster.meaning, 1) if said)
    fields = list(CustomField.objects.seen_by(roster.created_by))
    layout = Layout(roster.meaning, settings.SHOP_COUNTRY, now, timezone.localdate(now), stores, fields, width)
    return Reading(layout, None if sees_all else {each.pk for each in mine})


@transaction.atomic
def take_chunk(*, roster: RosterImport, chunk: list[tuple[int, list[str]]], reading: Reading) -> bool:
    """Take one chunk and note how far the file is; False when it was cancelled."""
    entries, bad = read_chunk(chunk, reading)
    fresh = RosterImport.objects.select_for_update().get(pk=roster.pk)
    if fresh.status == RosterImport.Status.CANCELLED:
        roster.refresh_from_db()
        return False
    if chunk[-1][0] > fresh.line:
        taken = take_entries(fresh, entries, reading)
        taken.bad = sorted(bad + taken.bad, key=lambda each: each[0])
        reading.members |= taken.members
        note(roster=fresh, taken=taken, line=chunk[-1][0], rows=len(chunk))
    else:  # it was taken before a stop: only whom it named has to be known again
        owners = select_owners(identity for entry in entries for identity in entry.identities)
        lines = {identity: entry.line for entry in entries for identity in entry.identities}
        reading.members |= {member: lines[identity] for identity, member in owners.items()}
    roster.refresh_from_db()
    return True


def read_chunk(chunk: Iterable[tuple[int, list[str]]], reading: Reading) -> tuple[list[Entry], list[Bad]]:
    """The rows that can be members, and those that cannot, with the reason."""
    entries: list[Entry] = []
    bad: list[Bad] = []
    for line, cells in chunk:
        try:
            entry = rules.read_entry(line, cells, reading.layout)
            for identity in entry.identities:
                if identity in reading.identities:
                    raise RowRepeats(line=reading.identities[identity])
            reading.identities |= dict.fromkeys(entry.identities, line)
            entries.append(entry)
        except Refusal as refusal:
            bad.append((line, cells, refusal))
    return entries, bad


def take_entries(roster: RosterImport, entries: Sequence[Entry], reading: Reading) -> Taken:
    """Find out what the rows come to, and unless this is a trial, write it. Raises TooBusy."""
    for _attempt in range(ATTEMPTS):
        taken = plan(entries, reading)
        if roster.is_dry_run:
            return taken
        try:
            with transaction.atomic():
                sign(Hand("import", roster.created_by_id))
                write(taken, store=roster.store_id, language=reading.language, now=reading.layout.now)
            return taken
        except IdentityGone:
            continue
    raise TooBusy


def plan(entries: Sequence[Entry], reading: Reading) -> Taken:
    """Who is new, who changes how, and which rows cannot be taken. Members found are locked."""
    owners = select_owners(identity for entry in entries for identity in entry.identities)
    known = lock_members(sorted(set(owners.values())))
    taken = Taken()
    for entry in entries:
        members = {owners[identity] for identity in entry.identities if identity in owners}
        if not members:
            taken.new.append(entry)
            continue
        try:
            member = check_member(members, known, taken.members, reading)
        except Refusal as refusal:
            taken.bad.append((entry.line, entry.cells, refusal))
            continue
        taken.members[member.id] = entry.line
        change = Change(entry, member, told(member, entry), [each for each in entry.identities if each not in owners])
        if change.after == member and not change.found_by:
            taken.unchanged += 1
        else:
            taken.changes.append(change)
    return taken


def check_member(members: set[int], known: Mapping[int, Known], named: Mapping[int, int], reading: Reading) -> Known:
    """The one member whom a row is about. Raises SeveralMembers, MemberMerged, MemberElsewhere or RowRepeats."""
    if len(members) > 1:
        raise SeveralMembers
    member = known.get(min(members))
    if member is None or member.merged_into is not None:
        raise MemberMerged
    if reading.scope is not None and member.home_store not in reading.scope:
        raise MemberElsewhere
    line = reading.members.get(member.id) or named.get(member.id)
    if line is not None:
        raise RowRepeats(line=line)
    return member


def told(member: Known, entry: Entry) -> Known:
    """What is known of a member after a row: what it leaves empty stays."""
    facts = {name: value for name, value in entry.facts.items() if name not in ("enrolled_at", "custom")}
    return replace(member, **facts, custom=member.custom | entry.facts.get("custom", {}))


def write(taken: Taken, *, store: int, language: str, now: datetime) -> None:
    """Enrol who is new and change who is known: a few statements, however many they are. Raises IdentityGone."""
    ids = new_member_ids(len(taken.new)) if taken.new else []
    owners = {identity: pk for pk, entry in zip(ids, taken.new, strict=True) for identity in entry.identities}
    owners |= {identity: change.before.id for change in taken.changes for identity in change.found_by}
    if owners and len(insert_identities(owners)) < len(owners):
        raise IdentityGone
    newcomers = [
        NewMember(
            id=pk,
            name=entry.facts.get("name", ""),
            language=entry.facts.get("language", language),
            home_store_id=entry.facts.get("home_store", store),
            source="import",
            enrolled_at=entry.facts.get("enrolled_at", now),
            birth_on=entry.facts.get("birth_on"),
            custom=entry.facts.get("custom", {}),
        )
        for pk, entry in zip(ids, taken.new, strict=True)
    ]
    write_members(newcomers)
    changed = [change.after for change in taken.changes if change.after != change.before]
    if changed:
        update_members(changed)


def note(*, roster: RosterImport, taken: Taken, line: int, rows: int) -> None:
    """Write down how far the file is, in the transaction that took the chunk."""
    made = [
        RosterRow(roster_import=roster, line=at, outcome="bad", cells=cells, code=no.code, reason=str(no)[:300])
        for at, cells, no in taken.bad
    ]
    if roster.is_dry_run:
        made += reported(roster, taken)
    RosterRow.objects.bulk_create(made)
    RosterImport.objects.filter(pk=roster.pk).update(
        line=line,
        rows_read=F("rows_read") + rows,
        enrolled=F("enrolled") + len(taken.new),
        changed=F("changed") + len(taken.changes),
        unchanged=F("unchanged") + taken.unchanged,
        bad_rows=F("bad_rows") + len(taken.bad),
        leased_until=timezone.now() + uploads.LEASE,
    )


def reported(roster: RosterImport, taken: Taken) -> Iterator[RosterRow]:
    """What a trial says about the rows that could be taken."""
    for entry in taken.new:
        facts = {name: ["", plain(value)] for name, value in flat(entry.facts).items()}
        facts |= {kind: ["", value] for kind, value in entry.identities}
        yield RosterRow(roster_import=roster, line=entry.line, outcome="enrolled", changes=facts)
    for change in taken.changes:
        before, after = flat(facts_of(change.before)), flat(facts_of(change.after))
        facts = {name: [plain(before.get(name)), plain(new)] for name, new in after.items() if before.get(name) != new}
        facts |= {kind: ["", value] for kind, value in change.found_by}
        yield RosterRow(roster_import=roster, line=change.entry.line, outcome="changed", changes=facts)


def facts_of(member: Known) -> dict[str, Any]:
    return {name: getattr(member, name) for name in ("name", "language", "birth_on", "home_store", "custom")}


def flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts by field, the further fields among them."""
    plain_ones = {name: value for name, value in facts.items() if name != "custom"}
    return plain_ones | {CUSTOM + code: value for code, value in facts.get("custom", {}).items()}


def plain(value: Any) -> Any:
    """A value as JSON keeps it."""
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else value


def bad_rows(roster: RosterImport) -> Iterator[list[str]]:
    """The rows that were not taken, as a table to be mended and handed in again: their cells, line and reason."""
    places = [at for at, column in enumerate(roster.columns) if column.strip().lower() not in rules.ADDED_BY_US]
    yield [*(roster.columns[at] for at in places), gettext("line number"), gettext("reason")]
    for row in roster.rows.bad().in_order().iterator():
        cells = [row.cells[at] if at < len(row.cells) else "" for at in places]
        yield [*cells, str(row.line), row.reason]


def forget(*, now: datetime, most: int = 20) -> int:
    """Let go of files and reports of more than 30 days ago; how many."""
    old = RosterImport.objects.filter(created_at__lt=now - KEPT).exclude(file="")
    old = old.exclude(status__in=[RosterImport.Status.WAITING, RosterImport.Status.RUNNING])
    gone = list(old.order_by("pk")[:most])
    for roster in gone:
        roster.file.delete(save=False)
        roster.rows.all().delete()
        RosterImport.objects.filter(pk=roster.pk).update(file="")
    return len(gone)
