"""The hub: one reader of the bus per event loop, many sockets behind it.

Prices: the newest tick per symbol is kept and written as JSON once for all sockets; every socket
gets one frame with its symbols that changed. Sockets take turns, so that a thousand of them are not
written to at once and the last one waits for the rest (docs/adr/0028). A socket that is still busy
with the frame before is not queued for: it finds the newest prices when it is ready. Streams: a
message on the bus only says
"look at the log"; a sweep says the same now and then, so that a lost message heals. While the bus
is deaf, and once when it hears again, the hub reads logs and quotes itself, every second.
"""

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from bengi.bus import ACCOUNT, MISSED, TICKS, WATCHED, get_bus
from bengi.realtime import protocol
from bengi.realtime.log import LogReader, Read

logger = logging.getLogger(__name__)

FLUSH_S = 0.05
"""How often a socket gets prices at most."""
TURNS = 5
"""Groups that the sockets are divided into; a group is served every FLUSH_S, one after another."""
HEARTBEAT_S = 2.0
SLOW_S = 1.0
"""A socket that has not taken its frame for so long is a slow reader."""
SWEEP_S = 5.0
DEAF_S = 1.0
"""How often the hub looks for itself while the bus is deaf."""
MARKETS_S = 1.0
"""How often the hub looks whether a market has opened or closed."""
WATCH_S = 2.0
"""How often the hub looks whether those who listen are still signed in."""

Heads = Callable[[list[UUID]], Awaitable[dict[UUID, int]]]
"""Reads the newest seq of each stream's log."""

Credential = Hashable
"""What a socket was let in with; only whoever reads them knows what stands in it."""
Live = Callable[[list[Any]], Awaitable[set[Any]]]
"""Reads which of the credentials still hold."""
Markets = Callable[[], Awaitable[str]]
"""Reads the frame that tells what every market does now."""
Quotes = Callable[[list[str]], Awaitable[Iterable[Any]]]
"""Reads the newest tick of each symbol, from where processes without a feed have them."""


class Readers(NamedTuple):
    """What the hub asks when it has to know more than the bus says."""

    heads: Heads
    live: Live
    markets: Markets
    quotes: Quotes
    events: Read


class Feed:
    """What one socket watches, and what is waiting for it."""

    def __init__(self, hub: "Hub", credential: Credential | None, turn: int) -> None:
        self.credential = credential
        self.turn = turn
        self.symbols: set[str] = set()
        self.seqs: dict[UUID, int] = {}
        """stream -> seq of the last event sent"""
        self.prices_due = asyncio.Event()
        self.events_due = asyncio.Event()
        self.signed_out = asyncio.Event()
        self.sent_s = 0.0
        """When the last frame went out, on the loop's clock."""
        self.sending = 0
        """Frames that have not been taken yet."""
        self._hub = hub
        self._changed: set[str] = set()
        self._hinted: set[UUID] = set()
        self._has_markets = False

    def prices_changed(self, symbols: set[str]) -> int:
        """Note what has to be sent; return how many prices give way that were not sent yet."""
        if not self._changed:
            self._changed = symbols
            self.prices_due.set()
            return 0
        before = len(self._changed) + len(symbols)
        self._changed |= symbols
        return before - len(self._changed)

    def take_prices(self) -> list[str]:
        """Return the newest JSON of each watched symbol that changed since the last call."""
        self.prices_due.clear()
        changed, self._changed = self._changed, set()
        newest = self._hub.newest
        prices = [newest[symbol] for symbol in changed if symbol in newest]
        self._hub.prices_sent += len(prices)
        return prices

    def markets_changed(self) -> None:
        self._has_markets = True
        self.prices_due.set()

    def take_markets(self) -> str:
        """Return the newest frame of the markets where they changed since the last call, or ""."""
        changed, self._has_markets = self._has_markets, False
        return self._hub.markets if changed else ""

    def hint(self, stream_id: UUID) -> None:
        self._hinted.add(stream_id)
        self.events_due.set()

    def take_hints(self) -> set[UUID]:
        """Return the streams whose log may have grown since the last call."""
        self.events_due.clear()
        hinted, self._hinted = self._hinted, set()
        return hinted


