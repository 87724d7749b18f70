"""The settings of the whole, each by its name."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import Programme
from loyalty.programme.parts.fields import Fields, typed
from loyalty.programme.parts.part import Part, Turn
from loyalty.programme.rules import Things, check_known

SETTINGS = Fields(Programme, "return_days", "most_percent")


def stands() -> Things:
    """All of them."""
    return SETTINGS.said(Programme.objects.get(), full=True)


def write(code: str, says: Any, turn: Turn) -> None:
    """Set one. Those of which a file says nothing stay as they are."""
    check_known({code: says}, SETTINGS.names)
    programme = Programme.objects.get()
    value = typed(Programme._meta.get_field(code), says)
    if getattr(programme, code) != value:
        setattr(programme, code, value)
        programme.clean_fields()
        programme.save(update_fields=[code])


PART = Part("settings", _("settings"), stands, write)
