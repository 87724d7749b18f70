"""How templates become words, and when what was not taken is tried again: no database, no clock."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _
from liquid import Environment, FalsyStrictUndefined
from liquid.exceptions import LiquidError

from members.kit.refusals import Refusal

TRIES = 8
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=4)


class Unwritable(Refusal):
    """A template is missing or wrong, so there are no words."""

    code = "unwritable"
    sentence = _("The words of %(template)s cannot be written: %(problem)s")


class Words(Environment):
    """Liquid as marketers write it: no files, nothing endless, and a word that is not there is an error."""

    loop_iteration_limit = 1_000
    output_stream_limit = 50_000
    local_namespace_limit = 50_000
    context_depth_limit = 10


WORDS = Words(undefined=FalsyStrictUndefined)  # plain text: pages and mails escape what they show themselves


def write(text: str, context: Mapping[str, Any], *, template: str) -> str:
    """The template's text with its words filled in. Raises Unwritable."""
    try:
        return str(WORDS.from_string(text).render(context)).strip()
    except (LiquidError, ArithmeticError, TypeError, ValueError, RecursionError) as error:
        raise Unwritable(template=template, problem=problem_of(error)) from error


def check_template(text: str) -> None:
    """Raises Unwritable when this is not Liquid."""
    try:
        WORDS.from_string(text)
    except (LiquidError, RecursionError) as error:
        raise Unwritable(template=_("this template"), problem=problem_of(error)) from error


def problem_of(error: Exception) -> str:
    """The first line says it; the others draw where."""
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def wait_after(tries: int) -> timedelta | None:
    """How long to wait after so many tries in vain: half a minute, two minutes, eight … four hours; None: give up."""
    if tries >= TRIES:
        return None
    wait: timedelta = FIRST_WAIT * 4 ** (tries - 1)
    return min(wait, LONGEST_WAIT)
