"""Rows as entries of a file: what is usual is left out, links are codes, and every value has one type."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import models
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from loyalty.programme.rules import UnknownCode, WrongValue, check_known, mapping, within

TYPES: list[tuple[type[Any], type[Any], str]] = [  # a kind of field, what it holds, how it is said
    (models.BooleanField, bool, "true, false"),
    (models.IntegerField, int, "12"),
    (models.JSONField, dict, "{…}"),
    (models.CharField, str, "…"),
    (models.TextField, str, "…"),
]


class Fields:
    """Which fields of a noun a file says, in its order. Foreign keys are said by the code of what they lead to."""

    def __init__(self, model: type[models.Model], *names: str) -> None:
        self.model, self.names = model, names

    def said(self, row: models.Model, *, full: bool = False) -> dict[str, Any]:
        """A row as entries, without those that are usual unless `full`."""
        entries = {name: self.value(row, name) for name in self.names}
        return {name: value for name, value in entries.items() if full or value != self.field(name).get_default()}

    def field(self, name: str) -> Any:
        """The noun's field."""
        return self.model._meta.get_field(name)

    def value(self, row: models.Model, name: str) -> Any:
        """A field as the file says it."""
        value = getattr(row, name)
        if isinstance(value, models.Model):
            return getattr(value, "code")  # noqa: B009  (every noun that a file leads to has one)
        return value.isoformat() if isinstance(value, date) else value

    def read(self, says: Any, *, more: tuple[str, ...] = ()) -> dict[str, Any]:
        """Every field by its name; what is not said is as usual. Raises UnknownEntry, Misspelt, WrongValue."""
        entries = mapping(says)
        check_known(entries, [*self.names, *more])
        return {name: self.read_one(name, entries) for name in self.names}

    def read_one(self, name: str, entries: Mapping[str, Any]) -> Any:
        """A field as the row keeps it."""
        field = self.field(name)
        if name not in entries:
            return field.get_default()
        with within(name):
            return typed(field, entries[name])

    def put(self, row: models.Model, values: Mapping[str, Any]) -> None:
        """Keep values in a row that could be so. Raises ValidationError.

        What must be single is not looked at: rows that change together may pass through states that nobody sees.
        """
        for name in self.names:
            setattr(row, name, values[name])
        row.clean_fields()
        for constraint in row._meta.constraints:
            if isinstance(constraint, models.CheckConstraint):
                constraint.validate(self.model, row)
        row.save()


def typed(field: Any, value: Any) -> Any:
    """A value as its field keeps it. Raises WrongValue, UnknownCode."""
    if value is None and field.null:
        return None
    if field.is_relation:
        return linked(field.related_model, value)
    if isinstance(field, models.DateField):
        return moment(value) if isinstance(field, models.DateTimeField) else day(value)
    kind, example = next((kind, example) for known, kind, example in TYPES if isinstance(field, known))
    if type(value) is not kind:
        raise WrongValue(value=str(value)[:60], expected=_("a value such as %(example)s") % {"example": example})
    return value


def linked(model: Any, value: Any) -> Any:
    """What has this code. Raises UnknownCode."""
    found = model._default_manager.filter(code=value).first() if isinstance(value, str) else None
    if found is None:
        raise UnknownCode(name=str(value)[:60])
    return found


def day(value: Any) -> date:
    """A day, ISO 8601."""
    found: date = said_in_time(value, parse_date, "2026-11-22")
    return found


def moment(value: Any) -> datetime:
    """A moment with its offset, ISO 8601."""
    found: datetime = said_in_time(value, parse_datetime, "2026-11-22T08:00:00+08:00")
    if found.tzinfo is None:
        raise WrongValue(value=str(value), expected=_("a moment with its offset from UTC"))
    return found


def said_in_time(value: Any, parse: Any, example: str) -> Any:
    """A text that means a time."""
    try:
        found = parse(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise WrongValue(value=str(value)[:60], expected=_("a value such as %(example)s") % {"example": example})
    return found
