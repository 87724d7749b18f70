"""How a till proves who it is: `Authorization: Bearer <key>`."""

from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from members.kit.rates import count
from members.stores.actions import till_with_key
from members.stores.models import Till

if TYPE_CHECKING:  # its module reads the settings that name this one
    from rest_framework.views import APIView


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
        who = str(till_of(request).pk)
        return count(what="till", who=who, seconds=60) <= settings.TILL_REQUESTS_A_MINUTE

    def wait(self) -> float:
        return 60.0


def till_of(request: Request) -> Till:
    """The till that asks. The gatekeeper has let it in."""
    return cast(Till, request.auth)
