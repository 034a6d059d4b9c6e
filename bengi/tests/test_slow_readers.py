"""Readers that take nothing cost a bounded amount of memory, whatever the market does meanwhile."""

import asyncio
import gc
import json
import tracemalloc
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from bengi.bus import TICKS, get_bus
from bengi.consumers import StreamConsumer
from bengi.credentials import Credential
from bengi.ids import new_id
from bengi.realtime import hub as hub_module
from bengi.realtime import stats
from bengi.tests.test_hub import flushed, tick

SYMBOLS = [f"S{number}" for number in range(20)]
SLOW = 50
ROUNDS = 300
PRICES = 20
MEASURED = (2 * PRICES, ROUNDS - 1)


class Reader:
    """A socket of the product, without a network or a sign-in. A slow one reads when let."""

    def __init__(self, *, is_slow: bool) -> None:
        self.may_read = asyncio.Event()
        if not is_slow:
            self.may_read.set()
        self.frames: list[dict[str, Any]] = []
        self.consumer = StreamConsumer()
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._inbox.put_nowait({"type": "websocket.connect"})
        user = SimpleNamespace(is_authenticated=False)
        scope = {"type": "websocket", "headers": [], "cookies": {}, "user": user}
        self.task = asyncio.ensure_future(self.consumer(scope, self._inbox.get, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            self.frames.append(json.loads(message["text"]))
            self.frames = self.frames[-1:]
            await self.may_read.wait()

    async def watch(self, symbols: list[str]) -> None:
        while not hasattr(self.consumer, "_loop"):
            await asyncio.sleep(0)
        self.consumer._join(Credential("session", "", new_id(), ""))
        self.consumer.feed.credential = None
        self.consumer.hub.watch(self.consumer.feed, symbols)

    async def leave(self) -> None:
        self.may_read.set()
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self.task


@pytest.fixture
def no_rounds(monkeypatch):
    """Nothing of the hub happens by the clock."""
    for name in ("FLUSH_S", "SWEEP_S", "WATCH_S", "MARKETS_S"):
        monkeypatch.setattr(hub_module, name, 3600.0)


async def move(hub, cents: int) -> None:
    """Let every symbol move, and every writer come as far as it can."""
    get_bus().publish(TICKS, [tick(symbol, f"10.{cents:04}") for symbol in SYMBOLS])
    await flushed(hub)
    for _ in range(5):
        await asyncio.sleep(0)


async def test_memory_is_flat_while_fifty_do_not_read(no_rounds):
    quick = Reader(is_slow=False)
    slow = [Reader(is_slow=True) for _ in range(SLOW)]
    for reader in (quick, *slow):
        await reader.watch(SYMBOLS)
    hub = quick.consumer.hub
    tracemalloc.start()
    held = []
    for number in range(ROUNDS):
        await move(hub, number % PRICES)
        if number in MEASURED:
            gc.collect()
            held.append(tracemalloc.take_snapshot())
    tracemalloc.stop()
    one_frame_each = SLOW * len(quick.frames[0]["prices"]) * 250
    lines = held[1].compare_to(held[0], "lineno")
    grown = sum(line.size_diff for line in lines)
    assert grown < one_frame_each / 10, [str(line) for line in lines[:5]]

    newest = Decimal(f"10.{(ROUNDS - 1) % PRICES:04}")
    assert {Decimal(price["bid"]) for price in quick.frames[0]["prices"]} == {newest}
    for reader in slow:
        assert {Decimal(price["bid"]) for price in reader.frames[0]["prices"]} == {Decimal(10)}
        reader.may_read.set()
    for _ in range(5):
        await asyncio.sleep(0)
    for reader in slow:
        told = {price["symbol"]: Decimal(price["bid"]) for price in reader.frames[0]["prices"]}
        assert told == dict.fromkeys(SYMBOLS, newest)
    for reader in (quick, *slow):
        await reader.leave()


async def test_slow_readers_and_what_gave_way_are_counted(no_rounds):
    quick, slow = Reader(is_slow=False), Reader(is_slow=True)
    for reader in (quick, slow):
        await reader.watch(SYMBOLS)
    hub = quick.consumer.hub
    for cents in range(3):
        await move(hub, cents)
    told = stats.read()
    assert (told["sockets"], told["price_topics"], told["slow_readers"]) == (2, 20, 0)
    assert (told["ticks"], told["prices_sent"], told["prices_conflated"]) == (60, 80, 20)
    for reader in (quick, slow):
        reader.consumer.feed.sent_s -= hub_module.SLOW_S
    assert stats.read()["slow_readers"] == 1
    for reader in (quick, slow):
        await reader.leave()
    assert stats.read()["sockets"] == 0
