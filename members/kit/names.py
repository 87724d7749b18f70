"""Names in two languages: which of them the reader of the page reads."""

from typing import Any

from django.utils.translation import get_language


def worded(thing: Any, stem: str) -> str:
    """A text of a thing that has it in two languages, such as help_zh and help_en; the other one where it is empty."""
    is_english = (get_language() or "").startswith("en")
    texts = [getattr(thing, f"{stem}_{code}") for code in (("en", "zh") if is_english else ("zh", "en"))]
    return str(texts[0] or texts[1])


def named(thing: Any) -> str:
    """The name of a store, tier, rule or point kind in the reader's language; the other one where that is empty."""
    if thing is None:
        return ""
    is_english = (get_language() or "").startswith("en")
    names = (thing.name_en, thing.name_zh) if is_english else (thing.name_zh, thing.name_en)
    return str(names[0] or names[1])
