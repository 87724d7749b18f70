"""What all of the API shares: how it reads JSON, what an error looks like, how lists are paged."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import BaseParser
from rest_framework.response import Response

from members.kit.refusals import Malformed, Refusal

LARGEST_BODY = 2_000_000  # bytes; a thousand sales of twenty lines fit


class NotJson(Malformed):
    code = "not_json"
    sentence = _("The body is not valid JSON.")


class BodyTooLarge(Malformed):
    code = "body_too_large"
    sentence = _("The body is larger than %(limit)s bytes: send less at a time.")
    status = 413


class UnusableText(Malformed):
    code = "unusable_text"
    sentence = _("The body holds a NUL or half a character (lone surrogate), which no name has.")


class StrictJson(BaseParser):
    """JSON of bounded size, without NaN, NUL or lone surrogates."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            raise BodyTooLarge(limit=LARGEST_BODY)
        try:
            data = json.loads(body, parse_constant=refuse_constant)
        except (ValueError, RecursionError):
            raise NotJson from None
        if b"\\u" in body or b"\x00" in body:
            refuse_unusable_text(data)
        return data


def refuse_constant(name: str) -> None:
    """NaN and Infinity are not JSON."""
    raise ValueError(name)


def refuse_unusable_text(data: Any) -> None:
    """PostgreSQL stores neither NUL nor half a character; better to say so here."""
    text = json.dumps(data, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnusableText from None
    if "\\u0000" in text:
        raise UnusableText


class NewestFirst(CursorPagination):
    """Pages by cursor: steady while rows arrive, as fast on page 1,000 as on page 1."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = "-pk"


def error_body(code: str, detail: str, **more: Any) -> dict[str, Any]:
    """The one shape of an error: {"error": {"code": …, "detail": …}} and what else helps."""
    return {"error": {"code": code, "detail": detail, **more}}


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler: every no has a code and a sentence."""
    if isinstance(error, Refusal):
        return Response(error_body(error.code, str(error)), status=error.status)
    if isinstance(error, OperationalError | InterfaceError):
        body = error_body("try_again", str(_("The database is away for a moment. Send the same request again.")))
        return Response(body, status=status.HTTP_503_SERVICE_UNAVAILABLE, headers={"Retry-After": "2"})
    # REST framework's views read settings that name this module, so they come later
    from rest_framework.views import exception_handler

    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, ValidationError):
        response.data = error_body("invalid", str(_("Some fields cannot be used.")), fields=response.data)
    elif isinstance(error, APIException):
        response.data = error_body(str(error.get_codes()), str(error.detail))
    elif isinstance(error, Http404):
        response.data = error_body("not_found", str(_("There is nothing at this address.")))
    return response


def answer_nothing_here(request: HttpRequest, path: str = "") -> JsonResponse:
    """An address of the API that does not exist."""
    return JsonResponse(error_body("not_found", str(_("There is nothing at this address."))), status=404)
