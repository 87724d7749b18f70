"""Tells Django about this floor."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = _("Members")

    def ready(self) -> None:
        """Rooms register what segments may ask of them."""
        for room in ("profiles", "purchases", "messaging"):
            import_module(f"members.{room}.traits")
