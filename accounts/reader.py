"""Who reads a page, told to what writes it: numbers, days, times, and what stays hidden."""

from collections.abc import Callable
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

from bengi.writing import LOCALE_OF, PLAIN, Writing, written_for

NOT_PAGES = ("/api/", "/admin/", "/static/")
"""Programs read the first, staff the second: what they are told is the same for everybody."""
REGIONS = (
    "Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian",
    "Pacific",
)  # fmt: skip


@sync_and_async_middleware
def ReaderMiddleware(get_response: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802
    """Let a page be written for who asks for it. Nobody is looked up before something is."""
    if iscoroutinefunction(get_response):

        async def read_async(request: HttpRequest) -> Any:
            if request.path_info.startswith(NOT_PAGES):
                return await get_response(request)
            with written_for(cache(lambda: writing_for(request))):
                return await get_response(request)

        return read_async

    def read(request: HttpRequest) -> Any:
        if request.path_info.startswith(NOT_PAGES):
            return get_response(request)
        with written_for(cache(lambda: writing_for(request))):
            return get_response(request)

    return read


def writing_for(request: HttpRequest) -> Writing:
    """Return how the request's user reads; plainly for visitors."""
    user = getattr(request, "user", None)
    return PLAIN if user is None or not user.is_authenticated else writing_of(user)


def writing_of(user: Any) -> Writing:
    """Return how a user has chosen to read."""
    locale = LOCALE_OF.get(user.locale, PLAIN.locale)
    return Writing(locale, zone_named(user.time_zone), user.is_discreet)


@cache
def zone_named(name: str) -> ZoneInfo | None:
    """Return a zone, None for "" and for one that this machine does not know any more."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


@cache
def zone_names() -> list[str]:
    """Return the names of zones that people know: a region and a city, and UTC."""
    known = (name for name in available_timezones() if name.partition("/")[0] in REGIONS)
    return ["UTC", *sorted(known)]
