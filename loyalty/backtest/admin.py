"""The staff's door to backtests: choose days and members, watch it count, read the result, take it as a file."""

from datetime import date, datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from unfold.decorators import display

from loyalty.backtest.actions import (
    Draft,
    ask_backtest,
    cancel_backtest,
    check_tried,
    draft_of,
    progress_of,
    swings_as_rows,
    version_drafted,
)
from loyalty.backtest.forms import BacktestForm
from loyalty.backtest.models import Backtest, BacktestQuerySet, Swing
from loyalty.backtest.panels import labels_of, result_page, words_of_draft, words_of_whom
from loyalty.backtest.rules import read_whom
from loyalty.drafting.models import RuleDraft
from loyalty.promotions.models import Promotion, PromotionDraft, PromotionVersion
from loyalty.reckoning.rules import SALE
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.tiers.models import Ladder
from loyalty.whatif.admin import page_of_moves
from loyalty.whatif.models import LadderDraft
from members.kit.admin import Records, stores_seen
from members.kit.money import format_money
from members.kit.names import named
from members.kit.refusals import Refusal
from members.kit.tables import write_rows
from members.stores.models import User

EARLIER = 10  # runs on the page of a draft
SAME: dict[type[Draft], str] = {
    RuleDraft: "draft__rule", PromotionDraft: "promotion_draft__promotion", LadderDraft: "ladder_draft__ladder",
}  # fmt: skip
LABELS = {"running": "info", "done": "success", "cancelled": "warning", "failed": "danger"}


