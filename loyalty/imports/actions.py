"""Verbs: take in a file of sales, chunk by chunk, once; go on where it stopped."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import file_digest
from itertools import count, islice
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty.batches.actions import Outcome, record_sales
from loyalty.imports.models import BadRow, SaleImport
from loyalty.imports.rules import Layout, Row, find_columns, guess_identity, read_row
from loyalty.imports.sql import enrol_earlier, look_again
from members.kit import uploads
from members.kit.refusals import Refusal
from members.kit.tables import rows_of
from members.profiles.actions import Newcomer, enrol_many
from members.profiles.models import Member
from members.profiles.rules import IdentityErased
from members.purchases.actions import Bought
from members.stores.models import Store, User

CHUNK = 10_000  # rows a transaction
RUN_IMPORT = "loyalty.tasks.run_sale_import"


@dataclass(slots=True)
class Reading:
    """A file as it is being read: its layout, equal rows so far, and who is new, so that a dry run counts them once."""

    layout: Layout
    seen: Counter[tuple[str, ...]] = field(default_factory=Counter)
    enrolled: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Taken:
    """What a chunk came to."""

    sales: int = 0
    repeats: int = 0
    enrolled: int = 0
    bad: list[tuple[int, list[str], Refusal]] = field(default_factory=list)


def prepare_import(
    *,
    source: Path,
    name: str,
    store: Store,
    mapping: Mapping[str, str],
    is_dry_run: bool = False,
    by: User | None = None,
) -> SaleImport:
    """The import of this file into this store: the one that was stopped in the middle, or a new one.

    `mapping` names columns by field (see rules.KNOWN_AS), and may say `identity` (phone, email, card or wechat).
    Raises UnreadableFile, EmptyFile or ColumnMissing before anything is written.
    """
    with source.open("rb") as raw:
        said = {**mapping, "identity": layout_of(raw, mapping).identity_kind}
        raw.seek(0)
        digest = file_digest(raw, "sha256").hexdigest()
    same = SaleImport.objects.filter(digest=digest, store=store, mapping=said, is_dry_run=is_dry_run)
    stopped = same.filter(status__in=[SaleImport.Status.RUNNING, SaleImport.Status.WAITING]).order_by("-pk").first()
    return stopped or SaleImport.objects.create(
        digest=digest,
        name=name,
        store=store,
        mapping=said,
        is_dry_run=is_dry_run,
        bytes_total=source.stat().st_size,
        created_by=by,
    )


def layout_of(raw: BinaryIO, mapping: Mapping[str, str]) -> Layout:
    """How the file's rows are to be read."""
    with rows_of(raw) as rows:
        _line, columns = next(rows)
    places = find_columns(columns, mapping)
    kind = mapping.get("identity") or guess_identity(columns[places["member"]])
    return Layout(places, max(places.values()) + 1, kind, settings.SHOP_CURRENCY, settings.SHOP_COUNTRY)


def hand_out(*, import_id: int) -> None:
    """Tell a worker; without a broker the import waits for the sweep."""
    uploads.hand_out(task=RUN_IMPORT, work=import_id)


def run_import(
    *, sale_import: SaleImport, source: Path, watch: Callable[[SaleImport], None] = lambda _import: None
) -> SaleImport:
    """Take in the rows that are still to come, 10,000 a transaction, and call `watch` after each.

    Killed at any moment it loses nothing: what was written stands, and the next run goes on behind it.
    """
    with source.open("rb") as raw:
        reading = Reading(layout_of(raw, sale_import.mapping))
        with rows_of(raw) as rows:
            next(rows)
            for number in count(1):
                chunk = list(islice(rows, CHUNK))
                if not chunk:
                    break
                if not take_chunk(sale_import=sale_import, chunk=chunk, reading=reading, read=raw.tell()):
                    return sale_import
                if number.bit_count() == 1:  # after 1, 2, 4, 8 … chunks: whenever the tables may have doubled
                    look_again()
                watch(sale_import)
    uploads.close(work=sale_import, status=SaleImport.Status.DONE, bytes_read=F("bytes_total"))
    return sale_import


