"""The staff's door to households: who belongs together, who drew what, and seating somebody on request."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from loyalty.households.actions import admit, seat_of, start_household
from loyalty.households.models import Draw, HouseholdRule, Seat
from members.kit.admin import Kept, Records
from members.kit.names import named
from members.kit.refusals import Refusal
from members.profiles.admin import OfMemberMixin
from members.profiles.models import Member
from members.stores.models import User


@admin.register(HouseholdRule)
class HouseholdRuleDesk(Kept):
    list_display = ("is_on", "most_members", "draws_a_month", "cooldown_days", "invitation_days")
    ordering = ("pk",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AdmitForm(forms.ModelForm[Seat]):
    """Who joins whose household, and why staff do it."""

    reader: User
    head = forms.CharField(
        label=_("number of the head"),
        help_text=_("Who has no household yet becomes the head of a new one."),
        widget=UnfoldAdminTextInputWidget,
    )
    guest = forms.CharField(label=_("number of who joins"), widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = Seat
        fields = ("reason",)

    def seen(self, name: str) -> Member:
        """A member of the reader's stores, by the number in a field."""
        number = self.cleaned_data[name].strip()
        member = Member.objects.visible_to(self.reader).filter(number=number).first()
        if member is None:
            raise forms.ValidationError(_("None of your members has this number."), code="unknown_member")
        return member

    def clean_head(self) -> Member:
        return self.seen("head")

    def clean_guest(self) -> Member:
        return self.seen("guest")

    def clean(self) -> dict[str, Any]:
        """Seat right here, so that a refusal stands beside the form."""
        said = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.made = self.seat(said)
            except Refusal as refusal:
                raise forms.ValidationError(str(refusal), code=refusal.code) from None
        return said

    @transaction.atomic
    def seat(self, said: dict[str, Any]) -> Seat:
        """Both or nothing: a new household where the head has none, and the place in it."""
        now = timezone.now()
        if seat_of(said["head"]) is None:
            start_household(head=said["head"], now=now)
        return admit(head=said["head"], guest=said["guest"], reason=said["reason"], actor=self.reader.username, now=now)

    def save(self, commit: bool = True) -> Seat:
        return self.made

    def save_m2m(self) -> None:
        """There is nothing of the kind."""


@admin.register(Seat)
class SeatDesk(OfMemberMixin, Records):
    """Who belongs to which household, and since when."""

    nothing_yet = _("Members found households in the portal; who belongs to which stands here.")
    store_path = "member__home_store"
    list_display = ("household", "member_shown", "gives", "draws_a_month", "joined_at", "left_at")
    list_select_related = ("member", "household")
    readonly_fields = (
        "member_link", "household", "gives", "draws_a_month", "joined_at", "left_at", "reason", "actor",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.readonly_fields

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("head", "guest", "reason") if obj is None else self.readonly_fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = type("HereForm", (AdmitForm,), {"reader": cast(User, request.user)})
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Seat, form: Any, change: bool) -> None:
        """The form called the verb already."""

    def response_add(self, request: HttpRequest, obj: Seat, post_url_continue: str | None = None) -> HttpResponse:
        self.message_user(request, _("They belong together now."), messages.SUCCESS)
        return redirect("admin:loyalty_seat_change", obj.pk)


@admin.register(Draw)
class DrawDesk(OfMemberMixin, Records):
    """Who drew what from whom."""

    nothing_yet = _("When somebody spends points of their household, it says here whose they were.")
    store_path = "member__home_store"
    list_display = ("drawn_at", "member_shown", "amount", "restored", "household")
    list_select_related = ("member", "kind", "household")
    fields = readonly_fields = ("drawn_at", "member_link", "amount", "restored", "household")

    @display(description=_("points"))
    def amount(self, draw: Draw) -> str:
        return f"{draw.points:,} {named(draw.kind)}"
