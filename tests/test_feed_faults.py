"""Whatever Twelve Data does wrong, nothing is filled against it, and it comes back by itself.

A real conversation over HTTP, the real board, books and engine. An order to buy below the market
and a stop above it would both fill if a bad price were believed; the last good price stays, grows
old, and after the fault the next good one counts, without a restart.
"""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bengi.terms import Realism
from instruments.board import board
from instruments.models import QuarantinedTick
from instruments.services import flush_quotes
from instruments.twelvedata import tape
from instruments.twelvedata.symbols import Target
from instruments.twelvedata.tests.desk import Desk, open_desk
from instruments.twelvedata.tests.server import (
    BAD_KEY,
    DAY_OUT,
    MINUTE_OUT,
    Asked,
    Said,
    error_document,
    quote_document,
)
from trades.models import Trade
from trades.tests.world import START, World, open_world

pytestmark = pytest.mark.django_db

D = Decimal
GOOD = "100.00"


class Feed:
    """Quotes one share as of the world's clock; fault, if there is one, takes its place."""

    def __init__(self) -> None:
        self.now = START
        self.price, self.volume = GOOD, 100_000
        self.fault: Callable[[Asked], Any] | None = None

    def __call__(self, asked: Asked) -> Any:
        return self.fault(asked) if self.fault else self.quote()

    def quote(self, **fields: Any) -> dict[str, Any]:
        self.volume += 10_000
        minute = int(self.now.timestamp()) // 60 * 60
        values = {
            "datetime": "2026-03-02",
            "last_quote_at": minute,
            "open": GOOD,
            "high": max(self.price, "101", key=D),
            "low": min(self.price, "99", key=D),
            "close": self.price,
            "previous_close": "99.00",
            "volume": str(self.volume),
        }
        return quote_document("ABC", **{**values, **fields})


@dataclass
class Floor:
    world: World
    desk: Desk
    feed: Feed
    instrument: Any
    orders: list[Any]

    def pass_time(self, seconds: float, *, polls: bool = True) -> None:
        """Move on, let it be asked about, and let the engine work what came of it."""
        self.world.now += timedelta(seconds=seconds)
        self.feed.now = self.desk.now = self.world.now
        if polls:
            self.desk.poll(force=True)
        self.world.drain()

    @property
    def newest(self) -> Any:
        return board.newest(str(self.instrument.id))

    @property
    def age_s(self) -> float:
        return (self.world.now - self.newest.as_of).total_seconds()


@pytest.fixture
def floor():
    feed = Feed()
    with open_world() as world:
        instrument = world.instrument("ABC")
        target = Target("ABC", "ABC", str(instrument.id), 0, "XNAS", "USD")
        with open_desk(feed, {"ABC": target}, START, mode="always", read_s=0.3) as desk:
            floor = Floor(world, desk, feed, instrument, [])
            floor.pass_time(1)
            floor.pass_time(1)
            trader = world.trader(realism=Realism.REALISTIC)
            floor.orders = [
                world.place(trader, instrument, "buy", 10, limit="91", tif="gtc"),
                world.place(trader, instrument, "buy", 10, stop="109", tif="gtc"),
            ]
            assert {order.status for order in floor.orders} == {"new"}
            yield floor


def fault(name: str) -> Callable[[Any], Callable[[Asked], Any]]:
    """Return what a fault's name says, for a feed."""

    def quote(**fields: Any) -> Callable[[Any], Any]:
        return lambda feed: lambda asked: feed.quote(**fields)

    def said(body: Any, status: int = 200) -> Callable[[Any], Any]:
        return lambda feed: lambda asked: Said(body, status)

    def broken_off(feed: Any) -> Any:
        shut = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)  # noqa: E731
        return lambda asked: Said(feed.quote(close="90"), before=shut)

    def old(feed: Any) -> Any:
        def answer(asked: Asked) -> Any:
            ago = int(feed.now.timestamp()) - 1200
            return feed.quote(close="90", low="90", last_quote_at=ago)

        return answer

    half = json.dumps(quote_document("ABC", close="90"))[:-20]
    return {
        "minute credits": said(MINUTE_OUT, 429),
        "minute credits inside 200": said(MINUTE_OUT),
        "day credits": said(DAY_OUT, 429),
        "status error inside 200": said(error_document(500, "internal"), 200),
        "bad key": said(BAD_KEY, 401),
        "NaN as text": quote(close="NaN"),
        "NaN in JSON": said('{"symbol": "ABC", "close": NaN}'),
        "null": quote(close=None),
        "zero": quote(close="0"),
        "negative": quote(close="-90"),
        "ten times": quote(close="1000", high="1000"),
        "a tenth": quote(close="10", low="10"),
        "outside of its day": quote(close="90", low="99"),
        "crossed day": quote(close="100", low="0"),
        "out of order": old,
        "no time": quote(close="90", low="90", last_quote_at=None),
        "the future": quote(close="90", low="90", last_quote_at=4_000_000_000),
        "500": said("<html>", 500),
        "520 with words": said(error_document(520, "web server"), 520),
        "half a document": said(half),
        "another document": said([]),
        "another listing": quote(close="90", low="90", mic_code="XETR", currency="EUR"),
        "broken off": broken_off,
    }[name]


