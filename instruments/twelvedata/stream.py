"""The WebSocket of Twelve Data, in a thread of its own, for plans that have one.

It connects, subscribes to what is needed most, and does so anew whenever the line is lost: after 1
second, then twice as long, up to 30. A heartbeat goes out every 10 seconds; a line on which nothing
comes for 30 is given up. A refused key or plan ends it: quotes are then asked for over REST, as
they are for every symbol of which the stream has said nothing for a minute.
"""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any
from urllib.parse import urlencode

import msgspec
from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from instruments.quotes import Tick
from instruments.twelvedata import events
from instruments.twelvedata.errors import BadKey, PlanTooLow, TwelveDataError, Unreadable
from instruments.twelvedata.symbols import Target, is_same_market
from instruments.twelvedata.tape import Priced, Tape

log = logging.getLogger(__name__)
_wire = logging.getLogger("instruments.twelvedata.stream.wire")
_wire.setLevel(logging.WARNING)  # below that the library writes addresses, which hold the key
_random = SystemRandom()

FRAME_MAX = 256 * 1024
REFUSED = timedelta(hours=1)
"""A symbol whose subscription failed is not asked for again before."""


class Silent(Exception):
    """Nothing has come for too long."""


class Timing(msgspec.Struct, frozen=True):
    """Seconds. live_s: how long after its last price a symbol still counts as streamed."""

    heartbeat_s: float = 10
    silence_s: float = 30
    pause_s_min: float = 1
    pause_s_max: float = 30
    stable_s: float = 60
    live_s: float = 60
    open_s: float = 10


class Streamed(msgspec.Struct):
    """For staff: how it has gone. state: off, connecting, live, waiting, refused."""

    state: str = "off"
    connections: int = 0
    prices: int = 0
    unreadable: int = 0
    failed: dict[str, str] = {}
    last_error: str = ""


