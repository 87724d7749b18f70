"""The staff's door to points."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from loyalty.ledger.models import Difference, Movement, PointKind
from members.kit.admin import Kept, Records
from members.kit.names import named
from members.profiles.admin import OfMemberMixin


@admin.register(PointKind)
class PointKindDesk(Kept):
    list_display = (
        "code",
        "name_zh",
        "name_en",
        "is_spendable",
        "debt_limit",
        "restored_life_days",
        "money_per_thousand",
    )
    ordering = ("pk",)


@admin.register(Movement)
class MovementDesk(OfMemberMixin, Records):
    """The statement: every movement of every account; search for a member to see theirs."""

    nothing_yet = _("Every change of every member's points is listed here from the first sale on.")
    store_path = "member__home_store"
    member_path = "account__member"  # by whose index the movements of one member are found
    list_display = ("happened_at", "member_shown", "kind_shown", "change", "balance", "waiting", "reason")
    list_filter = ("kind",)
    list_select_related = ("member", "account__kind")
    ordering = ("-happened_at", "-pk")
    fields = readonly_fields = (
        "member_link", "kind", "change", "source", "target", "balance", "waiting", "set_aside", "reason",
        "actor", "key", "happened_at",
    )  # fmt: skip

    @display(
        description=_("kind"),
        label={"earn": "success", "spend": "info", "expire": "warning", "claw_back": "danger"},
    )
    def kind_shown(self, movement: Movement) -> tuple[str, str]:
        return movement.kind, movement.get_kind_display()

    @display(description=_("points"))
    def change(self, movement: Movement) -> str:
        return f"{movement.signed:+,} {named(movement.account.kind)}"

    @display(description=_("balance"))
    def balance(self, movement: Movement) -> str:
        return f"{movement.active_after:,}"

    @display(description=_("pending"))
    def waiting(self, movement: Movement) -> str:
        return f"{movement.pending_after:,}"

    @display(description=_("held"))
    def set_aside(self, movement: Movement) -> str:
        return f"{movement.held_after:,}"


@admin.register(Difference)
class DifferenceDesk(OfMemberMixin, Records):
    """What the nightly proof found. Empty is what you want to see."""

    nothing_yet = _("Each night the balances are proved from the movements. Nothing differs.")
    store_path = "member__home_store"
    list_display: Any = ("found_at", "member_shown", "proof", "stored", "computed")
    list_select_related = ("member",)
    fields = readonly_fields = ("found_at", "member_link", "proof", "stored", "computed")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Cleared away by whoever looked into it and may do so."""
        return admin.ModelAdmin.has_delete_permission(self, request, obj)
