"""The portal's inbox: the row is the message, so there is nothing to carry."""

from collections.abc import Iterator
from contextlib import contextmanager

from members.messaging.channels.letters import Deliver, Letter


@contextmanager
def open_inbox() -> Iterator[Deliver]:
    """For messages that were queued for a later moment; those of this moment are delivered as they are written."""
    yield stay


def stay(letter: Letter) -> None:
    """It is there already."""
