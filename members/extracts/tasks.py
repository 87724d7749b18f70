"""The clock's door to lists as files: write one, go on with those whose worker is gone, remove old ones."""

from celery import shared_task
from django.utils import timezone, translation

from members.extracts.actions import RUN_EXTRACT, forget, write_now
from members.extracts.models import Extract
from members.kit import uploads


@shared_task(name=RUN_EXTRACT)
def run_extract(extract: int) -> None:
    """Write a list. Whoever comes second finds it held or finished."""
    found = Extract.objects.select_related("created_by").get(pk=extract)
    if uploads.take_lease(work=found, now=timezone.now()):
        with translation.override(found.language), uploads.ended_with_words(found):
            write_now(extract=found)


@shared_task(name="members.tasks.sweep_extracts")
def sweep_extracts() -> None:
    """Send out again what nobody works on, and remove what is old."""
    uploads.sweep(rows=Extract.objects.all(), task=RUN_EXTRACT, now=timezone.now())
    forget(now=timezone.now())
