"""The staff's door to privacy: look at contacts with a reason, restrict, erase, and say how long things are kept."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from members.kit.admin import Kept, Records
from members.kit.refusals import Refusal
from members.privacy.actions import dismiss, erase, lift_restriction, look_at, restrict
from members.privacy.forms import LookForm, StaffErasureForm
from members.privacy.models import Erasure, Look, PrivacyRule, RetentionRule
from members.profiles.actions import SEES_CONTACTS
from members.profiles.admin import OfMemberMixin
from members.profiles.models import Member
from members.stores.models import User

ERASES = "members.erase_member"
STATES = {"proposed": "warning", "waiting": "warning", "done": "danger", "withdrawn": "success", "dismissed": "success"}
KINDS = {
    "messages": _("words and addresses of messages"),
    "changes": _("changes of profiles"),
    "looks": _("looks at contacts"),
    "inactive": _("members who were not seen, proposed for erasure"),
    "imports": _("files of imports and their bad rows"),
}


def member_for(request: HttpRequest, whose: int, permission: str) -> Member:
    """The member, for those who may do this and see them."""
    user = cast(User, request.user)
    if not user.has_perm(permission):
        raise PermissionDenied
    member = Member.objects.visible_to(user).filter(pk=whose).first()
    if member is None:
        raise Http404
    return member


@admin.register(Look)
class LookDesk(OfMemberMixin, Records):
    """Who looked at whose contacts, and why."""

    nothing_yet = _("Whoever looks at a member's full contacts gives a reason; both are listed here.")
    store_path = "member__home_store"
    list_display = ("looked_at", "member_shown", "who", "why")
    list_select_related = ("member", "user")
    fields = readonly_fields = ("member_link", "who", "why", "looked_at")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.look)
        return [path("of/<int:whose>/", view, name="contacts_of"), *super().get_urls()]

    def look(self, request: HttpRequest, whose: int) -> HttpResponse:
        """Ask why, then show the contacts in full, this once."""
        member = member_for(request, whose, SEES_CONTACTS)
        form = LookForm(request.POST or None)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("Contacts"),
            "member": member,
            "form": form,
            "opts": self.model._meta,
        }
        if request.method == "POST" and form.is_valid():
            user = cast(User, request.user)
            context["contacts"] = look_at(member=member, by=user, why=form.why, now=timezone.now())
        return render(request, "admin/contacts_of.html", context)

    @display(description=_("who"))
    def who(self, look: Look) -> str:
        return look.user.username


@admin.register(Erasure)
class ErasureDesk(OfMemberMixin, Records):
    """Who asked to be erased, whom the night proposes, and what came of it."""

    nothing_yet = _("Nobody asked to be erased, and the night proposed nobody.")
    store_path = "member__home_store"
    list_display = ("asked_at", "member_shown", "state", "asker", "due_at", "obstacle", "ended_at")
    list_filter = ("status",)
    list_select_related = ("member", "asked_by")
    fields = readonly_fields = (
        "member_link", "state", "asker", "reason", "asked_at", "due_at", "obstacle", "ended_at",
    )  # fmt: skip
    actions = ("erase_proposed", "keep_proposed")

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return cast(User, request.user).has_perm(ERASES)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide)
        return [path("of/<int:whose>/", view, name="privacy_of"), *super().get_urls()]

    def decide(self, request: HttpRequest, whose: int) -> HttpResponse:
        """Restrict or free a member's data at their wish; erase them, with their number typed and a reason."""
        member = member_for(request, whose, ERASES)
        label = _("Type the member number %(number)s to confirm") % {"number": member.number}
        typed = request.POST if "word" in request.POST else None
        form = StaffErasureForm(typed, word=member.number, label=label)
        if request.method == "POST":
            try:
                if self.step(request, member, form):
                    return redirect("admin:members_member_changelist")
            except Refusal as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            if not form.is_bound:
                return redirect("admin:privacy_of", member.pk)
        context = {"title": _("Privacy"), "member": member, "form": form, "opts": self.model._meta}
        context["asked"] = Erasure.objects.of_family(member).open().order_by("pk").first()
        return render(request, "admin/privacy_of.html", {**self.admin_site.each_context(request), **context})

    def step(self, request: HttpRequest, member: Member, form: StaffErasureForm) -> bool:
        """Do what the page asks; True when the member is gone."""
        user, now = cast(User, request.user), timezone.now()
        if "restrict" in request.POST:
            restrict(member=member, by=user, now=now)
        elif "lift" in request.POST:
            lift_restriction(member=member, by=user, now=now)
        elif form.is_valid():
            erase(member=member, by=user, reason=form.cleaned_data["why"], now=now)
            self.message_user(request, _("Erased. What is left leads to nobody."), messages.SUCCESS)
            return True
        return False

    @admin.action(description=_("Erase the chosen who were proposed"), permissions=["erase"])
    def erase_proposed(self, request: HttpRequest, queryset: QuerySet[Erasure]) -> None:
        done = 0
        for asked in queryset.filter(status=Erasure.Status.PROPOSED).order_by("pk"):
            try:
                erase(member=asked.member, by=cast(User, request.user), reason=str(_("not seen")), now=timezone.now())
                done += 1
            except Refusal as refusal:
                self.message_user(request, f"{asked.member.number}: {refusal}", messages.ERROR)
        self.message_user(request, _("Erased: %(count)s.") % {"count": done})

    @admin.action(description=_("Keep the chosen who were proposed"), permissions=["erase"])
    def keep_proposed(self, request: HttpRequest, queryset: QuerySet[Erasure]) -> None:
        proposed = list(queryset.filter(status=Erasure.Status.PROPOSED).order_by("pk"))
        for asked in proposed:
            dismiss(asked=asked, now=timezone.now())
        self.message_user(request, _("Kept: %(count)s.") % {"count": len(proposed)})

    @display(description=_("status"), label=STATES)
    def state(self, erasure: Erasure) -> tuple[str, str]:
        return erasure.status, erasure.get_status_display()

    @display(description=_("asked by"))
    def asker(self, erasure: Erasure) -> Any:
        if erasure.asked_by is not None:
            return erasure.asked_by.username
        return _("the night") if erasure.due_at is None else _("the member")


@admin.register(PrivacyRule)
class PrivacyRuleDesk(Kept):
    """One row."""

    list_display = ("pk", "waiting_days")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(RetentionRule)
class RetentionRuleDesk(Kept):
    """How long things are kept; the night lets go of what is older."""

    list_display = ("what", "months", "is_on")
    ordering = ("pk",)
    fields = ("what", "months", "is_on")
    readonly_fields = ("what",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("what"))
    def what(self, rule: RetentionRule) -> str:
        return str(KINDS.get(rule.code, rule.code))
