"""The staff's door to points."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from loyalty.ledger.models import Difference, Movement, PointKind
from members.kit.admin import Kept, Records


@admin.register(PointKind)
class PointKindDesk(Kept):
    list_display = ("code", "name_zh", "name_en", "is_spendable", "debt_limit", "restored_life_days")
    ordering = ("pk",)


@admin.register(Movement)
class MovementDesk(Records):
    """The statement: every movement of every account; open it from a member to see theirs."""

    store_path = "member__home_store"
    list_display = ("happened_at", "member_shown", "kind_shown", "change", "active_after", "pending_after", "reason")
    list_filter = ("kind", "account__kind")
    list_select_related = ("member", "account__kind")
    search_fields = ("=member__number",)
    search_help_text = _("Member number")
    ordering = ("-happened_at", "-pk")
    fields = readonly_fields = (
        "member_shown", "kind", "source", "target", "points", "pending_after", "active_after", "held_after", "reason",
        "actor", "key", "happened_at", "created_at",
    )  # fmt: skip

    @display(description=_("member"))
    def member_shown(self, movement: Movement) -> str:
        return f"{movement.member.name} {movement.member.number}".strip()

    @display(
        description=_("kind"),
        label={"earn": "success", "spend": "info", "expire": "warning", "claw_back": "danger"},
    )
    def kind_shown(self, movement: Movement) -> tuple[str, str]:
        return movement.kind, movement.get_kind_display()

    @display(description=_("points"), ordering="points")
    def change(self, movement: Movement) -> str:
        return f"{movement.signed:+,} {movement.account.kind.code}"


@admin.register(Difference)
class DifferenceDesk(Records):
    """What the nightly proof found. Empty is what you want to see."""

    store_path = "member__home_store"
    list_display = ("found_at", "account", "proof", "stored", "computed")
