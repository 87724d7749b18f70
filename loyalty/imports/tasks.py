"""The clock's door to imports: run one, and go on with those whose worker is gone."""

from pathlib import Path

from celery import shared_task
from django.utils import timezone

from loyalty.imports.actions import RUN_IMPORT, run_import
from loyalty.imports.models import SaleImport
from members.kit import uploads


@shared_task(name=RUN_IMPORT)
def run_sale_import(import_id: int) -> None:
    """Take in what is left of an uploaded file. Whoever comes second finds it held or finished.

    A database that is away for a moment leaves the import as it is, for the sweep; anything else ends it as failed.
    """
    sale_import = SaleImport.objects.select_related("store").get(pk=import_id)
    if not uploads.take_lease(work=sale_import, now=timezone.now()):
        return
    with uploads.ended_with_words(sale_import):
        run_import(sale_import=sale_import, source=Path(sale_import.file.path))


@shared_task(name="loyalty.tasks.sweep_sale_imports")
def sweep_sale_imports() -> None:
    """Send out again what nobody works on: the worker died, or the broker was away when the file came."""
    uploads.sweep(rows=SaleImport.objects.exclude(file=""), task=RUN_IMPORT, now=timezone.now())
