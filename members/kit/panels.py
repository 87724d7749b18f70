"""What a dashboard shows of the last night's work."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q

from members.kit.models import Chunk


@dataclass(frozen=True)
class Night:
    """One night: how much of its work is done, and when it ended (None while it goes on)."""

    slot: str
    chunks: int
    finished: int
    finished_at: datetime | None

    @property
    def is_over(self) -> bool:
        return self.chunks == self.finished


def last_night() -> Night | None:
    """The night whose work was planned last; None before the first."""
    newest = Chunk.objects.exclude(slot__contains=":").order_by("-pk").first()  # "whatif:7" is asked for by day
    if newest is None:
        return None
    found = Chunk.objects.filter(slot=newest.slot).aggregate(
        chunks=Count("pk"), finished=Count("pk", filter=Q(finished_at__isnull=False)), ended=Max("finished_at")
    )
    return Night(newest.slot, found["chunks"], found["finished"], found["ended"])
