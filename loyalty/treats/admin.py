"""The staff's door to treats: what waits and lapses, handing over and undoing that, and counts beside the benefits."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from loyalty.benefits import admin as benefits
from loyalty.benefits.models import Benefit
from loyalty.tiers.admin import tier_badge
from loyalty.tiers.models import Tier
from loyalty.treats.actions import counts_by_benefit, hand_over, take_back, waiting_for
from loyalty.treats.models import Treat
from loyalty.treats.rules import State
from members.kit.admin import Records
from members.kit.names import named
from members.kit.refusals import Refusal
from members.kit.windows import shops_day
from members.profiles.admin import OfMemberMixin
from members.profiles.models import Member
from members.stores.admin import StoreFilter
from members.stores.models import Store, User

HANDS_OVER = "loyalty.change_treat"
LABELS = {"waiting": "info", "handed": "success", "lapsed": "warning", "points": ""}
BACK = {"member": "admin:members_member_change", "card": "admin:till_card"}  # where a clerk was


class StateFilter(admin.SimpleListFilter):
    """Waiting, handed over, lapsed, or only points."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Treat]) -> QuerySet[Treat]:
        rows, today = cast(Any, queryset), shops_day(timezone.now())
        ways = {
            State.WAITING: lambda: rows.waiting(today),
            State.HANDED: rows.handed,
            State.LAPSED: lambda: rows.lapsed(today),
            State.POINTS: rows.only_points,
        }
        way = ways.get(cast(Any, self.value()))
        return cast("QuerySet[Treat]", way()) if way else queryset


@admin.register(Treat)
class TreatDesk(OfMemberMixin, Records):
    """What is due, what was handed over where, and what nobody came for."""

    nothing_yet = _("What tiers give on joining, each month and for birthdays is listed here once it is due.")
    store_path = "member__home_store"
    list_display = ("due_at", "member_shown", "what", "tier_shown", "state", "last_on", "handed_at", "where")
    list_filter = (StateFilter, "kind", ("member__home_store", StoreFilter), ("handed_store", StoreFilter))
    list_select_related = ("member", "member__home_store", "tier", "handed_store", "handed_by", "handed_till")
    fields = readonly_fields = (
        "member_link", "what", "kind", "occasion", "tier_shown", "points_given", "due_at", "last_on", "became",
        "handed_at", "where", "who",
    )  # fmt: skip
    change_form_outer_before_template = "admin/treat_state.html"
    ordering = ("-due_at", "-pk")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = dict(extra_context or {})
        if found is not None and cast(User, request.user).has_perm(HANDS_OVER):
            now = timezone.now()
            context |= {
                "treat": found,
                "may_hand_over": found.state(shops_day(now)) == State.WAITING,
                "may_take_back": found.may_be_taken_back(now),
            }
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def get_urls(self) -> list[URLPattern]:
        ways = {"hand-over": ("treat_hand_over", self.hand_over), "take-back": ("treat_take_back", self.take_back)}
        ours = [
            path(f"<int:number>/{way}/", self.admin_site.admin_view(require_POST(view)), name=name)
            for way, (name, view) in ways.items()
        ]
        return [*ours, *super().get_urls()]

    def one(self, request: HttpRequest, number: int) -> Treat:
        """The gatekeeper: a treat of a member whom this person sees, if they may hand it over."""
        if not cast(User, request.user).has_perm(HANDS_OVER):
            raise PermissionDenied
        found = self.get_queryset(request).filter(pk=number).first()
        if found is None:
            raise Http404
        return cast(Treat, found)

    def hand_over(self, request: HttpRequest, number: int) -> HttpResponse:
        """It was handed over just now."""
        treat, user, now = self.one(request, number), cast(User, request.user), timezone.now()
        try:
            handed = hand_over(treat=treat.pk, member=treat.member, by=user, store=store_of(user, treat), now=now)
            words = _("Handed over: %(treat)s. If that was a slip, undo it here within 24 hours.")
            self.message_user(request, words % {"treat": handed.title}, messages.SUCCESS)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return self.back(request, treat)

    def take_back(self, request: HttpRequest, number: int) -> HttpResponse:
        """It was not handed over after all."""
        treat = self.one(request, number)
        try:
            take_back(treat=treat, by=cast(User, request.user), now=timezone.now())
            self.message_user(request, _("Undone: it waits again."), messages.SUCCESS)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return self.back(request, treat)

    def back(self, request: HttpRequest, treat: Treat) -> HttpResponse:
        """To where the clerk was: the member, the till card, or the treat."""
        way = BACK.get(request.POST.get("back", ""))
        return redirect(way, treat.member_id) if way else redirect("admin:loyalty_treat_change", treat.pk)

    @display(description=_("treat"))
    def what(self, treat: Treat) -> str:
        return treat.title

    @display(description=_("tier"))
    def tier_shown(self, treat: Treat) -> str:
        return tier_badge(treat.tier)

    @display(description=_("state"), label=LABELS)
    def state(self, treat: Treat) -> tuple[str, str]:
        found = treat.state(shops_day(timezone.now()))
        return found.value, str(found.label)

    @display(description=_("state"))
    def became(self, treat: Treat) -> str:
        return str(treat.state(shops_day(timezone.now())).label)

    @display(description=_("points with it"))
    def points_given(self, treat: Treat) -> str:
        return "—" if treat.points is None else f"{treat.points:,}"

    @display(description=_("handed over in"))
    def where(self, treat: Treat) -> str:
        return named(treat.handed_store) if treat.handed_store else "—"

    @display(description=_("handed over by"))
    def who(self, treat: Treat) -> str:
        if treat.handed_till:
            return treat.handed_till.name
        return treat.handed_by.username if treat.handed_by else "—"


def store_of(user: User, treat: Treat) -> Store:
    """Where a clerk handed something over: where they work, if that is one store, else where the member is at home."""
    posts = list(user.posts.select_related("store")[:2])
    return posts[0].store if len(posts) == 1 else treat.member.home_store


class BenefitInline(benefits.BenefitInline):
    """What the tier gives, and what came of what was handed out."""

    fields = (*benefits.BenefitInline.fields, "came_of_it")
    readonly_fields = ("came_of_it",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Benefit]:
        rows = cast("QuerySet[Benefit]", super().get_queryset(request))
        number = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
        self.counts = counts_by_benefit([int(f"0{number}"[:18])], timezone.now()) if number.isdecimal() else {}
        return rows

    @display(description=_("handed out so far"))
    def came_of_it(self, benefit: Benefit) -> str:
        found = self.counts.get((benefit.tier_id, benefit.kind), {})
        return " · ".join(f"{State(state).label} {found[state]:,}" for state in State.values if state in found) or "—"


admin.site.unregister(Tier)


@admin.register(Tier)
class TierDesk(benefits.TierDesk):
    """One tier, with what came of its benefits."""

    inlines = (benefits.NeedInline, BenefitInline)


admin.site.unregister(Member)


@admin.register(Member)
class MemberDesk(benefits.MemberDesk):
    """A member's page and till card with what waits for them."""

    def facts_of(self, request: HttpRequest, member: Member) -> dict[str, Any]:
        """With what waits, for those who may see it."""
        shows = cast(User, request.user).has_perm("loyalty.view_treat")
        treats = list(waiting_for(member, timezone.now())) if shows else []
        return super().facts_of(request, member) | {"treats": treats}

    def facts_for_card(self, member: Member) -> dict[str, Any]:
        """With what waits."""
        return super().facts_for_card(member) | {"treats": list(waiting_for(member, timezone.now()))}
