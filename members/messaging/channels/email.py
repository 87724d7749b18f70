"""E-mail through Django's backend: one connection a batch, and a Message-ID by which a repeat is known."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import parseaddr
from functools import partial
from smtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
)

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext as _
from django.utils.translation import override

from members.messaging.channels.letters import Deliver, Letter, TryLater, Undeliverable

PERMANENT = 500  # SMTP replies from here on say never, those below say not now (RFC 5321, 4.2.1)


@contextmanager
def open_email() -> Iterator[Deliver]:
    """Letters go over one connection, opened with the first."""
    connection = get_connection()
    try:
        yield partial(deliver, connection)
    finally:
        hang_up(connection)


def deliver(connection: BaseEmailBackend, letter: Letter) -> None:
    """Hand the letter to the mail server. Raises TryLater or Undeliverable."""
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        raise TryLater(reason_of(error), is_down=True) from error
    try:
        mail_of(letter, connection).send()
    except SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise verdict(code, f"{code} {text_of(said)}") from error
    except SMTPDataError as error:
        raise verdict(error.smtp_code, reason_of(error)) from error
    except (SMTPNotSupportedError, ValueError) as error:  # an address or words that e-mail cannot carry
        raise Undeliverable(reason_of(error)) from error
    except (OSError, SMTPException) as error:
        hang_up(connection)
        raise TryLater(reason_of(error), is_down=isinstance(error, SMTPAuthenticationError)) from error


def mail_of(letter: Letter, connection: BaseEmailBackend) -> EmailMessage:
    """The letter as a mail; sent again it has the same Message-ID."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    headers = {"Message-ID": f"<message-{letter.message_id}@{domain}>"}
    if letter.unsubscribe:  # one click in the mail program ends it (RFC 8058)
        headers["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return EmailMessage(
        subject=letter.subject,
        body=with_way_out(letter),
        to=[letter.address],
        headers=headers,
        connection=connection,
    )


def with_way_out(letter: Letter) -> str:
    """The body, and below it how to have no more of it, in the member's language."""
    if not letter.unsubscribe:
        return letter.body
    with override(letter.language or settings.LANGUAGE_CODE):
        words = _("No more messages like this:")
    return f"{letter.body}\n\n-- \n{words} {letter.unsubscribe}"


def verdict(code: int, reason: str) -> TryLater | Undeliverable:
    """What a reply to this one letter means."""
    return Undeliverable(reason) if code >= PERMANENT else TryLater(reason)


def reason_of(error: Exception) -> str:
    code = getattr(error, "smtp_code", None)
    said = getattr(error, "smtp_error", b"")
    return f"{code} {text_of(said)}" if code else f"{type(error).__name__}: {error}"


def text_of(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def hang_up(connection: BaseEmailBackend) -> None:
    """Close; what a broken connection says to that is of no interest."""
    with suppress(OSError, SMTPException):
        connection.close()