FAULTS = [
    *("minute credits", "minute credits inside 200", "status error inside 200", "NaN as text"),
    *("NaN in JSON", "null", "zero", "negative", "ten times", "a tenth", "outside of its day"),
    *("crossed day", "out of order", "no time", "the future", "500", "520 with words"),
    *("half a document", "another document", "broken off"),
]
LONGER = {"day credits": timedelta(hours=10), "bad key": timedelta(minutes=11)}
FOR_LONG = {**LONGER, "another listing": timedelta(hours=7)}


@pytest.mark.parametrize("name", [*FAULTS, *FOR_LONG])
def test_nothing_fills_on_it_and_it_comes_back_by_itself(floor, name, caplog):
    good = floor.newest
    floor.feed.fault = fault(name)(floor.feed)
    for _ in range(2):
        floor.pass_time(20)
    assert floor.newest == good
    assert floor.age_s >= 40
    assert not Trade.objects.exists()
    floor.feed.fault = None
    floor.pass_time(FOR_LONG.get(name, timedelta(seconds=90)).total_seconds())
    floor.pass_time(1)
    assert floor.age_s <= 1
    assert floor.newest.last == D(GOOD)
    for order in floor.orders:
        order.refresh_from_db()
        assert order.status == "new"
    assert not Trade.objects.exists()


def test_the_test_can_fill(floor):
    """The same orders fill on the same prices, said by a healthy feed in steps one can believe."""
    for price in ("98.00", "94.00", "90.90"):
        floor.feed.price = price
        floor.pass_time(10)
    order = floor.orders[0]
    order.refresh_from_db()
    assert order.filled_quantity == 10
    assert Trade.objects.get().price <= 91


def test_what_was_not_believed_is_kept_for_staff(floor):
    for name in ("zero", "ten times", "out of order", "outside of its day"):
        floor.feed.fault = fault(name)(floor.feed)
        floor.pass_time(61)
    flush_quotes()
    reasons = " | ".join(QuarantinedTick.objects.values_list("reason", flat=True))
    for words in ("last is 0", "far outside the day's", ", after one of", "below the day's low"):
        assert words in reasons


def test_an_old_price_keeps_its_age_and_fills_nothing(floor):
    """A delayed plan tells of a quarter of an hour ago, again and again: that is never fresh."""
    for _ in range(10):
        ago = int(floor.feed.now.timestamp()) - 900
        floor.feed.fault = lambda asked, ago=ago: floor.feed.quote(
            close="90.50", low="90", last_quote_at=ago + 60
        )
        floor.pass_time(60)
    floor.feed.fault = None
    assert not Trade.objects.exists()
    floor.pass_time(120, polls=False)
    assert floor.age_s > 100


def test_a_poll_that_comes_late_fills_nothing_even_if_its_price_would(floor):
    """The credits are out for 20 minutes; the price of before is shown with its age."""
    floor.pass_time(1200, polls=False)
    assert floor.age_s == 1200
    trader = floor.world.trader()
    with pytest.raises(Exception, match="stale_quote"):
        floor.world.place(trader, floor.instrument, "buy", 1)
    order = floor.world.place(trader, floor.instrument, "buy", 1, limit="100.50")
    assert order.filled_quantity == 0
    floor.pass_time(1)
    order.refresh_from_db()
    assert order.filled_quantity == 1


def test_a_slow_answer_is_as_old_as_its_question(floor):
    """Asked for, and answered half a minute later: the price is of when it was asked for."""
    asked_at = floor.world.now + timedelta(seconds=5)

    def slowly(asked: Asked) -> Any:
        floor.world.now += timedelta(seconds=30)
        return floor.feed.quote(close="90.50", low="90", last_quote_at=int(asked_at.timestamp()))

    floor.feed.fault = slowly
    floor.pass_time(5)
    assert floor.newest.as_of == asked_at
    assert floor.age_s == 30
    assert not Trade.objects.exists()


def test_a_half_open_line_does_not_hold_the_feed(floor):
    """The server takes the question and never answers; after its tries the poller goes on."""
    silent = threading.Event()
    floor.feed.fault = lambda asked: Said({}, before=lambda handler: silent.wait(20))
    try:
        floor.pass_time(30)
    finally:
        silent.set()
    assert floor.age_s == 30
    assert floor.desk.poller.polled.failures == 1
    floor.feed.fault = None
    floor.pass_time(60)
    assert floor.age_s == 0


def test_bad_prices_said_often_enough_are_still_none(floor):
    """Zero is no price however often it is said; a real move of 15 % is one, the third time."""
    floor.feed.fault = lambda asked: floor.feed.quote(close="0")
    for _ in range(8):
        floor.pass_time(61)
    assert floor.newest.last == D(GOOD)
    floor.feed.fault = None
    floor.feed.price = "85.00"
    for _ in range(2):
        floor.pass_time(61)
        assert floor.newest.last == D(GOOD)
    floor.pass_time(61)
    assert floor.newest.last == 85


def test_without_the_check_of_prices_a_bad_one_would_fill(floor, monkeypatch):
    """A planted bug: the board believes everything."""
    monkeypatch.setattr("instruments.board.check_tick", lambda tick: [])
    floor.feed.fault = fault("outside of its day")(floor.feed)
    floor.pass_time(20)
    assert Trade.objects.exists()


def test_without_its_time_an_old_price_would_fill(floor, monkeypatch):
    """A planted bug: a price is as of when it was asked for, whatever minute it tells of."""
    monkeypatch.setattr(tape, "_as_of", lambda last_quote_at, asked_at: asked_at)
    floor.feed.fault = fault("out of order")(floor.feed)
    floor.pass_time(20)
    assert Trade.objects.exists()
