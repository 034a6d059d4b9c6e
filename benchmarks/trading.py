"""A client that trades over HTTP and hears of its fills on sockets, in a process of its own.

    python -m benchmarks.trading < job.json

Reads one Job as JSON, prints one Told as JSON. Some connections are kept alive and carry the orders
of all, each with its key; everybody has a socket that follows their account. At a rate an order's
time begins when it is due, whether or not a connection is free then. What was asked on a connection
that is cut is asked again on another one, with the same client_order_id, as a program should. At a
rate connections are opened when there is something to ask, as programs do.
"""

import asyncio
import contextlib
import os
import re
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from benchmarks.asking import Trader, body, what
from benchmarks.load import length_of
from benchmarks.usage import family_cpu_s

PATIENCE_S = 30
"""For the last answers and fills; what has not come by then is counted as missing."""
OPEN_S = 30
LOOK_S = 0.002
REFUSED_MAX = 200
"""Connections that are refused, until it gives up."""
KEY = re.compile(r'"client_order_id":"[a-z0-9]+-(\d+)"')


class Job(msgspec.Struct):
    """rate: orders a second, 0 for as many as the connections carry. Of the first warm_s seconds
    nothing is counted but what goes wrong. watched: processes whose CPU is told, by a name."""

    port: int
    stream_port: int
    connections: int
    seconds: float
    warm_s: float
    rate: float
    name: str
    start: int
    traders: list[Trader]
    symbols: list[str]
    watched: dict[str, list[int]]


class Told(msgspec.Struct):
    """What came of it, in seconds: answers from asking to 201, fills from asking to the frame.

    statuses counts all answers by their code; unanswered: requests without one; unheard: orders
    taken whose fill was not heard of; fills: those of the time that counts, per_second of them.
    """

    statuses: dict[str, int]
    unanswered: int
    unheard: int
    fills: int
    per_second: float
    answers: list[float]
    latencies: list[float]
    spent_s: dict[str, float]
    """CPU seconds of what is watched, from when all sockets were open."""
    example: str
    slowest: str
    """The client_order_id of the fill that was heard latest after it was asked for."""
    closed_sockets: int
    unasked: int
    """Orders that were due and found no connection free before the time was over."""
    cut: int
    """Requests whose connection the server closed before it had answered."""


