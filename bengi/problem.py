"""Every error under /api/ as application/problem+json (RFC 9457), in one shape:

    {type, title, status, code, detail, errors: [{field, code, detail, ...numbers}], request_id}

status, code and detail are those of the gravest of errors: 400 before 403 before 422.

Three roads lead here. exception_handler() answers what a view raises; ApiProblemMiddleware answers
what never reached a view or came out of Django as a page (404, 413, 500); both call problem().
"""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from uuid import UUID

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.decorators import sync_and_async_middleware
from redis import RedisError
from rest_framework import exceptions

from bengi.errors import (
    BengiError,
    Malformed,
    NotFound,
    Refused,
    Unavailable,
)
from bengi.ids import new_id
from bengi.money import plain

logger = logging.getLogger(__name__)

BODY_BYTES_MAX = 256 * 1024
MEDIA_TYPE = "application/problem+json"
AUTHENTICATE = 'Bearer realm="bengi"'
RETRY_AFTER_S = 1

CODE_OF_STATUS = {
    400: "invalid_parameter",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    500: "internal_error",
    503: "unavailable",
}
DETAIL_OF_STATUS = {
    400: "The request cannot be read.",
    401: "Sign in first.",
    403: "You may not do this.",
    404: "There is nothing here by that name.",
    405: "This address does not take that method.",
    413: f"A request may hold {BODY_BYTES_MAX // 1024} KB.",
    415: "Send application/json.",
    500: "Something went wrong on our side. The request_id finds it in the log.",
    503: "Try again in a moment.",
}
_OF_THE_PAGE = {"Content-Type", "Content-Length", "Content-Encoding"}


class PayloadTooLarge(BengiError):
    """The body is over BODY_BYTES_MAX."""

    status = 413
    default_code = "payload_too_large"

    def __init__(self) -> None:
        super().__init__(detail=DETAIL_OF_STATUS[413])


def problem(error: BengiError, request: HttpRequest) -> HttpResponse:
    """Return the answer for error, with the headers its status asks for."""
    lead, reasons = _lead(error)
    body = {**_body(lead, reasons), "request_id": getattr(request, "request_id", "")}
    response = HttpResponse(
        json.dumps(body, default=_plain), content_type=MEDIA_TYPE, status=lead.status
    )
    if lead.status == HTTPStatus.UNAUTHORIZED:
        is_token = lead.code.startswith("token_")
        response["WWW-Authenticate"] = AUTHENTICATE + (', error="invalid_token"' * is_token)
    if lead.status in {429, 503}:
        response["Retry-After"] = str(lead.details.get("retry_after_s", RETRY_AFTER_S))
    return response


def problem_body(error: BengiError) -> dict[str, Any]:
    """Return a problem as it stands in the answer to a batch: all but the request's id."""
    body: dict[str, Any] = json.loads(json.dumps(_body(*_lead(error)), default=_plain))
    return body


def _lead(error: BengiError) -> tuple[BengiError, list[BengiError]]:
    """Return the gravest of an error's reasons, and all of them."""
    reasons = _reasons(error)
    return min(reasons, key=lambda reason: reason.status) if reasons else error, reasons


