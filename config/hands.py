"""Tells the rooms below whose hand a request is, for the history of what it changes."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from members.kit.hands import Hand, held


def know_the_hand(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: staff by their account, tills and members by their door."""

    def answer(request: HttpRequest) -> HttpResponse:
        with held(lambda: hand_of(request)):
            return get_response(request)

    return answer


def hand_of(request: HttpRequest) -> Hand:
    """The door by which the request came in, and who of the staff it was."""
    if request.path.startswith("/api/"):
        return Hand("till")
    user: Any = request.user
    return Hand("staff", user.pk) if request.path.startswith("/admin/") and user.is_staff else Hand("member")
