"""The tills' gatekeeper: who asks (`Authorization: Bearer <key>`), and one answer to each `Idempotency-Key`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from members.kit.actions import answer_once
from members.kit.rates import count
from members.kit.refusals import Malformed
from members.stores.actions import till_with_key
from members.stores.models import Store, Till

if TYPE_CHECKING:  # its module reads the settings that name this one
    from rest_framework.views import APIView

LONGEST_KEY = 200
STRANGERS_A_MINUTE = 120  # who may read the schema, and nothing else
KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 200 printable characters. The same key and content gets the same answer again.",
)


class MissingKey(Malformed):
    """A write came without a key."""

    code = "missing_key"
    sentence = _("Send an Idempotency-Key header with every write: the same key when you repeat it.")


class BadKey(Malformed):
    """The key is too long, or holds what cannot be seen."""

    code = "bad_key"
    sentence = _("An Idempotency-Key has from 1 to %(limit)s printable characters.")


class TillAuthentication(BaseAuthentication):
    """Finds the till by its key; an unknown and a revoked key get the same answer."""

    def authenticate(self, request: Request) -> tuple[Any, Till] | None:
        scheme, _space, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        till = till_with_key(key=key.strip(), now=timezone.now())
        if till is None:
            raise AuthenticationFailed(_("No till has this key, or it was revoked."), code="unknown_till")
        return None, till

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class IsTill(BasePermission):
    """Only tills come in."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.auth, Till)


class TillThrottle(BaseThrottle):
    """So many requests a till and minute."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if isinstance(request.auth, Till):
            return count(what="till", who=str(request.auth.pk), seconds=60) <= settings.TILL_REQUESTS_A_MINUTE
        return count(what="stranger", who=request.META.get("REMOTE_ADDR", ""), seconds=60) <= STRANGERS_A_MINUTE

    def wait(self) -> float:
        return 60.0


def till_of(request: Request) -> Till:
    """The till that asks. The gatekeeper has let it in."""
    return cast(Till, request.auth)


def store_of(request: Request) -> Store:
    """The store that asks, by its id and code alone, which is all that a write needs."""
    till: Any = till_of(request)
    return Store(pk=till.store_id, code=till.store_code)


def key_of(request: Request) -> str:
    """The key under which this write is answered once. Raises MissingKey or BadKey."""
    key: str = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        raise MissingKey
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise BadKey(limit=LONGEST_KEY)
    return key


def answer_till(request: Request, answer: Callable[[], tuple[int, dict[str, Any]]]) -> Response:
    """Answer this write once: what `answer` says, or what it said the first time with `Idempotent-Replay: true`."""
    asked = {"path": request.path, "body": request.data}
    given = answer_once(scope=f"till:{till_of(request).pk}", key=key_of(request), asked=asked, answer=answer)
    headers = {"Idempotent-Replay": "true"} if given.replayed else {}
    return Response(given.body, status=given.status, headers=headers)