def _body(lead: BengiError, reasons: list[BengiError]) -> dict[str, Any]:
    return {
        "type": f"urn:bengi:problem:{lead.code}",
        "title": HTTPStatus(lead.status).phrase,
        "status": lead.status,
        "code": lead.code,
        "detail": lead.detail or DETAIL_OF_STATUS.get(lead.status, ""),
        "errors": [entry(reason) for reason in reasons],
    }


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer what a view raised; None for a bug, which is logged and answered as a 500."""
    known = as_bengi_error(error)
    return problem(known, context["request"]._request) if known else None


def as_bengi_error(error: Exception) -> BengiError | None:
    """Translate what Django and the REST framework raise; None when it is not a known kind."""
    if isinstance(error, BengiError):
        return error
    if isinstance(error, exceptions.ValidationError):
        return Invalid(list(_flatten(error.get_full_details())))
    if isinstance(error, exceptions.APIException):
        return of_status(error.status_code)
    if isinstance(error, Http404):
        return NotFound()
    if isinstance(error, PermissionDenied):
        return of_status(403)
    if isinstance(error, UnreadablePostError | SuspiciousOperation):
        return Malformed("malformed_json", "The request could not be read to its end.")
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("database unavailable", exc_info=error)
        return Unavailable(retry_after_s=RETRY_AFTER_S)
    if isinstance(error, RedisError):
        logger.error("redis unavailable", exc_info=error)
        return Unavailable(retry_after_s=RETRY_AFTER_S)
    return None


def broken_page(request: HttpRequest) -> HttpResponse:
    """Answer what failed outside of a view of the API: 503 where the database is away, else 500.

    Called while the error is being handled.
    """
    told = {"request_id": getattr(request, "request_id", "")}
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return HttpResponse(render_to_string("500.html", told), status=500)
    page = render_to_string("503.html", told)
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})


class Invalid(Malformed):
    """Fields of a request that cannot be read; errors holds every one, the first one leads."""

    def __init__(self, errors: list[BengiError]) -> None:
        first = errors[0]
        super().__init__(first.code, first.said, field=first.field)
        self.errors = errors


def of_status(status: int) -> BengiError:
    """Return the error that stands for a bare HTTP status."""
    known = status if status in CODE_OF_STATUS else (500 if status >= 500 else 400)
    error = BengiError(CODE_OF_STATUS[known], DETAIL_OF_STATUS.get(known, ""))
    error.status = status
    return error


def _reasons(error: BengiError) -> list[BengiError]:
    if isinstance(error, Refused | Invalid):
        return list(error.errors)
    return [error] if error.field or error.details else []


def entry(error: BengiError) -> dict[str, Any]:
    """Return one reason as it stands in errors, the numbers behind it included."""
    return {"field": error.field, "code": error.code, "detail": error.detail, **error.details}


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a problem's details")


_CODES = {"required": "invalid_field", "null": "invalid_field", "invalid": "invalid_field"}


def _flatten(details: Any, path: str = "") -> Iterator[BengiError]:
    """Yield one error per reason in the nested {field: [{message, code}]} of the framework."""
    if isinstance(details, list):
        for each in details:
            yield from _flatten(each, path)
    elif set(details) == {"message", "code"}:
        code = _CODES.get(details["code"], details["code"])
        yield Malformed(code, str(details["message"]), field=path or None)
    else:
        for name, each in details.items():
            below = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            yield from _flatten(each, below)


# -- middleware --------------------------------------------------------------------------------

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


@sync_and_async_middleware
def RequestIdMiddleware(get_response: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802
    """Name every request, by its X-Request-ID where that is a plain word, and say the name back."""
    if iscoroutinefunction(get_response):

        async def named_async(request: HttpRequest) -> HttpResponseBase:
            _name(request)
            return _say_name(request, await get_response(request))

        return named_async

    def named(request: HttpRequest) -> HttpResponseBase:
        _name(request)
        return _say_name(request, get_response(request))

    return named


@sync_and_async_middleware
def ApiProblemMiddleware(get_response: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802
    """Under /api/: refuse large bodies unread, and turn every error page into a problem.

    Stands outside the middleware that may refuse a request (host, CSRF), next to the request's id.
    """
    if iscoroutinefunction(get_response):

        async def guarded_async(request: HttpRequest) -> HttpResponseBase:
            if not request.path_info.startswith("/api/"):
                return await get_response(request)
            return _too_large(request) or _as_problem(request, await get_response(request))

        return guarded_async

    def guarded(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/api/"):
            return get_response(request)
        return _too_large(request) or _as_problem(request, get_response(request))

    return guarded


def _name(request: HttpRequest) -> None:
    request.request_id = request_id_of(request.headers.get("X-Request-ID", ""))  # type: ignore[attr-defined]


def request_id_of(given: str) -> str:
    """Return the name of a request: the one it was given, where that is a plain word."""
    return given if _SAFE_ID.fullmatch(given) else str(new_id())


def _say_name(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
    return response


def _too_large(request: HttpRequest) -> HttpResponse | None:
    length = request.META.get("CONTENT_LENGTH")
    if length is None and request.headers.get("Transfer-Encoding"):
        # Frameworks take a body of untold length for none: measure it, up to what is too much.
        body = request.read(BODY_BYTES_MAX + 1)
        length = request.META["CONTENT_LENGTH"] = str(len(body))
        request._body = body  # what request.body answers from now on
    if length and length.isdecimal() and int(length[:20]) > BODY_BYTES_MAX:
        return problem(PayloadTooLarge(), request)
    return None


def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code < 400 or response.headers.get("Content-Type") == MEDIA_TYPE:
        return response
    answer = problem(of_status(response.status_code), request)
    for name, value in response.headers.items():
        if name not in _OF_THE_PAGE:
            answer.headers[name] = value
    answer.cookies = response.cookies
    return answer
