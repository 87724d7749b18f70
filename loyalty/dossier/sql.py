"""Statements that forget in this floor's tables, set-based; points never move."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

# Movements are final but for their reason, which may name the other's number; the trigger lets it go and nothing else.
FORGET_REASONS = """
UPDATE loyalty_movement SET reason = ''
 WHERE member_id = ANY(%(near)s)
   AND reason = ANY(SELECT way || n FROM unnest(%(numbers)s::text[]) n, unnest(ARRAY['to ', 'from ']) way)
"""
# What others were told about these members: their half name, and the words that went with a gift.
FORGET_MENTIONS = """
UPDATE members_message SET context = context || '{"other": "…"}' ||
       CASE WHEN context ? 'note' THEN '{"note": ""}'::jsonb ELSE '{}'::jsonb END
 WHERE key = ANY(%(keys)s) AND member_id = ANY(%(near)s) AND context ? 'other'
"""
# A cell names somebody when its digits hold their phone however it was written, when one of their words stands in
# it, or when it is one of them and nothing else.
FORGET_CELLS = """
UPDATE loyalty_badrow b SET cells = '[]', reason = 'erased', code = 'erased'
 WHERE b.id BETWEEN %(first)s AND %(last)s AND EXISTS (
       SELECT FROM jsonb_array_elements_text(b.cells) c(cell)
        WHERE EXISTS (SELECT FROM unnest(%(digits)s::text[]) d
                       WHERE strpos(regexp_replace(translate(c.cell, '０１２３４５６７８９', '0123456789'),
                                                   '\\D', '', 'g'), d) > 0)
           OR EXISTS (SELECT FROM unnest(%(words)s::text[]) w WHERE strpos(lower(c.cell), lower(w)) > 0)
           OR lower(btrim(c.cell)) = ANY(%(whole)s::text[]))
"""
OLD_ROWS = """
DELETE FROM loyalty_badrow b USING loyalty_saleimport i
 WHERE i.id = b.sale_import_id AND i.id BETWEEN %(first)s AND %(last)s AND i.finished_at < %(before)s
"""


def run(statement: str, **values: Any) -> int:
    """Run a statement; how many rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def forget_reasons(*, near: Sequence[int], numbers: Sequence[str]) -> None:
    """Take these member numbers out of the reasons of movements of those who are near."""
    run(FORGET_REASONS, near=list(near), numbers=list(numbers))


def forget_mentions(*, near: Sequence[int], keys: Sequence[str]) -> None:
    """Take names out of messages to others that have these keys."""
    run(FORGET_MENTIONS, near=list(near), keys=list(keys))


def forget_cells(*, first: int, last: int, digits: Sequence[str], words: Sequence[str], whole: Sequence[str]) -> int:
    """Empty rows of imports in which somebody is named; how many. `whole` are words that fill a cell."""
    lower = [word.lower() for word in whole]
    return run(FORGET_CELLS, first=first, last=last, digits=list(digits), words=list(words), whole=lower)


def let_go_of_rows(*, first: int, last: int, before: datetime) -> int:
    """Bad rows of imports that were over before a moment."""
    return run(OLD_ROWS, first=first, last=last, before=before)
