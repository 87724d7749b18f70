"""What the page of a file of members shows: its columns with examples, and what its rows do."""

from itertools import islice
from typing import Any, BinaryIO, cast

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from members.kit.names import named
from members.kit.refusals import Refusal
from members.kit.sheets import table_of
from members.profiles.models import CustomField, Identity
from members.roster.models import RosterImport, RosterRow
from members.roster.rules import CUSTOM
from members.stores.models import Store, User

EXAMPLES = 3  # rows
SHOWN = 50  # rows of the report on a page
SAYS: dict[str, str | Promise] = {
    **{kind.value: kind.label for kind in Identity.Kind},
    "name": pgettext_lazy("of a person", "name"),
    "birth_on": _("birthday"),
    "home_store": _("home store"),
    "enrolled_at": _("enrolled at"),
    "language": _("language"),
}


def meanings(reader: User) -> dict[str, str | Promise]:
    """What a column may say, those further fields among them that the reader may see."""
    fields = CustomField.objects.seen_by(reader)
    return SAYS | {CUSTOM + each.code: named(each) for each in fields}


def columns_of(roster: RosterImport) -> list[dict[str, Any]]:
    """Each column with what it says and what stands in the first rows."""
    rows = first_rows(roster)
    return [
        {"name": name, "says": says, "examples": [row[at] for row in rows if at < len(row) and row[at].strip()]}
        for at, (name, says) in enumerate(zip(roster.columns, roster.meaning, strict=True))
    ]


def first_rows(roster: RosterImport) -> list[list[str]]:
    """The first rows below the names; none when the file is gone."""
    try:
        with roster.file.open("rb") as raw, table_of(cast(BinaryIO, raw)) as rows:
            return [[cell[:60] for cell in cells] for _line, cells in islice(rows, 1, EXAMPLES + 1)]
    except (FileNotFoundError, ValueError, Refusal):
        return []


def report_of(roster: RosterImport, outcome: str, after: int, reader: User) -> dict[str, Any]:
    """Fifty rows of the report of one outcome, from behind a line on."""
    says = meanings(reader)
    rows = list(roster.rows.filter(outcome=outcome, line__gt=after).in_order()[: SHOWN + 1])
    stores = {store.pk: named(store) for store in Store.objects.all()} if rows else {}
    return {
        "rows": [shown(row, says, stores) for row in rows[:SHOWN]],
        "next": rows[SHOWN - 1].line if len(rows) > SHOWN else None,
    }


def shown(row: RosterRow, says: dict[str, str | Promise], stores: dict[int, str]) -> dict[str, Any]:
    """A row with its changes in words."""
    changes = [
        {"what": says.get(field, field), "old": spoken(field, old, stores), "new": spoken(field, new, stores)}
        for field, (old, new) in row.changes.items()
        if field in says
    ]
    return {
        "line": row.line,
        "reason": row.reason,
        "code": row.code,
        "cells": [cell for cell in row.cells if cell.strip()],
        "changes": changes,
    }


def spoken(field: str, value: Any, stores: dict[int, str]) -> Any:
    if field == "home_store":
        return stores.get(value, "")
    return {True: _("yes"), False: _("no")}[value] if isinstance(value, bool) else value
