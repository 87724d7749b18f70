"""What all the staff's desks share: pages without counting tables, and a scope of stores that no list can forget."""

from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator


class Desk(ModelAdmin):
    """A list that stays fast with millions of rows. `store_path` leads from a row to the store it belongs to."""

    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True
    store_path: ClassVar[str] = ""
    ordering: Any = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Rows of the stores that this person may see; other rows do not exist for them."""
        rows: QuerySet[Model] = super().get_queryset(request)
        user: Any = request.user
        if not self.store_path or user.is_superuser or user.sees_all_stores:
            return rows
        return rows.filter(**{f"{self.store_path}__posts__user": user})


class Records(Desk):
    """Rows that nobody edits: they were written by verbs."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Kept(Desk):
    """Rows that are edited and never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
