"""The worker of gunicorn that runs bengi/web.py: uvicorn, with gunicorn's bounds on what is sent.

    gunicorn bengi.web --worker-class bengi.web_worker.Worker --workers 2 ...

Which headers of a proxy are believed, Django's settings say, not the server.
"""

import asyncio
import os
import resource
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
SILENT_BYTES_MAX = 64 * 1024
"""What may come without making a head or a piece of a body whole; one read counts once."""
PIPELINED_MAX = 16
"""Requests of one connection that may wait for the one before them to be answered."""
HEAD_S = 10
"""From the first byte of a head to its last, and from a connection to its first request."""
BODY_S = 30
"""From the last byte of a head to the last of its body."""
SEND_S = 30
"""How long whoever is answered may leave it unread."""
STOP_S = 8
"""How long a worker that is told to end waits for what has been asked."""
CONNECTIONS_MAX, FULL_S = 1_000, 0.1
"""What a worker has at most; others wait until another one has room, or this one again."""
AT_A_TIME = 8
"""Connections that a worker takes at once."""
STEP_S, STEPS_MAX = 0.001, 10
"""How long it hesitates for every so many that it has, and how often that counts."""


class Refused(Exception):
    """More than a client may send, or what nobody sends who means well; it is answered 400."""


class Protocol(HttpToolsProtocol):
    """uvicorn's, with an end to all that it takes, keeps and waits for.

    Trailers are refused: they would pass for headers, which a proxy may have taken away.
    """

    _due = "head"
    """What has to come next from the client: head, body, or nothing ("")."""
    _silent_bytes = 0
    _patience: asyncio.TimerHandle | None = None
    """Until when that has to be there."""
    _unread: asyncio.TimerHandle | None = None
    """Until when what has been sent has to be read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        self._is_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._silent_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._silent_bytes > SILENT_BYTES_MAX:
            self.send_400_response("This is no request, or its head is too long.")
        elif self._due or self.cycle.response_complete:
            self._wait()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(SEND_S, self.transport.abort)

    def resume_writing(self) -> None:
        self._is_read()
        super().resume_writing()

    def _wait(self) -> None:
        if self._patience is None:
            seconds = BODY_S if self._due == "body" else HEAD_S
            self._patience = self.loop.call_later(seconds, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _is_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: whoever asks for a socket here is answered as any other request."""

    # -- what the parser finds ---------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._due = "head"
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > LINE_BYTES_MAX:
            raise Refused

    def on_header(self, name: bytes, value: bytes) -> None:
        is_trailer = self._due != "head"
        if is_trailer or len(name) + len(value) > HEADER_BYTES_MAX:
            raise Refused
        if len(self.headers) >= HEADERS_MAX:
            raise Refused
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= PIPELINED_MAX:
            raise Refused
        self._due, self._silent_bytes = "body", 0
        self._wait_no_more()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._silent_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._due = ""
        self._wait_no_more()
        super().on_message_complete()


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
        "timeout_graceful_shutdown": STOP_S,
    }
    _server: Server | None = None

    def init_process(self) -> None:
        """Let it have as many files open as it may: each connection is one."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        super().init_process()

    async def callback_notify(self) -> None:
        """End with the master, also where that was killed."""
        await super().callback_notify()
        if self._server is not None and os.getppid() != self.ppid:
            self._server.should_exit = True

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = self._server = Listening(config=self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