class Client(asyncio.Protocol):
    """One connection to the web, with at most one request under way."""

    def __init__(self, trading: "Trading") -> None:
        self._trading, self._buffer, self._number = trading, b"", -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._trading.free(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._trading.lost(self, self._number)

    def ask(self, number: int, request: bytes) -> None:
        self._number = number
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, text = self._buffer.partition(b"\r\n\r\n")
        if not found or len(text) < length_of(head):
            return
        self._buffer, number, self._number = b"", self._number, -1
        self._trading.answered(number, head[9:12].decode(), text)
        if b"connection: close" in head.lower():
            self.transport.close()
        else:
            self._trading.free(self)


class Trading:
    """All connections and sockets together."""

    def __init__(self, job: Job) -> None:
        self._job, self._made = job, 0
        self._idle: list[Client] = []
        self._clients: set[Client] = set()
        self._connecting = 0
        self._again: deque[int] = deque()
        self._asked_s: dict[int, float] = {}
        self._answers: dict[int, tuple[float, str]] = {}
        self._filled_s: dict[int, float] = {}
        self._statuses: Counter[str] = Counter()
        self._example, self._closed, self._cut, self._refused = "", 0, 0, 0
        self._is_over = self._is_stopped = False

    async def run(self) -> Told:
        job = self._job
        async with contextlib.AsyncExitStack() as stack:
            for trader in job.traders:
                socket = await stack.enter_async_context(self._socket(trader))
                listener = asyncio.ensure_future(self._listen(socket))
                stack.callback(listener.cancel)
            before = self._spent_s()
            self._began = time.monotonic()
            for _ in range(0 if job.rate else job.connections):
                self._connect()
            while (now := time.monotonic()) - self._began < job.seconds:
                if job.rate:
                    self._ask_what_is_due(now)
                await asyncio.sleep(LOOK_S)
            if job.rate:
                self._ask_what_is_due(now)
            self._is_over, ended = True, time.monotonic()
            while not self._is_done() and time.monotonic() - ended < PATIENCE_S:
                await asyncio.sleep(0.02)
            self._stop()
            spent = self._spent_s()
            return self._told({name: at - before[name] for name, at in spent.items()})

    # -- requests ------------------------------------------------------------------------------

    def _connect(self) -> None:
        self._connecting += 1
        made = asyncio.get_running_loop().create_connection(
            lambda: Client(self), "127.0.0.1", self._job.port
        )
        task = asyncio.ensure_future(made)
        task.add_done_callback(self._connected)

    def _connected(self, task: "asyncio.Task[tuple[asyncio.Transport, Client]]") -> None:
        self._connecting -= 1
        if task.cancelled() or task.exception() is None:
            return
        self._refused += 1
        if self._refused < REFUSED_MAX:
            asyncio.get_running_loop().call_later(0.1, self._connect)

    def free(self, client: Client) -> None:
        """Give the connection the next order at once, or when one is due."""
        self._clients.add(client)
        if self._again:
            self._send(client, self._again.popleft())
        elif self._job.rate or self._is_over:
            self._idle.append(client)
        else:
            self._ask(client, time.monotonic())

    def lost(self, client: Client, number: int) -> None:
        self._clients.discard(client)
        with contextlib.suppress(ValueError):
            self._idle.remove(client)
        if self._is_stopped:
            return
        if number >= 0:
            self._cut += 1
            self._again.append(number)
        if self._again or not (self._job.rate or self._is_over):
            self._connect()

    def answered(self, number: int, status: str, text: bytes) -> None:
        self._answers[number] = (time.monotonic(), status)
        self._statuses[status] += 1
        if status != "201" and not self._example:
            self._example = text.decode(errors="replace")[:300]

    def _ask_what_is_due(self, now: float) -> None:
        due = int(min(self._job.seconds, now - self._began) * self._job.rate)
        while self._idle and self._made < due:  # the one used last: the others may be let go
            self._ask(self._idle.pop(), self._began + (self._made + 1) / self._job.rate)
        there_are = len(self._clients) + self._connecting
        wanted = due - self._made - self._connecting
        for _ in range(min(wanted, self._job.connections - there_are)):
            self._connect()

    def _ask(self, client: Client, since_s: float) -> None:
        number = self._job.start + self._made
        self._made += 1
        self._asked_s[number] = since_s
        self._send(client, number)

    def _send(self, client: Client, number: int) -> None:
        client.ask(number, self._request(number))

    def _request(self, number: int) -> bytes:
        job = self._job
        person, _, _ = what(number, len(job.traders), job.symbols)
        text = body(job.name, number, len(job.traders), job.symbols)
        head = (
            "POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n"
            f"Content-Type: application/json\r\nAuthorization: Bearer {job.traders[person].key}\r\n"
            f"Content-Length: {len(text)}\r\n\r\n"
        )
        return head.encode() + text

    # -- sockets -------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _socket(self, trader: Trader) -> AsyncIterator[ClientConnection]:
        headers = {"Authorization": f"Bearer {trader.key}"}
        url = f"ws://127.0.0.1:{self._job.stream_port}/ws"
        async with connect(
            url, additional_headers=headers, compression=None, open_timeout=OPEN_S
        ) as socket:
            wanted = {"type": "SUBSCRIBE", "topics": [f"account:{trader.account_id}"]}
            await socket.send(msgspec.json.encode(wanted).decode())
            while '"SUBSCRIBED"' not in str(await asyncio.wait_for(socket.recv(), OPEN_S)):
                pass
            yield socket

    async def _listen(self, socket: ClientConnection) -> None:
        with contextlib.suppress(WebSocketException):
            async for text in socket:
                assert isinstance(text, str)
                if '"order.filled"' in text and (found := KEY.search(text)):
                    self._filled_s.setdefault(int(found[1]), time.monotonic())
        self._closed += not self._is_over

    # -- the end -------------------------------------------------------------------------------

    def _is_done(self) -> bool:
        taken = sum(status in {"200", "201"} for _, status in self._answers.values())
        heard = sum(number in self._answers for number in self._filled_s)
        return len(self._answers) >= self._made and heard >= taken

    def _stop(self) -> None:
        self._is_stopped = True
        for client in list(self._clients):
            client.transport.close()

    def _spent_s(self) -> dict[str, float]:
        watched = {**self._job.watched, "the client": [os.getpid()]}
        return {name: sum(map(family_cpu_s, pids)) for name, pids in watched.items()}

    def _told(self, spent_s: dict[str, float]) -> Told:
        since_s = self._began + self._job.warm_s
        counted = {n: at for n, at in self._asked_s.items() if at >= since_s}
        filled = {n: self._filled_s[n] for n in counted if n in self._filled_s}
        taken = [n for n, (_, status) in self._answers.items() if status in {"200", "201"}]
        span = max(filled.values(), default=since_s) - since_s
        return Told(
            dict(self._statuses),
            self._made - len(self._answers),
            sum(number not in self._filled_s for number in taken),
            len(filled),
            len(filled) / span if filled else 0.0,
            [self._answers[n][0] - at for n, at in counted.items() if n in self._answers],
            [at - counted[n] for n, at in filled.items()],
            spent_s,
            self._example,
            f"{self._job.name}-{max(filled, key=lambda n: filled[n] - counted[n], default=0)}",
            self._closed,
            max(0, int(self._job.seconds * self._job.rate) - self._made),
            self._cut,
        )


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(Trading(job).run())))


if __name__ == "__main__":
    main()
