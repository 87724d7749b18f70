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
        import_module("loyalty.dossier.panels")
