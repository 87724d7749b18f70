"""Id ranges: how work over a whole table is shared out."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Max, Model, QuerySet


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