@admin.register(Backtest)
class BacktestDesk(Records):
    """Drafts of rules, promotions and ladders tried on what is past, the latest first."""

    nothing_yet = _(
        "Open a rule, a promotion or a ladder in the making and try it on past sales: the result stays here."
    )
    list_display = ("rule", "days", "whose", "state", "difference", "asked_by", "asked_at")
    list_filter = ("status",)
    list_select_related = ("draft__rule", "promotion_draft__promotion", "ladder_draft__ladder", "created_by")
    list_before_template = "admin/backtests.html"
    change_form_outer_before_template = "admin/backtest_state.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        """A result holds every day; lists need its sums."""
        return super().get_queryset(request).annotate(totals=F("result__totals")).defer("result")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = (extra_context or {}) | {"may_try": may(request, "add_backtest")}
        return cast(HttpResponse, super().changelist_view(request, context))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = (extra_context or {}) | (state_of(found, request) if found else {})
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        both = require_http_methods(["GET", "HEAD", "POST"])
        ours = [
            path("of/<int:draft>/", view(both(self.ask)), name="backtest_of"),
            path("of-promotion/<int:promotion_draft>/", view(both(self.ask_promotion)), name="backtest_of_promotion"),
            path("of-ladder/<int:ladder_draft>/", view(both(self.ask_ladder)), name="backtest_of_ladder"),
            path("<int:number>/moves/", view(require_safe(self.moves)), name="backtest_moves"),
            path("<int:number>/state/", view(require_safe(self.show_state)), name="backtest_state"),
            path("<int:number>/cancel/", view(require_POST(self.cancel)), name="backtest_cancel"),
            path("<int:number>/members.csv", view(require_safe(self.download)), name="backtest_members"),
        ]
        return [*ours, *super().get_urls()]

    def one(self, request: HttpRequest, number: int, permission: str = "view_backtest") -> Backtest:
        """The backtest, for those who may do this with it."""
        if not may(request, permission):
            raise PermissionDenied
        found = cast(BacktestQuerySet, self.get_queryset(request)).with_drafts().filter(pk=number).first()
        if found is None:
            raise Http404
        return found

    def ask(self, request: HttpRequest, draft: int) -> HttpResponse:
        """The page of a draft of a rule: what it says, which days and whose sales, and the earlier runs of its rule."""
        return self.ask_of(request, RuleDraft.objects.select_related("rule").filter(pk=draft).first())

    def ask_promotion(self, request: HttpRequest, promotion_draft: int) -> HttpResponse:
        """The same for a draft of a promotion."""
        drafts = PromotionDraft.objects.select_related("promotion")
        return self.ask_of(request, drafts.filter(pk=promotion_draft).first())

    def ask_ladder(self, request: HttpRequest, ladder_draft: int) -> HttpResponse:
        """The same for a draft of a ladder."""
        return self.ask_of(request, LadderDraft.objects.select_related("ladder").filter(pk=ladder_draft).first())

    def ask_of(self, request: HttpRequest, found: Draft | None) -> HttpResponse:
        """The page of a draft of any kind."""
        if not may(request, "add_backtest"):
            raise PermissionDenied
        if found is None:
            raise Http404
        now = timezone.now()
        try:
            tried = tried_of(found, now)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(doors_of(found)["say_url"])
        form = BacktestForm(
            request.POST if request.method == "POST" else None, tried=tried, today=timezone.localdate(now)
        )
        if form.is_bound and form.is_valid():
            try:
                made = ask_backtest(draft=found, by=cast(User, request.user), now=now, **form.asked)
                return redirect("admin:loyalty_backtest_change", made.pk)
            except Refusal as refusal:
                form.add_error(None, str(refusal))
        context = {
            **self.admin_site.each_context(request),
            **doors_of(found),
            "opts": self.opts,
            "title": title_of(found),
            "form": form,
            "words": words_of_draft(found),
            "is_about_sales": not isinstance(tried, RuleVersion) or tried.trigger == SALE,
            "earlier": [(each, words_of_days(each), words_of_whom(read_whom(each.whom)), words_of_change(each))
                        for each in self.earlier(request, found)],
        }  # fmt: skip
        return TemplateResponse(request, "admin/backtest_ask.html", context)

    def earlier(self, request: HttpRequest, draft: Draft) -> Any:
        """The latest runs of all drafts of the same rule, promotion or ladder."""
        same = {SAME[type(draft)]: about(draft)}
        runs = self.get_queryset(request).filter(**same).select_related("created_by")
        return runs.order_by("-pk")[:EARLIER]

    def show_state(self, request: HttpRequest, number: int) -> HttpResponse:
        """The part of the page that renews itself while workers count; then all of it, as charts are drawn with it."""
        found = self.one(request, number)
        answer = render(request, "admin/backtest_state.html", state_of(found, request))
        if found.status != Backtest.Status.RUNNING:
            answer["HX-Refresh"] = "true"
        return answer

    def cancel(self, request: HttpRequest, number: int) -> HttpResponse:
        """Stop it and throw away what it has counted."""
        found = self.one(request, number, "change_backtest")
        try:
            cancel_backtest(backtest=found, now=timezone.now())
            self.message_user(request, _("Stopped. Nothing was changed."), messages.SUCCESS)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.WARNING)
        return redirect("admin:loyalty_backtest_change", number)

    def download(self, request: HttpRequest, number: int) -> StreamingHttpResponse:
        """Who would have got more or less, as a file."""
        rows = swings_as_rows(self.one(request, number), stores_seen(request))
        headers = {"Content-Disposition": f'attachment; filename="backtest-{number}.csv"'}
        return StreamingHttpResponse(write_rows(rows), content_type="text/csv; charset=utf-8", headers=headers)

    def moves(self, request: HttpRequest, number: int) -> HttpResponse:
        """Who would have stood on another tier, a page at a time; members of the reader's stores."""
        found = self.one(request, number)
        if not found.is_of_ladder:
            raise Http404
        rows = Swing.objects.filter(backtest=found).moving()
        page = page_of_moves(request, rows, labels_of(found))
        page |= {
            "title": name_of(draft_of(found)),
            "heading": _("Who would have stood elsewhere"),
            "amount": _("difference in points"),
            "file_url": reverse("admin:backtest_members", args=[number]),
            "back_url": reverse("admin:loyalty_backtest_change", args=[number]),
        }
        return render(request, "admin/moves.html", self.admin_site.each_context(request) | page)

    @display(description=_("what is tried"))
    def rule(self, backtest: Backtest) -> str:
        return name_of(draft_of(backtest))

    @display(description=_("period"))
    def days(self, backtest: Backtest) -> str:
        return words_of_days(backtest)

    @display(description=_("whose sales"))
    def whose(self, backtest: Backtest) -> str:
        return words_of_whom(read_whom(backtest.whom))

    @display(description=_("status"), label=LABELS)
    def state(self, backtest: Backtest) -> tuple[str, str]:
        return backtest.status, backtest.get_status_display()

    @display(description=_("by"))
    def asked_by(self, backtest: Backtest) -> str:
        return backtest.created_by.username if backtest.created_by else "—"

    @display(description=_("difference"))
    def difference(self, backtest: Backtest) -> str:
        return words_of_change(backtest)


