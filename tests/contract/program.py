"""A program that orders twice: once by the door, once by Django, and what is told compared."""

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory

from bengi.limits import limiter
from bengi.limits.memory import MemoryStore
from bengi.order_door import Answer, Request
from bengi.problem import BODY_BYTES_MAX
from bengi.web import Web
from bengi.wsgi_threads import Environ, Receive, Scope, Send, WsgiThreads, _Exchange, send_whole
from tests.contract.stage import undone

JSON = "application/json"


def nothing_counted() -> None:
    """Let limits begin anew, in a moment that lasts: a slow machine gives nobody more."""
    limiter._own = limiter.Limiter(None, MemoryStore(lambda: 1_000.0))


class Here(WsgiThreads):
    """Answers in the thread of the test, on its connection."""

    async def answer(self, environ: Environ, receive: Receive, send: Send) -> None:
        loop: Any = None
        whole = _Exchange(self._application, environ, loop, receive, send).run()
        assert whole is not None, "nothing is streamed here"
        await send_whole(send, *whole)


class Program:
    """Asks as a program does: with a key, over ASGI. door_is_open: whether the door may answer."""

    def __init__(self, key: str | None, settings: Any) -> None:
        self.key, self._settings = key, settings
        self.answered = 0
        self._application = Web(Here(get_wsgi_application(), threads=1, body_max=BODY_BYTES_MAX))
        self._application._submit = self._at_once

    async def _at_once(self, request: Request) -> Answer | None:
        """Answer a group of one."""
        (answer,) = self._application._answer_group([request])
        self.answered += answer is not None
        return answer

    def request(
        self, path: str, data: Any, content_type: str = JSON, **more: Any
    ) -> tuple[Scope, bytes]:
        body = json.dumps(data) if isinstance(data, dict) else data
        headers = {"X-Request-ID": "a-request-of-mine", **more.pop("headers", {})}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        request = RequestFactory(**more).generic("POST", path, body, content_type, headers=headers)
        return as_asgi(request.environ)

    def post(self, path: str, data: Any, content_type: str = JSON, **more: Any) -> SimpleNamespace:
        start, end = asked(self._application, *self.request(path, data, content_type, **more))
        given = {name.decode("latin1"): text.decode("latin1") for name, text in start["headers"]}
        return SimpleNamespace(status_code=start["status"], headers=given, content=end["body"])

    def both(self, act: Callable[[], Any]) -> tuple[list[Any], bool]:
        """Return what Django and the door answer, as comparable texts, and whether the door did."""
        found, before = [], self.answered
        for is_open in (False, True):
            self._settings.FAST_LANE = is_open
            nothing_counted()
            with undone():
                found.append(comparable(act()))
        return found, self.answered == before + 1


def as_asgi(environ: dict[str, Any]) -> tuple[Scope, bytes]:
    """Return a request of Django's tests as a server tells of it, and its body."""
    body = environ["wsgi.input"].read()
    named = {"CONTENT_LENGTH": b"content-length", "CONTENT_TYPE": b"content-type"}
    headers = [
        (named.get(name) or name[5:].lower().replace("_", "-").encode(), str(text).encode("latin1"))
        for name, text in environ.items()
        if text and (name in named or name.startswith("HTTP_"))
    ]
    path = environ["PATH_INFO"]
    scope = {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        "path": path,
        "raw_path": path.encode(),
        "query_string": environ["QUERY_STRING"].encode(),
        "http_version": "1.1",
        "scheme": environ["wsgi.url_scheme"],
        "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
        "client": (environ["REMOTE_ADDR"], 1),
        "headers": headers,
    }
    return scope, body


def asked(application: Web, scope: Scope, body: bytes) -> list[Any]:
    """Return what an application sends. Nothing is waited for, so that no loop is needed."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(StopIteration):
        application(scope, receive, send).send(None)
    return sent


_ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(rb"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")


def comparable(answer: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return status, headers and body without ids and times; policies in one order.

    Django leaves the length of a 500 to the server, which then tells it in another way.
    """
    given = answer.headers if answer.status_code != 500 else _without_length(answer.headers)
    headers = sorted((name.lower(), _plain(name, value)) for name, value in given.items())
    body = _TIME.sub(b"TIME", _ID.sub(b"ID", answer.content))
    return answer.status_code, headers, body


def _without_length(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "Content-Length"}


def _plain(name: str, value: str) -> str:
    if name == "X-RateLimit-Reset":
        return "soon"
    if name == "Content-Security-Policy":
        return "; ".join(sorted(value.split("; ")))
    return _ID.sub(b"ID", value.encode()).decode()
