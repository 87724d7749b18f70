"""Tells Django about this floor."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoyaltyConfig(AppConfig):
    name = "loyalty"
    verbose_name = _("Points and tiers")

    def ready(self) -> None:
        """Rooms above register what those below show, and what segments may ask."""
        for room in ("returns", "tiers", "ledger", "rulebook", "promotions", "earning", "benefits", "merging"):
            import_module(f"loyalty.{room}.panels")
        for room in ("ledger", "tiers", "households", "gifts", "earning", "promotions", "holds"):
            import_module(f"loyalty.{room}.traits")
