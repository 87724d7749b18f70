"""The staff's door to webhooks: endpoints, and what became of everything they were told."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from members.kit.admin import Kept, Records
from members.kit.refusals import Refusal
from members.webhooks.actions import (
    check_endpoint,
    keep_endpoint,
    replace_secret,
    send_again,
    send_failed_again,
    try_endpoint,
)
from members.webhooks.models import Delivery, Endpoint
from members.webhooks.rules import HAPPENINGS, PING, PROBLEMS, choices

LATELY = timedelta(days=7)


def why(delivery: Delivery) -> str:
    """Why nothing was answered, in words."""
    return str(PROBLEMS.get(delivery.problem, delivery.problem)) or "—"


class EndpointForm(forms.ModelForm[Endpoint]):
    """An endpoint, checked as the verb checks it."""

    events = forms.MultipleChoiceField(
        label=_("What it is told"), choices=choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = Endpoint
        fields = ("name", "address", "events", "has_contacts", "is_on")

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        try:
            check_endpoint(address=address, events=[])
        except Refusal as refusal:
            raise forms.ValidationError(str(refusal), code=refusal.code) from refusal
        return address


@admin.register(Endpoint)
class EndpointDesk(Kept):
    """A secret is shown once, when it is made."""

    nothing_yet = _("Let another system of yours hear at once when members join, points move or tiers change.")
    form = EndpointForm
    list_display = ("name", "host", "told", "state", "failing_since")
    ordering = ("name", "pk")
    fields = ("name", "address", "events", "has_contacts", "is_on")
    actions = ("send_test", "make_secret", "send_failed")

    @display(description=_("address"))
    def host(self, endpoint: Endpoint) -> str:
        return urlsplit(endpoint.address).hostname or ""

    @display(description=_("what it is told"))
    def told(self, endpoint: Endpoint) -> str:
        return ", ".join(str(HAPPENINGS[code].title) for code in endpoint.events if code in HAPPENINGS)

    @display(description=_("state"), label={"on": "success", "off": "info", "broken": "danger"})
    def state(self, endpoint: Endpoint) -> tuple[str, Any]:
        if endpoint.off_reason:
            return "broken", endpoint.get_off_reason_display()
        return ("on", _("on")) if endpoint.is_on else ("off", _("off"))

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        secret = keep_endpoint(endpoint=obj)
        if secret:
            self.show(request, secret)

    def show(self, request: HttpRequest, secret: str) -> None:
        words = _("The secret by which it checks our signature, shown this once: %(secret)s")
        self.message_user(request, words % {"secret": secret}, messages.WARNING)

    @admin.action(description=_("Send a test"), permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset[:5]:
            delivery = try_endpoint(endpoint=endpoint, now=timezone.now())
            said = {
                "name": endpoint.name,
                "answer": delivery.answered,
                "problem": PROBLEMS.get(delivery.problem, delivery.problem),
            }
            if delivery.status == Delivery.Status.DELIVERED:
                self.message_user(request, _("%(name)s took the test: %(answer)s.") % said, messages.SUCCESS)
            elif delivery.answered:
                self.message_user(request, _("%(name)s did not take the test: %(answer)s.") % said, messages.ERROR)
            else:
                self.message_user(request, _("%(name)s was not reached: %(problem)s.") % said, messages.ERROR)

    @admin.action(description=_("Make a new secret; the former one signs beside it for a day"), permissions=["change"])
    def make_secret(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        if len(queryset) != 1:
            self.message_user(request, _("Choose one endpoint."), messages.ERROR)
            return
        self.show(request, replace_secret(endpoint=queryset[0], now=timezone.now()))

    @admin.action(description=_("Send again what failed in the last 7 days"), permissions=["change"])
    def send_failed(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        now = timezone.now()
        count = sum(send_failed_again(endpoint=each, since=now - LATELY, now=now) for each in queryset)
        self.message_user(request, _("%(count)s will be sent again.") % {"count": count})


@admin.register(Delivery)
class DeliveryDesk(Records):
    """Everything that endpoints were told, and what they answered."""

    nothing_yet = _("What endpoints are told is listed here, with their answers. Add an endpoint first.")
    list_display = ("due_at", "endpoint_name", "what", "state", "attempts", "answered", "why")
    list_filter = ("status", "endpoint")
    list_select_related = ("endpoint", "occurrence")
    fields = readonly_fields = (
        "endpoint_name", "what", "identifier", "member_link", "facts", "status", "attempts", "due_at", "tried_at",
        "answered", "answer", "why",
    )  # fmt: skip
    actions = ("again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        rows: QuerySet[Delivery] = super().get_queryset(request)
        return rows.select_related("endpoint", "occurrence__member")

    def has_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("members.change_endpoint")

    @display(description=_("endpoint"))
    def endpoint_name(self, delivery: Delivery) -> str:
        return delivery.endpoint.name

    @display(description=_("what happened"))
    def what(self, delivery: Delivery) -> str:
        code = delivery.occurrence.code
        return str(_("a test") if code == PING else HAPPENINGS[code].title if code in HAPPENINGS else code)

    @display(description="webhook-id")
    def identifier(self, delivery: Delivery) -> str:
        return delivery.occurrence.identifier

    @display(description=_("member"))
    def member_link(self, delivery: Delivery) -> str:
        member = delivery.occurrence.member
        if member is None:
            return "—"
        address = reverse("admin:members_member_change", args=[member.pk])
        return format_html('<a href="{}">{}</a>', address, member.number)

    @display(description=_("facts"))
    def facts(self, delivery: Delivery) -> str:
        facts = delivery.occurrence.facts.items()
        return ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in sorted(facts)) or "—"

    @display(description=_("problem"))
    def why(self, delivery: Delivery) -> str:
        return why(delivery)

    @display(
        description=_("state"),
        label={"queued": "info", "sending": "info", "delivered": "success", "failed": "danger"},
    )
    def state(self, delivery: Delivery) -> tuple[str, Any]:
        return delivery.status, delivery.get_status_display()

    @admin.action(description=_("Send the chosen ones again"), permissions=["again"])
    def again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        sent = 0
        for delivery in queryset:
            try:
                send_again(delivery=delivery, now=timezone.now())
                sent += 1
            except Refusal as refusal:
                self.message_user(request, str(refusal), messages.WARNING)
        self.message_user(request, _("%(count)s will be sent again.") % {"count": sent})
