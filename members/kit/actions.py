"""Verbs of the machinery: answer a repeat as the first time, claim a clock's tick, share out a night's work."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from members.kit.models import Chunk
from members.kit.refusals import Refusal
from members.kit.sql import complete_answer, insert_answer, insert_tick, select_answer


class KeyReused(Refusal):
    """The key was used before, with other content."""

    code = "key_reused"
    sentence = _("This key was used before with other content. Use a new key for each new request.")


@dataclass(frozen=True)
class Answer:
    """What a caller is told, and whether it was told before."""

    status: int
    body: dict[str, Any]
    replayed: bool


def answer_once(
    *,
    scope: str,
    key: str,
    asked: Mapping[str, Any] | Sequence[Any] | bytes,
    answer: Callable[[], tuple[int, dict[str, Any]]],
) -> Answer:
    """Answer a caller's key once; the same key and content gets the same answer, other content KeyReused.

    `answer` runs inside the transaction that keeps its status and body: both are there afterwards, or neither is.
    Whatever it raises rolls everything back, so a refusal is not kept and the key may be tried again. A request
    that comes while the same key is being answered waits for it.
    """
    digest = digest_of(asked)
    with transaction.atomic():
        answer_id = insert_answer(scope, key, digest)
        if answer_id is None:
            return repeat(scope, key, digest)
        status, body = answer()
        return Answer(status=status, body=complete_answer(answer_id, status, body), replayed=False)


def repeat(scope: str, key: str, digest: str) -> Answer:
    """The kept answer. Raises KeyReused when it was to another question."""
    kept, status, body = select_answer(scope, key)
    if not compare_digest(kept, digest):
        raise KeyReused
    return Answer(status=status, body=body, replayed=True)


def digest_of(asked: Mapping[str, Any] | Sequence[Any] | bytes) -> str:
    """SHA-256 of what was asked; for JSON neither the order of keys nor white space counts."""
    if not isinstance(asked, bytes):
        asked = json.dumps(
            asked, cls=DjangoJSONEncoder, sort_keys=True, separators=(",", ":"), ensure_ascii=True
        ).encode()
    return sha256(asked).hexdigest()


def claim_tick(*, name: str, slot: str) -> bool:
    """Take a due moment of a clock; False when another beat has it.

    Plan the work in the same transaction, so that a tick is not lost when its beat dies in between.
    """
    return insert_tick(name, slot)


def plan_chunks(*, name: str, slot: str, as_of: datetime, ranges: Iterable[tuple[int, int]]) -> list[int]:
    """Write down the work of one slot as id ranges, all or none; the ids of those chunks that are unfinished.

    A second plan of the same slot adds nothing: the first one stands, also when there are more rows by now.
    """
    with transaction.atomic():
        if not Chunk.objects.filter(name=name, slot=slot).exists():
            chunks = (Chunk(name=name, slot=slot, first_id=first, last_id=last, as_of=as_of) for first, last in ranges)
            Chunk.objects.bulk_create(chunks, ignore_conflicts=True, batch_size=1_000)
    planned = Chunk.objects.unfinished().filter(name=name, slot=slot).order_by("first_id")
    return list(planned.values_list("pk", flat=True))


def claim_chunk(*, chunk_id: int, now: datetime, lease: timedelta) -> Chunk | None:
    """Hold a chunk until the lease runs out; None when it is finished or somebody else holds it."""
    free = Chunk.objects.overdue(now).filter(pk=chunk_id)
    if not free.update(leased_until=now + lease, attempts=F("attempts") + 1):
        return None
    return Chunk.objects.get(pk=chunk_id)


def finish_chunk(*, chunk: Chunk, now: datetime, outcome: Mapping[str, Any]) -> bool:
    """Mark the chunk done; False, and nothing changed, when its lease had run out and another worker took it."""
    ours = Chunk.objects.unfinished().filter(pk=chunk.pk, leased_until=chunk.leased_until)
    return bool(ours.update(finished_at=now, leased_until=None, outcome=dict(outcome)))
