"""A client that asks as fast as it is answered, in a process of its own, on raw sockets.

    python -m benchmarks.load < job.json

Reads one Job as JSON, prints one Told as JSON. Each connection is kept open and has one request
under way; the bodies are made beforehand as far as they go, so that little is left to do.
"""

import asyncio
import contextlib
import sys
import time
from collections import Counter

import msgspec

PEOPLE = 400
APART_S = 0.11
"""Between two orders under one key, so that its limit, 10 a second, is kept."""
PATIENCE_S = 15
"""For the last answers; who has none by then is left."""
UNTOLD = 2
"""Requests of each connection that come before the measuring: connections, caches, plans."""


class Job(msgspec.Struct):
    """What to ask for: size 1 asks for one order, more for a batch of so many. The
    keys are shared out among the connections."""

    port: int
    connections: int
    seconds: float
    size: int
    keys: list[str]
    symbols: list[str]
    name: str
    start: int
    """The number of its first order: no other job's orders look like these."""


class Told(msgspec.Struct):
    """What came of it. statuses counts answers, accepted orders; latencies in seconds.

    asked: the orders of all requests, those before and after the measuring too.
    """

    seconds: float
    accepted: int
    asked: int
    statuses: dict[str, int]
    latencies: list[float]
    cpu_s: float
    example: str


class Orders:
    """Makes requests, each for an order that is like no other of its account's."""

    def __init__(self, job: Job) -> None:
        self._job, self._count = job, job.start
        path = f"/api/v1/orders{'/batch' if job.size > 1 else ''}"
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n"
            "Content-Type: application/json\r\n"
        ).encode()

    @property
    def made(self) -> int:
        """How many requests there have been."""
        return self._count - self._job.start

    def request(self, key: str) -> bytes:
        job, number = self._job, self._count
        self._count += 1
        if job.size == 1:
            body = self._ticket(number)
        else:
            parts = (self._ticket(number * job.size + n) for n in range(job.size))
            body = b'{"orders":[' + b",".join(parts) + b"]}"
        mine = f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        return self._head + mine.encode() + body

    def _ticket(self, number: int) -> bytes:
        symbol, quantity, price = look(number, self._job.symbols)
        return (
            f'{{"symbol":"{symbol}","side":"buy","type":"limit","time_in_force":"gtc",'
            f'"quantity":"{quantity}","limit_price":"{price}",'
            f'"client_order_id":"{self._job.name}-{number}"}}'
        ).encode()


def look(number: int, symbols: list[str]) -> tuple[str, int, str]:
    """Return symbol, quantity and price of an order; the next ones of its account look different.

    The price changes with every round of symbols, the symbol of an account with every round of
    people.
    """
    rounds = number // len(symbols)
    symbol = symbols[(number + number // PEOPLE) % len(symbols)]
    return symbol, 1 + number % 7, f"{92 + rounds % 700 / 100:.2f}"


class Keys:
    """The keys of one connection: the first whose limit has room for another order."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = [(key, -1.0) for key in keys]

    def take(self, now_s: float) -> str:
        for place, (key, used_s) in enumerate(self._keys):
            if now_s - used_s >= APART_S:
                self._keys[place] = (key, now_s)
                return key
        key, _ = self._keys.pop(0)
        self._keys.append((key, now_s))
        return key


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, load: "Load", keys: list[str]) -> None:
        self._load, self._buffer, self._asked = load, b"", 0
        self._keys = Keys(keys)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def connection_lost(self, _error: Exception | None) -> None:
        self._load.left()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        if len(body) < length_of(head):
            return
        self._load.answered(head, body, time.perf_counter() - self._began, self._asked)
        self._buffer = b""
        if self._load.goes_on and b"\r\nConnection: close" not in head:
            self._ask()
        else:
            self._transport.close()

    def _ask(self) -> None:
        self._asked += 1
        key = self._keys.take(time.perf_counter())
        request = self._load.orders.request(key)
        self._began = time.perf_counter()
        self._transport.write(request)


class Load:
    """All connections together."""

    def __init__(self, job: Job) -> None:
        self.orders, self.goes_on = Orders(job), True
        self._job, self._connected, self._ended = job, 0, 0.0
        self._accepted, self._example = 0, ""
        self._statuses: Counter[str] = Counter()
        self._latencies: list[float] = []
        self._began: float | None = None
        self._done = asyncio.Event()

    async def run(self) -> Told:
        loop = asyncio.get_running_loop()
        cpu = time.process_time()
        self._connected = self._job.connections
        for number in range(self._job.connections):
            keys = self._job.keys[number :: self._job.connections]
            await loop.create_connection(
                lambda keys=keys: Client(self, keys), "127.0.0.1", self._job.port
            )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), self._job.seconds + PATIENCE_S)
        assert self._began is not None, "nothing was answered"
        self._ended = self._ended or time.perf_counter()
        return Told(
            self._ended - self._began,
            self._accepted,
            self.orders.made * self._job.size,
            dict(self._statuses),
            self._latencies,
            time.process_time() - cpu,
            self._example,
        )

    def answered(self, head: bytes, body: bytes, took_s: float, asked: int) -> None:
        now = time.perf_counter()
        status = head[9:12].decode()
        if status not in {"200", "201"}:
            self._example = self._example or body.decode()[:300]
        if asked <= UNTOLD:
            return
        if self._began is None:
            self._began = now
        if not self.goes_on:
            return
        self._statuses[status] += 1
        self._accepted += status == "201" if self._job.size == 1 else body.count(b'"status":201')
        self._latencies.append(took_s)
        if now - self._began >= self._job.seconds:
            self.goes_on, self._ended = False, now

    def left(self) -> None:
        self._connected -= 1
        if not self._connected:
            self._done.set()


def length_of(head: bytes) -> int:
    """Return how long the body behind a head is."""
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    raise ValueError(f"an answer without a length: {head!r}")


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    told = asyncio.run(Load(job).run())
    sys.stdout.buffer.write(msgspec.json.encode(told))


if __name__ == "__main__":
    main()
