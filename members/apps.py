"""Tells Django about this floor."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = _("Members")

    def ready(self) -> None:
        """Rooms say what they show in a member's time, what matters at the counter, and what segments may ask."""
        for drawer in ("timeline.panels", "messaging.panels", "counter.panels", "webhooks.panels"):
            import_module(f"members.{drawer}")
        for room in ("profiles", "purchases", "messaging"):
            import_module(f"members.{room}.traits")
