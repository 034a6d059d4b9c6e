"""The worker of gunicorn that runs bengi/web.py: uvicorn, with gunicorn's bounds on what is sent.

    gunicorn bengi.web --worker-class bengi.web_worker.Worker --workers 2 ...

Which headers of a proxy are believed, Django's settings say, not the server.
"""

import asyncio
import socket
import sys
from collections.abc import Callable, Collection
from typing import Any

from gunicorn.arbiter import Arbiter
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

LINE_BYTES_MAX = 4_094
HEADERS_MAX = 100
HEADER_BYTES_MAX = 8_190
HEAD_BYTES_MAX = 64 * 1024
"""Of a head that has not come to its end; what comes with one read of the socket counts once."""
HEAD_S = 10
"""From the first byte of a head to its last, and from a connection to its first request."""
CONNECTIONS_MAX, FULL_S = 1_000, 0.1
"""What a worker has at most; others wait until another one has room, or this one again."""
AT_A_TIME = 8
"""Connections that a worker takes at once."""
STEP_S, STEPS_MAX = 0.001, 10
"""How long it hesitates for every so many that it has, and how often that counts."""


class TooLong(Exception):
    """The head of a request is longer than heads are; it is answered 400."""


class Protocol(HttpToolsProtocol):
    """uvicorn's, which keeps any number of headers of any length, and waits for them for ever."""

    _head_bytes: int | None = None
    """How much of a head that has begun is there, None between heads."""
    _patience: asyncio.TimerHandle | None = None
    """Until when the head has to be there that is waited for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._let_be()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self.send_400_response("The head of the request is too long.")
                return
        super().data_received(data)
        if self._head_bytes is not None and self._patience is None:
            self._await_head()

    def _await_head(self) -> None:
        self._patience = self.loop.call_later(HEAD_S, self.transport.close)

    def _let_be(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: whoever asks for a socket here is answered as any other request."""

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
        self._let_be()
        super().on_headers_complete()


class Acceptor:
    """Takes new connections of a socket that several workers listen on.

    Whoever is quicker gets a connection, and an idle machine wakes the same worker every time: with
    connections that last, one would work and the others watch. So a worker hesitates, the longer
    the more connections it has, and takes a few at a time.
    """

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        connections: Collection[Any],
    ) -> None:
        listener.setblocking(False)
        self._listener, self._protocol, self._connections = listener, protocol, connections
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[Any]] = set()
        self._hesitates: asyncio.TimerHandle | None = None
        self._listen()

    def close(self) -> None:
        """Take no more; who has been taken is served."""
        self._loop.remove_reader(self._listener)
        if self._hesitates is not None:
            self._hesitates.cancel()

    async def wait_closed(self) -> None:
        """Return once it is closed, as it is at once."""

    def _listen(self) -> None:
        self._loop.add_reader(self._listener, self._hesitate)

    def _hesitate(self) -> None:
        self._loop.remove_reader(self._listener)
        steps = min(self._taken // AT_A_TIME, STEPS_MAX)
        pause_s = steps * STEP_S if self._taken < CONNECTIONS_MAX else FULL_S
        self._hesitates = self._loop.call_later(pause_s, self._take)

    @property
    def _taken(self) -> int:
        return len(self._connections) + len(self._opening)

    def _take(self) -> None:
        for _ in range(min(AT_A_TIME, CONNECTIONS_MAX - self._taken)):
            try:
                connection, _ = self._listener.accept()
            except OSError:  # another worker was quicker, or whoever came has gone
                break
            opening = self._loop.create_task(
                self._loop.connect_accepted_socket(self._protocol, connection)
            )
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)
        self._listen()


class Listening(Server):
    """uvicorn's server, which lets the event loop take every connection that it can get."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        for listener in sockets or ():
            acceptor: Any = Acceptor(listener, self._connect, self.server_state.connections)
            self.servers.append(acceptor)

    def _connect(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


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

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = Listening(config=self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
