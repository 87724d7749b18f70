"""Tables in files: CSV of any usual encoding and delimiter, read row by row; written so that no cell is a formula."""

import csv
import gzip
import io
from codecs import getincrementaldecoder
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from typing import IO, BinaryIO, cast

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed

ENCODINGS = ("utf-8-sig", "gb18030")  # gb18030 reads GBK and GB2312 as well
DELIMITERS = ",;\t|"
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
LONGEST_CELL = 10_000
BLOCK = 1_000_000  # bytes

csv.field_size_limit(LONGEST_CELL)


class UnreadableFile(Malformed):
    code = "unreadable_file"
    sentence = _("The file is no text in UTF-8 or GBK. Save it as CSV and try again.")


class EmptyFile(Malformed):
    code = "empty_file"
    sentence = _("The file has no rows below a line of column names.")


class RowTooShort(Malformed):
    code = "row_too_short"
    sentence = _("The row has fewer cells than there are columns, or a cell that is far too long.")


@contextmanager
def plain(raw: BinaryIO) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked when they begin as gzip does; the name is not believed."""
    raw.seek(0)
    is_packed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    if not is_packed:
        yield raw
        return
    with gzip.open(raw) as unpacked:
        yield cast(BinaryIO, unpacked)


def encoding_of(raw: BinaryIO) -> str:
    """The encoding in which the whole file can be read. Raises UnreadableFile."""
    for encoding in ENCODINGS:
        if decodes(raw, encoding):
            return encoding
    raise UnreadableFile


def decodes(raw: BinaryIO, encoding: str) -> bool:
    """Whether every byte makes sense, read in blocks; a NUL never does."""
    decoder = getincrementaldecoder(encoding)()
    try:
        with plain(raw) as stream:
            while block := stream.read(BLOCK):
                if b"\x00" in block:
                    return False
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except (UnicodeDecodeError, EOFError, OSError):
        return False
    return True


@contextmanager
def rows_of(raw: BinaryIO) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """The rows with the line each ends on, the column names first. Raises UnreadableFile or EmptyFile."""
    encoding = encoding_of(raw)
    with plain(raw) as stream:
        text = io.TextIOWrapper(cast(IO[bytes], stream), encoding=encoding, newline="")
        try:
            head = text.readline(BLOCK)
            if not head.strip():
                raise EmptyFile
            delimiter = max(DELIMITERS, key=head.count)
            with closing(numbered(head, text, delimiter)) as rows:
                yield rows
        finally:
            text.detach()


def numbered(head: str, text: Iterable[str], delimiter: str) -> Generator[tuple[int, list[str]], None, None]:
    """Rows with their line numbers; lines without a cell are passed over."""

    reader = csv.reader(chain([head], text), delimiter=delimiter)
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            yield reader.line_num, []
            continue
        if row is None:
            return
        if row:
            yield reader.line_num, [original(cell) for cell in row]


def write_rows(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """CSV text, line by line, that spreadsheets open as Unicode and in which no cell acts as a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    yield "\ufeff"
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def harmless(cell: str) -> str:
    """The cell with an apostrophe before whatever a spreadsheet would calculate."""
    return f"'{cell}" if cell.startswith((*FORMULA_BEGINS, "'")) else cell


def original(cell: str) -> str:
    """The cell as it was before `harmless`."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith((*FORMULA_BEGINS, "'")) else cell


def first_like(names: Sequence[str], beginnings: Sequence[str], *, taken: set[int]) -> int | None:
    """The first column that is named like one of the usual names and is not something else already."""
    for beginning in beginnings:
        for place, name in enumerate(names):
            if place not in taken and name.startswith(beginning):
                return place
    return None
