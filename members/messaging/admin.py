"""The staff's door to messages and their words."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from members.kit.admin import Kept, Records
from members.messaging.models import Message, Template
from members.profiles.admin import OfMemberMixin

REASONS = {
    "no_consent": _("no consent"),
    "guardian": _("a child without a guardian's consent"),
    "paused": _("the member wants a pause"),
    "topic": _("a topic that the member does not want"),
    "frequency": _("enough was said lately"),
    "quiet_hours": _("waits for the end of quiet hours"),
    "restricted": _("the member's data are not to be used"),
    "erased": _("the member was erased"),
    "forgotten": _("its words are no longer kept"),
    "merged": _("said to whom they were merged into"),
    "too_late": _("it was too late"),
    "no_provider": _("nobody carries it"),
    "worker_lost": _("its worker was lost while sending"),
}


@admin.register(Template)
class TemplateDesk(Kept):
    """Saving words makes a new version of them; messages that were sent keep theirs."""

    list_display = ("code", "language", "version", "subject")
    list_filter = ("language", "code")
    fields = ("code", "language", "version", "subject", "body")
    ordering = ("code", "language", "-version")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is not None else ("code", "language", "subject", "body")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("code", "language", "version") if obj is not None else ()

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Template, form: Any, change: bool) -> None:
        same = Template.objects.select_for_update().filter(code=obj.code, language=obj.language)
        list(same)
        obj.pk, obj.version = None, (same.aggregate(newest=Max("version"))["newest"] or 0) + 1
        obj.save(force_insert=True)


class TemplateFilter(admin.SimpleListFilter):
    """Template codes, read from the templates: the messages are too many to ask."""

    title = _("template")
    parameter_name = "template"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = Template.objects.order_by("code").values_list("code", flat=True).distinct()
        return [(code, code) for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        return queryset.filter(template=self.value()) if self.value() else queryset


@admin.register(Message)
class MessageDesk(OfMemberMixin, Records):
    """Every message, and every decision not to send one."""

    nothing_yet = _("Every message, and every decision not to send one, is listed here with its reason.")
    store_path = "member__home_store"
    list_display = ("due_at", "member_shown", "template", "channel", "state", "why")
    list_filter = ("status", "channel", TemplateFilter)
    list_select_related = ("member",)
    fields = readonly_fields = (
        "member_link", "template", "template_version", "channel", "purpose", "topic", "status", "why", "due_at",
        "sent_at", "read_at",
    )  # fmt: skip

    @display(
        description=_("state"),
        label={
            "sent": "success", "delivered": "success", "failed": "danger", "unknown": "warning", "queued": "info",
            "sending": "info", "suppressed": "warning",
        },
    )  # fmt: skip
    def state(self, message: Message) -> tuple[str, str]:
        return message.status, message.get_status_display()

    @display(description=_("reason"))
    def why(self, message: Message) -> str:
        return str(REASONS.get(message.reason, message.reason)) or "—"
