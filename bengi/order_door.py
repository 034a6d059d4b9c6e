"""The short way in for an order: POST /api/v1/orders of a program, past what only pages need.

A WSGI application in front of Django. It answers what is plain: a token or key that is good, JSON
of known length, nothing else to be looked at. Everything else goes on to Django as it came, and so
does every refusal before the request is counted. Both ways use the same parts: sign-in, scopes,
limits, strict JSON, OrderInput, admit(), problems. What is left out is the framework between them,
most of what a request costs; tests/contract/test_order_door.py compares the answers byte for byte.
"""

import io
import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, cast

import msgspec
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from accounts.identity.bearers import bearer
from bengi import clock
from bengi.authentication import may_use
from bengi.errors import BengiError
from bengi.inputs import read_body
from bengi.limits.rates import OPEN, Verdict
from bengi.limits.table import ORDERS
from bengi.limits.throttle import count, limit_headers
from bengi.parsers import read_object
from bengi.problem import BODY_BYTES_MAX, as_bengi_error, of_status, problem, request_id_of
from orders.api import whole
from orders.fast_lane import admit, is_on
from orders.serializers import OrderInput, asked_of
from orders.services import Placement

logger = logging.getLogger("django.request")
Headers = list[tuple[str, str]]
Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

PATHS = frozenset({"/api/v1/orders", "/api/v1/orders/"})
ROUTE = "orders"
ALLOW = ("Allow", "GET, POST, HEAD, OPTIONS")
JSON = "application/json"
PLACES_MAX = 100
"""Host names that are remembered to be ours: whoever asks writes them."""


class LaneRequest:
    """What the shared parts look at of a request: who asks, from where, and what is counted."""

    __slots__ = ("META", "auth", "rate_limit", "request_id", "user")

    def __init__(self, environ: Environ, user: Any, auth: Any) -> None:
        self.META, self.user, self.auth = environ, user, auth
        self.rate_limit: Verdict = OPEN
        self.request_id = request_id_of(environ.get("HTTP_X_REQUEST_ID", ""))

    @property
    def _request(self) -> "LaneRequest":
        return self


class OrderDoor:
    """Wraps Django's WSGI application."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._common: dict[str, Headers] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        common = self._common_headers(environ) if _is_plain(environ) else None
        request = None if common is None else _let_in(environ)
        if request is None or common is None:
            return self._application(environ, start_response)
        try:
            status, headers, body = _answer(request, common)
        finally:
            request_finished.send(sender=type(self))  # connections go back to their pool
        told = [
            *headers,
            *limit_headers(request.rate_limit),
            ("X-Request-ID", request.request_id),
            ("Content-Length", str(len(body))),
        ]
        start_response(f"{status} {HTTPStatus(status).phrase}", told)
        return [body]

    def _common_headers(self, environ: Environ) -> Headers | None:
        """Return the headers of every answer at the place that the request names.

        None where Django's middleware would answer itself: there it is sent to TLS, or refused.
        """
        place = " ".join(environ.get(name, "") for name in _PLACE)
        known = self._common.get(place)
        if known is None and len(self._common) < PLACES_MAX:
            known = _told_by_middleware(environ)
            if known is not None:
                self._common[place] = known
        return known


_PLACE = ("wsgi.url_scheme", "HTTP_HOST", "HTTP_X_FORWARDED_PROTO", "SERVER_NAME", "SERVER_PORT")


def _told_by_middleware(environ: Environ) -> Headers | None:
    answer = _Middleware().get_response(WSGIRequest({**environ, "wsgi.input": io.BytesIO()}))
    if answer.status_code != HTTPStatus.NO_CONTENT:
        return None
    return [(name, value) for name, value in answer.items() if name.lower() not in _OF_ONE_ANSWER]


_OF_ONE_ANSWER = frozenset({"content-type", "content-length", "x-request-id"})


class _Middleware(WSGIHandler):
    """Django with its middleware, which passes on what it lets through, and no view."""

    def _get_response(self, request: HttpRequest) -> HttpResponse:
        request.rate_limit = OPEN  # type: ignore[attr-defined]
        return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _let_in(environ: Environ) -> LaneRequest | None:
    """Return the request of somebody who may place orders; None: that is Django's to tell."""
    try:
        standing, grant = bearer(environ["HTTP_AUTHORIZATION"][7:].strip(), clock.wall())
        may_use(grant, "POST", ROUTE)
    except Exception as error:
        if not isinstance(error, BengiError):
            logger.warning("who asks is not known, so Django is asked", exc_info=error)
        return None
    return LaneRequest(environ, standing.user, grant)


def _is_plain(environ: Environ) -> bool:
    return (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("PATH_INFO") in PATHS
        and environ.get("HTTP_AUTHORIZATION", "")[:7].lower() == "bearer "
        and environ.get("CONTENT_TYPE") == JSON
        and _is_short(environ.get("CONTENT_LENGTH", ""))
        and not environ.get("QUERY_STRING")
        and not environ.get("SCRIPT_NAME")
        and not environ.get("HTTP_COOKIE")
        and "HTTP_TRANSFER_ENCODING" not in environ
        and is_on()
    )


def _is_short(length: str) -> bool:
    return length.isdecimal() and len(length) <= 6 and int(length) <= BODY_BYTES_MAX


def _answer(request: LaneRequest, common: Headers) -> tuple[int, Headers, bytes]:
    """Return status, headers and body. What is no answer of a view has no headers of one."""
    try:
        count(request, ORDERS)
        values = read_body(OrderInput, read_object(_body(request.META)))
        asked = asked_of(request.user, values, request.META.get("HTTP_IDEMPOTENCY_KEY"))
        status, headers, body = _placed(admit(asked, now=clock.now()))
    except Exception as error:
        known = as_bengi_error(error)
        if known is None:
            logger.error("Internal Server Error: /api/v1/orders", exc_info=error)
            return _told(of_status(500), request)
        status, headers, body = _told(known, request)
    return status, [ALLOW, *common, *headers], body


def _body(environ: Environ) -> bytes:
    length = int(environ["CONTENT_LENGTH"])
    try:
        body: bytes = environ["wsgi.input"].read(length)
    except OSError as error:
        raise UnreadablePostError from error
    if len(body) < length:
        raise UnreadablePostError
    return body


def _placed(placement: Placement) -> tuple[int, Headers, bytes]:
    body = msgspec.json.encode(whole(placement.order))
    headers = [("Content-Type", JSON)]
    if placement.replayed:
        return 200, [*headers, ("Idempotency-Replayed", "true")], body
    return 201, [*headers, ("Location", f"/api/v1/orders/{placement.order.id}")], body


def _told(error: BengiError, request: LaneRequest) -> tuple[int, Headers, bytes]:
    answer = problem(error, cast(HttpRequest, request))
    return answer.status_code, list(answer.items()), answer.content
