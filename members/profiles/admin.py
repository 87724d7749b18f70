"""The staff's door to members."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Value
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from members.kit.admin import Kept, ReadMixin, stores_seen
from members.kit.names import named
from members.kit.refusals import Refusal
from members.profiles.actions import add_identity, enrol, masked_phone, update_profile
from members.profiles.forms import FURTHER, CustomFieldForm, further_field, further_of, initial_of
from members.profiles.models import CustomField, Identity, Member
from members.profiles.panels import further_rows
from members.profiles.rules import mask, mask_name
from members.stores.models import User


def ids_meant(request: HttpRequest, text: str) -> list[int]:
    """The ids of the reader's members who are meant by a text, however it names them."""
    meant = list(Member.objects.visible_to(cast(User, request.user)).ids_meant_by(text))
    return meant + list(Member.objects.filter(merged_into__in=meant).values_list("pk", flat=True))


class OfMemberMixin:
    """Desks of what belongs to members: found by whatever finds the member, and named by them.

    Who came in from another store shows by half a name: they are not this reader's member.
    """

    member_path: ClassVar[str] = "member"
    search_fields: Any = ("pk",)  # makes the box appear; `get_search_results` decides
    search_help_text = _("The member's phone or its last 4 digits, e-mail, card, number, or a part of the name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = cast(Any, super()).get_queryset(request)
        return cast(QuerySet[Any], rows.annotate(is_ours=self.ours(request)))

    def ours(self, request: HttpRequest) -> Any:
        stores = stores_seen(request)
        if not stores:
            return Value(stores is None)
        return ExpressionWrapper(Q(member__home_store__in=stores), output_field=BooleanField())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        return queryset.filter(**{f"{self.member_path}__in": ids_meant(request, search_term)}), False

    @display(description=_("member"))
    def member_shown(self, row: Any) -> str:
        if row.member is None:
            return "—"
        if not row.is_ours:
            return f"{mask_name(row.member.name)} {mask('number', row.member.number)}".strip()
        return f"{row.member.name} {row.member.number}".strip()

    @display(description=_("member"))
    def member_link(self, row: Any) -> str:
        if row.member is None or not row.is_ours:
            return str(self.member_shown(row))
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
            reverse("admin:members_member_change", args=[row.member.merged_into or row.member_id]),
            self.member_shown(row),
        )


