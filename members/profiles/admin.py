"""The staff's door to members."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from members.kit.admin import Kept
from members.kit.refusals import Refusal
from members.profiles.actions import SEES_CONTACTS, enrol, phone_for
from members.profiles.models import CustomField, Identity, Member, MemberQuerySet
from members.profiles.rules import mask
from members.stores.actions import stores_of
from members.stores.models import Store, User


class EnrolForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new member at the counter: a name and one way to be found."""

    phone = forms.CharField(label=_("phone"), required=False, widget=UnfoldAdminTextInputWidget)
    email = forms.CharField(label=_("e-mail"), required=False, widget=UnfoldAdminTextInputWidget)
    card = forms.CharField(label=_("card"), required=False, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = Member
        fields = ("name", "language", "home_store")
        widgets = {"language": UnfoldAdminSelectWidget, "home_store": UnfoldAdminSelectWidget}

    def clean(self) -> dict[str, Any]:
        """Enrol right here, so that a refusal stands beside the form."""
        said = super().clean() or self.cleaned_data
        identities = {kind: said.get(kind, "") for kind in ("phone", "email", "card")}
        if self.errors:
            return said
        try:
            self.enrolled = enrol(
                name=said["name"],
                identities=identities,
                store=said["home_store"],
                source=Member.Source.ADMIN,
                now=timezone.now(),
                language=said["language"],
            )
        except Refusal as refusal:
            raise forms.ValidationError(str(refusal), code=refusal.code) from None
        return said

    def save(self, commit: bool = True) -> Member:
        return self.enrolled

    def save_m2m(self) -> None:
        """There is nothing of the kind."""


class IdentityInline(TabularInline):
    """How the member is found; whole for those who may see contacts, masked for others."""

    model = Identity
    fields = readonly_fields = ("kind", "shown", "verified_at")
    extra = 0
    can_delete = False
    tab = True

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        self.sees_contacts = cast(User, request.user).has_perm(SEES_CONTACTS)
        return super().get_formset(request, obj, **kwargs)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("value"))
    def shown(self, identity: Identity) -> str:
        return identity.value if self.sees_contacts else mask(identity.kind, identity.value)


@admin.register(Member)
class MemberDesk(Kept):
    """Find a member by phone, last digits, card, e-mail, number or the beginning of a name."""

    store_path = "home_store"
    list_display: Any = ("name_shown", "number", "phone", "store_name", "enrolled_at")
    list_filter: Any = ("source", "language")
    list_select_related: Any = ("home_store",)
    search_fields = ("number",)  # makes the box appear; `search` decides
    search_help_text = _("Phone or its last 4 digits, e-mail, card, member number, or how the name begins")
    inlines: Any = (IdentityInline,)
    fields: Any = ("name", "number", "language", "birth_on", "home_store", "source", "enrolled_at")
    readonly_fields: Any = ("number", "home_store", "source", "enrolled_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        self.reader = cast(User, request.user)
        return super().get_queryset(request).prefetch_related("identities")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        return cast(MemberQuerySet, queryset).search(search_term), False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        form = type("EnrolHere", (EnrolForm,), {})
        form.base_fields["home_store"].queryset = stores_of(cast(User, request.user))  # type: ignore[attr-defined]
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return super().get_fieldsets(request, obj)
        return ((None, {"fields": ("name", "phone", "email", "card", "language", "home_store")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj is not None else ()

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Member, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["name", "language", "birth_on"])

    @display(description=_("name"))
    def name_shown(self, member: Member) -> str:
        return member.name or "—"

    @display(description=_("phone"))
    def phone(self, member: Member) -> str:
        return phone_for(user=self.reader, member=member) or "—"

    @display(description=_("home store"), ordering="home_store__code")
    def store_name(self, member: Member) -> str:
        return store_word(member.home_store)


def store_word(store: Store) -> str:
    """A store's name in the reader's language."""
    from django.utils.translation import get_language

    return store.name_en if get_language() == "en" else store.name_zh


@admin.register(CustomField)
class CustomFieldDesk(Kept):
    list_display = ("code", "name_zh", "name_en", "kind", "position")
    ordering = ("position", "code")
