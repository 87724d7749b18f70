"""The staff's door to promotions: what they say and said, what they gave, a new version; and what points pay."""

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from loyalty.drafting.admin import SayingDesk, Sayings
from loyalty.limits.models import Pool
from loyalty.promotions.actions import (
    change_promotion,
    drafted,
    example_of,
    findings,
    keep_promotion,
    set_pay_terms,
    switch_off,
    version_kept,
)
from loyalty.promotions.forms import PayTermsForm, PromotionForm
from loyalty.promotions.models import PayTerms, Promotion, PromotionVersion
from loyalty.promotions.rules import When, version_shown, when, words_of_promotion, words_of_rate
from loyalty.rulebook.forms import share_of, shown_in
from members.kit.admin import Kept
from members.kit.money import format_money
from members.stores.models import User

LABELS = {"running": "success", "coming": "info", "over": "", "off": "warning"}


@admin.register(Promotion)
class PromotionDesk(SayingDesk):
    """Promotions, with what they gave; the preview shows an example basket."""

    nothing_yet = _("Promotions lower prices for members. Add the first one, or begin with a preset.")
    sayings = Sayings(
        "promotion", PromotionForm, PromotionVersion, change_promotion, keep_promotion, version_kept, drafted, findings,
        words_of_promotion, "promotion_say", "backtest_of_promotion",
    )  # fmt: skip
    list_display: Any = ("name", "state", "says", "times", "given", "of_budget")
    list_before_template = "admin/promotions_lint.html"
    change_form_outer_after_template = "admin/promotion_versions.html"
    fields = ("code", ("name_zh", "name_en"), ("words_zh", "words_en"))

    def get_queryset(self, request: HttpRequest) -> Any:
        pools = Prefetch("versions__budget__pools", Pool.objects.with_used())
        return cast(Any, super().get_queryset(request)).with_given().prefetch_related("versions__budget", pools)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("<int:number>/say/", view(self.say), name="promotion_say"),
            path("<int:number>/off/", view(require_POST(self.off)), name="promotion_off"),
        ]
        return [*ours, *super().get_urls()]

    def facts(self, request: HttpRequest, thing: Any) -> dict[str, Any]:
        """With when it runs."""
        return super().facts(request, thing) | {"when": when_of(thing)}

    def version_shown(self, thing: Any) -> Any:
        """What a promotion says now, or what it will say first where it says nothing now."""
        return version_shown(thing.versions.all(), timezone.now())

    def more_of(self, draft: Any) -> dict[str, Any]:
        """What it would do to a basket."""
        return {"example": example_of(draft)}

    @display(description=_("state"), label=LABELS)
    def state(self, promotion: Promotion) -> tuple[str, str]:
        found = when_of(promotion)
        return found.state, found.words

    @display(description=_("times applied"))
    def times(self, promotion: Any) -> str:
        return f"{promotion.times:,}"

    @display(description=_("taken off"))
    def given(self, promotion: Any) -> str:
        return format_money(promotion.given)

    @display(description=_("budget used"))
    def of_budget(self, promotion: Promotion) -> Any:
        version = self.version_shown(promotion)
        pools: Any = [] if version is None or version.budget is None else version.budget.pools.all()
        pool = next((each for each in pools if each.store_id is None), None)
        if pool is None:
            return "—"
        return format_html(
            '<div class="bar slim"><span style="width: {}%"></span></div>{} / {}',
            share_of(pool),
            shown_in(True, cast(Any, pool).used),
            shown_in(True, pool.total),
        )

    def off(self, request: HttpRequest, number: int) -> HttpResponse:
        """Switch it off from now on."""
        promotion = self.one(request, number)
        switch_off(promotion=promotion, now=timezone.now(), by=cast(User, request.user))
        self.message_user(request, _("It is switched off. A new version switches it on again."), messages.SUCCESS)
        return redirect("admin:loyalty_promotion_change", promotion.pk)


def when_of(promotion: Promotion) -> When:
    """When the promotion runs."""
    return when(promotion.versions.all(), timezone.now())


@admin.register(PayTerms)
class PayTermsDesk(Kept):
    """What points pay, and paid: the newest terms that have begun hold."""

    nothing_yet = _("Until terms are added, members cannot pay with points.")
    list_display: Any = ("says", "valid_from", "is_on", "who")
    list_select_related = ("kind", "created_by")
    ordering = ("-valid_from", "-pk")
    form = PayTermsForm
    fields = ("is_on", "kind", "points", "worth", "least", "step", "most_share", "valid_from")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: PayTerms, form: Any, change: bool) -> None:
        """Terms go through the verb."""
        made = set_pay_terms(now=timezone.now(), by=cast(User, request.user), **form.cleaned_data)
        obj.pk = made.pk

    @display(description=_("by"))
    def who(self, terms: PayTerms) -> str:
        return terms.created_by.username if terms.created_by else "—"

    @display(description=_("paying with points"))
    def says(self, terms: PayTerms) -> str:
        return words_of_rate(terms)
