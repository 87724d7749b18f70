"""What every channel is handed, and the two ways in which it says that it could not carry it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass


@dataclass(frozen=True)
class Letter:
    """A message with its words written, ready to be carried."""

    message_id: int
    address: str
    subject: str
    body: str
    unsubscribe: str = ""  # the address of the page that ends such messages; empty for service
    language: str = ""


class TryLater(Exception):
    """This letter was not taken now. With `is_down` the channel takes none at all for the moment."""

    def __init__(self, reason: str, *, is_down: bool = False) -> None:
        super().__init__(reason)
        self.is_down = is_down


class Undeliverable(Exception):
    """This letter will never be taken."""


Deliver = Callable[[Letter], None]  # raises TryLater or Undeliverable
Channel = Callable[[], AbstractContextManager[Deliver]]  # open for one batch of letters
