"""The staff's door to what a member says of themselves: a page beside the member's."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from members.extracts import admin as extracts
from members.kit.refusals import Refusal
from members.people.actions import birthday_after, describe, person_of
from members.people.forms import PersonForm
from members.people.rules import name_for
from members.profiles.models import Member
from members.stores.models import User

admin.site.unregister(Member)


@admin.register(Member)
class MemberDesk(extracts.MemberDesk):
    """Members with a page about the person."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.about)
        return [path("<int:number>/about/", view, name="member_about"), *super().get_urls()]

    def one(self, request: HttpRequest, number: int) -> Member:
        """The member, if the reader may see them."""
        user = cast(User, request.user)
        if not user.has_perm("members.view_member"):
            raise PermissionDenied
        found = Member.objects.visible_to(user).select_related("home_store").filter(pk=number).first()
        if found is None:
            raise Http404
        return found

    def about(self, request: HttpRequest, number: int) -> HttpResponse:
        """What the member says of themselves; staff who may change members write it down for them."""
        member, now = self.one(request, number), timezone.now()
        person = person_of(member)
        form = PersonForm(request.POST or None, person=person)
        birthday = birthday_after(member, timezone.localdate(now))
        kept = _("Birthday next kept on %(day)s.") % {"day": date_format(birthday)} if birthday else ""
        return self.form_page(
            request,
            member,
            form,
            lambda said: describe(member=member, now=now, **cast(Any, said)),
            heading=_("About the person"),
            name=name_for(person.family_name, person.given_name, get_language() or ""),
            says=kept,
        )

    def form_page(
        self, request: HttpRequest, member: Member, form: Any, write: Callable[[Mapping[str, Any]], Any], **shows: Any
    ) -> HttpResponse:
        """A page beside the member's with one form: shown to all who see the member, written by who may change them.

        `write` is the verb, given what was typed; a refusal stands at the field of which it speaks.
        """
        may_write = self.has_change_permission(request, member)
        if request.method == "POST" and not may_write:
            raise PermissionDenied
        if request.method == "POST" and form.is_valid():
            try:
                write(form.cleaned_data)
            except Refusal as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, _("It is written down."))
                return redirect(request.path)
        context: dict[str, Any] = {
            "member": member,
            "title": member.name or member.number,
            "form": form,
            "may_write": may_write,
            "opts": self.opts,
            **shows,
        }
        return TemplateResponse(request, "admin/member_form.html", self.admin_site.each_context(request) | context)
