"""The staff's door to messages and their words."""

from typing import Any

from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from members.kit.admin import Kept, Records
from members.messaging.models import Message, Template


@admin.register(Template)
class TemplateDesk(Kept):
    """Saving words makes a new version of them; messages that were sent keep theirs."""

    list_display = ("code", "language", "version", "subject")
    list_filter = ("language", "code")
    fields = ("code", "language", "version", "subject", "body")
    readonly_fields = ("version",)
    ordering = ("code", "language", "-version")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("code", "language", "version") if obj is not None else ("version",)

    def save_model(self, request: HttpRequest, obj: Template, form: Any, change: bool) -> None:
        newest = Template.objects.filter(code=obj.code, language=obj.language).aggregate(n=Max("version"))["n"] or 0
        obj.pk, obj.version = None, newest + 1
        obj.save(force_insert=True)


@admin.register(Message)
class MessageDesk(Records):
    """Every message, and every decision not to send one."""

    store_path = "member__home_store"
    list_display = ("due_at", "template", "channel", "state", "reason")
    list_filter = ("status", "channel", "template")
    list_select_related = ("member",)
    fields = readonly_fields = (
        "member", "template", "template_version", "channel", "purpose", "status", "reason", "due_at", "sent_at", "read_at",
    )  # fmt: skip

    @display(
        description=_("state"),
        label={"sent": "success", "delivered": "success", "failed": "danger", "unknown": "warning"},
    )
    def state(self, message: Message) -> tuple[str, str]:
        return message.status, message.get_status_display()
