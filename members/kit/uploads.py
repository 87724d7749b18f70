"""Files that a worker goes through, chunk by chunk: kept under no name of the sender's, leased, cancelled, swept up.

The rows that stand for them have `status`, `message`, `leased_until` and `finished_at`.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, BinaryIO
from uuid import uuid4

from celery import current_app
from django import forms
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import InterfaceError, OperationalError
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from kombu.exceptions import OperationalError as BrokerGone

from members.kit.refusals import Refusal
from members.kit.tables import BLOCK, plain

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)  # a chunk takes seconds; what a dead worker left goes on elsewhere after this
SWEPT_AT_ONCE = 100


def hand_out(*, task: str, work: int) -> None:
    """Tell a worker; without a broker it waits for the sweep."""
    try:
        current_app.send_task(task, args=[work], ignore_result=True)
    except BrokerGone as error:
        logger.warning("%s of %s waits for the sweep: %s", task, work, type(error).__name__)


def unheld(rows: QuerySet[Any], now: datetime) -> QuerySet[Any]:
    """Those of them that nobody works on."""
    return rows.filter(Q(leased_until=None) | Q(leased_until__lt=now), finished_at=None)


def take_lease(*, work: Model, now: datetime) -> bool:
    """Whether this process may go on with it: nobody else does, or whoever did is gone."""
    free = unheld(type(work)._default_manager.filter(pk=work.pk), now)
    return bool(free.update(leased_until=now + LEASE, status="running"))


def close(*, work: Model, status: str, message: str = "", **more: Any) -> None:
    """It is over, and how it ended."""
    type(work)._default_manager.filter(pk=work.pk).update(
        status=status, message=message[:300], finished_at=timezone.now(), leased_until=None, **more
    )
    work.refresh_from_db()


def cancel(*, work: Model) -> bool:
    """Stop it after the chunk at hand; what was done stands. False when it was over already."""
    going_on = type(work)._default_manager.filter(pk=work.pk, finished_at=None)
    return bool(going_on.update(status="cancelled", finished_at=timezone.now()))


def sweep(*, rows: QuerySet[Any], task: str, now: datetime) -> None:
    """Send out again what nobody works on: the worker died, or the broker was away."""
    for work in unheld(rows, now).order_by("pk").values_list("pk", flat=True)[:SWEPT_AT_ONCE]:
        hand_out(task=task, work=work)


def unpacks_to_more(raw: BinaryIO, most: int) -> bool:
    """Whether the file, unpacked, is larger than we take; what cannot be unpacked is refused later, with words."""
    size = 0
    try:
        with plain(raw) as stream:
            while block := stream.read(BLOCK):
                size += len(block)
                if size > most:
                    return True
    except (OSError, EOFError):
        return False
    return False


@contextmanager
def kept(upload: "UploadedFile[Any]") -> Iterator[str]:
    """The upload's name in our storage, under no name of the sender's. A refusal removes it again."""
    name = default_storage.save(f"imports/{uuid4().hex}", upload)
    try:
        yield name
    except Refusal as refusal:
        default_storage.delete(name)
        raise forms.ValidationError(str(refusal), code=refusal.code) from None


@contextmanager
def ended_with_words(work: Model) -> Iterator[None]:
    """What breaks off the work ends it as failed, with words; a database that is away leaves it to the sweep."""
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except Refusal as refusal:
        close(work=work, status="failed", message=str(refusal))
    except FileNotFoundError:
        close(work=work, status="failed", message=gettext("The file is not there any more."))
    except Exception:
        words = gettext("Something broke on our side. What was written stands; begin again to go on.")
        close(work=work, status="failed", message=words)
        raise
