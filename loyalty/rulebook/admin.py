"""The staff's door to budgets and to the settings of the programme."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from loyalty.ledger.models import Programme
from loyalty.limits.actions import set_pool
from loyalty.limits.models import Budget, Pool
from loyalty.rulebook.forms import BudgetForm, share_of, shown_in
from loyalty.rulebook.models import EarningRule
from members.kit.admin import Kept, stores_seen
from members.kit.names import named
from members.stores.models import Store


@admin.register(Budget)
class BudgetDesk(Kept):
    """What promotions may cost together: how much there is, how much is used, and which rules use it."""

    nothing_yet = _("A budget limits what rules or promotions may give away together.")
    list_display: Any = ("code", "name", "state", "used_by")
    search_fields = ("code", "name_zh", "name_en")
    change_form_outer_before_template = "admin/budget_state.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("code",) if obj is not None else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """With a total for each store that the reader sees, for those who may set them."""
        if not self.sets_totals(request, obj):
            return super().get_form(request, obj, change, **kwargs)
        stores = list(self.scoped(request, Store.objects.order_by("code"), "pk"))
        kwargs["form"] = type("HereForm", (BudgetForm,), {"stores": stores})
        kwargs["fields"] = None
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if not self.sets_totals(request, obj):
            return ((None, {"fields": ("code", ("name_zh", "name_en"))}),)
        stores = self.scoped(request, Store.objects.order_by("code"), "pk")
        says = ("code", ("name_zh", "name_en")) + (() if obj else ("price", "is_for_prices"))
        return (
            (None, {"fields": (*says, BudgetForm.name_of(None))}),
            (
                _("Totals of single stores"),
                {
                    "fields": [BudgetForm.name_of(store) for store in stores],
                    "description": _("Empty: the store has no total of its own. An award needs room in both."),
                },
            ),
        )

    def sets_totals(self, request: HttpRequest, obj: Any) -> bool:
        """Whether the page is to be filled in, and not just read."""
        return bool(self.has_change_permission(request, obj) if obj else self.has_add_permission(request))

    def save_model(self, request: HttpRequest, obj: Budget, form: Any, change: bool) -> None:
        """Totals go through the verb."""
        super().save_model(request, obj, form, change)
        for store, total in form.totals.items():
            set_pool(budget=obj, store=store, total=total)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = (extra_context or {}) | (self.state_of(request, found) if found else {})
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def state_of(self, request: HttpRequest, budget: Budget) -> dict[str, Any]:
        """The bars of the page, and the rules."""
        seen = stores_seen(request)
        pools = budget.pools.with_used().shop_first().select_related("store")
        shown = [pool for pool in pools if pool.store_id is None or seen is None or pool.store_id in seen]
        return {"bars": [bar_of(budget, pool) for pool in shown], "rules": rules_of(budget), "budget": budget}

    @display(description=_("name"))
    def name(self, budget: Budget) -> str:
        return named(budget)

    @display(description=_("used"))
    def state(self, budget: Budget) -> Any:
        pool = budget.pools.with_used().filter(store=None).first()
        if pool is None:
            return "—"
        bar = bar_of(budget, pool)
        return format_html(
            '<div class="bar slim"><span style="width: {}%"></span></div>{} / {}',
            bar["share"],
            bar["used"],
            bar["total"],
        )

    @display(description=_("rules"))
    def used_by(self, budget: Budget) -> SafeString:
        return format_html_join(", ", "{}", ((named(rule),) for rule in rules_of(budget))) or SafeString("—")


def bar_of(budget: Budget, pool: Pool) -> dict[str, Any]:
    """How much of a pool is used."""
    return {
        "name": named(pool.store) if pool.store else _("the whole shop"),
        "used": shown_in(budget.counts_money, cast(Any, pool).used),
        "total": shown_in(budget.counts_money, pool.total),
        "share": share_of(pool),
    }


def rules_of(budget: Budget) -> list[EarningRule]:
    """The rules of which a version uses the budget."""
    return list(EarningRule.objects.filter(versions__budget=budget).distinct().order_by("code"))


@admin.register(Programme)
class ProgrammeDesk(Kept):
    """The settings of the whole: one row, so the list leads right to it."""

    fields = ("return_days", "most_percent")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        answer: HttpResponse = super().changelist_view(request, extra_context)
        return (
            redirect("admin:loyalty_programme_change", Programme.objects.get().pk)
            if answer.status_code == 200
            else answer
        )
