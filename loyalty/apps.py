"""Tells Django about this floor."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoyaltyConfig(AppConfig):
    name = "loyalty"
    verbose_name = _("Points and tiers")

    def ready(self) -> None:
        """Rooms above register what those below show, what segments may ask, and what they hold about members."""
        shows = (
            "returns",
            "tiers",
            "ledger",
            "rulebook",
            "promotions",
            "earning",
            "benefits",
            "treats",
            "merging",
            "dossier",
        )
        for room in shows:
            import_module(f"loyalty.{room}.panels")
        for room in ("ledger", "tiers", "households", "gifts", "earning", "promotions", "holds"):
            import_module(f"loyalty.{room}.traits")
