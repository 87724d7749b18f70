"""The staff's door to members who may be one person: the list, the two side by side, and what is decided."""

from collections.abc import Iterator
from types import SimpleNamespace
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

from loyalty.duplicates.actions import alike_to, ask_again, pair_of, tell_apart
from loyalty.duplicates.models import Likeness
from loyalty.duplicates.panels import compared, counts_for
from loyalty.duplicates.rules import LIKELY, STRONG, WORDS
from loyalty.merging import admin as merging
from members.kit.admin import Records
from members.kit.names import named
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.profiles.rules import mask
from members.stores.admin import StoreFilter
from members.stores.models import User

DECIDES = "loyalty.change_likeness"
VIEWS = "loyalty.view_likeness"
STRENGTHS = {"strong": _("nearly certain"), "likely": _("likely"), "possible": _("possible")}
BOUNDS = {"strong": {"score__gte": STRONG}, "likely": {"score__gte": LIKELY, "score__lt": STRONG}, "possible": {
    "score__lt": LIKELY,
}}  # fmt: skip


class DecidedFilter(admin.SimpleListFilter):
    """To be looked at, which is what the list begins with, or told apart."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("apart", _("different people"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {
            "selected": self.value() != "apart",
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("to be looked at"),
        }
        yield {
            "selected": self.value() == "apart",
            "query_string": changelist.get_query_string({self.parameter_name: "apart"}),
            "display": _("different people"),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Likeness]) -> QuerySet[Likeness]:
        if self.value() == "apart":
            return queryset.exclude(decided_at=None)
        return queryset.filter(decided_at=None)


class StrengthFilter(admin.SimpleListFilter):
    title = _("how likely")
    parameter_name = "strength"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return list(STRENGTHS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Likeness]) -> QuerySet[Likeness]:
        return queryset.filter(**BOUNDS[cast(str, self.value())]) if self.value() in BOUNDS else queryset


class ReasonFilter(admin.SimpleListFilter):
    title = _("what is alike")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(str(reason), words) for reason, words in WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Likeness]) -> QuerySet[Likeness]:
        return queryset.filter(reasons__contains=[self.value()]) if self.value() else queryset


@admin.register(Likeness)
class LikenessDesk(Records):
    """Two members a row, the likeliest first, of those whom the reader sees both."""

    nothing_yet = _("Each night looks for members who may be one person. There is nobody to look at.")
    list_display = ("strength", "older", "younger", "why", "found_at")
    list_filter = (DecidedFilter, StrengthFilter, ReasonFilter, ("member__home_store", StoreFilter))
    list_select_related = ("member__home_store", "decided_by")
    list_per_page = 25
    list_before_template = "admin/likenesses.html"
    change_form_outer_before_template = "admin/likeness.html"
    fields = readonly_fields = ("how_likely", "found_at")
    ordering = ("-score", "-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Likeness]:
        rows = cast(Any, super().get_queryset(request))
        return cast(QuerySet[Likeness], rows.current().visible_to(request.user).beside())

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = dict(extra_context or {})
        if self.has_view_permission(request):
            context["likenesses"] = counts_for(self.get_queryset(request))
        return cast(HttpResponse, super().changelist_view(request, context))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        user, context = cast(User, request.user), dict(extra_context or {})
        pair = pair_of(found, user) if found is not None else None
        if pair is not None:
            context |= {
                "likeness": found,
                "pair": pair,
                "compared": compared(*pair),
                "may_decide": user.has_perm(DECIDES),
                "may_merge": user.has_perm(merging.MERGES),
            }
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def get_urls(self) -> list[URLPattern]:
        ours = [
            path(f"<int:number>/{way}/", self.admin_site.admin_view(require_POST(view)), name=f"likeness_{name}")
            for way, name, view in (
                ("different", "different", self.different),
                ("ask-again", "ask_again", self.ask_again),
            )
        ]
        return [*ours, *super().get_urls()]

    def one(self, request: HttpRequest, number: int) -> Likeness:
        """The gatekeeper: two whom this person sees both, if they may decide about them."""
        if not cast(User, request.user).has_perm(DECIDES):
            raise PermissionDenied
        found = self.get_queryset(request).filter(pk=number).first()
        if found is None:
            raise Http404
        return found

    def different(self, request: HttpRequest, number: int) -> HttpResponse:
        """These are two people. Leads to the next two."""
        likeness, by = self.one(request, number), cast(User, request.user)
        try:
            tell_apart(likeness=likeness, by=by, now=timezone.now())
            self.message_user(request, _("Noted: different people. They are not suggested again."), messages.SUCCESS)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        following = self.get_queryset(request).filter(decided_at=None).order_by("-score", "-pk").first()
        if following is None:
            return redirect("admin:loyalty_likeness_changelist")
        return redirect("admin:loyalty_likeness_change", following.pk)

    def ask_again(self, request: HttpRequest, number: int) -> HttpResponse:
        """They may be one after all."""
        likeness = self.one(request, number)
        try:
            ask_again(likeness=likeness, by=cast(User, request.user))
            self.message_user(request, _("They stand in the list again."), messages.SUCCESS)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:loyalty_likeness_change", number)

    @display(
        description=_("how likely"), ordering="score",
        label={"strong": "warning", "likely": "info", "possible": ""},
    )  # fmt: skip
    def strength(self, likeness: Likeness) -> tuple[str, Any]:
        return likeness.strength, STRENGTHS[likeness.strength]

    @display(description=_("member"))
    def older(self, likeness: Likeness) -> str:
        row = cast(Any, likeness)
        return in_short(row.member.name, row.member.number, row.phone, named(row.member.home_store))

    @display(description=_("other member"))
    def younger(self, likeness: Likeness) -> str:
        row = cast(Any, likeness)
        store = named(SimpleNamespace(name_zh=row.other_store_zh, name_en=row.other_store_en))
        return in_short(row.other_name, row.other_number, row.other_phone, store)

    @display(description=_("what is alike"))
    def why(self, likeness: Likeness) -> str:
        return likeness.words

    @display(description=_("how likely"))
    def how_likely(self, likeness: Likeness) -> str:
        return str(STRENGTHS[likeness.strength])


def in_short(name: str, number: str, phone: str | None, store: str) -> str:
    """A member in a line: name, number, masked phone, store."""
    return " · ".join(filter(None, (name or "—", number, mask("phone", phone) if phone else "", store)))


admin.site.unregister(Member)


@admin.register(Member)
class MemberDesk(merging.MemberDesk):
    """A member's page with those who may be the same person, as they are this moment."""

    def facts_of(self, request: HttpRequest, member: Member) -> dict[str, Any]:
        """With who may be the same, for those who may see that."""
        user = cast(User, request.user)
        found = alike_to(member=member, user=user) if user.has_perm(VIEWS) else []
        return super().facts_of(request, member) | {"alike": found}

    def facts_for_finding(self, request: HttpRequest, survivor: Member) -> dict[str, Any]:
        """Before anybody searches, who may be the same."""
        user = cast(User, request.user)
        return {"alike": alike_to(member=survivor, user=user) if user.has_perm(VIEWS) else []}
