"""Prices to many sockets: the hub and the consumer of the product, against one message per tick.

In process: the network and its server are left out, the rest is what runs behind a real socket. The
ticks come evenly, not all at once, so that they meet every phase of the hub's rounds.
"""

import asyncio
import json
import os
import resource
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

from benchmarks.table import Line, report

SOCKETS = 1_000
SYMBOLS = [f"S{number:03}" for number in range(200)]
WATCHED = 20
"""Symbols each socket watches; every one of them moves 10 times a second."""
ROUND_S = 0.01
"""How often some of the symbols move: each in its turn, all of them in a tenth of a second."""
SECONDS = 6
SLOW = 50
"""Sockets of the last run that take one frame and then no more."""
SAMPLED = 20
"""Sockets whose frames are read for their age."""


def run() -> None:
    """Measure the product, then the channel layer, for the same demand in the same run."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.test")
    import django

    django.setup()
    hub = asyncio.run(measure(with_hub))
    slow = asyncio.run(measure(with_slow_readers))
    layer = asyncio.run(measure(with_channel_layer))
    asked = SOCKETS * WATCHED * 10
    report(
        "fanout",
        f"Price updates to {SOCKETS} sockets, {asked:,} a second asked for",
        [
            *fanout_lines("channel layer, group_send per tick", layer, None),
            *fanout_lines("hub, conflated", hub, layer.per_second, "target 190,000, p99 60 ms"),
            *fanout_lines(f"hub, {SLOW} of the sockets read nothing", slow, layer.per_second),
            Line("  memory after the first second", slow.grown_kib, "KiB more", None, "flat"),
        ],
    )


Publish = Callable[[list[Any]], None]


class Market(Protocol):
    """Something that moves prices from start() to stop(), and has ended after join()."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def join(self) -> None: ...


class Count:
    """What arrived at the sockets, and how old it was there."""

    def __init__(self) -> None:
        self.updates = 0
        self.ages_ms: list[float] = []
        self.per_second = 0.0
        self.per_cpu_second = 0.0
        self.grown_kib = 0.0

    def take(self, text: str, sampled: bool) -> None:
        self.updates += text.count('"symbol"')
        if sampled:
            now = time.perf_counter_ns()
            for price in json.loads(text)["prices"]:
                self.ages_ms.append((now - int(price["volume"])) / 1e6)


async def measure(
    sockets: Callable[[Count], Any], market: "Callable[[Publish], Market] | None" = None
) -> Count:
    """Let the market move for SECONDS and count what arrives.

    market: what moves the prices; without one a thread of this process.
    """
    count = Count()
    publish, close = await sockets(count)
    moving = MarketThread(publish) if market is None else market(publish)
    started, started_cpu = time.perf_counter(), time.process_time()
    moving.start()
    await asyncio.sleep(1)
    held_kib = _held_kib()
    await asyncio.sleep(SECONDS - 1)
    count.grown_kib = _held_kib() - held_kib
    moving.stop()
    count.per_second = count.updates / (time.perf_counter() - started)
    count.per_cpu_second = count.updates / (time.process_time() - started_cpu)
    await close()
    await asyncio.to_thread(moving.join)
    return count


async def with_slow_readers(count: Count) -> tuple[Publish, Callable[[], Any]]:
    """Open the same, some of which do not read what they are sent."""
    return await with_hub(count, slow=SLOW)


