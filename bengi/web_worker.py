"""The worker of gunicorn that runs bengi/web.py: uvicorn, with gunicorn's bounds on what is sent.

    gunicorn bengi.web --worker-class bengi.web_worker.Worker --workers 2 ...

Which headers of a proxy are believed, Django's settings say, not the server.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn_worker import UvicornWorker

LINE_BYTES_MAX = 4_094
HEADERS_MAX = 100
HEADER_BYTES_MAX = 8_190
HEAD_BYTES_MAX = 64 * 1024
"""Of a head that has not come to its end; what comes with one read of the socket counts once."""


class TooLong(Exception):
    """The head of a request is longer than heads are; it is answered 400."""


class Protocol(HttpToolsProtocol):
    """uvicorn's, which keeps any number of headers of any length."""

    _head_bytes: int | None = None
    """How much of a head that has begun is there, None between heads."""

    def data_received(self, data: bytes) -> None:
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self.send_400_response("The head of the request is too long.")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > LINE_BYTES_MAX:
            raise TooLong

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(name) + len(value) > HEADER_BYTES_MAX or len(self.headers) >= HEADERS_MAX:
            raise TooLong
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        super().on_headers_complete()


class Worker(UvicornWorker):
    """What gunicorn calls a worker class."""

    CONFIG_KWARGS: dict[str, Any] = {
        "loop": "uvloop",
        "http": Protocol,
        "ws": "none",
        "interface": "asgi3",
        "lifespan": "on",
        "proxy_headers": False,
        "server_header": False,
    }
