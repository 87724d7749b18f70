"""Columns of many rows as PostgreSQL array literals: several times as fast as psycopg's own dumping of lists."""

from collections.abc import Iterable
from datetime import date, datetime


def integers(values: Iterable[int | None]) -> str:
    """Whole numbers, for `%s::bigint[]`."""
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"


def booleans(values: Iterable[bool]) -> str:
    """Yes or no, for `%s::boolean[]`."""
    return "{" + ",".join("t" if value else "f" for value in values) + "}"


def texts(values: Iterable[str]) -> str:
    """Texts, quoted, for `%s::text[]`."""
    return "{" + ",".join(f'"{escaped(value)}"' for value in values) + "}"


def escaped(value: str) -> str:
    """The text with backslashes and quotes escaped."""
    return value.replace("\\", "\\\\").replace('"', '\\"') if "\\" in value or '"' in value else value


def moments(values: Iterable[datetime | None]) -> str:
    """Aware moments, for `%s::timestamptz[]`."""
    return "{" + ",".join("NULL" if value is None else f'"{value.isoformat()}"' for value in values) + "}"


def days(values: Iterable[date | None]) -> str:
    """Days, for `%s::date[]`."""
    return "{" + ",".join("NULL" if value is None else value.isoformat() for value in values) + "}"
