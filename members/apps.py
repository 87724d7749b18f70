"""Tells Django about this floor."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = _("Members")

    def ready(self) -> None:
        """Rooms say what they show in a member's time and at the counter, what segments may ask, what they hold."""
        shows = (
            "addresses", "advisers", "tags", "timeline", "messaging", "counter", "completeness", "webhooks",
            "preferences", "privacy",
        )  # fmt: skip
        for drawer in (f"{room}.panels" for room in shows):
            import_module(f"members.{drawer}")
        for room in (
            "profiles", "people", "addresses", "advisers", "photos", "tags", "origins", "consents", "purchases",
            "scores", "messaging", "completeness",
        ):  # fmt: skip
            import_module(f"members.{room}.traits")
