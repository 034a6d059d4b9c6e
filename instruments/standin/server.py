"""The stand-in on a port: REST, the WebSocket and the control paths, in one asyncio loop."""

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Self

from instruments.standin import faults
from instruments.standin.control import PREFIX, control
from instruments.standin.faults import STREAM
from instruments.standin.http import HEAD_BYTES_MAX, BadRequest, deliver, read_request, until_closed
from instruments.standin.service import Request, Service
from instruments.standin.sockets import Socket
from instruments.standin.stream import SOCKETS_MAX, Subscriber

Clock = Callable[[], datetime]

PULSE_S = 0.05
CONNECTIONS_MAX = 1000
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 5


class StandInDidNotStart(RuntimeError):
    """The stand-in could not listen; says why."""


class Server:
    """Serves one Service. now is the market's clock, wall the machine's."""

    def __init__(self, service: Service, *, now: Clock, wall: Clock) -> None:
        self.service = service
        self.port = 0
        self._now, self._wall = now, wall
        self._sockets: list[Socket] = []
        self._connections: set[asyncio.Task[None]] = set()

    async def run(
        self, host: str, port: int, stop: asyncio.Event, ready: Callable[[], None]
    ) -> None:
        """Begin the market and serve until stop is set; connections are broken then.

        Raises OSError where nobody can listen there.
        """
        self.pulse()
        listener = await asyncio.start_server(self._accept, host, port, limit=HEAD_BYTES_MAX)
        self.port = int(listener.sockets[0].getsockname()[1])
        pulse = asyncio.create_task(self._beat())
        try:
            ready()
            await asyncio.wait(
                [pulse, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            listener.close()
            await _end(self._connections | {pulse})
        if not pulse.cancelled():
            pulse.result()  # raises what has stopped the market

    def pulse(self) -> None:
        """Let the market go on, tell who listens, and let faults of the stream strike."""
        wall = self._wall()
        for each, tick in self.service.market.advance(self._now()):
            for socket in self._sockets:
                frame = socket.subscriber.tell(each, tick, wall)
                if frame is not None:
                    socket.send(frame)
        for socket in list(self._sockets):
            symbols = [each.symbol for each in socket.subscriber.listed.values()]
            if self.service.faults.take(faults.Cut, STREAM, wall, symbols):
                socket.cut()
            if self.service.faults.take(faults.HalfOpen, STREAM, wall, symbols):
                socket.freeze()
                self._sockets.remove(socket)

    async def _beat(self) -> None:
        while True:
            self.pulse()
            await asyncio.sleep(PULSE_S)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= CONNECTIONS_MAX:
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._converse(reader, writer)
        except (BadRequest, ConnectionError, TimeoutError):
            pass  # the client is gone, or not worth an answer
        except asyncio.CancelledError:
            writer.transport.abort()  # the server ends, and nobody else cancels
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        while (read := await read_request(reader)) is not None:
            request, head = read
            if request.path == STREAM and "websocket" in request.headers.get("upgrade", "").lower():
                await self._upgrade(request, head, reader, writer)
                return
            wall, now = self._wall(), self._now()
            if request.path.startswith(PREFIX):
                sockets = [socket.subscriber for socket in self._sockets]
                answer = control(self.service, request, peer, sockets, now, wall)
            else:
                self.pulse()
                answer = self.service.answer(request, now, wall)
            if not await deliver(answer, reader, writer):
                return

    async def _upgrade(
        self,
        request: Request,
        head: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        wall = self._wall()
        refusal = self.service.refuse_upgrade(request, wall)
        if refusal is not None:
            await deliver(refusal, reader, writer)
            return
        if self.service.faults.take(faults.Hang, STREAM, wall):
            await until_closed(reader)
            return
        subscriber = Subscriber(self.service, request.query.get("apikey", ""))
        socket = Socket(subscriber, reader, writer)
        if not socket.open(head):
            return
        self._make_room(subscriber.key)
        self._sockets.append(socket)
        try:
            await socket.listen(lambda text: self._hear(subscriber, text))
        finally:
            if socket in self._sockets:
                self._sockets.remove(socket)

    def _hear(self, subscriber: Subscriber, text: str) -> list[str]:
        used = sum(len(one.listed) for one in self._of(subscriber.key) if one is not subscriber)
        return subscriber.hear(text, used, self._wall())

    def _of(self, key: str) -> list[Subscriber]:
        return [one.subscriber for one in self._sockets if one.subscriber.key == key]

    def _make_room(self, key: str) -> None:
        """Close the oldest connections of a key that are more than it may have."""
        of_key = [socket for socket in self._sockets if socket.subscriber.key == key]
        for socket in of_key[: max(0, len(of_key) + 1 - SOCKETS_MAX)]:
            socket.close("another connection of this key was opened")
            self._sockets.remove(socket)


class StandIn:
    """A Server in a thread of its own, for tests: `with StandIn(...) as standin: standin.url`."""

    def __init__(self, service: Service, *, now: Clock, wall: Clock, port: int = 0) -> None:
        self.service = service
        self._port = port
        self._server = Server(service, now=now, wall=wall)
        self._ready = threading.Event()
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="standin", daemon=True)

    @property
    def url(self) -> str:
        """Where REST requests go."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def stream_url(self) -> str:
        """Where the WebSocket is, without a key."""
        return f"ws://127.0.0.1:{self._server.port}{STREAM}"

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT_S) or self._error:
            raise StandInDidNotStart(str(self._error or "it takes too long"))
        return self

    def __exit__(self, *exc: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_TIMEOUT_S)
        assert not self._thread.is_alive(), "the stand-in does not end"

    def pulse(self) -> None:
        """Let the market catch up with its clock now, and return when all have been told."""
        asyncio.run_coroutine_threadsafe(self._pulse(), self._loop).result(STOP_TIMEOUT_S)

    async def _pulse(self) -> None:
        self._server.pulse()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            await self._server.run("127.0.0.1", self._port, self._stop, self._ready.set)
        except OSError as error:
            self._error = error
            self._ready.set()


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
