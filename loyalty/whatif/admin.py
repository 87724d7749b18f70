"""The staff's door to drafts of ladders: edit, measure, read, publish; and how fair the way up is."""

from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminColorInputWidget

from loyalty.benefits.rules import title_of
from loyalty.fairness.actions import chart_of, risings
from loyalty.tiers.actions import load_climbs
from loyalty.whatif.actions import (
    Result,
    ask_to_publish,
    ask_what_if,
    check_draft,
    check_open,
    draw,
    moves_as_rows,
    result_of,
)  # fmt: skip
from loyalty.whatif.models import DraftBenefit, DraftTier, LadderDraft, Move
from loyalty.whatif.rules import Label
from members.kit.admin import Kept, stores_seen
from members.kit.names import named
from members.kit.refusals import Refusal
from members.kit.tables import write_rows
from members.stores.models import User

A_PAGE = 50  # moves
LABELS = {"open": "info", "publishing": "warning", "published": "success", "stale": "danger"}
WAYS_UP = ("all", "store", "cohort")


class DraftTierInline(TabularInline):
    """Tiers in their order; a new line is a new tier."""

    model = DraftTier
    extra = 0
    hide_title = True
    ordering = ("place", "pk")
    fields = ("place", "code", "name_zh", "name_en", "threshold", "retention", "multiplier", "colour")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "colour":
            kwargs["widget"] = UnfoldAdminColorInputWidget()
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class DraftBenefitInline(TabularInline):
    """What the tiers of the draft give."""

    model = DraftBenefit
    extra = 0
    hide_title = True
    ordering = ("pk",)
    fields = ("tier_code", "kind", "value", "words_zh", "words_en", "points", "points_days", "wait_days")


@admin.register(LadderDraft)
class LadderDraftDesk(Kept):
    """Drafts: drawn from a ladder, measured over everybody, published on a page that shows the matrix."""

    nothing_yet = _("Draw a draft from a ladder's page: see what it would do to everybody before you publish it.")
    list_display = ("name", "ladder_name", "state", "created_at", "published_at")
    list_select_related = ("ladder",)
    inlines = (DraftTierInline, DraftBenefitInline)
    change_form_outer_before_template = "admin/draft_state.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("ladder", "name") if obj is None else ("name",)

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_inline_instances(request, obj) if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_open = obj is None or obj.status == LadderDraft.Status.OPEN
        return is_open and bool(super().has_change_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: LadderDraft, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        drawn = draw(ladder=obj.ladder, name=obj.name, by=cast(User, request.user))
        obj.pk, obj.drawn_from = drawn.pk, drawn.drawn_from

    def response_add(
        self, request: HttpRequest, obj: LadderDraft, post_url_continue: str | None = None
    ) -> HttpResponse:
        return redirect("admin:loyalty_ladderdraft_change", obj.pk)

    def response_change(self, request: HttpRequest, obj: LadderDraft) -> HttpResponse:
        """Whoever saved goes on with the what-if."""
        return redirect("admin:loyalty_ladderdraft_change", obj.pk)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = (extra_context or {}) | (state_of(found, request) if found else {})
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("fairness/", view(require_safe(self.fairness)), name="fairness"),
            path("<int:number>/state/", view(require_safe(self.show_state)), name="draft_state"),
            path("<int:number>/measure/", view(require_POST(self.measure)), name="draft_measure"),
            path("<int:number>/moves/", view(require_safe(self.moves)), name="draft_moves"),
            path("<int:number>/moves.csv", view(require_safe(self.download)), name="draft_moves_csv"),
            path(
                "<int:number>/publish/",
                view(require_http_methods(["GET", "HEAD", "POST"])(self.publish)),
                name="draft_publish",
            ),
        ]
        return [*ours, *super().get_urls()]

    def one(self, request: HttpRequest, number: int, permission: str = "view_ladderdraft") -> LadderDraft:
        """The draft, for those who may do this with it."""
        if not cast(User, request.user).has_perm(f"loyalty.{permission}"):
            raise PermissionDenied
        found = self.get_queryset(request).select_related("ladder").filter(pk=number).first()
        if found is None:
            raise Http404
        return cast(LadderDraft, found)

    def show_state(self, request: HttpRequest, number: int) -> HttpResponse:
        """The part of the page that renews itself while workers count."""
        return render(request, "admin/draft_state.html", state_of(self.one(request, number), request))

    def measure(self, request: HttpRequest, number: int) -> HttpResponse:
        """Ask for the what-if."""
        draft = self.one(request, number, "change_ladderdraft")
        try:
            ask_what_if(draft=draft, by=cast(User, request.user), now=timezone.now())
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:loyalty_ladderdraft_change", number)

    def moves(self, request: HttpRequest, number: int) -> HttpResponse:
        """Who would move, a page at a time; members of the reader's stores."""
        draft = self.one(request, number)
        result = result_of(draft)
        rows = Move.objects.filter(what_if=result.run) if result else Move.objects.none()
        page = page_of_moves(request, rows, labels_of(result))
        page |= {
            "title": draft.name,
            "heading": _("Who would move"),
            "amount": _("Points a year"),
            "file_url": reverse("admin:draft_moves_csv", args=[number]),
            "back_url": reverse("admin:loyalty_ladderdraft_change", args=[number]),
        }
        return render(request, "admin/moves.html", self.admin_site.each_context(request) | page)

    def download(self, request: HttpRequest, number: int) -> StreamingHttpResponse:
        """The same list as a file."""
        result = result_of(self.one(request, number))
        if result is None:
            raise Http404
        rows = moves_as_rows(result.run, stores_seen(request))
        headers = {"Content-Disposition": f'attachment; filename="moves-{number}.csv"'}
        return StreamingHttpResponse(write_rows(rows), content_type="text/csv; charset=utf-8", headers=headers)

    def publish(self, request: HttpRequest, number: int) -> HttpResponse:
        """The page that shows the matrix once more and asks how; the POST lets a worker publish."""
        draft = self.one(request, number, "publish_ladderdraft")
        mode = request.POST.get("mode", "")
        if request.method == "POST" and mode in LadderDraft.Mode.values:
            try:
                ask_to_publish(draft=draft, mode=mode, by=cast(User, request.user), now=timezone.now())
                self.message_user(request, _("A worker publishes it now."), messages.SUCCESS)
            except Refusal as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            return redirect("admin:loyalty_ladderdraft_change", number)
        context = self.admin_site.each_context(request) | state_of(draft, request) | {"title": draft.name}
        return render(request, "admin/draft_publish.html", context)

    def fairness(self, request: HttpRequest) -> HttpResponse:
        """How long and how much it took to rise to each tier."""
        if not cast(User, request.user).has_perm("loyalty.see_figures"):
            raise PermissionDenied
        climbs = [climb for climb in load_climbs() if climb.steps]
        climb = next((each for each in climbs if each.code == request.GET.get("ladder")), next(iter(climbs), None))
        by = request.GET["by"] if request.GET.get("by") in WAYS_UP else "all"
        found = risings(climb=climb, by=by, stores=stores_seen(request)) if climb else []
        context = {
            "title": _("How fair the way up is"),
            "climbs": climbs,
            "climb": climb,
            "by": by,
            "found": found,
            "chart": chart_of(found, now=timezone.now()) if by == "all" else None,
        }
        return render(request, "admin/fairness.html", self.admin_site.each_context(request) | context)

    @display(description=_("ladder"))
    def ladder_name(self, draft: LadderDraft) -> str:
        return named(draft.ladder)

    @display(description=_("status"), label=LABELS)
    def state(self, draft: LadderDraft) -> tuple[str, str]:
        return draft.status, draft.get_status_display()