class Stream:
    """run() in a thread until stop(); follow() and live() from any thread."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        tape: Tape,
        take_in: Callable[[list[Tick]], None],
        now: Callable[[], datetime],
        symbols_max: int,
        timing: Timing | None = None,
    ) -> None:
        self._address = f"{url}?{urlencode({'apikey': key})}"
        self._tape, self._take_in, self._now = tape, take_in, now
        self._symbols_max, self._timing = symbols_max, timing or Timing()
        self._wanted: dict[str, Target] = {}
        self._heard: dict[str, datetime] = {}
        self._failed: dict[str, datetime] = {}
        self._subscribed: set[str] = set()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed, self._ended = asyncio.Event(), asyncio.Event()
        self._is_stopped = False
        self.streamed = Streamed()

    def follow(self, targets: Sequence[Target]) -> None:
        """Subscribe to these, the first ones first, as many as the plan has; and to no others."""
        now = self._now()
        self._failed = {t: at for t, at in self._failed.items() if now - at < REFUSED}
        able = [target for target in targets if target.token not in self._failed]
        wanted = {target.token: target for target in able[: self._symbols_max]}
        if wanted.keys() != self._wanted.keys():
            self._wanted = wanted
            self._tell(self._changed)

    def live(self, now: datetime) -> frozenset[str]:
        """Return the tokens whose prices come by themselves."""
        since = now - timedelta(seconds=self._timing.live_s)
        return frozenset(token for token, at in list(self._heard.items()) if at >= since)

    def run(self) -> None:
        """Stream until stopped, or until the key or the plan is refused."""
        asyncio.run(self._main())

    def stop(self) -> None:
        """Let run() end."""
        self._is_stopped = True
        self._tell(self._ended)

    def _tell(self, event: asyncio.Event) -> None:
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(event.set)

    async def _main(self) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
        try:
            if not self._is_stopped:
                await self._keep_connected()
        finally:
            with self._lock:
                self._loop = None
            self._heard = {}

    async def _keep_connected(self) -> None:
        pause_s = self._timing.pause_s_min
        while not self._ended.is_set():
            begun_s = asyncio.get_running_loop().time()
            self.streamed.state = "connecting"
            try:
                await self._converse()
            except (BadKey, PlanTooLow) as error:
                self._refuse(error)
                return
            except (OSError, TimeoutError, Silent, WebSocketException, TwelveDataError) as error:
                self.streamed.last_error = type(error).__name__
                log.warning("the stream of Twelve Data is lost: %s", type(error).__name__)
            self._heard, self._subscribed = {}, set()
            if asyncio.get_running_loop().time() - begun_s >= self._timing.stable_s:
                pause_s = self._timing.pause_s_min
            self.streamed.state = "waiting"
            await _first(self._ended.wait(), asyncio.sleep(pause_s * (1 + _random.random()) / 2))
            pause_s = min(self._timing.pause_s_max, 2 * pause_s)
        self.streamed.state = "off"

    def _refuse(self, error: TwelveDataError) -> None:
        self.streamed.state, self.streamed.last_error = "refused", str(error)
        self._heard = {}
        log.error("Twelve Data refuses the stream (%s); quotes are asked for instead", error)

    async def _converse(self) -> None:
        """Connect, and listen until the line is lost or somebody stops."""
        try:
            async with connect(
                self._address,
                logger=_wire,
                open_timeout=self._timing.open_s,
                close_timeout=2,
                ping_interval=None,
                max_size=FRAME_MAX,
            ) as line:
                self.streamed.connections += 1
                self._changed.set()
                await _first(
                    self._listen(line),
                    self._beat(line),
                    self._keep_subscribed(line),
                    self._ended.wait(),
                )
        except InvalidStatus as error:
            raise _refusal(error) from None

    async def _listen(self, line: ClientConnection) -> None:
        while True:
            try:
                text = await asyncio.wait_for(line.recv(), self._timing.silence_s)
            except TimeoutError:
                raise Silent from None
            try:
                self._hear(events.read_event(text))
            except Unreadable as error:
                self.streamed.unreadable += 1
                log.debug("a frame is left out: %s", error)

    async def _beat(self, line: ClientConnection) -> None:
        while True:
            await asyncio.sleep(self._timing.heartbeat_s)
            await line.send(events.HEARTBEAT)

    async def _keep_subscribed(self, line: ClientConnection) -> None:
        """Subscribe to what is wanted and not yet subscribed to, whenever that changes."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            wanted = self._wanted
            gone = sorted(self._subscribed - wanted.keys())
            fresh = [token for token in wanted if token not in self._subscribed]
            if gone:
                await line.send(events.unsubscribe(gone))
            if fresh:
                await line.send(events.subscribe(fresh))
            self._subscribed = set(wanted)

    def _hear(self, event: events.Event) -> None:
        if isinstance(event, Priced):
            self._price(event)
        elif isinstance(event, events.Subscribed):
            self._note(event)

    def _price(self, priced: Priced) -> None:
        target = self._target(priced)
        if target is None:
            return
        now = self._now()
        tick = self._tape.priced(target, priced, now)
        self.streamed.state = "live"
        self.streamed.prices += 1
        self._heard[target.token] = now
        self._take_in([tick])

    def _target(self, priced: Priced) -> Target | None:
        """Return whose price it is: symbols of several exchanges are told apart by the MIC."""
        for token, target in self._wanted.items():
            symbol = token.partition(":")[0]
            if symbol == priced.symbol and is_same_market(priced.mic, target.mic):
                return target
        return None

    def _note(self, subscribed: events.Subscribed) -> None:
        """Leave out what failed, for a while; what went well goes on. No reason to reconnect."""
        failed = dict(subscribed.failed)
        if subscribed.is_error and not failed and not subscribed.succeeded:
            failed = dict.fromkeys(self._wanted, "refused")
        now = self._now()
        for token in self._wanted:
            if token in failed or token.partition(":")[0] in failed:
                self._failed[token] = now
                self._subscribed.discard(token)
        self.streamed.failed = failed
        if failed:
            log.warning("Twelve Data does not stream %s", ", ".join(sorted(failed)))


def stream_of(
    tape: Tape, take_in: Callable[[list[Tick]], None], now: Callable[[], datetime]
) -> Stream | None:
    """Return the stream that the settings name; None where there is none."""
    if not settings.TWELVE_DATA_STREAM_URL:
        return None
    return Stream(
        settings.TWELVE_DATA_STREAM_URL,
        settings.TWELVE_DATA_API_KEY,
        tape=tape,
        take_in=take_in,
        now=now,
        symbols_max=settings.TWELVE_DATA_STREAM_SYMBOLS,
    )


def _refusal(error: InvalidStatus) -> TwelveDataError:
    """Return what a refused handshake says: by its status, or in a body with status 200."""
    status, body = error.response.status_code, error.response.body
    if status in (401, 403):
        return events.fatal_error({"code": status}) or TwelveDataError("refused", code=status)
    try:
        told = events.fatal_error(json.loads(body or b""))
    except ValueError:
        told = None
    return told or TwelveDataError("no WebSocket", code=status)


async def _first(*works: Any) -> None:
    """Run works until the first has ended, end the others, and raise what it raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
