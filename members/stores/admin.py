"""The staff's door to stores, tills and people."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import RelatedOnlyFieldListFilter
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from members.kit.admin import Kept, ScopeMixin, stores_seen
from members.kit.names import named
from members.stores.actions import open_till, revoke_till
from members.stores.models import Store, StoreStaff, Till, User


class StoreFilter(RelatedOnlyFieldListFilter):
    """Stores by their names, none but the reader's own."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        stores = model_admin.scoped(request, Store.objects.order_by("code"), "pk")
        return [(store.pk, named(store)) for store in stores]


@admin.register(Store)
class StoreDesk(Kept):
    nothing_yet = _("Everything begins with a store. Add the first one.")
    store_path = "pk"
    list_display = ("code", "name_zh", "name_en", "city", "is_open")
    search_fields = ("code", "name_zh", "name_en")
    ordering = ("code",)


class TillForm(forms.ModelForm[Till]):
    """A till's name is its own within the store, while it is open."""

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        same = Till.objects.filter(
            store=said.get("store", self.instance.store_id), name=said.get("name"), revoked_at=None
        )
        if self.instance.revoked_at is None and same.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("This store has an open till of that name already."), code="name")
        return said


@admin.register(Till)
class TillDesk(Kept):
    """A till's key is shown once, when it is opened; afterwards only how it begins."""

    nothing_yet = _("A till sends sales with its own key. Open one for each register or web shop.")
    form = TillForm
    store_path = "store"
    list_display = ("name", "store_name", "key_prefix", "state", "last_used_at")
    list_filter = (("store", StoreFilter),)
    list_select_related = ("store",)
    fields = ("store", "name", "key_prefix", "revoked_at", "last_used_at")
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is not None else ("store", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("store", "key_prefix", "revoked_at", "last_used_at") if obj is not None else ()

    @display(description=_("store"), ordering="store__code")
    def store_name(self, till: Till) -> str:
        return named(till.store)

    @display(description=_("state"), label={"open": "success", "revoked": "danger"})
    def state(self, till: Till) -> tuple[str, Any]:
        return ("open", _("open")) if till.revoked_at is None else ("revoked", _("revoked"))

    def save_model(self, request: HttpRequest, obj: Till, form: ModelForm[Till], change: bool) -> None:
        if change:
            Till.objects.filter(pk=obj.pk).update(name=obj.name)
            return
        till, key = open_till(store=obj.store, name=obj.name)
        obj.pk, obj.key_prefix = till.pk, till.key_prefix
        words = _("The key of this till, shown this once: %(key)s")
        self.message_user(request, words % {"key": key}, messages.WARNING)

    @admin.action(description=_("Revoke the keys of the chosen tills"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Till]) -> None:
        for till in queryset:
            revoke_till(till=till, now=timezone.now())
        self.message_user(request, _("Their keys are refused from now on."))


class PostInline(ScopeMixin, TabularInline):
    """Where somebody works: the reader's own stores."""

    model = StoreStaff
    store_path = "store"
    extra = 1
    hide_title = True


@admin.register(Group)
class GroupDesk(DjangoGroupAdmin, ModelAdmin):
    list_fullwidth = True


@admin.register(User)
class UserDesk(DjangoUserAdmin[User], ModelAdmin):
    """Staff who sign in. Members have a user as well, once they used the portal; nobody manages them here.

    Only an owner makes owners: others neither see them nor the tick that makes one.
    """

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    inlines = (PostInline,)
    list_fullwidth = True
    list_display = ("username", "first_name", "is_active", "sees_all_stores", "last_login")
    list_filter = ("groups", "is_active")
    search_fields = ("username", "first_name", "email")
    ordering = ("username",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        staff = rows.filter(is_staff=True)
        return staff if request.user.is_superuser else staff.filter(is_superuser=False)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        powers = ["is_active", "is_superuser", "sees_all_stores", "groups"]
        if not request.user.is_superuser:
            powers.remove("is_superuser")
        if stores_seen(request) is not None:
            powers.remove("sees_all_stores")
        return (
            (None, {"fields": ("username", "password", "first_name", "email")}),
            (_("What they may do"), {"fields": powers}),
        )

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who leaves is made inactive: their name stands behind what they did."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.is_staff = True
        super().save_model(request, obj, form, change)
