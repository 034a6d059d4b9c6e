"""The API's limits: which one a request counts under, and the headers that tell where it stands.

A view's throttle counts under the person or the key; a batch counts its orders by a
limit of their own besides. What never reaches a view that somebody may use (no such address, nobody
signed in) the middleware counts under the address it comes from.
"""

from collections.abc import Callable, Sequence
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from rest_framework.permissions import SAFE_METHODS
from rest_framework.throttling import BaseThrottle

from bengi import clock
from bengi.errors import RateLimited
from bengi.limits.address import client_address
from bengi.limits.limiter import refusal, require, take, take_all
from bengi.limits.rates import Scope, Verdict
from bengi.limits.table import ORDERS, ORDERS_AT_ONCE, REQUESTS
from bengi.problem import problem

LIMIT, REMAINING, RESET = "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"
ORDER_ROUTES = ("orders", "positions")
NO_ORDER_ROUTES = ("orders/preview",)
PREFIX = "api/v1/"


class Throttle(BaseThrottle):
    """Counts each request once. Raises RateLimited, so that the answer says for how long."""

    def allow_request(self, request: Any, view: Any) -> bool:
        count(request, scope_of(request._request))
        return True


def count(request: Any, scope: Scope, cost: int = 1) -> None:
    """Count cost under the caller, and let the answer tell of it. Raises RateLimited."""
    verdict = request._request.rate_limit = take(scope, caller_of(request), cost)
    if not verdict.allowed:
        raise refusal(verdict)


def count_each(requests: Sequence[Any], scope: Scope) -> list[RateLimited | None]:
    """Do what count() does for each request; return what it would have raised, or None."""
    verdicts = take_all(scope, [caller_of(request) for request in requests])
    for request, verdict in zip(requests, verdicts, strict=True):
        request.rate_limit = verdict
    return [None if verdict.allowed else refusal(verdict) for verdict in verdicts]


def count_orders(request: Any, number: int) -> None:
    """Count the orders that a batch holds; the throttle has counted the batch. Raises RateLimited.

    The answer tells where the limit of batches stands.
    """
    count(request, ORDERS_AT_ONCE, number)


def count_page_order(user: Any) -> None:
    """Count an order of a page under who is signed in, as one of the API. Raises RateLimited."""
    require(ORDERS, _person(user))


def scope_of(request: HttpRequest) -> Scope:
    """Return the limit for the route and method: what places or moves orders has its own."""
    route = route_of(request)
    is_order = route.startswith(ORDER_ROUTES) and not route.startswith(NO_ORDER_ROUTES)
    return ORDERS if is_order and request.method not in SAFE_METHODS else REQUESTS


def route_of(request: HttpRequest) -> str:
    """Return the request's route as bengi/api.py writes it, "" for one that is none."""
    match = request.resolver_match
    return match.route.removeprefix(PREFIX).rstrip("/") if match else ""


def caller_of(request: Any) -> str:
    """Return who is counted: the key, else the person, else the address."""
    key_id = getattr(request.auth, "key_id", None)
    if key_id:
        return f"key:{key_id}"
    if request.user and request.user.is_authenticated:
        return _person(request.user)
    return f"address:{client_address(request._request)}"


def _person(user: Any) -> str:
    return f"user:{user.pk}"


@sync_and_async_middleware
def RateLimitMiddleware(get_response: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802
    """Under /api/: tell on every answer how much is left, and count what no view has counted."""
    if iscoroutinefunction(get_response):

        async def limited_async(request: HttpRequest) -> HttpResponseBase:
            response = await get_response(request)
            if not request.path_info.startswith("/api/"):
                return response
            if hasattr(request, "rate_limit"):
                return _told(request, response)
            return await sync_to_async(_told)(request, response)  # counts, so it may ask Redis

        return limited_async

    def limited(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        return _told(request, response) if request.path_info.startswith("/api/") else response

    return limited


def _told(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    verdict: Verdict | None = getattr(request, "rate_limit", None)
    if verdict is None:
        verdict = take(REQUESTS, f"address:{client_address(request)}")
        if not verdict.allowed:
            response = problem(refusal(verdict), request)
    for name, value in limit_headers(verdict):
        response.headers[name] = value
    return response


def limit_headers(verdict: Verdict) -> list[tuple[str, str]]:
    """Return what an answer tells of where a limit stands; nothing where nothing is limited."""
    if not verdict.limit:
        return []
    resets_at = int(clock.wall().timestamp()) + verdict.reset_s
    return [(LIMIT, str(verdict.limit)), (REMAINING, str(verdict.left)), (RESET, str(resets_at))]
