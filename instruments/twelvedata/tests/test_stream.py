"""The WebSocket against a server of the test's own: every word of it, and every way to break."""

import asyncio
import contextlib
import json
import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.http11 import Response

from instruments.twelvedata import events
from instruments.twelvedata.errors import BadKey, PlanTooLow, Unreadable
from instruments.twelvedata.stream import Stream, Timing
from instruments.twelvedata.symbols import Target
from instruments.twelvedata.tape import Priced, Tape

NOW = datetime(2026, 11, 25, 15, 0, 30, tzinfo=UTC)
QUICK = Timing(
    heartbeat_s=0.02,
    silence_s=2,
    pause_s_min=0.01,
    pause_s_max=0.04,
    stable_s=60,
    live_s=60,
    open_s=5,
)
KEY = "s3cret-stream-key"
AAPL = Target("AAPL", "AAPL", "id-aapl", 0, "XNAS", "USD")
KO = Target("KO", "KO", "id-ko", 0, "XNYS", "USD")
VOD = Target("VOD:LSE", "VOD", "id-vod", 0, "XLON", "GBP")


def price_frame(symbol="AAPL", **fields):
    return {
        "event": "price",
        "symbol": symbol,
        "currency": "USD",
        "exchange": "NASDAQ",
        "mic_code": "XNGS",
        "type": "Common Stock",
        "timestamp": int(NOW.timestamp()) - 1,
        "price": 342.0157,
        "day_volume": 27631112,
        **fields,
    }


def test_a_price_is_read_exactly():
    event = events.read_event(json.dumps(price_frame()))
    assert isinstance(event, Priced)
    assert (event.price, event.day_volume) == (Decimal("342.0157"), 27_631_112)
    assert (event.symbol, event.mic, event.currency) == ("AAPL", "XNGS", "USD")
    assert event.as_of == NOW - timedelta(seconds=1)
    assert (event.bid, event.ask) == (None, None)
    coin = price_frame(
        "BTC/USD", currency=None, currency_quote="USD", bid=1.5, ask=2, mic_code=None
    )
    event = events.read_event(json.dumps(coin))
    assert (event.bid, event.ask, event.currency, event.mic) == (Decimal("1.5"), 2, "USD", "")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{", "[" * 50_000, "5"),
        json.dumps(price_frame(price=None)),
        json.dumps(price_frame(price="NaN")),
        json.dumps(price_frame()).replace("342.0157", "NaN"),
        json.dumps(price_frame()).replace("342.0157", "Infinity"),
        json.dumps(price_frame(timestamp=None)),
        json.dumps(price_frame(timestamp="now")),
        json.dumps(price_frame(symbol=5)),
        json.dumps(price_frame(price=True)),
    ],
    ids=lambda text: text[:8],
)
def test_frames_that_say_nothing(text):
    with pytest.raises(Unreadable):
        events.read_event(text)


def test_what_became_of_a_subscription():
    frame = {
        "event": "subscribe-status",
        "status": "warning",
        "success": [{"symbol": "AAPL", "exchange": "NASDAQ", "country": "US", "type": "Stock"}],
        "fails": [{"symbol": "0700", "message": "no entitlement"}, {"message": "?"}, 5],
    }
    told = events.read_event(json.dumps(frame))
    assert (told.succeeded, told.failed) == (["AAPL"], {"0700": "no entitlement"})
    assert not told.is_error
    none = events.read_event('{"event": "subscribe-status", "status": "ok", "fails": null}')
    assert (none.succeeded, none.failed, none.is_error) == ([], {}, False)
    assert events.read_event('{"event": "heartbeat", "status": "ok"}') == events.Noted("heartbeat")


@pytest.mark.parametrize(("code", "kind"), [(401, BadKey), (403, PlanTooLow)])
def test_frames_that_end_it(code, kind):
    with pytest.raises(kind):
        events.read_event(json.dumps({"status": "error", "code": code, "message": "no"}))


class Wire:
    """A server whose lines do what the test says; it keeps what was said to it, by line."""

    def __init__(self) -> None:
        self.lines: list[list[Any]] = []
        self.paths: list[str] = []
        self.act = None
        self.refuse = None
        self.prices_after = 0
        self.url = ""
        self._loop = None
        self._ready, self._over = threading.Event(), None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(5)

    async def _serve(self):
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with serve(
            self._line, "127.0.0.1", 0, process_request=self._request, close_timeout=0.1
        ) as server:
            self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/quotes/price"
            self._ready.set()
            await self._over.wait()

    def _request(self, line, request):
        self.paths.append(request.path)
        return self.refuse() if self.refuse else None

    async def _line(self, line):
        said: list[Any] = []
        self.lines.append(said)
        with contextlib.suppress(Exception):
            async for text in line:
                said.append(json.loads(text))
                await self._answer(line, said)

    async def _answer(self, line, said):
        if self.act is not None:
            await self.act(line, said)
        elif said[-1]["action"] == "subscribe":
            await line.send(json.dumps({"event": "subscribe-status", "status": "ok"}))
            for symbol in said[-1]["params"]["symbols"].split(","):
                await line.send(json.dumps(price_frame(symbol)))
        elif said[-1]["action"] == "heartbeat":
            await line.send('{"event": "heartbeat", "status": "ok"}')

    def close(self):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5)
        assert not self._thread.is_alive()


