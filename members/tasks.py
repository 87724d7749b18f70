"""Gathers the rooms' tasks, so that Celery finds them."""

from members.extracts.tasks import run_extract, sweep_extracts
from members.messaging.tasks import send_message, send_messages
from members.roster.tasks import run_roster_import, sweep_rosters
from members.webhooks.tasks import send_webhooks

__all__ = [
    "run_extract",
    "run_roster_import",
    "send_message",
    "send_messages",
    "send_webhooks",
    "sweep_extracts",
    "sweep_rosters",
]
