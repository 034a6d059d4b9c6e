"""The provider's stream against the stand-in's WebSocket: every way a line can go wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest

from instruments.board import board
from instruments.services import record_quotes
from instruments.standin.faults import STREAM
from instruments.twelvedata.provider import TwelveDataProvider
from instruments.twelvedata.stream import Stream, Timing
from instruments.twelvedata.symbols import Target
from instruments.twelvedata.tape import Tape
from tests.standins import TIMEOUT_S, RunningStandIn, Start

QUICK = Timing(
    heartbeat_s=0.05, silence_s=0.6, pause_s_min=0.01, pause_s_max=0.04, live_s=60, open_s=0.5
)
TARGETS = [
    Target("AAPL", "AAPL", "id-AAPL", 0, "XNAS", "USD"),
    Target("SHEL:LSE", "SHEL", "id-SHEL", 0, "XLON", "GBP"),
    Target("BTC/USD", "BTCUSD", "id-BTCUSD", 0, "BNGI", "USD"),
]


class Line:
    """The provider's stream in its thread, and the board that hears it."""

    def __init__(self, standin: RunningStandIn, key: str = "k") -> None:
        self.standin = standin
        self.provider = TwelveDataProvider()
        self.stream = Stream(
            standin.stream_url,
            key,
            tape=Tape(mode="exchange"),
            take_in=self.provider.take_in,
            now=standin.clock,
            symbols_max=8,
            timing=QUICK,
        )
        self.thread = threading.Thread(target=self.stream.run, daemon=True)

    def until(self, is_so: Callable[[], bool], *, seconds: float = 0) -> None:
        """Let the market go on until something is so."""
        nothing = threading.Event()
        for _ in range(int(TIMEOUT_S / 0.02)):
            self.standin.pass_time(seconds)
            record_quotes(self.provider.ticks(self.standin.clock()))
            if is_so():
                return
            nothing.wait(0.02)
        raise AssertionError(f"it does not come to that: {self.stream.streamed}")

    def subscribed(self, *symbols: str) -> None:
        wanted = [sorted(symbols)]
        self.until(lambda: self.standin.state()["sockets"] == wanted)

    def last(self, symbol: str = "AAPL") -> Decimal | None:
        tick = board.newest(f"id-{symbol}")
        return tick.last if tick else None

    def market(self, symbol: str = "AAPL") -> Decimal:
        last = self.standin.market.last(self.standin.market.book.find(symbol))
        assert last is not None
        return last

    def catches_up(self) -> None:
        """Wait until the newest trade is on the board, and a later one than there is now."""
        tick = board.newest("id-AAPL")
        before = tick.as_of if tick else self.standin.clock() - timedelta(days=1)
        self.until(lambda: self._is_later(before) and self.last() == self.market(), seconds=3)

    def _is_later(self, before: object) -> bool:
        tick = board.newest("id-AAPL")
        return tick is not None and tick.as_of > before  # type: ignore[operator]


@contextmanager
def streaming(standin: RunningStandIn, key: str = "k") -> Iterator[Line]:
    line = Line(standin, key)
    line.stream.follow(TARGETS)
    line.thread.start()
    try:
        yield line
    finally:
        line.stream.stop()
        line.thread.join(TIMEOUT_S)
        assert not line.thread.is_alive()


@pytest.fixture(autouse=True)
def empty_board() -> Iterator[None]:
    board.clear()
    yield
    board.clear()


@pytest.fixture
def standin(start_standin: Start) -> RunningStandIn:
    return start_standin("pro", mode="exchange")


@pytest.fixture
def line(standin: RunningStandIn) -> Iterator[Line]:
    with streaming(standin) as opened:
        opened.subscribed("AAPL", "SHEL", "BTC/USD")
        yield opened


def test_prices_arrive_as_the_market_makes_them(line: Line) -> None:
    line.catches_up()
    line.until(lambda: line.last("SHEL") == line.market("SHEL") / 100, seconds=3)
    assert line.stream.streamed.state == "live"
    assert line.stream.live(line.standin.clock()) >= {"AAPL", "SHEL:LSE"}


def test_coins_arrive_with_bid_and_ask(line: Line) -> None:
    for _ in range(20):
        line.standin.pass_time(3)
    record_quotes(line.provider.ticks(line.standin.clock()))
    tick = board.newest("id-BTCUSD")
    assert tick is not None
    assert tick.bid is not None
    assert tick.ask is not None
    assert tick.bid <= tick.ask