class Hub:
    """Runs while it has feeds. Everything but the bus callbacks happens in its event loop."""

    def __init__(self, read: Readers) -> None:
        self.markets = ""
        """The frame of the markets, once somebody follows them."""
        self.newest: dict[str, str] = {}
        """symbol -> JSON of its newest price, of symbols that somebody watches"""
        self._read = read
        self.log = LogReader(read.events)
        self._as_of: dict[str, datetime] = {}
        """symbol -> as_of of the tick in newest"""
        self._has_missed = False
        self._market_watchers: set[Feed] = set()
        self._loop = asyncio.get_running_loop()
        self.ticks = 0
        self.prices_sent = 0
        self.prices_conflated = 0
        """Prices that gave way to newer ones before a socket was ready for them."""
        self._feeds: set[Feed] = set()
        self._groups: list[set[Feed]] = [set() for _ in range(TURNS)]
        self._changed: list[set[str]] = [set() for _ in range(TURNS)]
        """Per group, the symbols that have changed since it was served."""
        self._turn = 0
        self._watchers: dict[str, set[Feed]] = defaultdict(set)
        self._followers: dict[UUID, set[Feed]] = defaultdict(set)
        self._incoming: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._unsubscribe: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def join(self, credential: Credential | None = None) -> Feed:
        """Return a new socket's feed; the first one starts the hub."""
        turn = min(range(TURNS), key=lambda number: len(self._groups[number]))
        feed = Feed(self, credential, turn)
        feed.sent_s = self._loop.time()
        if not self._feeds:
            self._start()
        self._feeds.add(feed)
        self._groups[turn].add(feed)
        return feed

    async def leave(self, feed: Feed) -> None:
        """Forget a feed; the last one stops the hub and leaves no task behind."""
        self.unwatch(feed, list(feed.symbols))
        for stream_id in list(self._followers):
            self.unfollow(feed, stream_id)
        self._market_watchers.discard(feed)
        self._feeds.discard(feed)
        self._groups[feed.turn].discard(feed)
        if not self._feeds:
            await self._stop()

    def watch(self, feed: Feed, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            feed.symbols.add(symbol)
            self._watchers[symbol].add(feed)

    def unwatch(self, feed: Feed, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            feed.symbols.discard(symbol)
            watchers = self._watchers.get(symbol, set())
            watchers.discard(feed)
            if not watchers:
                self._watchers.pop(symbol, None)
                self.newest.pop(symbol, None)
                self._as_of.pop(symbol, None)

    def watched(self) -> list[str]:
        """Return the symbols that somebody watches; from any thread."""
        return list(self._watchers)

    async def watch_markets(self, feed: Feed) -> None:
        """Let a feed know what the markets do: now, and whenever one opens or closes."""
        self._market_watchers.add(feed)
        read = self.markets or await self._read.markets()
        self.markets = self.markets or read  # a look that began later may have ended before
        feed.markets_changed()

    def unwatch_markets(self, feed: Feed) -> None:
        self._market_watchers.discard(feed)

    def watches_markets(self, feed: Feed) -> bool:
        return feed in self._market_watchers

    def follow(self, feed: Feed, stream_id: UUID) -> None:
        self._followers[stream_id].add(feed)

    def unfollow(self, feed: Feed, stream_id: UUID) -> None:
        feed.seqs.pop(stream_id, None)
        followers = self._followers.get(stream_id, set())
        followers.discard(feed)
        if not followers:
            self._followers.pop(stream_id, None)

    @property
    def sockets(self) -> int:
        return len(self._feeds)

    @property
    def price_topics(self) -> int:
        return len(self._watchers)

    @property
    def event_topics(self) -> int:
        return len(self._followers)

    def slow_readers(self) -> int:
        """Return how many sockets have not taken a frame for SLOW_S."""
        since_s = self._loop.time() - SLOW_S
        return sum(feed.sending > 0 and feed.sent_s <= since_s for feed in list(self._feeds))

    # -- in the publisher's thread ---------------------------------------------------------

    def _on_ticks(self, ticks: Iterable[Any]) -> None:
        with self._lock:
            for tick in ticks:
                if tick.symbol in self._watchers:
                    self._incoming[tick.symbol] = tick
                    self.ticks += 1

    def _on_account(self, message: dict[str, Any]) -> None:
        stream_id = UUID(message["account_id"])
        if stream_id not in self._followers:
            return
        try:
            self._loop.call_soon_threadsafe(self._hint, stream_id)
        except RuntimeError:
            logger.debug("a hint came after the loop was closed")

    def _on_missed(self, _message: None) -> None:
        self._has_missed = True

    # -- in the loop -----------------------------------------------------------------------

    def _start(self) -> None:
        bus = get_bus()
        self._unsubscribe = [
            bus.subscribe(TICKS, self._on_ticks),
            bus.subscribe(ACCOUNT, self._on_account),
            bus.subscribe(MISSED, self._on_missed),
        ]
        self._tasks = [
            self._loop.create_task(_every(FLUSH_S / TURNS, self._flush)),
            self._loop.create_task(_every(SWEEP_S, self._sweep)),
            self._loop.create_task(_every(WATCH_S, self._watch)),
            self._loop.create_task(_every(MARKETS_S, self._look_at_markets)),
            self._loop.create_task(_every(DEAF_S, self._look_for_itself)),
        ]

    async def _stop(self) -> None:
        _hubs.pop(self._loop, None)
        tasks, self._tasks = self._tasks, []
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, self.log.stop(), return_exceptions=True)

    def _hint(self, stream_id: UUID) -> None:
        for feed in self._followers.get(stream_id, ()):
            feed.hint(stream_id)

    async def _flush(self) -> None:
        """Write what has come as JSON, and serve the group whose turn it is."""
        fresh = self._take_ticks()
        for changed in self._changed:
            changed.update(fresh)
        self._turn = (self._turn + 1) % TURNS
        due, self._changed[self._turn] = self._changed[self._turn], set()
        silent_s = self._loop.time() - HEARTBEAT_S
        for feed in self._groups[self._turn]:
            if symbols := feed.symbols & due:
                self.prices_conflated += feed.prices_changed(symbols)
            elif feed.sent_s <= silent_s:
                feed.prices_due.set()

    def _take_ticks(self) -> set[str]:
        """Write the newest tick of each symbol that somebody watches; return those symbols."""
        with self._lock:
            ticks, self._incoming = self._incoming, {}
        fresh = {symbol for symbol in ticks if symbol in self._watchers}
        for symbol in fresh:
            self.newest[symbol] = protocol.encode(protocol.price(ticks[symbol]))
            self._as_of[symbol] = ticks[symbol].as_of
        return fresh

    async def _sweep(self) -> None:
        if watched := self.watched():
            await asyncio.to_thread(get_bus().publish, WATCHED, watched)
        heads = await self._read.heads(list(self._followers))
        for stream_id, head in heads.items():
            for feed in self._followers.get(stream_id, ()):
                if feed.seqs.get(stream_id, head) < head:
                    feed.hint(stream_id)

    async def _look_for_itself(self) -> None:
        """Read logs and quotes where the bus may have kept something from the sockets."""
        if not (self._has_missed or get_bus().is_deaf):
            return
        self._has_missed = False
        try:
            await self._sweep()
            quotes = await self._read.quotes(self.watched())
        except Exception:
            self._has_missed = True  # the look after a gap has still to be taken
            raise
        self._on_ticks(tick for tick in quotes if self._is_newer(tick))

    def _is_newer(self, tick: Any) -> bool:
        """Say whether nothing as new is known: what was read may be older than what has come."""
        coming = self._incoming.get(tick.symbol)
        known = self._as_of.get(tick.symbol) if coming is None else coming.as_of
        return known is None or tick.as_of > known

    async def _look_at_markets(self) -> None:
        if not self._market_watchers:
            self.markets = ""
            return
        now = await self._read.markets()
        if now != self.markets:
            self.markets = now
            for feed in self._market_watchers:
                feed.markets_changed()

    async def _watch(self) -> None:
        held = {feed.credential for feed in self._feeds if feed.credential}
        ended = held - await self._read.live(list(held))
        for feed in self._feeds:
            if feed.credential in ended:
                feed.signed_out.set()


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do work at an even pace. A failure is logged and the next round tries again."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due = max(due + seconds, loop.time())
        await asyncio.sleep(due - loop.time())
        try:
            await work()
        except Exception:  # an edge of the process: the loop has to outlive a database that is away
            logger.exception("the hub's %s failed", work.__name__)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hubs() -> list[Hub]:
    """Return the hubs that run in this process."""
    return list(_hubs.values())


def hub_of_loop(read: Readers) -> Hub:
    """Return the running loop's hub. Join it at once: a hub without feeds is forgotten."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(read)
    return _hubs[loop]
