"""The staff's door to tiers, and a member's page with points, tier and history."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminColorInputWidget

from loyalty.ledger.views import holdings_of
from loyalty.tiers.actions import load_climb, tier_shown
from loyalty.tiers.models import Ladder, Tier, TierChange
from loyalty.tiers.rules import Step, check_steps, check_window
from members.counter import admin as counter
from members.kit.admin import Kept, Records
from members.kit.names import named
from members.kit.refusals import Refusal
from members.profiles import admin as profiles
from members.profiles.models import Member


class TierFormSet(BaseInlineFormSet[Any, Any, Any]):
    """The tiers together make a ladder."""

    def clean(self) -> None:
        """Says what the rules say about all of them."""
        super().clean()
        if any(self.errors):
            return
        tiers = [form.instance for form in self.forms if form.has_changed() or form.instance.pk]
        steps = [
            Step(tier.pk or 0, tier.code, tier.name_zh, tier.name_en, tier.threshold, tier.multiplier, tier.colour,
                 tier.retention)
            for tier in sorted(tiers, key=lambda tier: tier.threshold)
        ]  # fmt: skip
        try:
            check_steps(steps)
        except Refusal as refusal:
            raise ValidationError(str(refusal)) from refusal


class LadderForm(ModelForm[Any]):
    """A ladder's own settings, checked together."""

    def clean(self) -> dict[str, Any]:
        """A window counts something, and a ladder of points says which."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            check_window(window=said.get("window", ""), months=said.get("months") or 0)
        except Refusal as refusal:
            raise ValidationError({"months": str(refusal)}) from refusal
        if (said.get("basis") == "points") != bool(said.get("kind")):
            raise ValidationError({"kind": _("Choose a point kind if points are counted, and only then.")})
        return said


class TierInline(TabularInline):
    """Tiers are edited in place, lowest first."""

    model = Tier
    extra = 0
    hide_title = True
    ordering = ("threshold",)
    formset = TierFormSet
    show_change_link = True
    fields = ("code", "name_zh", "name_en", "threshold", "retention", "multiplier", "colour")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "colour":
            kwargs["widget"] = UnfoldAdminColorInputWidget()
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Ladder)
class LadderDesk(Kept):
    """Growth thresholds are points; spend thresholds are minor units of money."""

    nothing_yet = _("A ladder is an ordered set of tiers. Add one to have members rise.")
    form = LadderForm
    list_display = ("code", "name_zh", "name_en", "position", "basis", "window", "validity")
    ordering = ("position", "pk")
    inlines = (TierInline,)
    fieldsets = (
        (
            None,
            {
                "fields": ("code", "name_zh", "name_en", "position", "basis", "kind", "window", "months"),
                "description": _("Thresholds are growth points; on a ladder that counts spend, cents (fen) of money."),
            },
        ),
        (
            _("How long a tier is held"),
            {"fields": ("validity", "validity_months", "rounding", "grace_days", "at_end", "warn_days")},
        ),
    )


@admin.register(TierChange)
class TierChangeDesk(profiles.OfMemberMixin, Records):
    nothing_yet = _("Every rise and fall of a member is listed here.")
    store_path = "member__home_store"
    list_display = ("happened_at", "member_shown", "tier_before", "tier_after", "reason", "note")
    list_filter = ("reason",)
    list_select_related = ("member", "before", "after")
    ordering = ("-happened_at", "-pk")
    fields = readonly_fields = (
        "happened_at", "member_link", "tier_before", "tier_after", "total", "reason", "until", "note", "actor",
    )  # fmt: skip

    @display(description=_("from"))
    def tier_before(self, change: TierChange) -> str:
        return tier_badge(change.before)

    @display(description=_("to"))
    def tier_after(self, change: TierChange) -> str:
        return tier_badge(change.after)


def tier_badge(tier: Tier | Step | None) -> str:
    """A tier's name in its colour."""
    if tier is None:
        return "—"
    return format_html('<span class="nobreak"><span style="color:{}">●</span> {}</span>', tier.colour, named(tier))


admin.site.unregister(Member)


@admin.register(Member)
class MemberDesk(counter.MemberDesk):
    """The members' list with tier and points, and a page that says what matters now."""

    change_form_outer_before_template = "admin/member_now.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("standings__tier", "accounts__kind")

    def get_list_display(self, request: HttpRequest) -> Any:
        """Who has no standing yet stands on the lowest tier."""
        climb = load_climb()

        @display(description=_("tier"))
        def tier(member: Member) -> str:
            return tier_badge(tier_shown(member, climb))

        return ("name_shown", tier, "points", "number", "phone", "store_name", "enrolled_at")

    @display(description=_("points"))
    def points(self, member: Member) -> str:
        return f"{sum(each.active for each in member.accounts.all() if each.kind.code == 'points'):,}"

    def facts_of(self, request: HttpRequest, member: Member) -> dict[str, Any]:
        """With what the member holds."""
        return super().facts_of(request, member) | {"holdings": holdings_of(member, timezone.now())}
