"""Stores to choose from, for the traits of the rooms above."""

from members.kit.names import named
from members.stores.models import Store


def store_choices() -> list[tuple[str, str]]:
    """Every store by its code."""
    return [(store.code, named(store)) for store in Store.objects.order_by("code")]
