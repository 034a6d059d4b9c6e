"""What the whole document shares: headers, the ways of signing in, and what is left out of it."""

from typing import Any

from django.utils.module_loading import import_string

from bengi.schema.shapes import Problem, Schema, json_schema

PREFIX = "/api/v1/"
SCOPES = "bengi.authentication.scope_needed"
"""Says which scope a method and an address need; stands above us, so it is known by its name."""

_COUNT = {"type": "string", "pattern": "^[0-9]+$"}
_HEADERS: dict[str, Schema] = {
    "X-Request-ID": {
        "description": "The request's name: what was sent, or what finds it in the log.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
    },
    "Idempotency-Replayed": {
        "description": "There, and true, when the answer was given before.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "X-RateLimit-Limit": {
        "description": "How many requests the limit that is nearest allows in its time.",
        "schema": _COUNT,
    },
    "X-RateLimit-Remaining": {"description": "How many of them are left.", "schema": _COUNT},
    "X-RateLimit-Reset": {
        "description": "When all of them are there again, in seconds since 1970.",
        "schema": _COUNT,
    },
    "WWW-Authenticate": {"required": True, "schema": {"type": "string"}},
    "Retry-After": {
        "description": "In seconds.",
        "required": True,
        "schema": _COUNT,
    },
}
_SECURITY: dict[str, Schema] = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "The session of the pages; __Host-sessionid behind TLS.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRFToken",
        "description": "The value of the cookie csrftoken, beside a session.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token.",
    },
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "bk_<id>_<secret>",
        "description": "An API key, for what its scopes allow.",
    },
}


def security_of(method: str, path: str) -> list[Schema]:
    """Return the ways of signing in for a method of an address.

    A session needs its CSRF token to change something, a key the scope that is named.
    """
    session: Schema = {"session": []} if method == "GET" else {"session": [], "csrf": []}
    scope = import_string(SCOPES)(method, path.removeprefix(PREFIX))
    return [session, {"bearer": []}, *([] if scope == "account" else [{"key": [scope]}])]


def only_ours(endpoints: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Leave out what is not of this API, and the twins of addresses with a slash at their end."""
    return [each for each in endpoints if each[0].startswith(PREFIX) and not each[0].endswith("/")]


def with_shared(result: Schema, **_: Any) -> Schema:
    """Add what the operations refer to."""
    components = result["components"]
    _, named = json_schema(Problem)
    components["schemas"] = dict(sorted({**components.get("schemas", {}), **named}.items()))
    components["headers"] = _HEADERS
    components["securitySchemes"] = _SECURITY
    return result
