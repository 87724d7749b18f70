"""The staff's door to topics, and to how often and when the shop writes."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from members.contact.models import ContactRule, Topic
from members.kit.admin import Kept


@admin.register(Topic)
class TopicDesk(Kept):
    nothing_yet = _("Topics let members say what they want to hear about. Add the first one.")
    list_display = ("code", "name_zh", "name_en", "position", "is_on")
    ordering = ("position", "code")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The code stands: members chose it."""
        return ("code",) if obj is not None else ()


@admin.register(ContactRule)
class ContactRuleDesk(Kept):
    """One row a purpose. Empty means no limit."""

    list_display = ("purpose", "most_a_day", "most_a_week", "most_a_month", "quiet", "inbox_unasked")
    ordering = ("pk",)
    fields = ("purpose", ("most_a_day", "most_a_week", "most_a_month"), ("quiet_from", "quiet_until"), "inbox_unasked")
    readonly_fields = ("purpose",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("quiet hours"))
    def quiet(self, rule: ContactRule) -> str:
        if rule.quiet_from is None or rule.quiet_until is None:
            return "—"
        return f"{rule.quiet_from:%H:%M}–{rule.quiet_until:%H:%M}"