@transaction.atomic
def take_chunk(*, sale_import: SaleImport, chunk: list[tuple[int, list[str]]], reading: Reading, read: int) -> bool:
    """Take in one chunk and note how far the import is; False when it was cancelled."""
    rows, bad = read_chunk(chunk, reading)
    fresh = SaleImport.objects.select_for_update().get(pk=sale_import.pk)
    if fresh.status == SaleImport.Status.CANCELLED:
        sale_import.refresh_from_db()
        return False
    if chunk[-1][0] > fresh.line:
        note(sale_import=fresh, taken=take_rows(fresh, rows, bad, dict(chunk), reading), line=chunk[-1][0], read=read)
    sale_import.refresh_from_db()
    return True


def read_chunk(
    chunk: list[tuple[int, list[str]]], reading: Reading
) -> tuple[list[Row], list[tuple[int, list[str], Refusal]]]:
    """The rows that can be sales, and those that cannot, with the reason."""
    rows: list[Row] = []
    bad: list[tuple[int, list[str], Refusal]] = []
    for line, cells in chunk:
        try:
            rows.append(read_row(line, cells, reading.layout, reading.seen))
        except Refusal as refusal:
            bad.append((line, cells, refusal))
    return rows, bad


def take_rows(
    sale_import: SaleImport,
    rows: list[Row],
    bad: list[tuple[int, list[str], Refusal]],
    cells: Mapping[int, list[str]],
    reading: Reading,
) -> Taken:
    """Enrol who is new and record the sales; a dry run does the same and then takes it back."""
    taken = Taken(bad=bad)
    with transaction.atomic():
        members = enrol_buyers(sale_import, rows, reading, taken)
        gone = [row for row in rows if row.identity not in members]
        taken.bad += [(row.line, cells[row.line], IdentityErased()) for row in gone]
        rows = [row for row in rows if row.identity in members]
        sales = [Bought(members[row.identity], sale_import.store_id, None, row.receipt) for row in rows]
        for row, outcome in zip(rows, record_sales(sales=sales, now=timezone.now(), tells=False), strict=True):
            tell_apart(taken, row, outcome, cells)
        transaction.set_rollback(sale_import.is_dry_run)
    return taken


def enrol_buyers(sale_import: SaleImport, rows: list[Row], reading: Reading, taken: Taken) -> dict[str, int]:
    """The member id behind each identity; unknown ones are enrolled at their first sale, but for who was erased."""
    firsts: dict[str, datetime] = {}
    for row in rows:
        at = row.receipt.happened_at
        firsts[row.identity] = min(at, firsts.get(row.identity, at))
    before = Member.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    newcomers = (Newcomer(reading.layout.identity_kind, identity, "", first) for identity, first in firsts.items())
    found = enrol_many(rows=newcomers, store=sale_import.store, source="import")
    members = {identity: member for (_kind, identity), member in found.items()}
    new = {identity for identity, member in members.items() if member > before} - reading.enrolled
    reading.enrolled |= new
    taken.enrolled = len(new)
    enrol_earlier({members[identity]: first for identity, first in firsts.items() if identity in members})
    return members


def tell_apart(taken: Taken, row: Row, outcome: Outcome, cells: Mapping[int, list[str]]) -> None:
    """Add one outcome to what a chunk came to."""
    if outcome.refusal is not None:
        taken.bad.append((row.line, cells[row.line], outcome.refusal))
    elif outcome.is_repeat:
        taken.repeats += 1
    else:
        taken.sales += 1


def note(*, sale_import: SaleImport, taken: Taken, line: int, read: int) -> None:
    """Write down how far the import is, in the transaction that took the chunk."""
    BadRow.objects.bulk_create(
        BadRow(sale_import=sale_import, line=at, cells=cells, code=refusal.code, reason=str(refusal)[:300])
        for at, cells, refusal in taken.bad
    )
    SaleImport.objects.filter(pk=sale_import.pk).update(
        line=line,
        bytes_read=read,
        sales=F("sales") + taken.sales,
        repeats=F("repeats") + taken.repeats,
        enrolled=F("enrolled") + taken.enrolled,
        bad_rows=F("bad_rows") + len(taken.bad),
        leased_until=timezone.now() + uploads.LEASE,
    )


def bad_rows(sale_import: SaleImport, columns: list[str]) -> Iterator[list[str]]:
    """The rows that were not taken, as a table to be mended and imported again: their cells, line and reason."""
    yield [*columns, _("line"), _("reason")]
    for row in sale_import.rejects.order_by("line").iterator():
        cells = [*row.cells, *[""] * (len(columns) - len(row.cells))]
        yield [*cells[: len(columns)], str(row.line), row.reason]
