"""What the whole document shares: headers, the ways of signing in, and what is left out of it."""

from typing import Any

from bengi.schema.shapes import Problem, Schema, json_schema

PREFIX = "/api/v1/"

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
    "WWW-Authenticate": {"required": True, "schema": {"type": "string"}},
    "Retry-After": {
        "description": "In seconds.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
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


def security_of(method: str) -> list[Schema]:
    """Return the ways of signing in for a method; a session needs its CSRF token to change much."""
    session: Schema = {"session": []} if method == "GET" else {"session": [], "csrf": []}
    return [session, {"bearer": []}, {"key": []}]


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
