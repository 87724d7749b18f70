"""The roof: settings, addresses, and the pages that show several floors at once."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
