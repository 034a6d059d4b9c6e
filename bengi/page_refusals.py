"""A page in the place of the blank one for an address that takes what forms send, and no more."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.decorators import sync_and_async_middleware

NOT_ALLOWED = 405


@sync_and_async_middleware
def NotAllowedMiddleware(get_response: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802
    """Fill the empty answer of a view that takes another method, outside of /api/."""
    if iscoroutinefunction(get_response):

        async def filled_async(request: HttpRequest) -> HttpResponseBase:
            response = await get_response(request)
            if response.status_code != NOT_ALLOWED:
                return response
            return await sync_to_async(_filled)(request, response)  # the page asks who is signed in

        return filled_async

    def filled(request: HttpRequest) -> HttpResponseBase:
        return _filled(request, get_response(request))

    return filled


def _filled(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    is_ours = response.status_code == NOT_ALLOWED and not request.path_info.startswith("/api/")
    if is_ours and isinstance(response, HttpResponse) and not response.content:
        told = {"request_id": getattr(request, "request_id", "")}
        response.content = render_to_string("405.html", told, request).encode()
    return response
