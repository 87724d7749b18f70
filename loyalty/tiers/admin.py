"""The staff's door to tiers, and a member's page with points, tier and history."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from loyalty.ledger.models import Movement
from loyalty.tiers.actions import progress_of
from loyalty.tiers.models import Ladder, Tier, TierChange
from members.kit.admin import Kept, Records
from members.profiles import admin as profiles
from members.profiles.models import Member
from members.purchases.models import Sale

SHOWN = 15  # rows of history on a member's page


class TierInline(TabularInline):
    model = Tier
    extra = 0
    ordering = ("threshold",)
    fields = ("code", "name_zh", "name_en", "threshold", "multiplier", "colour")


@admin.register(Ladder)
class LadderDesk(Kept):
    """Growth thresholds are points; spend thresholds are minor units of money."""

    list_display = ("code", "name_zh", "name_en", "basis", "window", "months")
    inlines = (TierInline,)


@admin.register(TierChange)
class TierChangeDesk(Records):
    store_path = "member__home_store"
    list_display = ("happened_at", "member_shown", "before", "after", "total", "reason")
    list_filter = ("reason", "after")
    list_select_related = ("member", "before", "after")
    search_fields = ("=member__number",)

    @display(description=_("member"))
    def member_shown(self, change: TierChange) -> str:
        return f"{change.member.name} {change.member.number}".strip()


def tier_badge(tier: Tier | None) -> str:
    """A tier's name in its colour."""
    if tier is None:
        return "—"
    name = tier.name_en if get_language() == "en" else tier.name_zh
    return format_html('<span style="color:{}">●</span> {}', tier.colour, name)


admin.site.unregister(Member)


@admin.register(Member)
class MemberDesk(profiles.MemberDesk):
    """The members' list with tier and points, and a page that says what matters now."""

    list_display = ("name_shown", "tier", "points", "number", "phone", "store_name", "enrolled_at")
    change_form_before_template = "admin/member_now.html"
    change_form_after_template = "admin/member_history.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("standings__tier", "accounts__kind")

    @display(description=_("tier"))
    def tier(self, member: Member) -> str:
        return tier_badge(next((each.tier for each in member.standings.all()), None))

    @display(description=_("points"))
    def points(self, member: Member) -> str:
        return f"{sum(each.active for each in member.accounts.all() if each.kind.code == 'points'):,}"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        member = self.get_object(request, object_id)
        context = (extra_context or {}) | (page_of(member) if member else {})
        return super().change_view(request, object_id, form_url, context)


def page_of(member: Member) -> dict[str, Any]:
    """What a member's page shows around the form: balances, progress, the latest of everything."""
    return {
        "accounts": member.accounts.select_related("kind").order_by("kind__pk"),
        "progress": progress_of(member, timezone.now()),
        "sales": Sale.objects.of(member).select_related("store").newest_first()[:SHOWN],
        "movements": Movement.objects.of(member).select_related("account__kind").newest_first()[:SHOWN],
        "changes": member.tier_changes.select_related("before", "after").order_by("-happened_at")[:SHOWN],
    }
