"""The short way in for orders: POST /api/v1/orders of programs, past what only pages need.

It stands in front of Django and answers what is plain: a token or key that is good, JSON of known
length, nothing else to be looked at. Everything else goes on to Django as it came, and so does
every refusal before the request is counted. Both ways use the same parts: sign-in, scopes, limits,
strict JSON, OrderInput, admit_all(), problems. What is left out is the framework between them, most
of what a request costs; tests/contract/test_order_door.py compares the answers byte for byte.

is_plain() and Request are for the loop that reads requests. The rest is done for all who wait at
once, in a thread (bengi/group_lane.py): one question to each store for all of them.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import msgspec
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from accounts.identity.bearers import bearers
from bengi import clock
from bengi.authentication import may_use
from bengi.errors import BengiError, Unavailable
from bengi.inputs import read_body
from bengi.limits.rates import OPEN, Verdict
from bengi.limits.table import ORDERS
from bengi.limits.throttle import count_each, limit_headers
from bengi.parsers import read_object
from bengi.problem import BODY_BYTES_MAX, as_bengi_error, of_status, problem, request_id_of
from bengi.wsgi_threads import Scope, environ_of
from orders.api import shape_with
from orders.asking import Asked
from orders.fast_lane import admit_each
from orders.selectors import legs_of
from orders.serializers import OrderInput, asked_of
from orders.services import Placement

logger = logging.getLogger("django.request")
Headers = list[tuple[bytes, bytes]]
Given = Mapping[bytes, bytes]

PATHS = frozenset({"/api/v1/orders", "/api/v1/orders/"})
ROUTE = "orders"
ALLOW = (b"Allow", b"GET, POST, HEAD, OPTIONS")
JSON = b"application/json"
PLACES_MAX = 100
"""Host names that are remembered to be ours: whoever asks writes them."""


class Answer(NamedTuple):
    """What goes out; a length is told by who sends it."""

    status: int
    headers: Headers
    body: bytes


class Request:
    """A plain request. The shared parts look at user and auth, and at what is counted."""

    __slots__ = (
        *("answer", "auth", "body", "common", "given"),
        *("rate_limit", "request_id", "scope", "user"),
    )

    def __init__(self, scope: Scope, given: Given, body: bytes) -> None:
        self.scope, self.given, self.body = scope, given, body
        self.user: Any = None
        self.auth: Any = None
        self.common: Headers = []
        self.rate_limit: Verdict = OPEN
        self.request_id = request_id_of(given.get(b"x-request-id", b"").decode("latin1"))
        self.answer: Answer | None = None

    @property
    def token(self) -> str:
        return self.given[b"authorization"][7:].strip().decode("latin1")

    @property
    def key(self) -> str | None:
        """The Idempotency-Key, if there is one."""
        key = self.given.get(b"idempotency-key")
        return None if key is None else key.decode("latin1")


def is_plain(scope: Scope) -> Given | None:
    """Return the headers of a request that the door may answer, None for any other."""
    if scope["method"] != "POST" or scope["path"] not in PATHS or scope["query_string"]:
        return None
    given = dict(scope["headers"])
    is_ours = (
        len(given) == len(scope["headers"])  # nothing is said twice
        and given.get(b"authorization", b"")[:7].lower() == b"bearer "
        and given.get(b"content-type") == JSON
        and _is_short(given.get(b"content-length", b""))
        and b"cookie" not in given
        and b"transfer-encoding" not in given
        and not scope.get("root_path")
    )
    return given if is_ours else None


def _is_short(length: bytes) -> bool:
    return length.isdigit() and len(length) <= 6 and int(length) <= BODY_BYTES_MAX


class OrderDoor:
    """Answers groups of requests. For one thread."""

    def __init__(self) -> None:
        self._middleware = _Middleware()
        self._common: dict[tuple[Any, ...], Headers] = {}

    def answer_all(self, requests: Sequence[Request]) -> list[Answer | None]:
        """Return the answer to each; None where Django has to give it."""
        at_home = [each for each in requests if self._is_at_home(each)]
        counted = _counted(_let_in(at_home))
        asking = [(each, asked) for each in counted if (asked := _asked(each)) is not None]
        if asking:
            _admit(asking)
        return [each.answer for each in requests]

    def fail(self, error: Exception, request: Request) -> Answer:
        """Return the answer to an order that no group has had; on the loop."""
        self._is_at_home(request)
        return failed(error, request)

    def turn_away(self, error: BengiError, scope: Scope) -> Answer:
        """Return the answer to any request that is not looked at; on the loop."""
        request = Request(scope, dict(scope["headers"]), b"")
        self._is_at_home(request)
        return _problem(error, request)

    def _is_at_home(self, request: Request) -> bool:
        """Note the headers of every answer at the place that the request names.

        There are none where Django's middleware would answer itself: there it is sent to TLS, or
        refused.
        """
        given, scope = request.given, request.scope
        place = (*(given.get(name) for name in _PLACE), scope["scheme"], scope.get("server"))
        known = self._common.get(place)
        if known is None:
            headers = [(name, given[name]) for name in _PLACE if name in given]
            known = self._told_by_middleware({**scope, **_AN_ORDER, "headers": headers})
            if known and len(self._common) < PLACES_MAX:
                self._common[place] = known
        request.common = known
        return bool(known)

    def _told_by_middleware(self, scope: Scope) -> Headers:
        request = WSGIRequest(environ_of(scope, b"", 0))
        request.rate_limit = OPEN  # type: ignore[attr-defined]  # nobody is counted: no wait for Redis
        answer = self._middleware.get_response(request)
        if answer.status_code != HTTPStatus.NO_CONTENT:
            return []
        return [
            (name, value)
            for name, value in _headers_of(answer)
            if name.lower() not in _OF_ONE_ANSWER
        ]


_PLACE = (b"host", b"x-forwarded-proto")
_AN_ORDER = {"method": "POST", "raw_path": b"/api/v1/orders", "query_string": b""}
_OF_ONE_ANSWER = frozenset({b"content-type", b"content-length", b"x-request-id"})


class _Middleware(WSGIHandler):
    """Django with its middleware, which passes on what it lets through, and no view."""

    def _get_response(self, request: HttpRequest) -> HttpResponse:
        request.rate_limit = OPEN  # type: ignore[attr-defined]
        return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _let_in(requests: Sequence[Request]) -> Iterator[Request]:
    """Yield the requests of those who may place orders; to others Django tells why not."""
    if not requests:
        return
    try:
        found = bearers([each.token for each in requests], clock.wall(), is_shared=True)
    except Exception as error:
        known = as_bengi_error(error)
        if isinstance(known, Unavailable):  # all of them would wait for it again, one by one
            for request in requests:
                request.answer = _refused(known, request)
        else:
            logger.warning("who asks is not known, so Django is asked", exc_info=error)
        return
    for request, bearer in zip(requests, found, strict=True):
        if isinstance(bearer, BengiError):
            continue
        standing, request.auth = bearer
        request.user = standing.user
        if _may_trade(request):
            yield request


def _may_trade(request: Request) -> bool:
    try:
        may_use(request.auth, "POST", ROUTE)
    except BengiError:
        return False
    return True


def _counted(requests: Iterator[Request]) -> list[Request]:
    """Return the requests that their limits let through; the others are answered."""
    found = list(requests)
    refusals = count_each(found, ORDERS)
    for request, refusal in zip(found, refusals, strict=True):
        if refusal is not None:
            request.answer = _refused(refusal, request)
    return [each for each in found if each.answer is None]


def _asked(request: Request) -> Asked | None:
    """Return what a request asks for; where it cannot be read it is answered, and None."""
    try:
        values = read_body(OrderInput, read_object(request.body))
        return asked_of(request.user, values, request.key)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        request.answer = failed(error, request)
        return None


def _admit(asking: Sequence[tuple[Request, Asked]]) -> None:
    """Place the orders and answer each; what goes wrong with one is that one's."""
    placed = admit_each([asked for _, asked in asking], now=clock.now())
    try:
        legs = _legs_of(placed)
    except Exception as error:  # noqa: BLE001 - they are placed, and cannot be shown
        legs = {}
        placed = [error if isinstance(each, Placement) else each for each in placed]
    for (request, _), outcome in zip(asking, placed, strict=True):
        try:
            if isinstance(outcome, Exception):
                request.answer = failed(outcome, request)
            else:
                request.answer = _placed(outcome, legs, request)
        except Exception as error:  # noqa: BLE001 - others of the group are answered all the same
            request.answer = failed(error, request)


