"""Where what is being done comes from: the request's address and id, for whoever notes it.

A middleware says it once per request; services do not have to hand the request on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from bengi.limits.address import address_of


@dataclass(frozen=True, slots=True)
class Origin:
    """Of a request; empty for what no request has asked for."""

    address: str | None = None
    request_id: str = ""


_NOWHERE = Origin()
_current: ContextVar[Origin] = ContextVar("origin", default=_NOWHERE)


def current() -> Origin:
    """Return where what is being done now comes from."""
    return _current.get()


def origin_of(request: HttpRequest) -> Origin:
    """Return a request's address, None where it has none that can be read, and its id."""
    address = address_of(request)
    return Origin(str(address) if address else None, getattr(request, "request_id", ""))


@contextmanager
def coming_from(request: HttpRequest) -> Iterator[None]:
    """Let current() answer with the request's origin."""
    token = _current.set(origin_of(request))
    try:
        yield
    finally:
        _current.reset(token)


@sync_and_async_middleware
def OriginMiddleware(get_response: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802
    """Remember for the time of a request where it comes from. Stands after the request's id."""
    if iscoroutinefunction(get_response):

        async def remembered_async(request: HttpRequest) -> HttpResponseBase:
            with coming_from(request):
                return await get_response(request)

        return remembered_async

    def remembered(request: HttpRequest) -> HttpResponseBase:
        with coming_from(request):
            return get_response(request)

    return remembered
