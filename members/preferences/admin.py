"""The staff's door to consents: what was said, and the page where a yes given at the counter is written down."""

import secrets
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from members.consents.actions import Said, needs_guardian, speak_for
from members.consents.models import Channel, Consent, ConsentChange, Guardian, OptIn
from members.consents.rules import LONGEST_PROOF
from members.kit.admin import Records
from members.kit.names import named
from members.kit.refusals import Refusal
from members.preferences.actions import answer
from members.preferences.forms import NAMES, AnswersForm
from members.profiles.admin import OfMemberMixin
from members.profiles.models import Member
from members.profiles.rules import LONGEST_NAME
from members.stores.actions import stores_of
from members.stores.models import Store, User

RECORDS = "members.add_consentchange"


class StoreField(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django has no classes with brackets
    """Stores by the name that the reader reads."""

    def label_from_instance(self, obj: Any) -> str:
        return named(obj)


class CounterForm(AnswersForm):
    """What the member says at the counter, and what there is to show for it."""

    store = StoreField(label=_("store"), queryset=Store.objects.none(), required=False)
    proof = forms.CharField(
        label=_("shown by"),
        max_length=LONGEST_PROOF,
        required=False,
        help_text=_("Needed for every yes: where the signed slip lies, or its number."),
    )
    guardian = forms.CharField(label=_("parent or guardian"), max_length=LONGEST_NAME, required=False)

    def __init__(self, *args: Any, member: Member, user: User, **kwargs: Any) -> None:
        super().__init__(*args, member=member, with_profiling=True, **kwargs)
        stores = stores_of(user).order_by("code")
        cast(Any, self.fields["store"]).queryset = stores
        found = list(stores[:2])
        self.initial["store"] = found[0] if len(found) == 1 else None
        if not needs_guardian(member, timezone.now()):
            del self.fields["guardian"]


@admin.register(ConsentChange)
class ConsentChangeDesk(OfMemberMixin, Records):
    """Every yes and no, with its proof. Nobody changes them."""

    nothing_yet = _("Every yes and no of a member is kept here, with its proof.")
    store_path = "member__home_store"
    list_display = ("happened_at", "member_shown", "what", "answer", "source", "version")
    list_filter = ("purpose", "channel", "is_given", "source")
    list_select_related = ("member", "wording")
    fields = readonly_fields = (
        "member_link", "what", "answer", "happened_at", "source", "by", "where", "proof", "guardian", "version",
        "words", "language",
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.at_the_counter)
        return [path("of/<int:whose>/", view, name="consents_of"), *super().get_urls()]

    def at_the_counter(self, request: HttpRequest, whose: int) -> HttpResponse:
        """Where a member stands, and a form for what they say now. A refusal shows beside it."""
        user = cast(User, request.user)
        if not user.has_perm("members.view_consentchange"):
            raise PermissionDenied
        member = Member.objects.visible_to(user).filter(pk=whose).first()
        if member is None:
            raise Http404
        form = CounterForm(request.POST or None, member=member, user=user)
        if request.method == "POST":
            if not user.has_perm(RECORDS):
                raise PermissionDenied
            if form.is_valid() and self.write_down(request, member, form):
                return redirect("admin:consents_of", member.pk)
        context = {**self.admin_site.each_context(request), **shown(member, form), "opts": self.model._meta}
        return render(request, "admin/consents_of.html", context | {"may_write": user.has_perm(RECORDS)})

    def write_down(self, request: HttpRequest, member: Member, form: CounterForm) -> bool:
        """Call the verbs; False when they refuse."""
        user, now = cast(User, request.user), timezone.now()
        said = form.cleaned_data
        how = Said(
            source=ConsentChange.Source.STAFF,
            language=member.language,
            by=user,
            store=said["store"],
            proof=said["proof"],
        )
        try:
            with transaction.atomic():
                if said.get("guardian"):
                    speak_for(member=member, name=said["guardian"], proof=said["proof"], by=user, now=now)
                made = answer(member=member, wanted=form.wanted, said=how, key=f"staff:{secrets.token_hex(8)}", now=now)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            return False
        if made.link:
            self.message_user(request, _("The member gets a mail with a link; e-mail begins once they open it."))
        self.message_user(request, _("Written down: %(count)s changes.") % {"count": made.changed}, messages.SUCCESS)
        return True

    @display(description=_("about"))
    def what(self, change: ConsentChange) -> str:
        return about(change)

    @display(description=_("answer"), label={"yes": "success", "no": "danger"})
    def answer(self, change: ConsentChange) -> tuple[str, Any]:
        return ("yes", _("yes")) if change.is_given else ("no", _("no"))

    @display(description=_("wording"))
    def version(self, change: ConsentChange) -> str:
        return f"v{change.wording.version}" if change.wording else "—"

    @display(description=_("words"))
    def words(self, change: ConsentChange) -> str:
        if change.wording is None:
            return "—"
        return change.wording.text_en if change.language == "en" else change.wording.text_zh

    @display(description=_("written by"))
    def by(self, change: ConsentChange) -> str:
        return change.recorded_by.username if change.recorded_by else "—"

    @display(description=_("store"))
    def where(self, change: ConsentChange) -> str:
        return named(change.store) or "—"


def about(row: Any) -> str:
    """A purpose and channel in words."""
    name = str(NAMES[row.purpose])
    return f"{name} · {Channel(row.channel).label}" if row.channel else name


def shown(member: Member, form: CounterForm) -> dict[str, Any]:
    """What the page shows beside the form."""
    own_no = Consent.objects.of(member).filter(is_given=False, is_own=True)
    changes = ConsentChange.objects.of_family(member).newest_first().select_related("wording", "recorded_by", "store")
    waiting = OptIn.objects.filter(member=member, used_at=None, expires_at__gt=timezone.now())
    return {
        "title": _("Consents"),
        "member": member,
        "form": form,
        "own_no": [about(each) for each in own_no.order_by("purpose", "channel")],
        "changes": [(about(each), each) for each in changes[:50]],
        "waits": waiting.exists(),
        "guardian": Guardian.objects.filter(member=member).first(),
        "is_child": needs_guardian(member, timezone.now()),
    }