def may(request: HttpRequest, permission: str) -> bool:
    """Whether the person at the page may do this with backtests."""
    return bool(cast(User, request.user).has_perm(f"loyalty.{permission}"))


def words_of_days(backtest: Backtest) -> str:
    """From the first day to the last."""
    first, last = (shown(day) for day in (backtest.first_on, backtest.last_on))
    return first if first == last else f"{first} – {last}"


def shown(day: date) -> str:
    """A day as the reader writes it."""
    return date_format(day)


def change_of(backtest: Backtest) -> int | None:
    """The points more or fewer, or the minor units, once it is done."""
    totals: dict[str, int] | None = cast(Any, backtest).totals
    return totals["would"] - totals["really"] if totals else None


def words_of_change(backtest: Backtest) -> str:
    """The difference in points or in money."""
    change = change_of(backtest)
    if change is None:
        return "—"
    return f"{'+' if change > 0 else ''}{format_money(change)}" if backtest.is_of_promotion else f"{change:+,}"


def tried_of(draft: Draft, now: datetime) -> RuleVersion | PromotionVersion | LadderDraft:
    """What is tried, if it can be read. Raises as check_tried does; of a rule about events the page says no itself."""
    if isinstance(draft, LadderDraft):
        check_tried(draft, now)
        return draft
    return version_drafted(draft, at=now)


def about(draft: Draft) -> EarningRule | Promotion | Ladder:
    """The rule, the promotion or the ladder whose draft it is."""
    if isinstance(draft, LadderDraft):
        return draft.ladder
    return draft.promotion if isinstance(draft, PromotionDraft) else draft.rule


def name_of(draft: Draft) -> str:
    """What a draft is called: drafts of ladders have names, others that of their rule or promotion."""
    return draft.name if isinstance(draft, LadderDraft) else named(about(draft))


def title_of(draft: Draft) -> str:
    """What the page says that one is about to do."""
    if isinstance(draft, LadderDraft):
        return _("Try “%(draft)s” on the past") % {"draft": draft.name}
    return _("Try “%(rule)s” on past sales") % {"rule": named(about(draft))}


def doors_of(draft: Draft) -> dict[str, Any]:
    """Where one goes on from a draft, and what it is about."""
    if isinstance(draft, LadderDraft):
        page = reverse("admin:loyalty_ladderdraft_change", args=[draft.pk])
        return {
            "is_ladder": True,
            "name": draft.name,
            "say_url": page,
            "leave_url": page,
            "try_url": reverse("admin:backtest_of_ladder", args=[draft.pk]),
        }
    is_price, number = isinstance(draft, PromotionDraft), about(draft).pk
    say, desk, ask = (
        ("promotion_say", "loyalty_promotion_change", "backtest_of_promotion")
        if is_price
        else ("rule_say", "loyalty_earningrule_change", "backtest_of")
    )
    return {
        "is_price": is_price,
        "name": name_of(draft),
        "say_url": f"{reverse(f'admin:{say}', args=[number])}?draft={draft.pk}",
        "leave_url": reverse(f"admin:{desk}", args=[number]),
        "try_url": reverse(f"admin:{ask}", args=[draft.pk]),
    }


SAYS: dict[type[Draft], str] = {
    RuleDraft: "change_earningrule", PromotionDraft: "change_promotion", LadderDraft: "change_ladderdraft",
}  # fmt: skip


def is_open(draft: Draft) -> bool:
    """Whether there is anything to do with a draft: one of a ladder is over once it is published or overtaken."""
    return not isinstance(draft, LadderDraft) or draft.status == LadderDraft.Status.OPEN


def state_of(backtest: Backtest, request: HttpRequest) -> dict[str, Any]:
    """What the page says of a backtest."""
    is_running, draft = backtest.status == Backtest.Status.RUNNING, draft_of(backtest)
    return {
        **doors_of(draft),
        "backtest": backtest,
        "days": words_of_days(backtest),
        "whom": words_of_whom(read_whom(backtest.whom)),
        "words": words_of_draft(draft, backtest),
        "percent": progress_of(backtest),
        "runs": is_running,
        "may_cancel": is_running and may(request, "change_backtest"),
        "may_try": may(request, "add_backtest") and is_open(draft),
        "may_say": may(request, SAYS[type(draft)]) and is_open(draft),
        "state_url": reverse("admin:backtest_state", args=[backtest.pk]),
        **result_page(backtest, stores_seen(request)),
    }
