"""Gathers the rooms' tasks, so that Celery finds them."""

from members.messaging.tasks import send_message, send_messages

__all__ = ["send_message", "send_messages"]