class EnrolForm(forms.ModelForm[Member]):
    """A new member at the counter: a name and one way to be found."""

    phone = forms.CharField(label=_("phone"), required=False, widget=UnfoldAdminTextInputWidget)
    email = forms.CharField(label=_("e-mail"), required=False, widget=UnfoldAdminTextInputWidget)
    card = forms.CharField(label=_("card"), required=False, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = Member
        fields = ("name", "language", "home_store")
        labels = {"name": _("Name")}

    def clean(self) -> dict[str, Any]:
        """Enrol right here, so that a refusal stands beside the form."""
        said = super().clean() or self.cleaned_data
        if not self.errors:
            with refusals_as_errors():
                self.enrolled = enrol(
                    name=said["name"],
                    identities={kind: said[kind] for kind in ("phone", "email", "card")},
                    store=said["home_store"],
                    source=Member.Source.ADMIN,
                    now=timezone.now(),
                    language=said["language"],
                )
        return said

    def save(self, commit: bool = True) -> Member:
        return self.enrolled

    def save_m2m(self) -> None:
        """There is nothing of the kind."""


class ProfileForm(forms.ModelForm[Member]):
    """A member's profile with the shop's further fields, and room for one more way to be found."""

    new_kind = forms.ChoiceField(
        label=_("kind"), choices=Identity.Kind.choices, required=False, widget=UnfoldAdminSelectWidget
    )
    new_value = forms.CharField(label=_("value"), required=False, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = Member
        fields = ("name", "birth_on", "language")
        labels = {"name": _("Name")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields:
            if name.startswith(FURTHER):
                self.initial[name] = initial_of(self.instance.custom.get(name.removeprefix(FURTHER)))

    def clean(self) -> dict[str, Any]:
        """Change right here, so that a refusal stands beside the form and nothing else is written."""
        said = super().clean() or self.cleaned_data
        if not self.errors:
            with refusals_as_errors(), transaction.atomic():
                update_profile(
                    member=self.instance,
                    now=timezone.now(),
                    name=said["name"],
                    language=said["language"],
                    birth_on=said["birth_on"],
                    custom=further_of(said),
                )
                if said.get("new_value"):
                    add_identity(member=self.instance, kind=said["new_kind"], text=said["new_value"])
        return said


@contextmanager
def refusals_as_errors() -> Iterator[None]:
    """A refusal as an error of the form."""
    try:
        yield
    except Refusal as refusal:
        raise forms.ValidationError(str(refusal), code=refusal.code) from None


WIDGETS: dict[str, Any] = {
    CustomField.Kind.TEXT: UnfoldAdminTextInputWidget,
    CustomField.Kind.NUMBER: UnfoldAdminTextInputWidget,
    CustomField.Kind.DATE: UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    CustomField.Kind.CHOICE: UnfoldAdminSelectWidget,
    CustomField.Kind.YES_NO: UnfoldAdminSelectWidget,
}


class IdentityInline(ReadMixin, TabularInline):
    """How the member is found, masked: to see it whole is a step of its own, which is written down."""

    model = Identity
    fields = readonly_fields = ("kind", "shown", "verified_at")
    ordering = ("kind", "pk")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return cast(User, request.user).has_perm("members.view_member")

    @display(description=_("value"))
    def shown(self, identity: Identity) -> str:
        return mask(identity.kind, identity.value)


@admin.register(Member)
class MemberDesk(Kept):
    """Find a member by phone, last digits, card, e-mail, number or the beginning of a name."""

    store_path = "home_store"
    sortable_by: Any = ()
    list_display: Any = ("name_shown", "number", "phone", "store_name", "enrolled_at")
    list_filter: Any = ("source", "language")
    list_select_related: Any = ("home_store",)
    search_fields = ("number",)  # makes the box appear; `get_search_results` decides
    search_help_text = _("Phone or its last 4 digits, e-mail, card, member number, or a part of the name")
    inlines: Any = (IdentityInline,)
    readonly_fields: Any = ("name_shown", "number", "store_name", "source", "enrolled_at", "further")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).filter(merged_into=None, erased_at=None).select_related("home_store")
        return rows.prefetch_related("identities")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The member, read once a request, and without what only lists show."""
        kept = request.__dict__.setdefault("members_read", {})
        if object_id not in kept:
            rows = self.get_queryset(request).prefetch_related(None)
            kept[object_id] = rows.filter(pk=int(object_id)).first() if str(object_id).isdecimal() else None
        return kept[object_id]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        member = self.get_object(request, object_id) if self.has_view_or_change_permission(request) else None
        context = (extra_context or {}) | (self.facts_of(request, member) if member is not None else {})
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def facts_of(self, request: HttpRequest, member: Member) -> dict[str, Any]:
        """What the member's page shows around the form; rooms above add to it."""
        return {"member": member, "title": member.name or member.number}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=ids_meant(request, search_term)), False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if not self.edits(request, obj):
            return super().get_form(request, obj, change, **kwargs)
        base = EnrolForm if obj is None else ProfileForm
        kwargs["form"] = type("HereForm", (base,), self.further_fields(request) if obj is not None else {})
        return super().get_form(request, obj, change, **kwargs)

    def further_fields(self, request: HttpRequest) -> dict[str, forms.Field]:
        """The form fields of those of the shop's further fields that the reader may see, read once a request."""
        return {FURTHER + each.code: further_field(each, WIDGETS) for each in self.fields_seen(request)}

    def fields_seen(self, request: HttpRequest) -> list[CustomField]:
        """The further fields that the reader may see, read once a request."""
        if "fields_seen" not in request.__dict__:
            request.__dict__["fields_seen"] = list(CustomField.objects.seen_by(cast(User, request.user)))
        return cast(list[CustomField], request.__dict__["fields_seen"])

    def edits(self, request: HttpRequest, obj: Any) -> bool:
        """Whether the reader may type here."""
        return bool(self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("name", "phone", "email", "card", "language", "home_store")}),)
        edits = self.edits(request, obj)
        codes = tuple(self.further_fields(request))
        further: Any = codes if edits else codes and ("further",)
        said = further_rows(self.fields_seen(request), obj.custom)
        obj.further_words = " · ".join(f"{name}: {value}" for name, value in said) or "—"
        groups: list[Any] = [
            (
                _("Profile"),
                {
                    "fields": (
                        "name" if edits else "name_shown",
                        "birth_on",
                        "language",
                        "number",
                        "store_name",
                        "source",
                        "enrolled_at",
                    )
                },
            )
        ]
        if further:
            groups.append((_("Further fields"), {"fields": further}))
        if edits:
            groups.append((_("Another way to be found"), {"fields": (("new_kind", "new_value"),)}))
        return groups

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj is not None else ()

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Member, form: Any, change: bool) -> None:
        """The forms called the verbs already."""

    @display(description=_("Name"))
    def name_shown(self, member: Member) -> str:
        return member.name or "—"

    @display(description=_("phone"))
    def phone(self, member: Member) -> str:
        return masked_phone(member) or "—"

    @display(description=_("home store"))
    def store_name(self, member: Member) -> str:
        return named(member.home_store)

    @display(description=_("further fields"))
    def further(self, member: Member) -> str:
        return cast(str, cast(Any, member).further_words)  # of those fields that the reader may see


@admin.register(CustomField)
class CustomFieldDesk(Kept):
    """Fields are archived, never deleted: what was filled in stays."""

    nothing_yet = _("Add a field for what your shop wants to know of its members and nobody else asks.")
    form = CustomFieldForm
    list_display = ("code", "name_zh", "name_en", "kind", "seen_by", "is_required", "is_asked", "state")
    list_filter = ("is_archived",)
    ordering = ("is_archived", "position", "code")
    fields = (
        "code", ("name_zh", "name_en"), "kind", "choices", ("help_zh", "help_en"), "is_required", "seen_by", "is_shown",
        "is_asked", "position", "is_archived",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The code and kind stand: values are kept under them."""
        return ("code", "kind") if obj is not None else ()

    @display(description=_("state"), label={"open": "success", "archived": "warning"})
    def state(self, field: CustomField) -> tuple[str, Any]:
        return ("archived", _("archived")) if field.is_archived else ("open", _("in use"))
