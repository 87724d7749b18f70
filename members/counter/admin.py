"""The staff's door at the counter: one screen of a phone about one member."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from members.counter.actions import cues_for, suggested
from members.notes.admin import take_note
from members.profiles.models import Member
from members.segments.models import Membership
from members.stores.models import User
from members.tags.actions import tags_of
from members.tags.admin import SEES
from members.timeline import admin as timeline
from members.timeline.actions import page_of

LATEST = 4
MOST_SEGMENTS = 20

admin.site.unregister(Member)


@admin.register(Member)
class MemberDesk(timeline.MemberDesk):
    """Members with a till card. Rooms above put more on it by `facts_for_card`."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.till_card)
        return [path("<int:number>/card/", view, name="till_card"), *super().get_urls()]

    def facts_of(self, request: HttpRequest, member: Member) -> dict[str, Any]:
        """With the segments in which the member is, the latest first; each leads to why."""
        sees = cast(User, request.user).has_perm("members.view_segment")
        open_ones = Membership.objects.open().of([member.pk]).select_related("segment").order_by("-since", "-pk")
        return super().facts_of(request, member) | {"memberships": list(open_ones[:MOST_SEGMENTS]) if sees else []}

    def till_card(self, request: HttpRequest, number: int) -> HttpResponse:
        """Who, what matters now, one thing to say, and the latest; a note can be written here."""
        member, user = self.one(request, number), cast(User, request.user)
        form = take_note(request, member)
        if form.is_bound and form.is_valid():
            return redirect("admin:till_card", member.pk)
        now = timezone.now()
        cues = cues_for(member=member, user=user, now=now)
        context = {
            "member": member,
            "title": member.name or member.number,
            "cues": cues,
            "suggested": suggested(cues),
            "page": page_of(member=member, user=user, size=LATEST),
            "form": form,
            "tags": tags_of(member, now) if user.has_perm(SEES) else [],
            "opts": self.opts,
            **self.facts_for_card(member),
        }
        return TemplateResponse(request, "admin/till_card.html", self.admin_site.each_context(request) | context)

    def facts_for_card(self, member: Member) -> dict[str, Any]:
        """What else stands on the card."""
        return {}
