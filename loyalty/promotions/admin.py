"""The staff's door to promotions: what they say and said, what they gave, a new version; and what points pay."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

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
from loyalty.promotions.rules import When, version_at, version_shown, when, words_of_promotion, words_of_rate
from loyalty.rulebook.actions import names_of
from loyalty.rulebook.forms import share_of, shown_in
from members.kit.admin import Kept
from members.kit.money import format_money
from members.kit.names import named
from members.kit.refusals import Refusal
from members.stores.models import User

LABELS = {"running": "success", "coming": "info", "over": "", "off": "warning"}


@admin.register(Promotion)
class PromotionDesk(Kept):
    """Promotions in sentences. What one says changes by a new version, which is shown before it stands."""

    list_display: Any = ("name", "state", "says", "times", "given", "of_budget")
    search_fields = ("code", "name_zh", "name_en")
    list_before_template = "admin/promotions_lint.html"
    change_form_outer_after_template = "admin/promotion_versions.html"
    fields = ("code", ("name_zh", "name_en"), ("words_zh", "words_en"))
    ordering = ("code",)

    def get_queryset(self, request: HttpRequest) -> Any:
        pools = Prefetch("versions__budget__pools", Pool.objects.with_used())
        return cast(Any, super().get_queryset(request)).with_given().prefetch_related("versions__budget", pools)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("code",) if obj is not None else ()

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("<int:number>/say/", view(self.say), name="promotion_say"),
            path("<int:number>/off/", view(require_POST(self.off)), name="promotion_off"),
        ]
        return [*ours, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = extra_context or {}
        if self.has_view_permission(request):
            found = findings(at=timezone.now())
            promotions = Promotion.objects.in_bulk({each.rule for each in found}, field_name="code")
            context |= {"findings": [{"promotion": promotions[each.rule], "words": each.words} for each in found]}
        return cast(HttpResponse, super().changelist_view(request, context))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = extra_context or {}
        if found is not None:
            context |= {
                "promotion": found,
                "versions": versions_of(found),
                "when": when_of(found),
                "may_change": self.has_change_permission(request, found),
                "title": named(found),
            }
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def response_add(self, request: HttpRequest, obj: Promotion, post_url_continue: str | None = None) -> HttpResponse:
        """A promotion without a version takes nothing off, so that comes next."""
        return redirect("admin:promotion_say", obj.pk)

    @display(description=_("name"))
    def name(self, promotion: Promotion) -> str:
        return named(promotion)

    @display(description=_("state"), label=LABELS)
    def state(self, promotion: Promotion) -> tuple[str, str]:
        found = when_of(promotion)
        return found.state, found.words

    @display(description=_("says now"))
    def says(self, promotion: Promotion) -> Any:
        version = shown_of(promotion)
        if version is None or not version.is_on:
            return _("nothing: it is off")
        return format_html('<span class="says">{}</span>', words_of_promotion(version, names_of([version])))

    @display(description=_("times applied"))
    def times(self, promotion: Any) -> str:
        return f"{promotion.times:,}"

    @display(description=_("taken off"))
    def given(self, promotion: Any) -> str:
        return format_money(promotion.given)

    @display(description=_("budget used"))
    def of_budget(self, promotion: Promotion) -> Any:
        version = shown_of(promotion)
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

    def say(self, request: HttpRequest, number: int) -> HttpResponse:
        """A new version: typed (or begun from a draft), shown in words and on an example basket, confirmed.

        Or kept as a draft, to be tried on past sales.
        """
        promotion = self.one(request, number)
        last, start = promotion.versions.order_by("-number").first(), self.begun(request, promotion)
        said = request.POST if request.method == "POST" else None
        form = PromotionForm(said, promotion=promotion, last=last, start=start)
        if form.is_bound and form.is_valid():
            if "try" in request.POST:
                draft = keep_promotion(promotion=promotion, by=cast(User, request.user), **form.said)
                return redirect("admin:backtest_of_promotion", draft.pk)
            if form.is_confirmed and self.keep(request, form, promotion):
                return redirect("admin:loyalty_promotion_change", promotion.pk)
        title = _("%(rule)s: a new version") % {"rule": named(promotion)}
        shown = preview_of(form, promotion, last) if form.said else {}
        whole = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        return TemplateResponse(
            request, "admin/promotion_say.html", {**whole, "form": form, "promotion": promotion, **shown}
        )

    def begun(self, request: HttpRequest, promotion: Promotion) -> PromotionVersion | None:
        """What the draft says with which the page is to begin."""
        number = request.GET.get("draft", "")
        draft = promotion.drafts.filter(pk=int(number)).first() if number.isdecimal() else None
        if draft is None:
            return None
        try:
            return version_kept(draft, at=timezone.now())
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return None

    def keep(self, request: HttpRequest, form: PromotionForm, promotion: Promotion) -> bool:
        """Keep what was confirmed; a refusal that only the verb could find stands at its field."""
        try:
            change_promotion(promotion=promotion, now=timezone.now(), by=cast(User, request.user), **form.said)
        except Refusal as refusal:
            form.refuse(refusal)
            return False
        self.message_user(request, _("The new version stands. Sales of before keep theirs."), messages.SUCCESS)
        return True

    def off(self, request: HttpRequest, number: int) -> HttpResponse:
        """Switch it off from now on."""
        promotion = self.one(request, number)
        switch_off(promotion=promotion, now=timezone.now(), by=cast(User, request.user))
        self.message_user(request, _("It is switched off. A new version switches it on again."), messages.SUCCESS)
        return redirect("admin:loyalty_promotion_change", promotion.pk)

    def one(self, request: HttpRequest, number: int) -> Promotion:
        """The promotion, if the reader may change it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        found = Promotion.objects.filter(pk=number).first()
        if found is None:
            raise Http404
        return found


def shown_of(promotion: Promotion) -> PromotionVersion | None:
    """What the promotion says now, or what it will say first where it says nothing now."""
    found: PromotionVersion | None = version_shown(promotion.versions.all(), timezone.now())
    return found


def when_of(promotion: Promotion) -> When:
    """When the promotion runs."""
    return when(promotion.versions.all(), timezone.now())


def versions_of(promotion: Promotion) -> list[dict[str, Any]]:
    """Each version in a sentence, the newest first."""
    versions = list(promotion.versions.select_related("budget", "created_by").order_by("-number"))
    names, now = names_of(versions), version_at(versions, timezone.now())
    return [
        {
            "version": version,
            "words": words_of_promotion(version, names),
            "is_now": now is not None and version.pk == now.pk,
        }
        for version in versions
    ]


def preview_of(form: PromotionForm, promotion: Promotion, last: PromotionVersion | None) -> dict[str, Any]:
    """What the form would keep, in words, on an example basket, with what the linter would then say."""
    if not form.is_valid():
        return {}
    says = dict(form.said)
    starts = says.pop("valid_from") or timezone.now()
    version = PromotionVersion(promotion=promotion, number=last.number + 1 if last else 1, valid_from=starts, **says)
    offer = drafted(version)
    return {
        "words": words_of_promotion(version, names_of([version])),
        "starts": starts,
        "is_late": form.said["valid_from"] is not None and starts < timezone.now(),
        "is_on": version.is_on,
        "example": example_of(offer),
        "warnings": [each for each in findings(at=starts, draft=offer) if each.rule == promotion.code],
    }


@admin.register(PayTerms)
class PayTermsDesk(Kept):
    """What points pay, and paid: the newest terms that have begun hold."""

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
