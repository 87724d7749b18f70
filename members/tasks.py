"""Gathers the rooms' tasks, so that Celery finds them."""

from members.messaging.tasks import send_message, send_messages
from members.webhooks.tasks import send_webhooks

__all__ = ["send_message", "send_messages", "send_webhooks"]
