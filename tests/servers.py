"""A pytest plugin (`-p tests.servers`): PostgreSQL and Valkey before Django reads its settings, and a mail server.

The run's controller starts them, in a directory that is thrown away; workers of pytest-xdist inherit the addresses,
get a database each from pytest-django, and a Valkey database each from here.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Generator, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from config.embedded import throwaway
from config.engines import free_port
from config.lodging import CannotStart


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Fill the environment before pytest-django, which loads the settings in this same hook, gets its turn."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        address = urlsplit(os.environ["REDIS_URL"])
        os.environ["REDIS_URL"] = address._replace(path=f"/{int(worker.removeprefix('gw')) + 1}").geturl()
    else:
        stack = contextlib.ExitStack()
        early_config.add_cleanup(stack.close)
        start(stack)
    return (yield)


def start(stack: contextlib.ExitStack) -> None:
    """Start what the environment does not name, and keep files of the run apart from those of the demo."""
    files = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="regulars-files-")))
    (files / "static").mkdir()  # WhiteNoise warns when it is missing
    os.environ["REGULARS_RUN_DIR"] = str(files)
    try:
        os.environ.update(stack.enter_context(throwaway()).environment)
    except CannotStart as reason:
        raise pytest.UsageError(str(reason)) from None


class Mailbox:
    """What a real SMTP server has received."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        content = envelope.content
        assert isinstance(content, bytes)
        self.messages.append(message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"

    def wait_for(self, count: int, timeout: float = 10) -> list[EmailMessage]:
        """The messages, once there are so many. Raises AssertionError when they take longer, in seconds."""
        deadline = time.monotonic() + timeout
        while len(self.messages) < count:
            assert time.monotonic() < deadline, f"{len(self.messages)} of {count} messages came in {timeout} seconds"
            time.sleep(0.01)
        return self.messages


@pytest.fixture(scope="session")
def smtp() -> Iterator[Mailbox]:
    """The mail server of the run."""
    mailbox = Mailbox(free_port())
    server = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    server.start()
    yield mailbox
    server.stop()


@pytest.fixture
def mailbox(smtp: Mailbox, settings) -> Mailbox:
    """An empty mailbox, and Django sending there over SMTP instead of keeping mail in memory."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", smtp.port, False
    smtp.messages.clear()
    return smtp
