"""Names in two languages: which of them the reader of the page reads."""

from typing import Any

from django.utils.translation import get_language


def named(thing: Any) -> str:
    """The name of a store, tier, rule or point kind in the reader's language; the other one where that is empty."""
    if thing is None:
        return ""
    is_english = (get_language() or "").startswith("en")
    names = (thing.name_en, thing.name_zh) if is_english else (thing.name_zh, thing.name_en)
    return str(names[0] or names[1])
