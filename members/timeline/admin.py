"""The staff's door to a member's time: all of it on a page of its own, the newest on the member's page."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from members.notes.admin import take_note
from members.profiles.models import Member
from members.stores.models import User
from members.tags import admin as tags
from members.timeline.actions import page_of, sources_for
from members.timeline.rules import SOURCES, read_place

SHOWN = 12  # lines on the member's page

admin.site.unregister(Member)


@admin.register(Member)
class MemberDesk(tags.MemberDesk):
    """A member's page that ends with what happened lately, and a page of everything."""

    change_form_outer_after_template: Any = "admin/member_history.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.timeline)
        return [path("<int:number>/timeline/", view, name="member_timeline"), *super().get_urls()]

    def facts_of(self, request: HttpRequest, member: Member) -> dict[str, Any]:
        """With what happened lately."""
        kinds = [source.code for source in SOURCES.values() if source.on_page]
        lately = page_of(member=member, user=cast(User, request.user), wanted=kinds, size=SHOWN)
        return super().facts_of(request, member) | {"lately": lately}

    def timeline(self, request: HttpRequest, number: int) -> HttpResponse:
        """Everything, newest first, of the kinds that were ticked; a page at a time. A note can be written here."""
        member, user = self.one(request, number), cast(User, request.user)
        form = take_note(request, member)
        if form.is_bound and form.is_valid():
            return redirect("admin:member_timeline", member.pk)
        wanted = [code for code in request.GET.getlist("show") if code.isidentifier()]
        context = {
            "member": member,
            "title": member.name or member.number,
            "sources": sources_for(user),
            "wanted": wanted,
            "page": page_of(member=member, user=user, wanted=wanted, before=read_place(request.GET.get("before", ""))),
            "form": form,
            "opts": self.opts,
        }
        is_part = bool(getattr(request, "htmx", False))
        template = "admin/member_timeline.html#lines" if is_part else "admin/member_timeline.html"
        return TemplateResponse(request, template, self.admin_site.each_context(request) | context)
