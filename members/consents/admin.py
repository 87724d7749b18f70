"""The staff's door to the words that members agree to."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from members.consents.actions import write_wording
from members.consents.models import Wording
from members.kit.admin import Kept


@admin.register(Wording)
class WordingDesk(Kept):
    """Saving words makes a new version; who agreed to an old one agreed to that."""

    list_display = ("purpose", "version", "begins", "written_at")
    list_filter = ("purpose",)
    ordering = ("purpose", "-version")
    fields = ("purpose", "version", "text_zh", "text_en", "written_at")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is not None else ("purpose", "text_zh", "text_en")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("purpose", "version", "written_at") if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Wording, form: Any, change: bool) -> None:
        by: Any = request.user
        made = write_wording(purpose=obj.purpose, text_zh=obj.text_zh, text_en=obj.text_en, by=by, now=timezone.now())
        obj.pk, obj.version = made.pk, made.version

    @display(description=_("words"))
    def begins(self, wording: Wording) -> str:
        return wording.text_zh[:40]
