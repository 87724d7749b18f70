"""The staff's door to insight: the members with their scores, the pages above them, and how the shop scores."""

from typing import Any, ClassVar, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe
from unfold.decorators import display

from members.insight.forms import GroupForm, SchemeForm
from members.insight.panels import cells_page, cohorts_page, goods_page, overview
from members.kit.admin import Kept, Records
from members.kit.money import format_money
from members.kit.names import named
from members.portraits.panels import group_page, member_page
from members.profiles.admin import OfMemberMixin
from members.profiles.models import Member
from members.scores.actions import keep_scheme
from members.scores.models import MemberScore, RfmScheme
from members.scores.rules import MEANINGS
from members.stores.actions import stores_of
from members.stores.models import User
from members.stores.panels import scope_of

PAGES: tuple[tuple[str, str | Promise], ...] = (
    ("insight_overview", gettext_lazy("At a glance")),
    ("insight_cells", gettext_lazy("RFM cells")),
    ("insight_cohorts", gettext_lazy("Cohorts")),
    ("insight_goods", gettext_lazy("Bought together")),
    ("insight_group", gettext_lazy("Compare a group")),
)


@admin.register(MemberScore)
class MemberScoreDesk(OfMemberMixin, Records):
    """Members by what they are worth and where they stand; the pages of insight hang here."""

    nothing_yet = _("Scores are counted at night: after the first night with sales they stand here.")
    store_path = "member__home_store"
    list_display: Any = (
        "portrait", "cell_shown", "risk_shown", "spent", "expected", "decile", "engagement", "last_on",
        "next_on",
    )  # fmt: skip
    list_display_links: ClassVar[Any] = None
    list_filter = ("cell", "risk", "decile")
    list_select_related = ("member", "store")
    list_before_template = "admin/insight_nav.html"
    fields = readonly_fields = (
        "member_link", "cell_shown", "risk_shown", "sales", "items", "spent", "first_on", "last_on", "interval_days",
        "store_shown", "category", "recency", "frequency", "monetary", "alive", "expected_sales", "expected", "decile",
        "engagement", "next_on",
    )  # fmt: skip

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = (extra_context or {}) | {"pages": PAGES}
        return cast(HttpResponse, super().changelist_view(request, context))

    def get_urls(self) -> list[URLPattern]:
        def page(view: Any) -> Any:
            return self.admin_site.admin_view(require_safe(view))

        return [
            path("overview/", page(self.overview), name="insight_overview"),
            path("cells/", page(self.cells), name="insight_cells"),
            path("cohorts/", page(self.cohorts), name="insight_cohorts"),
            path("goods/", page(self.goods), name="insight_goods"),
            path("group/", page(self.group), name="insight_group"),
            path("<int:number>/portrait/", page(self.member), name="insight_member"),
            *super().get_urls(),
        ]

    def shown(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        """A page of insight."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        user = cast(User, request.user)
        stores = None if scope_of(user).stores is None else user.stores.order_by("code")
        whole = self.admin_site.each_context(request) | {"title": title, "pages": PAGES, "stores": stores} | context
        return render(request, f"admin/{template}.html", whole)

    def look(self, request: HttpRequest, read: Any) -> dict[str, Any]:
        """What a page reads, for those who may see it."""
        return read() if self.has_view_permission(request) else {}

    def overview(self, request: HttpRequest) -> HttpResponse:
        """Members at a glance."""
        scope = scope_of(cast(User, request.user))
        context = self.look(request, lambda: overview(scope, timezone.now()))
        return self.shown(request, "insight_overview", _("Members at a glance"), context)

    def cells(self, request: HttpRequest) -> HttpResponse:
        """The RFM cells and who moved between them."""
        scope, asked = scope_of(cast(User, request.user)), request.GET.get("month", "")
        context = self.look(request, lambda: cells_page(scope, asked))
        return self.shown(request, "insight_cells", _("RFM cells"), context)

    def cohorts(self, request: HttpRequest) -> HttpResponse:
        """Retention by the month of enrolment."""
        scope = scope_of(cast(User, request.user))
        context = self.look(request, lambda: cohorts_page(scope))
        return self.shown(request, "insight_cohorts", _("Retention by month of enrolment"), context)

    def goods(self, request: HttpRequest) -> HttpResponse:
        """What is bought together."""
        asked = request.GET.get("category", "")
        return self.shown(request, "insight_goods", _("Bought together"), self.look(request, lambda: goods_page(asked)))

    def group(self, request: HttpRequest) -> HttpResponse:
        """A group of members beside all others that the reader may see."""
        user = cast(User, request.user)
        among = Member.objects.visible_to(user)
        form = GroupForm(request.GET or None, stores=stores_of(user).order_by("code"))
        members = form.narrow(among) if request.GET else None
        if members is None or not self.has_view_permission(request):
            return self.shown(request, "insight_group", _("Compare a group"), {"form": form})
        context = group_page(members, among, form.chosen, f"{scope_of(user).key}:{form.key}")
        return self.shown(request, "insight_group", _("Compare a group"), context | {"form": form})

    def member(self, request: HttpRequest, number: int) -> HttpResponse:
        """One member's portrait."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        member = (
            Member.objects.visible_to(cast(User, request.user)).select_related("home_store").filter(pk=number).first()
        )
        if member is None:
            raise Http404
        title = member.name or member.number
        return self.shown(request, "insight_member", title, member_page(member, timezone.now()))

    @display(description=gettext_lazy("member"))
    def portrait(self, score: MemberScore) -> str:
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
            reverse("admin:insight_member", args=[score.pk]),
            self.member_shown(score),
        )

    @display(description=gettext_lazy("RFM cell"), ordering="cell")
    def cell_shown(self, score: MemberScore) -> str:
        return format_html('<span class="nobreak {}">{}</span>', MEANINGS[score.cell].tone, score.get_cell_display())

    @display(description=gettext_lazy("churn risk"))
    def risk_shown(self, score: MemberScore) -> str:
        return score.get_risk_display() or "—"

    @display(description=gettext_lazy("spend in the window"))
    def spent(self, score: MemberScore) -> str:
        return format_money(score.recent_spend)

    @display(description=gettext_lazy("expected value in a year"))
    def expected(self, score: MemberScore) -> str:
        return "—" if score.expected_value is None else format_money(score.expected_value)

    @display(description=gettext_lazy("preferred store"))
    def store_shown(self, score: MemberScore) -> str:
        return named(score.store) or "—"


@admin.register(RfmScheme)
class RfmSchemeDesk(Kept):
    """How the shop scores: one row, in force from the next night on."""

    form = SchemeForm
    list_display = ("days", "has_own_cuts")
    fields = ("days", "has_own_cuts", "recency", "frequency", "spend")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Leads right to the one row."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:members_rfmscheme_change", args=[1]))

    def save_model(self, request: HttpRequest, obj: RfmScheme, form: Any, change: bool) -> None:
        names = ("recency", "frequency", "spend")
        own = {name: form.cleaned_data[name] for name in names} if obj.has_own_cuts else None
        keep_scheme(days=obj.days, own=own)
