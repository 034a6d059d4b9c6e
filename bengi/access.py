"""Who may see a page or do a thing, and what happens to those who may not."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from bengi.errors import Forbidden, NotFound

View = Callable[..., HttpResponse]


class PageRequest(HttpRequest):
    """A request of somebody signed in, as the views behind signed_in() see it."""

    user: Any
    htmx: Any


def signed_in(view: View) -> View:
    """Send visitors to the sign-in and back again; NotFound of the selectors becomes the 404 page.

    A part of a page that is asked for by script must not be answered with a whole sign-in page: it
    sends the browser there instead.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(error.detail) from error

    return guarded


def require(by: Any, permission: str) -> None:
    """Raise Forbidden unless somebody has a permission. None is the command line, which may."""
    if by is not None and not by.has_perm(permission):
        raise Forbidden("forbidden", "That takes a right which you do not have.")


def next_path(request: HttpRequest, default: str) -> str:
    """Return the path the form says to go on to, if it is one of this site, else default."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else default


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    htmx = getattr(request, "htmx", None)
    if htmx:
        return HttpResponseClientRedirect(_sign_in_address(htmx.current_url_abs_path))
    return redirect(_sign_in_address(_headed_for(request)))


def _headed_for(request: HttpRequest) -> str:
    """Return where to go on to: the address asked for, or the page whose form was sent."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    return next_path(request, _path_of(request.headers.get("Referer", ""), request.get_host()))


def _path_of(address: str, host: str) -> str:
    """Return the path of an address of host, with its query; nothing of any other."""
    try:
        page = urlsplit(address)
    except ValueError:
        return ""
    path = f"{page.path}?{page.query}" if page.query else page.path
    return path if page.netloc == host else ""


def _sign_in_address(headed_for: str | None) -> str:
    return with_next(reverse("signin"), headed_for or "")


def with_next(path: str, headed_for: str) -> str:
    """Return the path of a page that goes on to headed_for, if that is anywhere."""
    return f"{path}?{urlencode({'next': headed_for})}" if headed_for else path