def _legs_of(placed: Sequence[Placement | Exception]) -> Mapping[Any, Sequence[Any]]:
    return legs_of(each.order for each in placed if isinstance(each, Placement))


def _placed(placement: Placement, legs: Mapping[Any, Sequence[Any]], request: Request) -> Answer:
    order = placement.order
    body = msgspec.json.encode(shape_with(order, legs.get(order.id, ())))
    if placement.replayed:
        return _answer(200, [ALLOW, _JSON, (b"Idempotency-Replayed", b"true")], body, request)
    where = (b"Location", f"/api/v1/orders/{order.id}".encode())
    return _answer(201, [ALLOW, _JSON, where], body, request)


_JSON = (b"Content-Type", JSON)


def failed(error: Exception, request: Request) -> Answer:
    """Return the answer to a request that an error has kept from being done."""
    known = as_bengi_error(error)
    if known is not None:
        return _refused(known, request)
    logger.error("Internal Server Error: /api/v1/orders", exc_info=error)
    return _problem(of_status(500), request)


def _refused(error: BengiError, request: Request) -> Answer:
    return _problem(error, request, [ALLOW])


def _problem(error: BengiError, request: Request, more: Headers | None = None) -> Answer:
    told = problem(error, cast(HttpRequest, request))
    headers = [*_headers_of(told), *(more or [])]
    return _answer(told.status_code, headers, told.content, request)


def _answer(status: int, headers: Headers, body: bytes, request: Request) -> Answer:
    return Answer(status, [*request.common, *headers, *_own_headers(request)], body)


def _headers_of(answer: HttpResponseBase) -> Headers:
    return [(name.encode("latin1"), value.encode("latin1")) for name, value in answer.items()]


def _own_headers(request: Request) -> Headers:
    limits = [(name.encode(), text.encode()) for name, text in limit_headers(request.rate_limit)]
    return [*limits, (b"X-Request-ID", request.request_id.encode())]