async def with_hub(count: Count, slow: int = 0) -> tuple[Publish, Callable[[], Any]]:
    """Open the product's own consumers and let each watch its symbols."""
    from bengi.bus import TICKS, get_bus

    tasks = []
    for number in range(SOCKETS):
        is_sampled = number % (SOCKETS // SAMPLED) == SOCKETS // SAMPLED - 1
        consumer, task = await _socket(count, sampled=is_sampled, reads=number >= slow)
        tasks.append(task)
        consumer.hub.watch(consumer.feed, _watched(number))

    async def close() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    return lambda ticks: get_bus().publish(TICKS, ticks), close


async def _socket(count: Count, *, sampled: bool, reads: bool) -> tuple[Any, asyncio.Task[None]]:
    from bengi.consumers import StreamConsumer
    from bengi.credentials import Credential
    from bengi.ids import new_id

    accepted, never = asyncio.Event(), asyncio.Event()
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    inbox.put_nowait({"type": "websocket.connect"})

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            count.take(message["text"], sampled)
            if not reads:
                await never.wait()
        else:
            accepted.set()

    consumer = StreamConsumer()
    user = SimpleNamespace(is_authenticated=False)
    scope = {"type": "websocket", "headers": [], "cookies": {}, "user": user}
    task = asyncio.ensure_future(consumer(scope, inbox.get, send))
    await accepted.wait()
    while not hasattr(consumer, "_loop"):
        await asyncio.sleep(0)
    consumer._join(Credential("session", "", new_id(), ""))  # no database here to sign in with
    consumer.feed.credential = None
    return consumer, task


async def with_channel_layer(
    count: Count,
) -> tuple[Publish, Callable[[], Any]]:
    """Put all sockets into one group, the layer's best case, and send each tick to it."""
    from channels.layers import InMemoryChannelLayer

    layer = InMemoryChannelLayer()
    loop = asyncio.get_running_loop()

    async def receive(name: str, sampled: bool) -> None:
        while True:
            count.take((await layer.receive(name))["text"], sampled)

    names = [await layer.new_channel() for _ in range(SOCKETS)]
    for name in names:
        await layer.group_add("prices", name)
    tasks = [
        asyncio.ensure_future(receive(name, number % (SOCKETS // SAMPLED) == 0))
        for number, name in enumerate(names)
    ]

    closing = asyncio.Event()

    async def send(ticks: list[Any]) -> None:
        from bengi.realtime import protocol

        for tick in ticks:
            if closing.is_set():
                return
            text = protocol.price_frame([protocol.encode(protocol.price(tick))])
            await layer.group_send("prices", {"type": "price", "text": text})
            await asyncio.sleep(0)

    def publish(ticks: list[Any]) -> None:
        asyncio.run_coroutine_threadsafe(send(ticks), loop).result()

    async def close() -> None:
        closing.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    return publish, close


def _watched(number: int) -> list[str]:
    start = number * 7 % len(SYMBOLS)
    return (SYMBOLS + SYMBOLS)[start : start + WATCHED]


class MarketThread:
    """A market in a thread of this process."""

    def __init__(self, publish: Publish) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=move, args=(publish, self._stop))
        self.start, self.join, self.stop = self._thread.start, self._thread.join, self._stop.set


def move(publish: Publish, stop: threading.Event) -> None:
    """Move every symbol ten times a second, in turns; volume carries the time of the tick."""
    each = int(len(SYMBOLS) * ROUND_S * 10)
    begun, rounds = time.perf_counter(), 0
    while not stop.wait(max(0.0, begun + rounds * ROUND_S - time.perf_counter())):
        first = rounds * each % len(SYMBOLS)
        publish([_tick(symbol) for symbol in SYMBOLS[first : first + each]])
        rounds += 1


def _held_kib() -> float:
    """Return what the process holds of the memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024


def _tick(symbol: str) -> Any:
    from instruments.quotes import Tick

    price, size = Decimal("123.45"), Decimal(100)
    return Tick(
        symbol=symbol,
        instrument_id="",
        shard=0,
        bid=price,
        ask=price,
        bid_size=size,
        ask_size=size,
        last=price,
        last_size=size,
        volume=Decimal(time.perf_counter_ns()),
        day_open=price,
        day_high=price,
        day_low=price,
        previous_close=price,
        as_of=datetime(2026, 1, 5, 15, 0, tzinfo=UTC),
        source="bench",
    )


def fanout_lines(name: str, count: Count, baseline: float | None, target: str = "") -> list[Line]:
    ages = sorted(count.ages_ms) or [0.0]
    ratio = None if baseline is None else count.per_second / baseline
    return [
        Line(name, count.per_second, "updates/s", ratio, target),
        Line("  per CPU second", count.per_cpu_second, "updates/s"),
        Line("  age on arrival, median", ages[len(ages) // 2], "ms"),
        Line("  age on arrival, p99", ages[int(len(ages) * 0.99)], "ms"),
    ]
