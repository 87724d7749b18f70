"""Which stores a dashboard is about."""

from members.kit.charts import Scope
from members.stores.actions import stores_of
from members.stores.models import User


def scope_of(user: User) -> Scope:
    """All stores for those who see all, otherwise the stores where they work."""
    if user.is_superuser or user.sees_all_stores:
        return Scope(None)
    return Scope(tuple(stores_of(user).values_list("pk", flat=True)))
