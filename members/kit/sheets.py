"""Workbooks (XLSX) as tables: looked through before anything is unpacked into memory, then read row by row; written."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import count
from pathlib import PurePosixPath
from typing import IO, Any, BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from django.utils.translation import gettext_lazy as _
from openpyxl import Workbook, load_workbook

from members.kit.refusals import Malformed
from members.kit.tables import BLOCK, LONGEST_CELL, EmptyFile, UnreadableFile, harmless, original, rows_of

ZIP_BEGINS, OLE_BEGINS = (
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0",
)  # a workbook; one of old, or with a password
MOST_ROWS = 1_000_000  # a workbook has at most 1,048,576
MOST_COLUMNS = 200
MOST_PARTS = 2_000
LARGEST_SHEETS = 1_000_000_000  # bytes, unpacked; they are read as a stream
LARGEST_PART = 150_000_000  # bytes of anything else, which is held in memory
MOST_SQUEEZED = 400  # times smaller; real sheets get to about 30
SMALL = 10_000_000  # bytes that may be squeezed as they like
LARGEST_EXACT = 10**15  # a spreadsheet keeps fifteen digits
ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
MERGED = re.compile(rb"<(?:\w+:)?mergeCell[\s/>]")
MACROS = ("vbaproject", "macrosheets", "activex", "externallinks")
Rows = Iterator[tuple[int, list[str]]]


class UnsafeWorkbook(Malformed):
    code = "unsafe_workbook"
    sentence = _("The workbook holds macros, links to other files, or far more than it seems. Save it as CSV.")


class OldWorkbook(Malformed):
    code = "old_workbook"
    sentence = _("The workbook is of an old kind or has a password. Save it as XLSX without one.")


class MergedCells(Malformed):
    code = "merged_cells"
    sentence = _("The first sheet has merged cells, so nobody knows whose they are. Unmerge them and try again.")


class TooManyRows(Malformed):
    code = "too_many_rows"
    sentence = _("The file has more than %(most)s rows. Share it out over several files.")


class TooManyColumns(Malformed):
    code = "too_many_columns"
    sentence = _("The file has more than %(most)s columns.")


def begins(raw: BinaryIO) -> bytes:
    """The first bytes, which say what a file is; the name is not believed."""
    raw.seek(0)
    first = raw.read(4)
    raw.seek(0)
    return first


@contextmanager
def table_of(raw: BinaryIO) -> Iterator[Rows]:
    """The rows of a CSV file or of a workbook's first sheet with their lines, the column names first.

    Raises UnreadableFile, EmptyFile, UnsafeWorkbook, OldWorkbook, MergedCells, TooManyRows or TooManyColumns.
    """
    first = begins(raw)
    if first == OLE_BEGINS:
        raise OldWorkbook
    if first == ZIP_BEGINS:
        with sheet_rows(raw) as rows:
            yield rows
    else:
        with rows_of(raw) as rows:
            yield rows


def count_rows(raw: BinaryIO) -> int:
    """How many rows stand below the column names. Raises what `table_of` raises."""
    if begins(raw) == ZIP_BEGINS:
        return max(look_through(raw) - 1, 0)
    number = -1
    with table_of(raw) as rows:
        for number, _row in enumerate(rows):
            check_size(number)
    return number


def check_size(rows: int) -> None:
    if rows > MOST_ROWS:
        raise TooManyRows(most=f"{MOST_ROWS:,}")


def look_through(raw: BinaryIO) -> int:
    """The rows of the largest sheet, counted as a stream. Raises what makes a workbook one that we do not open."""
    try:
        with ZipFile(raw) as packed:
            parts = packed.infolist()
            check_parts(parts)
            for part in parts:
                with packed.open(part) as stream:
                    if b"<!DOCTYPE" in stream.read(4096) or (
                        part.filename == "[Content_Types].xml" and part.file_size > SMALL
                    ):
                        raise UnsafeWorkbook
            if b"macroEnabled" in packed.read("[Content_Types].xml"):
                raise UnsafeWorkbook
            rows = 0
            for part in parts:
                if is_sheet(part):
                    with packed.open(part) as stream:
                        rows = max(rows, scan(stream))
            return rows
    except (BadZipFile, KeyError, OSError, EOFError, RuntimeError, NotImplementedError):
        raise UnreadableFile from None


def has_trick(part: ZipInfo, stream: IO[bytes]) -> bool:
    """Whether a part begins with declarations of its own, which grow when they are read, or speaks of macros."""
    speaks_of_kinds = part.filename == "[Content_Types].xml"
    head = stream.read(SMALL if speaks_of_kinds else 4096)
    return b"<!DOCTYPE" in head or (speaks_of_kinds and (b"macroEnabled" in head or part.file_size > SMALL))


def is_sheet(part: ZipInfo) -> bool:
    return part.filename.lower().startswith("xl/worksheets/") and part.filename.lower().endswith(".xml")


def check_parts(parts: Sequence[ZipInfo]) -> None:
    """What the workbook says about its parts; `zipfile` reads no more of a part than is said here."""
    names = [part.filename for part in parts]
    if not {"[Content_Types].xml", "xl/workbook.xml"} <= set(names):
        raise UnreadableFile
    if len(set(names)) < len(names) or len(parts) > MOST_PARTS:
        raise UnsafeWorkbook
    strays = any(name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts for name in names)
    macros = any(word in name.lower() for name in names for word in MACROS)
    large = sum(part.file_size for part in parts) > LARGEST_SHEETS
    heavy = any(not is_sheet(part) and part.file_size > LARGEST_PART for part in parts)
    squeezed = any(part.file_size > SMALL + part.compress_size * MOST_SQUEEZED for part in parts)
    locked = any(part.flag_bits & 1 for part in parts)
    if (
        len(set(names)) < len(names)
        or len(parts) > MOST_PARTS
        or strays
        or macros
        or large
        or heavy
        or squeezed
        or locked
    ):
        raise UnsafeWorkbook


def scan(stream: IO[bytes]) -> int:
    """How many rows a sheet has; raises MergedCells or TooManyRows as soon as that is known."""
    rows, left = 0, b""
    while block := stream.read(BLOCK):
        text = left + block
        cut = max(text.rfind(b"<"), len(text) - BLOCK)
        rows += len(ROW.findall(text, 0, cut))
        if MERGED.search(text, 0, cut):
            raise MergedCells
        check_size(rows - 1)
        left = text[cut:]
    return rows


@contextmanager
def sheet_rows(raw: BinaryIO) -> Iterator[Rows]:
    """The rows of the first sheet as texts."""
    look_through(raw)
    raw.seek(0)
    try:
        book = load_workbook(raw, read_only=True, data_only=True, keep_links=False)
    except Exception:  # openpyxl raises whatever its parsers do on a broken workbook
        raise UnreadableFile from None
    try:
        if not book.worksheets:
            raise EmptyFile
        yield numbered(book.worksheets[0])
    finally:
        book.close()


def numbered(sheet: Any) -> Rows:
    """The column names, then the rows that say anything, each with its line."""
    sheet.reset_dimensions()  # what a workbook says about its size is not believed
    head = next(sheet.iter_rows(max_row=1, max_col=MOST_COLUMNS + 1, values_only=True), ())
    names = [as_text(value) for value in head]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise EmptyFile
    if len(names) > MOST_COLUMNS:
        raise TooManyColumns(most=MOST_COLUMNS)
    yield 1, names
    for line, values in zip(count(2), values_of(sheet, len(names)), strict=False):
        cells = [as_text(value) for value in values]
        if any(cells):
            too_long = any(len(cell) > LONGEST_CELL for cell in cells)
            yield line, [] if too_long else cells + [""] * (len(names) - len(cells))


def values_of(sheet: Any, width: int) -> Iterator[Sequence[Any]]:
    """The values of the rows below the first. Raises UnreadableFile where the sheet breaks off."""
    try:
        yield from sheet.iter_rows(min_row=2, max_row=MOST_ROWS + 1, max_col=width, values_only=True)
    except Exception:  # whatever its parsers raise
        raise UnreadableFile from None


def as_text(value: Any) -> str:
    """What somebody sees in the cell, but whole: days as 2026-11-21, numbers without exponents while they are exact."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | float):
        return number_as_text(value)
    return original(str(value).replace("_x000D_", "").strip())


def number_as_text(value: float) -> str:
    """A number; one of more digits than a spreadsheet keeps stays as it would show it, and finds nobody."""
    if abs(value) >= LARGEST_EXACT:
        return f"{value:.5E}"
    return str(int(value)) if value == int(value) else repr(value)


def write_sheet(rows: Iterable[Sequence[str]], to: IO[bytes]) -> None:
    """A workbook of one sheet whose cells are texts; none acts as a formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("members")
    for row in rows:
        sheet.append([harmless(cell) for cell in row])
    book.save(to)
