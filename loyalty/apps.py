"""Tells Django about this floor."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoyaltyConfig(AppConfig):
    name = "loyalty"
    verbose_name = _("Points and tiers")

    def ready(self) -> None:
        """Rooms above register what those below show."""
        import_module("loyalty.returns.panels")
        import_module("loyalty.tiers.panels")
        import_module("loyalty.ledger.panels")
        import_module("loyalty.earning.panels")
        import_module("loyalty.benefits.panels")
        import_module("loyalty.merging.panels")
        for room in ("ledger", "tiers", "households", "gifts", "earning", "promotions", "holds"):
            import_module(f"loyalty.{room}.traits")