@pytest.fixture
def wire():
    wire = Wire()
    yield wire
    wire.close()


class Listener:
    """A stream in its thread, and the ticks it hands on."""

    def __init__(self, url: str, timing=QUICK, symbols_max=8) -> None:
        self.ticks: list[Any] = []
        self.now = NOW
        self.stream = Stream(
            url,
            KEY,
            tape=Tape(),
            take_in=self.ticks.extend,
            now=lambda: self.now,
            symbols_max=symbols_max,
            timing=timing,
        )
        self.thread = threading.Thread(target=self.stream.run)

    def start(self, *targets):
        self.stream.follow(targets)
        self.thread.start()

    def close(self):
        self.stream.stop()
        if self.thread.ident:
            self.thread.join(5)
        assert not self.thread.is_alive()


@pytest.fixture
def listen(wire):
    opened = []

    def make(**options) -> Listener:
        opened.append(Listener(wire.url, **options))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def until(condition) -> None:
    give_up_s = time.monotonic() + 10
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < give_up_s, "it never came true"
        pause.wait(0.005)


def said(wire, action):
    return [
        frame["params"]["symbols"]
        for line in wire.lines
        for frame in line
        if frame["action"] == action
    ]


def test_it_subscribes_and_hands_prices_on(wire, listen):
    listener = listen()
    listener.start(AAPL, KO)
    until(lambda: listener.ticks)
    tick = listener.ticks[0]
    assert (tick.symbol, tick.last, tick.source) == ("AAPL", Decimal("342.0157"), "twelvedata")
    assert said(wire, "subscribe") == ["AAPL,KO"]
    assert wire.paths == [f"/v1/quotes/price?apikey={KEY}"]
    assert listener.stream.live(NOW) == {"AAPL"}  # KO's price came with Nasdaq's MIC
    assert listener.stream.streamed.state == "live"


def test_it_beats_while_nothing_happens(wire, listen):
    listener = listen()
    listener.start(AAPL)
    until(lambda: sum(f["action"] == "heartbeat" for line in wire.lines for f in line) >= 3)
    assert len(wire.lines) == 1


def test_it_follows_what_is_needed_most_as_far_as_the_plan_goes(wire, listen):
    listener = listen(symbols_max=2)
    listener.start(AAPL, KO, VOD)
    until(lambda: said(wire, "subscribe") == ["AAPL,KO"])
    listener.stream.follow([VOD, AAPL, KO])
    until(lambda: said(wire, "subscribe") == ["AAPL,KO", "VOD:LSE"])
    assert said(wire, "unsubscribe") == ["KO"]
    assert len(wire.lines) == 1


def test_a_lost_line_is_taken_up_again_with_its_subscriptions(wire, listen):
    async def hang_up(line, frames):
        if frames[-1]["action"] == "subscribe":
            await line.send(json.dumps(price_frame()))
            if len(wire.lines) < 4:
                line.transport.abort()

    wire.act = hang_up
    listener = listen()
    listener.start(AAPL, KO)
    until(lambda: said(wire, "subscribe") == ["AAPL,KO"] * 4)
    until(lambda: listener.stream.live(NOW) == {"AAPL"})
    assert len(wire.lines) == 4
    assert listener.stream.streamed.connections == 4


def test_pauses_grow_to_their_longest(wire, listen, monkeypatch):
    pauses = []
    sleep = asyncio.sleep

    async def slept(seconds):
        if seconds != QUICK.heartbeat_s:
            pauses.append(seconds)
        await sleep(0)

    wire.refuse = lambda: Response(503, "Unavailable", Headers({"Content-Length": "0"}), b"")
    monkeypatch.setattr("instruments.twelvedata.stream.asyncio.sleep", slept)
    listener = listen(timing=Timing(heartbeat_s=0.02))
    listener.start(AAPL)
    until(lambda: len(pauses) >= 8)
    for pause, longest in zip(pauses, (1, 2, 4, 8, 16, 30, 30, 30), strict=False):
        assert longest / 2 <= pause <= longest


def test_a_silent_line_is_given_up(wire, listen):
    """Half-open: it takes every heartbeat, and says nothing any more."""

    async def fall_silent(line, frames):
        if frames[-1]["action"] == "subscribe" and len(wire.lines) > 1:
            await line.send(json.dumps(price_frame()))

    wire.act = fall_silent
    listener = listen(timing=Timing(heartbeat_s=0.02, silence_s=0.15, pause_s_min=0.01))
    listener.start(AAPL)
    until(lambda: listener.ticks)
    assert listener.stream.streamed.last_error == "Silent"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b""),
        (403, b"plan"),
        (200, b'{"code": 401, "message": "apikey is incorrect", "status": "error"}'),
    ],
)
def test_a_refused_key_or_plan_ends_it(wire, listen, caplog, status, body):
    headers = Headers({"Content-Length": str(len(body))})
    wire.refuse = lambda: Response(status, HTTPStatus(status).phrase, headers, body)
    listener = listen()
    listener.start(AAPL)
    listener.thread.join(5)
    assert not listener.thread.is_alive()
    assert listener.stream.streamed.state == "refused"
    assert listener.stream.live(NOW) == frozenset()
    assert len(wire.paths) == 1
    assert "quotes are asked for instead" in caplog.text


