"""Templates of messages, by code and language. Other words are a new version; messages that were sent keep theirs."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty.programme.parts.fields import Fields
from loyalty.programme.parts.part import Part, Turn
from loyalty.programme.rules import Things, mapping, within
from members.messaging.models import Template
from members.messaging.rules import check_template

TEMPLATES = Fields(Template, "subject", "body")


def newest() -> Any:
    """The newest words of each code and language."""
    return Template.objects.order_by("code", "language", "-version").distinct("code", "language")


def stands() -> Things:
    """All words that are sent."""
    found: Things = {}
    for template in newest():
        found.setdefault(template.code, {})[template.language] = TEMPLATES.said(template, full=True)
    return found


def write(code: str, says: Any, turn: Turn) -> None:
    """The words of a code as the file says them. Raises Unwritable."""
    for language, words in mapping(says).items():
        with within(language):
            values = TEMPLATES.read(words)
            for text in values.values():
                check_template(text)
            last = newest().filter(code=code, language=language).first()
            if last is None or any(getattr(last, name) != value for name, value in values.items()):
                version = last.version + 1 if last else 1
                TEMPLATES.put(Template(code=code, language=language, version=version), values)


PART = Part("templates", _("templates"), stands, write)
