"""The clock's door: send what is due, and settle what a lost worker left behind."""

import time

from celery import shared_task
from django.utils import timezone

from members.messaging.actions import send_due, settle_lost

LONGEST_RUN = 50  # seconds; the next tick goes on


@shared_task(name="members.tasks.send_messages")
def send_messages() -> int:
    """Send until nothing is due or the time is up; how many messages were dealt with."""
    settle_lost(now=timezone.now())
    started, total = time.monotonic(), 0
    while time.monotonic() - started < LONGEST_RUN:
        sent = send_due(now=timezone.now())
        total += sent
        if not sent:
            break
    return total


@shared_task(name="members.tasks.send_message")
def send_message(message_id: int) -> int:
    """Send this one, ahead of the others; 0 when it is not due or somebody has it."""
    return send_due(now=timezone.now(), only=message_id)
