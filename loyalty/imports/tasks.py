"""The clock's door to imports: run one, and go on with those whose worker is gone."""

from pathlib import Path

from celery import shared_task
from django.db import InterfaceError, OperationalError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty.imports.actions import RUN_IMPORT, finish, hand_out, run_import, take_lease
from loyalty.imports.models import SaleImport
from members.kit.refusals import Refusal


@shared_task(name=RUN_IMPORT)
def run_sale_import(import_id: int) -> None:
    """Take in what is left of an uploaded file. Whoever comes second finds it held or finished.

    A database that is away for a moment leaves the import as it is, for the sweep; anything else ends it as failed.
    """
    sale_import = SaleImport.objects.select_related("store").get(pk=import_id)
    if not take_lease(sale_import=sale_import, now=timezone.now()):
        return
    try:
        run_import(sale_import=sale_import, source=Path(sale_import.file.path))
    except (OperationalError, InterfaceError):
        raise
    except Refusal as refusal:
        finish(sale_import=sale_import, status=SaleImport.Status.FAILED, message=str(refusal))
    except FileNotFoundError:
        finish(sale_import=sale_import, status=SaleImport.Status.FAILED, message=_("The file is not there any more."))
    except Exception:
        words = _("Something broke on our side. The rows that were taken in stand; import the file again to go on.")
        finish(sale_import=sale_import, status=SaleImport.Status.FAILED, message=words)
        raise


@shared_task(name="loyalty.tasks.sweep_sale_imports")
def sweep_sale_imports() -> None:
    """Send out again what nobody works on: the worker died, or the broker was away when the file came."""
    free = Q(leased_until=None) | Q(leased_until__lt=timezone.now())
    uploaded = SaleImport.objects.filter(free, finished_at=None).exclude(file="")
    for import_id in uploaded.order_by("pk").values_list("pk", flat=True)[:100]:
        hand_out(import_id=import_id)
