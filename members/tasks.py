"""Gathers the rooms' tasks, so that Celery finds them."""

from members.messaging.tasks import send_message, send_messages
from members.roster.tasks import run_roster_import, sweep_rosters

__all__ = ["run_roster_import", "send_message", "send_messages", "sweep_rosters"]
