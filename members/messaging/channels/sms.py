"""SMS: no provider yet, so nothing is sent; in the demo texts land in its mailbox, where one can read them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.conf import settings

from members.messaging.channels.email import open_email
from members.messaging.channels.letters import Deliver, Letter, Undeliverable

NO_PROVIDER = "no_provider"


@contextmanager
def open_sms() -> Iterator[Deliver]:
    """Texts to phones."""
    if not settings.DEMO:
        yield refuse
        return
    with open_email() as deliver:
        yield lambda letter: deliver(as_mail(letter))


def refuse(letter: Letter) -> None:
    """Nobody carries texts here."""
    raise Undeliverable(NO_PROVIDER)


def as_mail(letter: Letter) -> Letter:
    """A text as the demo's mailbox shows it: the phone stands in the address."""
    return replace(letter, address=f"{letter.address.removeprefix('+')}@sms.localhost", subject="SMS")