def test_a_frame_that_refuses_the_key_ends_it_too(wire, listen):
    async def refuse(line, frames):
        await line.send('{"event": "error", "status": "error", "code": 401, "message": "no"}')

    wire.act = refuse
    listener = listen()
    listener.start(AAPL)
    listener.thread.join(5)
    assert listener.stream.streamed.state == "refused"


def test_a_warning_is_no_reason_to_reconnect(wire, listen):
    async def warn(line, frames):
        if frames[-1]["action"] == "subscribe":
            frame = {
                "event": "subscribe-status",
                "status": "warning",
                "success": [{"symbol": "AAPL"}],
                "fails": [{"symbol": "VOD", "message": "entitlement lost"}],
            }
            await line.send(json.dumps(frame))
            await line.send(json.dumps(price_frame()))

    wire.act = warn
    listener = listen(symbols_max=2)
    listener.start(AAPL, VOD, KO)
    until(lambda: listener.ticks)
    assert listener.stream.streamed.failed == {"VOD": "entitlement lost"}
    listener.stream.follow([AAPL, VOD, KO])
    until(lambda: said(wire, "subscribe") == ["AAPL,VOD:LSE", "KO"])
    assert len(wire.lines) == 1
    listener.now += timedelta(hours=1)
    listener.stream.follow([AAPL, VOD, KO])
    until(lambda: len(said(wire, "subscribe")) == 3)
    assert said(wire, "subscribe")[2] == "VOD:LSE"


def test_an_error_of_the_whole_subscription_leaves_it_to_the_polls(wire, listen):
    async def refuse(line, frames):
        if frames[-1]["action"] == "subscribe":
            frame = {"event": "subscribe-status", "status": "error", "messages": ["no credits"]}
            await line.send(json.dumps(frame))

    wire.act = refuse
    listener = listen()
    listener.start(AAPL, KO)
    until(lambda: listener.stream.streamed.failed)
    listener.stream.follow([AAPL, KO])
    until(lambda: sum(f["action"] == "heartbeat" for line in wire.lines for f in line) >= 3)
    assert said(wire, "subscribe") == ["AAPL,KO"]
    assert len(wire.lines) == 1


def test_nonsense_is_left_out_and_the_line_lives_on(wire, listen):
    async def nonsense(line, frames):
        if frames[-1]["action"] == "subscribe":
            for frame in ("{", "[]", json.dumps(price_frame(price="NaN")), b"\xff\xfe"):
                await line.send(frame)
            await line.send(json.dumps(price_frame(symbol="UNASKED")))
            await line.send(json.dumps(price_frame(currency="EUR")))
            await line.send(json.dumps(price_frame(timestamp=int(NOW.timestamp()) + 3600)))
            await line.send(json.dumps(price_frame()))

    wire.act = nonsense
    listener = listen()
    listener.start(AAPL)
    until(lambda: listener.ticks)
    assert len(listener.ticks) == 1
    assert listener.stream.streamed.unreadable == 6
    assert len(wire.lines) == 1


def test_what_has_said_nothing_for_a_minute_is_asked_for_over_rest(wire, listen):
    listener = listen()
    listener.start(AAPL)
    until(lambda: listener.stream.live(NOW))
    assert listener.stream.live(NOW + timedelta(seconds=60)) == {"AAPL"}
    assert listener.stream.live(NOW + timedelta(seconds=61)) == frozenset()


def test_the_key_is_in_no_log(wire, listen, caplog):
    caplog.set_level(logging.DEBUG)
    wire.refuse = lambda: Response(500, "Broken", Headers({"Content-Length": "0"}), b"")
    listener = listen()
    listener.start(AAPL)
    until(lambda: len(wire.paths) >= 2)
    wire.refuse = None
    until(lambda: listener.ticks)
    listener.close()
    ours = [r for r in caplog.records if not r.name.startswith("websockets.server")]
    assert any("is lost" in record.getMessage() for record in ours)
    assert not [record for record in ours if KEY in record.getMessage()]


def test_it_stops_before_it_has_begun_and_while_it_waits(wire, listen):
    listener = listen()
    listener.stream.stop()
    listener.start(AAPL)
    listener.thread.join(5)
    assert not listener.thread.is_alive()
    wire.refuse = lambda: Response(503, "Unavailable", Headers({"Content-Length": "0"}), b"")
    waiting = listen(timing=Timing(pause_s_min=30))
    waiting.start(AAPL)
    until(lambda: waiting.stream.streamed.state == "waiting")
    waiting.close()
