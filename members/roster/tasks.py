"""The clock's door to files of members: run one, go on with those whose worker is gone, let go of old ones."""

from pathlib import Path

from celery import shared_task
from django.utils import timezone, translation

from members.kit import uploads
from members.roster.actions import RUN_ROSTER, forget, run
from members.roster.models import RosterImport


@shared_task(name=RUN_ROSTER)
def run_roster_import(roster: int) -> None:
    """Go through what is left of a file. Whoever comes second finds it held or finished.

    A database that is away for a moment leaves it as it is, for the sweep; anything else ends it as failed.
    """
    found = RosterImport.objects.select_related("store", "created_by").get(pk=roster)
    if found.status == RosterImport.Status.DRAFT or not uploads.take_lease(work=found, now=timezone.now()):
        return
    with translation.override(found.language), uploads.ended_with_words(found):
        run(roster=found, source=Path(found.file.path))


@shared_task(name="members.tasks.sweep_rosters")
def sweep_rosters() -> None:
    """Send out again what nobody works on, and forget what is old."""
    asked = RosterImport.objects.exclude(file="").exclude(status=RosterImport.Status.DRAFT)
    uploads.sweep(rows=asked, task=RUN_ROSTER, now=timezone.now())
    forget(now=timezone.now())
