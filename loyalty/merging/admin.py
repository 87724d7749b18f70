"""The staff's door to merges: find the other, see both side by side, decide, and undo."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from loyalty.merging.actions import Preview, merge_members, preview_merge, undo_merge
from loyalty.merging.forms import MergeForm
from loyalty.merging.models import Merge
from loyalty.merging.panels import balance_rows, counted, field_rows, tier_rows
from loyalty.merging.rules import UNDO_DAYS
from loyalty.treats import admin as treats
from members.kit.admin import Records
from members.kit.refusals import Refusal
from members.kit.windows import days_after
from members.profiles.actions import masked_phone
from members.profiles.admin import OfMemberMixin
from members.profiles.models import Member
from members.profiles.rules import mask
from members.stores.models import User

FOUND = 8
MERGES = "loyalty.add_merge"
UNDOES = "loyalty.change_merge"

admin.site.unregister(Member)


@admin.register(Member)
class MemberDesk(treats.MemberDesk):
    """A member's page, from which another one can be merged into this one."""

    nothing_yet = _("Members join at a till, in the portal, from a file, or by the button above.")

    def facts_of(self, request: HttpRequest, member: Member) -> dict[str, Any]:
        """With who was merged into them."""
        shows = cast(User, request.user).has_perm("loyalty.view_merge")
        merges = Merge.objects.of(member).newest_first() if shows else []
        return super().facts_of(request, member) | {"merges": merges}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.merge_with)
        return [path("<int:number>/merge/", view, name="merge_with"), *super().get_urls()]

    def merge_with(self, request: HttpRequest, number: int) -> HttpResponse:
        """Find the other, show both and what a merge does, then do it: one page, three steps."""
        user = cast(User, request.user)
        if not user.has_perm(MERGES):
            raise PermissionDenied
        seen = Member.objects.visible_to(user)
        survivor = seen.filter(pk=number).first()
        if survivor is None:
            raise Http404
        other = seen.filter(pk=int(f"0{request.GET.get('other', '')}"[:18])).first()
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("Merge two members"),
            "survivor": survivor,
            "opts": self.model._meta,
        }
        if other is None:
            context |= found(request, survivor) | self.facts_for_finding(request, survivor)
            return render(request, "admin/merge_find.html", context)
        return self.decide(request, survivor, other, context)

    def facts_for_finding(self, request: HttpRequest, survivor: Member) -> dict[str, Any]:
        """What else helps to find the other."""
        return {}

    def decide(self, request: HttpRequest, survivor: Member, other: Member, context: dict[str, Any]) -> HttpResponse:
        """Both side by side with what a merge does, or the merge itself. A refusal shows on the page."""
        user, now = cast(User, request.user), timezone.now()
        context |= {"other": other, "undo_until": days_after(now, UNDO_DAYS)}
        try:
            preview = preview_merge(survivor=survivor, duplicate=other, by=user, now=now)
            form = MergeForm(request.POST or None, preview=preview)
            if request.method == "POST" and form.is_valid():
                done = self.step(request, form, preview)
                if isinstance(done, Merge):
                    return redirect("admin:loyalty_merge_change", done.pk)
                preview = done
            context |= shown(preview, form, user)
        except Refusal as refusal:
            context["refusal"] = str(refusal)
        return render(request, "admin/merge_decide.html", context)

    def step(self, request: HttpRequest, form: MergeForm, preview: Preview) -> Merge | Preview:
        """The merge if it was confirmed; else what these choices would do."""
        pair: dict[str, Any] = {
            "survivor": preview.survivor,
            "duplicate": preview.duplicate,
            "choices": form.choices(),
            "by": cast(User, request.user),
            "now": timezone.now(),
        }
        if "confirm" not in request.POST:
            return preview_merge(**pair)
        said = form.cleaned_data
        merge = merge_members(**pair, reason=said["reason"], key=said["key"], token=said["token"])
        self.message_user(request, _("Merged: the two are one member now."), messages.SUCCESS)
        return merge


def found(request: HttpRequest, survivor: Member) -> dict[str, Any]:
    """Those whom the search means, but for the member at hand; before a search, those of the same name."""
    user = cast(User, request.user)
    said = request.GET.get("find", "").strip()
    others = Member.objects.visible_to(user).exclude(pk=survivor.pk).select_related("home_store")
    meant = others.search(said or survivor.name) if said or survivor.name else others.none()
    rows = meant.prefetch_related("identities").order_by("-pk")[:FOUND]
    shown = [{"member": member, "phone": masked_phone(member)} for member in rows]
    return {"said": said, "found": shown}


def shown(preview: Preview, form: MergeForm, reader: User) -> dict[str, Any]:
    """What the page of a preview needs."""
    identities = preview.duplicate.identities.order_by("kind", "pk")
    return {
        "preview": preview,
        "form": form,
        "fields": field_rows(preview, form, reader),
        "identities": [(each, mask(each.kind, each.value)) for each in identities],
        "balances": balance_rows(preview.outcome),
        "tiers": tier_rows(preview.outcome),
        "counts": counted(preview.outcome),
    }


@admin.register(Merge)
class MergeDesk(OfMemberMixin, Records):
    """Every merge, and whether it was undone."""

    nothing_yet = _(
        "When two members turn out to be one person, they are merged on a member's page. "
        "Each merge can be undone for 30 days here."
    )
    store_path = "member__home_store"
    list_display = ("merged_at", "member_shown", "duplicate_number", "reason", "by", "state")
    list_select_related = ("member", "merged_by", "undone_by")
    fields = readonly_fields = (
        "member_link", "duplicate_number", "reason", "by", "merged_at", "undo_until", "undone_at", "undoer",
    )  # fmt: skip
    change_form_outer_before_template = "admin/merge.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        merge = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = dict(extra_context or {})
        if merge is not None:
            context |= {
                "merge": merge,
                "balances": balance_rows(merge.outcome),
                "tiers": tier_rows(merge.outcome),
                "counts": counted(merge.outcome),
                "may_undo": merge.is_open(timezone.now()) and cast(User, request.user).has_perm(UNDOES),
            }
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.undo))
        return [path("<int:number>/undo/", view, name="merge_undo"), *super().get_urls()]

    def undo(self, request: HttpRequest, number: int) -> HttpResponse:
        """Part the two again; a refusal shows as a message."""
        user = cast(User, request.user)
        if not user.has_perm(UNDOES):
            raise PermissionDenied
        merge = self.get_queryset(request).filter(pk=number).first()
        if merge is None:
            raise Http404
        try:
            undo_merge(merge=merge, by=user, now=timezone.now())
            self.message_user(request, _("Undone: each has their own again."), messages.SUCCESS)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:loyalty_merge_change", number)

    @display(description=_("by"))
    def by(self, merge: Merge) -> str:
        return merge.merged_by.username

    @display(description=_("undone by"))
    def undoer(self, merge: Merge) -> str:
        return merge.undone_by.username if merge.undone_by else "—"

    @display(description=_("state"), label={"stands": "success", "undone": "warning"})
    def state(self, merge: Merge) -> tuple[str, Any]:
        return ("undone", _("undone")) if merge.undone_at else ("stands", _("merged"))
