"""The staff's door to stores, tills and people."""

from typing import Any

from django.contrib import admin, messages
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

from members.kit.admin import Kept
from members.stores.actions import open_till, revoke_till
from members.stores.models import Store, StoreStaff, Till, User


@admin.register(Store)
class StoreDesk(Kept):
    list_display = ("code", "name_zh", "name_en", "city", "is_open")
    search_fields = ("code", "name_zh", "name_en")
    ordering = ("code",)


@admin.register(Till)
class TillDesk(Kept):
    """A till's key is shown once, when it is opened; afterwards only how it begins."""

    store_path = "store"
    list_display = ("name", "store_name", "key_prefix", "state", "last_used_at")
    list_filter = ("store",)
    list_select_related = ("store",)
    readonly_fields = ("key_prefix", "revoked_at", "last_used_at")
    fields = ("store", "name", "key_prefix", "revoked_at", "last_used_at")
    actions = ("revoke",)

    @display(description=_("store"), ordering="store__code")
    def store_name(self, till: Till) -> str:
        return till.store.name_zh

    @display(description=_("state"), label={"open": "success", "revoked": "danger"})
    def state(self, till: Till) -> tuple[str, Any]:
        return ("open", _("open")) if till.revoked_at is None else ("revoked", _("revoked"))

    def save_model(self, request: HttpRequest, obj: Till, form: "ModelForm[Till]", change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        till, key = open_till(store=obj.store, name=obj.name)
        obj.pk, obj.key_prefix, obj.key_hash = till.pk, till.key_prefix, till.key_hash
        self.message_user(
            request, _("The key of this till, shown this once: %(key)s") % {"key": key}, messages.WARNING
        )

    @admin.action(description=_("Revoke the keys of the chosen tills"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Till]) -> None:
        for till in queryset:
            revoke_till(till=till, now=timezone.now())
        self.message_user(request, _("Their keys are refused from now on."))


class PostInline(TabularInline):
    model = StoreStaff
    extra = 1


admin.site.unregister(Group)


@admin.register(Group)
class GroupDesk(DjangoGroupAdmin, ModelAdmin):
    pass


@admin.register(User)
class UserDesk(DjangoUserAdmin, ModelAdmin):
    """People who sign in. Members have a user as well, once they used the portal; this list shows staff."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    inlines = (PostInline,)
    list_display = ("username", "first_name", "is_active", "sees_all_stores", "last_login")
    list_filter = ("groups", "is_active")
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "email")}),
        (_("What they may do"), {"fields": ("is_active", "is_staff", "is_superuser", "sees_all_stores", "groups")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.filter(is_staff=True)
