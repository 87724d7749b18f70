"""The clock's door: find what happened, and tell the endpoints."""

import time

from celery import shared_task
from django.utils import timezone

from members.webhooks.actions import deliver_due, forget, share, sweep
from members.webhooks.sql import settle_lost

LONGEST_RUN = 50  # seconds; the next beat goes on


@shared_task(name="members.tasks.send_webhooks")
def send_webhooks() -> int:
    """Tell until nothing is due or the time is up; how many calls were made."""
    settle_lost(now=timezone.now())
    sweep()
    share(now=timezone.now())
    started, total = time.monotonic(), 0
    while time.monotonic() - started < LONGEST_RUN:
        called = deliver_due(now=timezone.now())
        total += called
        if not called:
            break
    forget(now=timezone.now())
    return total