def test_who_is_followed_may_change(line: Line) -> None:
    line.stream.follow(TARGETS[:1])
    line.subscribed("AAPL")
    line.stream.follow(TARGETS[1:])
    line.subscribed("SHEL", "BTC/USD")
    assert line.stream.streamed.connections == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "cut", "paths": [STREAM], "times": 1},
        {"fault": "half_open", "times": 1},
        {"fault": "silence", "heartbeats": False, "for_s": 30},
    ],
    ids=lambda fault: fault["fault"],
)
def test_a_line_that_is_lost_is_opened_anew_with_all_its_subscriptions(
    line: Line, fault: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    line.catches_up()
    good = line.last()
    line.standin.fault(**fault)
    line.until(lambda: line.stream.streamed.connections > 1)
    assert line.last() == good
    line.standin.clock.forward(31)
    line.subscribed("AAPL", "SHEL", "BTC/USD")
    line.catches_up()


def test_a_line_without_prices_is_kept_and_counts_as_not_streamed(line: Line) -> None:
    line.catches_up()
    line.standin.fault("silence")
    line.until(lambda: not line.stream.live(line.standin.clock()), seconds=5)
    assert line.stream.streamed.connections == 1
    line.standin.mend()
    line.catches_up()
    assert "AAPL" in line.stream.live(line.standin.clock())


@pytest.mark.parametrize("value", ["nan", "zero", "negative", "null", "text"])
def test_a_price_that_cannot_be_right_moves_nothing(
    line: Line, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    line.catches_up()
    good = line.last()
    line.standin.fault("price", value=value, symbols=["AAPL"], for_s=20)
    for _ in range(5):
        line.standin.pass_time(3)
        line.until(lambda: True)
        assert line.last() == good
    line.standin.clock.forward(10)
    line.catches_up()
    assert line.stream.streamed.connections == 1


def test_a_price_that_is_ten_times_too_high_is_doubted(line: Line) -> None:
    for _ in range(3):
        line.catches_up()
    line.standin.fault("price", value="x10", symbols=["AAPL"], times=1)
    line.until(lambda: line.standin.state()["faults"] == [], seconds=1)
    for _ in range(3):
        line.catches_up()
        assert line.last() < 300


def test_prices_out_of_order_do_not_go_back(line: Line) -> None:
    line.catches_up()
    seen = []
    line.standin.fault("out_of_order", by_s=90, times=3, symbols=["AAPL"])
    for _ in range(8):
        line.standin.pass_time(3)
        line.until(lambda: True)
        seen.append(board.newest("id-AAPL").as_of)
    assert seen == sorted(seen)
    line.catches_up()


def test_frames_that_are_not_json_are_left_out(line: Line) -> None:
    line.standin.fault("garbage", times=3)
    line.until(lambda: line.stream.streamed.unreadable == 3, seconds=1)
    line.catches_up()
    assert line.stream.streamed.connections == 1


def test_a_symbol_that_is_not_streamed_is_left_out_without_reconnecting(
    standin: RunningStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    standin.fault("error", code=403, message="not entitled", symbols=["SHEL"], paths=[STREAM])
    with streaming(standin) as line:
        line.subscribed("AAPL", "BTC/USD")
        line.until(lambda: bool(line.stream.streamed.failed))
        line.catches_up()
        assert line.stream.streamed.connections == 1


@pytest.mark.parametrize("http_status", [None, 200])
@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_upgrade_ends_it(
    standin: RunningStandIn,
    code: int,
    http_status: int | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    standin.fault("error", code=code, message="no", paths=[STREAM], http_status=http_status)
    with streaming(standin) as line:
        line.thread.join(TIMEOUT_S)
        assert line.stream.streamed.state == "refused"


def test_a_plan_without_a_stream_ends_it(
    start_standin: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with streaming(start_standin("free", mode="exchange")) as line:
        line.thread.join(TIMEOUT_S)
        assert line.stream.streamed.state == "refused"
        assert line.stream.live(line.standin.clock()) == frozenset()


@pytest.mark.parametrize(
    "fault",
    [{"fault": "error", "code": 500}, {"fault": "hang"}],
    ids=["500", "no answer"],
)
def test_an_upgrade_that_fails_is_tried_again(
    standin: RunningStandIn, fault: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    standin.fault(**fault, paths=[STREAM], times=2)
    with streaming(standin) as line:
        line.subscribed("AAPL", "SHEL", "BTC/USD")
        line.catches_up()


def test_the_key_stands_in_no_log(start_standin: Start, caplog: pytest.LogCaptureFixture) -> None:
    standin = start_standin("pro", mode="exchange", keys=("s3cret",))
    caplog.set_level("DEBUG")
    with streaming(standin, "s3cret") as line:
        line.subscribed("AAPL", "SHEL", "BTC/USD")
        line.standin.fault("cut", paths=[STREAM], times=1)
        line.until(lambda: line.stream.streamed.connections > 1)
    assert "s3cret" not in caplog.text
