"""The staff's door to gifts: what is allowed, and what was given."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from loyalty.gifts.models import Gift, GiftRule
from members.kit.admin import Kept, Records
from members.kit.names import named
from members.profiles.admin import OfMemberMixin


@admin.register(GiftRule)
class GiftRuleDesk(Kept):
    list_display = ("kind_name", "is_on", "least", "most", "most_a_day", "most_a_month", "enrolled_days")
    list_select_related = ("kind",)
    ordering = ("pk",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("kind",) if obj is not None else ()

    @display(description=_("point kind"))
    def kind_name(self, rule: GiftRule) -> str:
        return named(rule.kind)


@admin.register(Gift)
class GiftDesk(OfMemberMixin, Records):
    nothing_yet = _("Points that members give to each other, at home or at the till, are listed here.")
    store_path = "member__home_store"
    list_display = ("given_at", "member_shown", "amount", "note")
    list_select_related = ("member", "kind")
    fields = readonly_fields = ("given_at", "member_link", "amount", "note")

    @display(description=_("points"))
    def amount(self, gift: Gift) -> str:
        return f"{gift.points:,} {named(gift.kind)}"
