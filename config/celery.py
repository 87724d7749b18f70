"""The Celery application: tasks carry ids only, the truth and the schedule stand in the database."""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app: Any = Celery("regulars")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "tick": {"task": "loyalty.tasks.tick", "schedule": 60.0},
    "send messages": {"task": "members.tasks.send_messages", "schedule": 5.0},
    "sweep lists as files": {"task": "members.tasks.sweep_extracts", "schedule": 60.0},
    "sweep files of members": {"task": "members.tasks.sweep_rosters", "schedule": 60.0},
    "send webhooks": {"task": "members.tasks.send_webhooks", "schedule": 10.0},
}
