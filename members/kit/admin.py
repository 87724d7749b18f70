"""What all the staff's desks share: pages without counting tables, and a scope of stores that no list can forget."""

from typing import Any, ClassVar, cast

from django.contrib import messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from members.kit.names import named
from members.kit.refusals import Refusal

STORE = "members.Store"


class ScopeMixin:
    """Rows of the stores that the reader may see. `store_path` leads from a row to its store; "pk" for stores."""

    store_path: ClassVar[str] = ""

    def scoped(self, request: HttpRequest, rows: QuerySet[Any], path: str) -> QuerySet[Any]:
        """The rows that this person may see; others do not exist for them."""
        stores = stores_seen(request)
        return rows if stores is None or not path else rows.filter(**{f"{path}__in": stores})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = cast(Any, super()).get_queryset(request)
        return self.scoped(request, rows, self.store_path)

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Things are added and changed on their own pages, not from a menu beside a field."""
        field = cast(Any, super()).formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def formfield_for_foreignkey(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Stores to choose from are the reader's own; what has names is called by the one that the reader reads."""
        related = cast(Any, db_field).remote_field.model
        if related._meta.label == STORE:
            kwargs["queryset"] = stores = self.scoped(request, related._default_manager.order_by("code"), "pk")
            if stores_seen(request) is not None and len(stores) == 1:
                kwargs["initial"] = stores[0]
        field = cast(Any, super()).formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and hasattr(related, "name_zh"):
            field.label_from_instance = named
        return field


def stores_seen(request: HttpRequest) -> list[int] | None:
    """The ids of the reader's stores, asked once a request; None for all of them."""
    user: Any = request.user
    if user.is_superuser or user.sees_all_stores:
        return None
    if not hasattr(request, "stores_seen"):
        request.stores_seen = list(user.posts.values_list("store_id", flat=True))  # type: ignore[attr-defined]
    return cast(list[int], request.stores_seen)  # type: ignore[attr-defined]


class Desk(ScopeMixin, ModelAdmin):
    """A list that stays fast with millions of rows."""

    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True
    list_filter_submit = False
    ordering: Any = ("-pk",)
    warn_unsaved_form = True
    nothing_yet: Any = ""  # what will stand in the list and how to get it, in a sentence

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A refusal that only the verb could find shows as a message, and nothing is changed."""
        context = {"show_save_and_add_another": False, **(extra_context or {})}
        try:
            return cast(HttpResponse, super().changeform_view(request, object_id, form_url, context))
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


class Untouched:
    """Rows that nobody adds, edits or deletes by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Records(Untouched, Desk):
    """Rows that nobody edits: they were written by verbs. Sorted as they came: other sorts would read the table."""

    sortable_by: Any = ()


class Kept(Desk):
    """Rows that are edited and never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadMixin(Untouched):
    """An inline that only shows."""

    extra = 0
    can_delete = False
    hide_title = True  # unfold's line with the row's id
