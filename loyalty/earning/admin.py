"""The staff's door to earning rules, and the reasons behind a sale's points."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline, TabularInline
from unfold.decorators import display

from loyalty.earning.actions import change_rule
from loyalty.earning.models import Award, EarningRule, RuleVersion
from members.kit.admin import Kept
from members.kit.money import format_money
from members.purchases import admin as purchases
from members.purchases.models import Sale
from members.stores.models import User


class VersionInline(StackedInline):
    """What the rule says and said. A change is a new version; old sales keep theirs."""

    model = RuleVersion
    extra = 0
    max_num = 200
    can_delete = False
    ordering = ("-number",)
    fields = (
        ("valid_from", "is_on"), ("kind", "points", "per_amount"), ("rounding", "uses_tier_multiplier"),
        ("pending_days", "expires_after_months"),
    )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(EarningRule)
class EarningRuleDesk(Kept):
    list_display = ("code", "name_zh", "name_en", "says")
    inlines = (VersionInline,)
    ordering = ("code",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("versions__kind")

    @display(description=_("says now"))
    def says(self, rule: EarningRule) -> Any:
        version = max(rule.versions.all(), key=lambda each: each.number, default=None)
        if version is None or not version.is_on:
            return _("nothing: it is off")
        return _("%(points)s %(kind)s for each %(amount)s") % {
            "points": version.points,
            "kind": version.kind.code,
            "amount": format_money(version.per_amount),
        }

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """New versions go through the verb, which numbers them."""
        formset.save(commit=False)
        for version in formset.new_objects:
            says = {
                name: getattr(version, name)
                for name in (
                    "valid_from", "is_on", "kind", "points", "per_amount", "rounding", "uses_tier_multiplier",
                    "pending_days", "expires_after_months",
                )
            }  # fmt: skip
            change_rule(rule=form.instance, now=version.valid_from, by=cast(User, request.user), **says)


class AwardInline(TabularInline):
    """Why this sale earned what it earned."""

    model = Award
    verbose_name_plural = _("awards")
    fields = readonly_fields = ("rule", "points", "why")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("version__rule", "version__kind", "sale")

    @display(description=_("rule"))
    def rule(self, award: Award) -> str:
        return f"{award.version.rule.code} v{award.version.number}"

    @display(description=_("why"))
    def why(self, award: Award) -> Any:
        return _("%(amount)s at %(points)s %(kind)s for each %(per)s, times %(times)s %%, rounded %(rounding)s") % {
            "amount": format_money(award.sale.amount, award.sale.currency),
            "points": award.version.points,
            "kind": award.version.kind.code,
            "per": format_money(award.version.per_amount, award.sale.currency),
            "times": award.multiplier,
            "rounding": award.version.get_rounding_display(),
        }


admin.site.unregister(Sale)


@admin.register(Sale)
class SaleDesk(purchases.SaleDesk):
    """Sales with the awards they brought."""

    inlines = (purchases.LineInline, AwardInline)
