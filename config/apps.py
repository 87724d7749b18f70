"""Tells Django about this floor, and that the admin's site is ours."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Config"


class StaffConfig(admin.AdminConfig):
    """django.contrib.admin, with our site for its own."""

    default = False  # of this module; settings name it
    default_site = "config.admin.StaffSite"
