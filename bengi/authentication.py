"""Who asks the API, and how far they may go: bearer tokens, keys for programs, the pages' session.

Each sets request.user and, as request.auth, a Grant. A bad bearer token is refused, also where a
good session cookie comes with it.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework import authentication, permissions

from accounts.identity.bearers import bearer
from accounts.identity.grants import ACCOUNT, READ, TRADE, Grant
from accounts.identity.sign_ins import sign_in_in
from bengi import clock
from bengi.errors import Forbidden
from bengi.limits.throttle import route_of
from bengi.problem import AUTHENTICATE


class BearerAuthentication(authentication.BaseAuthentication):
    """Authorization: Bearer, with an access token or with a key."""

    def authenticate(self, request: Any) -> tuple[Any, Grant] | None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        standing, grant = bearer(token.strip(), clock.wall())
        return standing.user, grant

    def authenticate_header(self, request: Any) -> str:
        return AUTHENTICATE


class SessionAuthentication(authentication.SessionAuthentication):
    """The session cookie with the CSRF token; without a session the answer is a 401."""

    def authenticate(self, request: Any) -> tuple[Any, Grant] | None:
        found = super().authenticate(request)
        return (found[0], Grant(sign_in_id=sign_in_in(request._request))) if found else None

    def authenticate_header(self, request: Any) -> str:
        return AUTHENTICATE

    def enforce_csrf(self, request: Any) -> None:
        check = _CsrfCheck(lambda _: HttpResponse())
        check.process_request(request)
        reason: Any = check.process_view(request, lambda _: HttpResponse(), (), {})
        if reason:
            raise Forbidden("csrf_failed", reason)


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


_OWN_ROUTES = ("auth", "accounts", "corrections", "instruments", "trades")
"""Beneath these, what changes something is no trading: no key may do it."""
_READ_ROUTES = ("orders/preview",)


def scope_needed(method: str, route: str) -> str:
    """Return the scope that a request needs, by its method and its route in bengi/api.py."""
    is_safe = method in permissions.SAFE_METHODS
    if route.startswith("auth/"):
        return READ if is_safe and route == "auth/profile" else ACCOUNT
    if is_safe or route.startswith(_READ_ROUTES):
        return READ
    return ACCOUNT if route.startswith(_OWN_ROUTES) else TRADE


def may_use(grant: Grant | None, method: str, route: str) -> None:
    """Raise Forbidden unless a key's scopes cover a request; who is signed in may do all of it."""
    scopes, needed = getattr(grant, "scopes", None), scope_needed(method, route)
    if scopes is not None and needed not in scopes:
        raise Forbidden("forbidden", f"This key has no scope {needed!r}.")


class ScopePermission(permissions.BasePermission):
    """Lets a key do what its scopes say."""

    def has_permission(self, request: Any, view: Any) -> bool:
        may_use(request.auth, request.method, route_of(request._request))
        return True
