"""The staff's door to holds: what is set aside for open baskets, and what came of it."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from loyalty.holds.models import BudgetHold, HeldPart, Hold
from members.kit.admin import Records
from members.kit.money import format_money
from members.kit.names import named
from members.profiles.admin import OfMemberMixin
from members.stores.admin import StoreFilter


@admin.register(Hold)
class HoldDesk(OfMemberMixin, Records):
    nothing_yet = _("Points that a till sets aside for an open basket stand here until they are used or set free.")
    store_path = "store"
    list_display = ("placed_at", "member_shown", "amount", "state", "spent", "expires_at", "store_name")
    list_filter = ("status", ("store", StoreFilter))
    list_select_related = ("member", "kind", "store")
    fields = readonly_fields = (
        "member_link", "amount", "spent", "status", "store_name", "till_name", "placed_at", "expires_at", "closed_at",
    )  # fmt: skip

    @display(description=_("points"))
    def amount(self, hold: Hold) -> str:
        return f"{hold.points:,} {named(hold.kind)}"

    @display(description=_("of these spent"))
    def spent(self, hold: Hold) -> str:
        return f"{hold.captured:,}"

    @display(
        description=_("status"), label={"open": "info", "captured": "success", "released": "", "expired": "warning"}
    )
    def state(self, hold: Hold) -> tuple[str, str]:
        return hold.status, hold.get_status_display()

    @display(description=_("store"))
    def store_name(self, hold: Hold) -> str:
        return named(hold.store)

    @display(description=_("till"))
    def till_name(self, hold: Hold) -> str:
        return hold.till.name if hold.till else "—"


@admin.register(BudgetHold)
class BudgetHoldDesk(OfMemberMixin, Records):
    nothing_yet = _(
        "When a till keeps a basket's place in a budget, it stands here until the sale comes or time is up."
    )
    store_path = "store"
    list_display = ("placed_at", "member_shown", "held", "state", "expires_at", "store_name")
    list_filter = ("status", ("store", StoreFilter))
    list_select_related = ("member", "store")
    fields = readonly_fields = (
        "member_link", "held", "status", "store_name", "till_name", "placed_at", "expires_at", "closed_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        parts = HeldPart.objects.select_related("budget").order_by("budget_id")
        return super().get_queryset(request).prefetch_related(Prefetch("parts", parts))

    @display(description=_("held of budgets"))
    def held(self, hold: BudgetHold) -> str:
        return "; ".join(f"{named(part.budget)} {amount_of(part)}" for part in hold.parts.all()) or "—"

    @display(description=_("status"), label={"open": "info", "used": "success", "released": "", "lapsed": "warning"})
    def state(self, hold: BudgetHold) -> tuple[str, str]:
        return hold.status, hold.get_status_display()

    @display(description=_("store"))
    def store_name(self, hold: BudgetHold) -> str:
        return named(hold.store)

    @display(description=_("till"))
    def till_name(self, hold: BudgetHold) -> str:
        return hold.till.name if hold.till else "—"


def amount_of(part: HeldPart) -> str:
    """What is held of a budget, in its unit."""
    return format_money(part.amount) if part.budget.counts_money else f"{part.amount:,}"
