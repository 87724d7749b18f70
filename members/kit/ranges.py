"""Id ranges: how work over a whole table is shared out."""

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import Max, Model, QuerySet


def plan_afresh() -> None:
    """Have the rest of this transaction planned for the very ranges it asks for.

    After some runs the server would keep one plan for any range, which reads whole tables: several times as slow.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")


def id_ranges(rows: type[Model] | QuerySet[Any], size: int) -> Iterator[tuple[int, int]]:
    """Ranges (first, last) of primary keys, both ends included, at most `size` wide, that cover every row there is now.

    Wide gaps are stepped over. Rows that arrive later lie behind the last range.
    """
    queryset = rows if isinstance(rows, QuerySet) else rows._default_manager.all()
    newest = queryset.aggregate(newest=Max("pk"))["newest"]
    first = first_from(queryset, 0)
    while first is not None and newest is not None and first <= newest:
        last = min(first + size - 1, newest)
        yield first, last
        first = first_from(queryset, last + 1)


def first_from(queryset: QuerySet[Any], start: int) -> int | None:
    """The smallest primary key from here on: one look into its index."""
    return queryset.filter(pk__gte=start).order_by("pk").values_list("pk", flat=True).first()
