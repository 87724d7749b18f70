"""The staff's door to tags: which there are, those of a member, and one for a whole list with a count before."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from members.kit.admin import Kept
from members.kit.refusals import Refusal
from members.origins import admin as origins
from members.profiles.models import Member
from members.stores.models import User
from members.tags.actions import put_on, put_on_many, tags_of, take_off
from members.tags.forms import TagForm
from members.tags.models import Tag, Tagging

TAGS = "members.add_tagging"
SEES = "members.view_tagging"
MOST = 200_000  # members at once
SAMPLE = 10
LATEST = 20

admin.site.unregister(Member)


@admin.register(Tag)
class TagDesk(Kept):
    """Archived tags stay on those who have them, and are put on nobody else."""

    nothing_yet = gettext_lazy("A tag is a word that staff put on members, for a time or for good. Add the first one.")
    list_display: Any = ("code", "name_zh", "name_en", "colour", "days", "guarded", "state")
    list_filter: Any = ("is_archived",)
    ordering = ("is_archived", "position", "code")
    fields = ("code", ("name_zh", "name_en"), "colour", "days", "is_guarded", "position", "is_archived")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The code stands: segments and files name it."""
        return ("code",) if obj is not None else ()

    @display(description=gettext_lazy("set by managers only"), boolean=True)
    def guarded(self, tag: Tag) -> bool:
        return tag.is_guarded

    @display(description=gettext_lazy("state"), label={"open": "success", "archived": "warning"})
    def state(self, tag: Tag) -> tuple[str, Any]:
        return ("archived", _("archived")) if tag.is_archived else ("open", _("in use"))


@admin.register(Member)
class MemberDesk(origins.MemberDesk):
    """Members with tags, on the page of each and for a whole list."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("<int:number>/tags/", view(self.tags), name="member_tags"),
            path("tag-all/", view(self.tag_all), name="members_tag_all"),
        ]
        return [*ours, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_tag": cast(User, request.user).has_perm(TAGS), **(extra_context or {})}
        return super().changelist_view(request, context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the tags that stand on each, for those who may see them."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if not cast(User, request.user).has_perm(SEES):
            return rows
        standing = Tagging.objects.standing(timezone.now()).filter(member=OuterRef("pk"))
        return cast(QuerySet[Any], rows.annotate(tag_words=ArraySubquery(standing.as_words())))

    def facts_of(self, request: HttpRequest, member: Member) -> dict[str, Any]:
        """With the tags that stand."""
        words = getattr(member, "tag_words", [])
        return super().facts_of(request, member) | {"tags": [Tag(**each) for each in words]}

    def tags(self, request: HttpRequest, number: int) -> HttpResponse:
        """The member's tags with who put them on and why; one more, or one less; and what there was."""
        member, user, now = self.one(request, number), cast(User, request.user), timezone.now()
        if not user.has_perm(SEES) or (request.method == "POST" and not user.has_perm(TAGS)):
            raise PermissionDenied
        form = TagForm(request.POST if "tag" in request.POST else None, by=user)
        try:
            if "off" in request.POST:
                tag = Tag.objects.filter(pk=int(f"0{request.POST['off']}"[:18])).first()
                if tag is not None:
                    take_off(member=member, tag=tag, by=user, now=now)
                return redirect(request.path)
            if form.is_valid():
                put_on(member=member, by=user, now=now, **form.cleaned_data)
                return redirect(request.path)
        except Refusal as refusal:
            if form.is_bound:
                form.refuse(refusal)
            else:
                messages.error(request, str(refusal))
        context = {
            "member": member,
            "title": member.name or member.number,
            "standing": tags_of(member, now),
            "settable": set(Tag.objects.settable_by(user).values_list("pk", flat=True)),
            "past": Tagging.objects.of_family(member)
            .filter(ended_at__isnull=False)
            .select_related("tag", "by", "ended_by")
            .newest_first()[:LATEST],
            "form": form,
            "may_tag": user.has_perm(TAGS),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/member_tags.html", self.admin_site.each_context(request) | context)

    def tag_all(self, request: HttpRequest) -> HttpResponse:
        """Put a tag on everybody on the list as it was filtered: how many, some of them, then the deed."""
        user, back = cast(User, request.user), reverse("admin:members_member_changelist")
        if not self.has_view_permission(request) or not user.has_perm(TAGS):
            raise PermissionDenied
        members = self.listed(request)
        wanted = list(members.values_list("pk", flat=True)[: MOST + 1])
        form = TagForm(request.POST if "tag" in request.POST else None, by=user)
        if len(wanted) > MOST or not wanted:
            words = _("Nobody is on this list.") if not wanted else _("The list has more than %(most)s members.")
            messages.error(request, words % {"most": f"{MOST:,}"})
            return redirect(back)
        if form.is_valid():
            try:
                new, renewed = put_on_many(members=wanted, by=user, now=timezone.now(), **form.cleaned_data)
            except Refusal as refusal:
                form.refuse(refusal)
            else:
                words = _("Tagged: %(new)s. It lasts longer for %(renewed)s who had it.")
                messages.success(request, words % {"new": f"{new:,}", "renewed": f"{renewed:,}"})
                return redirect(f"{back}?{request.GET.urlencode()}")
        context = {
            "title": _("Put a tag on this list"),
            "count": len(wanted),
            "sample": members.select_related("home_store")[:SAMPLE],
            "asked": request.GET.urlencode(),
            "form": form,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/tag_all.html", self.admin_site.each_context(request) | context)

    def listed(self, request: HttpRequest) -> QuerySet[Member]:
        """The members on the list with the filters and the search that the address names, in the order of ids."""
        found = self.get_changelist_instance(request).get_queryset(request)
        return Member.objects.filter(pk__in=found.order_by().values("pk")).order_by("pk")
