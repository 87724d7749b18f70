"""The staff's door to segments: the editor with its live count, who is in them and why, frozen audiences, lists."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from members.extracts.actions import EXPORTS
from members.extracts.admin import take_away
from members.kit.admin import Kept, Records, stores_seen
from members.kit.names import named
from members.kit.refusals import Refusal
from members.profiles.actions import masked_phone
from members.profiles.models import Member
from members.segments.actions import (
    TakesTooLong,
    ask_refresh,
    change_segment,
    freeze,
    make_list,
    members_in,
    preview,
    what_is_known,
)
from members.segments.forms import (
    ListForm,
    ListNameForm,
    Node,
    apply,
    be_patient,
    draft_of,
    read_draft,
    settle,
    tree_of,
)
from members.segments.models import Audience, MemberList, Membership, Segment, SegmentSize, SegmentVersion
from members.segments.panels import shown_node, size_chart, stay_in, uses_of, why
from members.segments.rules import Known, check_circles, words_of
from members.stores.models import User

PAGE = 50


def of_here(request: HttpRequest) -> Q:
    """Memberships of members whom the reader sees."""
    stores = stores_seen(request)
    return Q(member__merged_into=None) & (Q() if stores is None else Q(member__home_store__in=stores))


@admin.register(Segment)
class SegmentDesk(Kept):
    """Segments in sentences. Sizes are those of the members whom the reader sees."""

    nothing_yet = _("A segment is a question about your members, put together in sentences. Ask the first one.")
    list_display: Any = ("name", "size", "state", "sentence", "as_of")
    search_fields = ("code", "name_zh", "name_en")
    list_filter = ("is_live",)
    change_form_outer_before_template = "admin/segment_state.html"
    fields = ("code", ("name_zh", "name_en"), ("is_live", "drift_percent"))
    ordering = ("code",)
    sortable_by: Any = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("code",) if obj is not None else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        last = SegmentSize.objects.filter(segment=OuterRef("pk")).newest_first()
        here = Membership.objects.open().filter(of_here(request), segment=OuterRef("pk")).order_by()
        counted = here.values("segment").annotate(size=Count("pk")).values("size")
        size = last.values("size")[:1] if stores_seen(request) is None else counted
        rows: Any = super().get_queryset(request)
        sized: QuerySet[Any] = rows.annotate(
            size_here=Coalesce(Subquery(size, output_field=IntegerField()), 0),
            measured_at=Subquery(last.values("as_of")[:1]),
            drifts=Subquery(last.values("drifts")[:1]),
        )
        return sized

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("<int:number>/say/", view(self.say), name="segment_say"),
            path("<int:number>/refresh/", view(require_POST(self.refresh)), name="segment_refresh"),
            path("<int:number>/freeze/", view(require_POST(self.freeze)), name="segment_freeze"),
            path("<int:number>/members/", view(self.members), name="segment_members"),
            path("<int:number>/take-away/", view(require_POST(self.take_away)), name="segment_take_away"),
        ]
        return [*ours, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.known = what_is_known() if self.has_view_permission(request) else None
        return cast(HttpResponse, super().changelist_view(request, extra_context))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = (extra_context or {}) | (self.page_of(request, found) if found is not None else {})
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def page_of(self, request: HttpRequest, segment: Any) -> dict[str, Any]:
        """What stands above the form: what it says, how many, since when, who asks for it."""
        known = what_is_known()
        sees_all = stores_seen(request) is None
        return {
            "segment": segment,
            "title": named(segment),
            "words": words_of(segment.says["tree"], known),
            "sees_all": sees_all,
            "last": SegmentSize.objects.filter(segment=segment).newest_first().first(),
            "charts": [chart for chart in [size_chart(segment)] if chart is not None and sees_all],
            "uses": uses_of(segment),
            "versions": versions_of(segment, known),
            "audiences": segment.audiences.select_related("created_by").order_by("-frozen_at", "-pk")[:10],
            "may_change": self.has_change_permission(request, segment),
            "may_freeze": cast(User, request.user).has_perm("members.add_audience") and segment.version,
            **self.reasons(request, segment),
        }

    def reasons(self, request: HttpRequest, segment: Segment) -> dict[str, Any]:
        """Why somebody is in it or not, when the page was asked about them."""
        said = request.GET.get("member", "").strip()[:100]
        if not said:
            return {}
        found = list(Member.objects.visible_to(cast(User, request.user)).search(said)[:2])
        if len(found) != 1:
            several = _("Several members are found by that: type more of it.")
            return {"asked_about": said, "trouble": several if found else _("Nobody in your stores is found by that.")}
        member = found[0]
        try:
            clauses = why(tree=segment.says["tree"], member=member, now=timezone.now())
        except Refusal as refusal:
            return {"asked_about": said, "trouble": str(refusal)}
        stay = stay_in(segment, member, what_is_known())
        return {"asked_about": said, "about": member, "clauses": clauses, "stay": stay}

    def response_add(self, request: HttpRequest, obj: Segment, post_url_continue: str | None = None) -> HttpResponse:
        """A segment that says nothing is everybody, so that comes next."""
        return redirect("admin:segment_say", obj.pk)

    def one(self, request: HttpRequest, number: int, *, changes: bool) -> Segment:
        """The segment, for those who may."""
        if not (self.has_change_permission(request) if changes else self.has_view_permission(request)):
            raise PermissionDenied
        segment = Segment.objects.filter(pk=number).first()
        if segment is None:
            raise Http404
        return segment

    def say(self, request: HttpRequest, number: int) -> HttpResponse:
        """The editor: every button and field asks this page, which counts, compares and saves."""
        segment = self.one(request, number, changes=True)
        known = what_is_known()
        trouble, order = "", request.POST.get("do", "")
        draft = draft_of(segment.says["tree"], known)
        if request.method == "POST":
            try:
                draft = read_draft(request.POST)
                settle(draft, known)
                apply(draft, order)
            except Refusal as refusal:
                trouble = str(refusal)
        context = {"segment": segment, "title": named(segment), "trouble": trouble, "is_new": not segment.version}
        if not trouble:
            context |= self.looked_at(request, segment, draft, known, order)
        if context.get("is_saved"):
            return redirect("admin:members_segment_change", segment.pk)
        context["root"] = shown_node(draft, known)
        is_part = bool(getattr(request, "htmx", False))
        return self.page(request, "admin/segment_say.html#editor" if is_part else "admin/segment_say.html", context)

    def looked_at(
        self, request: HttpRequest, segment: Segment, draft: Node, known: Known, order: str
    ) -> dict[str, Any]:
        """What a draft would be: words, count and sample; beside what is saved, when that is asked for."""
        tree = tree_of(draft, known)
        if tree is None:
            if order not in ("compare", "save"):
                be_patient(draft)
            return {"is_unfinished": True}
        digest = digest_of(segment, tree)
        among = Member.objects.visible_to(cast(User, request.user))
        try:
            check_circles(segment.code, tree, known.segments)
            if order == "save" and request.POST.get("seen") == digest:
                return self.saved(request, segment, tree)
            now = timezone.now()
            found = preview(among=among, tree=tree, now=now, known=known)
            shown = {"words": words_of(tree, known), "found": found, "total": among.order_by().count()}
            if order in ("compare", "save"):
                saved = segment.says["tree"]
                shown |= {
                    "is_compared": True,
                    "seen": digest,
                    "enters": preview(among=among, tree=tree, without=saved, now=now, known=known),
                    "leaves": preview(among=among, tree=saved, without=tree, now=now, known=known),
                }
        except TakesTooLong as refusal:  # a large shop saves it without the count
            is_compared = order in ("compare", "save")
            return {"trouble": str(refusal), "words": words_of(tree, known), "seen": digest, "is_compared": is_compared}
        except Refusal as refusal:
            return {"trouble": str(refusal), "words": words_of(tree, known)}
        return with_contacts(shown)

    def saved(self, request: HttpRequest, segment: Segment, tree: Mapping[str, Any]) -> dict[str, Any]:
        """Save what was seen, and find out who is in it."""
        now = timezone.now()
        change_segment(segment=segment, tree=tree, by=cast(User, request.user), now=now, seen=segment.version)
        size = ask_refresh(segment=segment, now=now)
        words = _("The new version stands.") if size is None else _("The new version stands, with %(size)s members.")
        self.message_user(request, str(words) % {"size": f"{size.size:,}" if size else ""}, messages.SUCCESS)
        return {"is_saved": True}

    def refresh(self, request: HttpRequest, number: int) -> HttpResponse:
        """Find out now who is in it."""
        segment = self.one(request, number, changes=True)
        try:
            done = ask_refresh(segment=segment, now=timezone.now())
            words = _("It is up to date.") if done else _("Workers are at it; the new size shows within minutes.")
            self.message_user(request, words, messages.SUCCESS)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:members_segment_change", segment.pk)

    def freeze(self, request: HttpRequest, number: int) -> HttpResponse:
        """Keep who is in it now, under a name."""
        segment = self.one(request, number, changes=False)
        user = cast(User, request.user)
        if not user.has_perm("members.add_audience"):
            raise PermissionDenied
        name, now = request.POST.get("name", ""), timezone.now()
        try:
            made = freeze(segment=segment, name=name, key=request.POST.get("key", "")[:100], by=user, now=now)
            words = _("The audience “%(name)s” is kept, with %(size)s members.")
            self.message_user(request, words % {"name": made.name, "size": f"{made.size:,}"}, messages.SUCCESS)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:members_segment_change", segment.pk)

    def members(self, request: HttpRequest, number: int) -> HttpResponse:
        """Who is in it, of those whom the reader sees, fifty at a time."""
        segment = self.one(request, number, changes=False)
        user, now = cast(User, request.user), timezone.now()
        after = request.GET.get("after", "")
        here = members_in(segment, now) & Member.objects.visible_to(user)
        if after.isdecimal() and len(after) < 19:
            here = here.filter(pk__gt=int(after))
        found = list(here.select_related("home_store").prefetch_related("identities").order_by("pk")[: PAGE + 1])
        context = {"segment": segment, "title": named(segment), "rows": contacts_of(found[:PAGE])}
        return self.page(
            request,
            "admin/segment_members.html",
            context | {"takes_away": user.has_perm(EXPORTS), "next": found[PAGE - 1].pk if len(found) > PAGE else None},
        )

    def take_away(self, request: HttpRequest, number: int) -> Any:
        """Those of its members whom the reader sees, as a file."""
        segment = self.one(request, number, changes=False)
        here = members_in(segment, timezone.now()) & Member.objects.visible_to(cast(User, request.user))
        name = _("Members of the segment %(name)s") % {"name": named(segment)}
        return take_away(request, members=here, name=name, back=reverse("admin:segment_members", args=[number]))

    def page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        """A page of this desk."""
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, whole)

    @display(description=_("name"))
    def name(self, segment: Segment) -> str:
        return named(segment)

    @display(description=_("members"))
    def size(self, segment: Any) -> str:
        return f"{segment.size_here:,}" if segment.measured_at else "—"

    @display(
        description=_("state"),
        label={"trouble": "danger", "drifts": "warning", "live": "success", "asleep": "", "empty": "info"},
    )
    def state(self, segment: Any) -> tuple[str, Any]:
        if segment.trouble:
            return "trouble", _("cannot be refreshed")
        if not segment.version:
            return "empty", _("says nothing yet")
        if segment.drifts:
            return "drifts", _("its size jumped")
        return ("live", _("refreshed every night")) if segment.is_live else ("asleep", _("on demand"))

    @display(description=_("says now"))
    def sentence(self, segment: Segment) -> Any:
        return format_html('<span class="says">{}</span>', words_of(segment.says["tree"], cast(Known, self.known)))

    @display(description=_("as of"))
    def as_of(self, segment: Any) -> Any:
        if not segment.measured_at:
            return "—"
        local = localtime(segment.measured_at)
        return f"{date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M}"


def digest_of(segment: Segment, tree: Mapping[str, Any]) -> str:
    """Stands for what somebody saw before saving."""
    return sha256(json.dumps([segment.version, tree], sort_keys=True).encode()).hexdigest()[:32]


def contacts_of(members: list[Member]) -> list[dict[str, Any]]:
    """Members with their phone as lists show it."""
    return [{"member": member, "phone": masked_phone(member)} for member in members]


def with_contacts(shown: dict[str, Any]) -> dict[str, Any]:
    """Previews with the rows of their samples."""
    for name in ("found", "enters", "leaves"):
        if name in shown:
            shown[name] = {"size": shown[name].size, "rows": contacts_of(shown[name].sample)}
    return shown


def versions_of(segment: Segment, known: Known) -> list[dict[str, Any]]:
    """What it said, the newest first."""
    versions = SegmentVersion.objects.filter(segment=segment).select_related("created_by").order_by("-number")
    return [{"version": each, "words": words_of(each.says["tree"], known)} for each in versions[:20]]


@admin.register(MemberList)
class MemberListDesk(Kept):
    """Lists of members by phone, card or number: pasted or out of a file."""

    nothing_yet = _("Paste phones, cards or numbers, or hand in a file, to have a list that segments may ask for.")
    list_display: Any = ("name", "size", "unknown", "who", "created_at")
    list_select_related = ("created_by",)
    fields = ("name", "pasted", "file")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return ((None, {"fields": ("name",) if obj is not None else self.fields}),)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = ListForm if obj is None else ListNameForm
        return super().get_form(request, obj, change, **(kwargs | {"form": form}))

    def save_model(self, request: HttpRequest, obj: MemberList, form: Any, change: bool) -> None:
        if change:
            MemberList.objects.filter(pk=obj.pk).update(name=obj.name)
            return
        user = cast(User, request.user)
        made = make_list(name=obj.name, texts=form.cleaned_data["texts"], by=user)
        obj.pk = made.pk
        words = _("%(size)s members stand on the list; %(unknown)s lines were not found.")
        self.message_user(request, words % {"size": f"{made.size:,}", "unknown": f"{made.unknown:,}"})

    @display(description=_("by"))
    def who(self, listed: MemberList) -> str:
        return listed.created_by.username if listed.created_by else "—"


@admin.register(Audience)
class AudienceDesk(Records):
    """Audiences that were frozen; nobody changes them."""

    nothing_yet = _("Freeze a segment on its page to keep who is in it at this moment.")
    list_display: Any = ("name", "segment_name", "size", "frozen_at", "who")
    list_select_related = ("segment", "created_by")
    fields = readonly_fields = ("name", "segment_name", "size", "version", "frozen_at", "who")

    @display(description=_("segment"))
    def segment_name(self, audience: Audience) -> str:
        return named(audience.segment)

    @display(description=_("by"))
    def who(self, audience: Audience) -> str:
        return audience.created_by.username if audience.created_by else "—"