def labels_of(result: Result | None) -> tuple[list[Label], list[Label]]:
    """The tiers of both ladders."""
    return ([row.label for row in result.matrix.rows], result.matrix.columns) if result else ([], [])


def page_of_moves(request: HttpRequest, rows: Any, labels: tuple[list[Label], list[Label]]) -> dict[str, Any]:
    """A page of members who move from tier to tier, as the reader chose, of the reader's stores only."""
    stores = stores_seen(request)
    rows = rows if stores is None else rows.filter(member__home_store__in=stores)
    wanted = {name: request.GET[name] for name in ("before", "after") if request.GET.get(name)}
    moves = rows.filter(**wanted).select_related("member").order_by("member_id")
    page = Paginator(moves, A_PAGE).get_page(request.GET.get("page"))
    before, after = ({label.code: label for label in side} for side in labels)
    return {
        "page": page,
        "moves": [(move, before.get(move.before), after.get(move.after)) for move in page],
        "choices": [
            (name, words, wanted.get(name, ""), [label for label in side if label.code])
            for name, words, side in (("before", _("from"), labels[0]), ("after", _("to"), labels[1]))
        ],
        "asked": urlencode(wanted),
    }


def state_of(draft: LadderDraft, request: HttpRequest) -> dict[str, Any]:
    """What the page says about a draft: what is wrong with it, how far the what-if is, what it found."""
    user = cast(User, request.user)
    result = result_of(draft)
    is_open = draft.status == LadderDraft.Status.OPEN
    problem = problem_of(draft) if is_open else ""
    is_ready = bool(is_open and not problem and result and result.is_done and result.is_current)
    return {
        "draft": draft,
        "problem": problem,
        "result": result,
        "runs": draft.status == LadderDraft.Status.PUBLISHING or bool(result and not result.is_done),
        "may_measure": is_open and not problem and user.has_perm("loyalty.change_ladderdraft"),
        "may_try": is_open and not problem and user.has_perm("loyalty.add_backtest"),
        "may_publish": is_ready and user.has_perm("loyalty.publish_ladderdraft"),
        "is_ready": is_ready,
        "gives": gives_of(draft, result) if result and result.is_done else [],
        "modes": LadderDraft.Mode.choices,
        "state_url": reverse("admin:draft_state", args=[draft.pk]),
    }


def problem_of(draft: LadderDraft) -> str:
    """Why the draft cannot be measured; nothing when it can."""
    try:
        check_open(draft)
        check_draft(draft)
    except Refusal as refusal:
        return str(refusal)
    return ""


def gives_of(draft: LadderDraft, result: Result) -> list[dict[str, Any]]:
    """What the draft's tiers give, and how many members would have it."""
    sizes = {label.code: size for label, size in zip(result.matrix.columns, result.matrix.totals, strict=True)}
    labels = {label.code: label for label in result.matrix.columns}
    return [
        {
            "label": labels[benefit.tier_code],
            "title": title_of(benefit.kind, benefit.value),
            "members": sizes[benefit.tier_code],
        }
        for benefit in draft.benefits.order_by("pk")
        if benefit.tier_code in labels
    ]
