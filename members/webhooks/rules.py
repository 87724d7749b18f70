"""Pure sums: what may be told, secrets and signatures by Standard Webhooks, when to try again.

The standard: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PREFIX = "whsec_"
SECRET_BYTES = 32  # of 24 to 64
FORMER_LIVES = timedelta(hours=24)  # how long a secret that was replaced signs as well
PING = "endpoint.tested"
# After the first try; three days together, as the standard asks.
WAITS = [
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5),
    timedelta(hours=10), timedelta(hours=14), timedelta(hours=20), timedelta(hours=24),
]  # fmt: skip
JITTER = 0.2  # of a wait, more or less
LONGEST_REST = timedelta(days=1)  # that an answer may ask for
FAILING_AT_MOST = timedelta(days=5)  # without one success: then it is switched off
GONE = 410

PROBLEMS: dict[str, str | Promise] = {  # why nothing was answered
    "late": _("no answer in time"),
    "no_name": _("its name is not known"),
    "bad_address": _("it leads inside, not to the internet"),
    "ConnectionRefusedError": _("nobody listens there"),
    "SSLCertVerificationError": _("its certificate is not valid"),
}


@dataclass(frozen=True)
class Happening:
    """A kind of thing that may be told. `rows` is SQL over rows of a table with ids in a range, for those that a sweep
    finds: (member, id, facts as jsonb, happened_at, created_at) for ids above %(first)s and up to %(last)s.
    """

    code: str
    title: str | Promise
    table: str = ""
    rows: str = ""


HAPPENINGS: dict[str, Happening] = {}


def register(*happenings: Happening) -> None:
    """Let endpoints choose this. A code stands for one thing."""
    for each in happenings:
        if each.code in HAPPENINGS:
            raise ValueError(each.code)
        HAPPENINGS[each.code] = each


def choices() -> list[tuple[str, str | Promise]]:
    """What an endpoint may be told, by code."""
    return sorted((each.code, each.title) for each in HAPPENINGS.values())


register(
    Happening(
        "member.enrolled",
        _("a member enrolled"),
        "members_member",
        """SELECT id AS member, id, jsonb_build_object('source', source, 'language', language, 'store',
                  (SELECT code FROM members_store s WHERE s.id = home_store_id)) AS facts,
                  enrolled_at AS happened_at, created_at
             FROM members_member WHERE id > %(first)s AND id <= %(last)s AND source <> 'import'""",
    ),
    Happening("member.updated", _("a profile changed")),
)


def secret_of(raw: bytes) -> str:
    """A secret as people copy it. Raises ValueError outside of 24 to 64 bytes."""
    if not 24 <= len(raw) <= 64:
        raise ValueError(len(raw))
    return PREFIX + base64.b64encode(raw).decode()


def signature(secret: str, *, identifier: str, moment: int, body: bytes) -> str:
    """The signature of one secret: `v1,` and the HMAC-SHA256 of id.timestamp.body in base64. Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("not a secret") from None
    said = b".".join([identifier.encode(), str(moment).encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()


def headers_of(secrets: Sequence[str], *, identifier: str, moment: int, body: bytes) -> dict[str, str]:
    """The headers of a call; while a secret is being replaced, a signature by each."""
    signed = [signature(secret, identifier=identifier, moment=moment, body=body) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Regulars",
        "webhook-id": identifier,
        "webhook-timestamp": str(moment),
        "webhook-signature": " ".join(signed),
    }


def wait_after(attempts: int, *, luck: float) -> timedelta | None:
    """How long to wait after so many tries; None after the last. `luck` from 0 to 1 spreads those of one moment."""
    if attempts > len(WAITS):
        return None
    return WAITS[attempts - 1] * (1 - JITTER + 2 * JITTER * luck)


def asked_to_wait(said: str, now: datetime) -> timedelta:
    """What a Retry-After asks for, in seconds or as a date; nothing when it cannot be read, a day at most."""
    said = said.strip()
    if said.isascii() and said.isdecimal():
        return min(timedelta(seconds=int(said[:9])), LONGEST_REST)
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return timedelta()
    if until.tzinfo is None:
        return timedelta()
    return max(timedelta(), min(until - now, LONGEST_REST))


def is_success(status: int) -> bool:
    """Whether the other side took it."""
    return 200 <= status < 300
