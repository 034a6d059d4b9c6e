"""The feed's thread, and the providers it is given."""

import threading
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import OperationalError

from bengi import clock
from instruments import feed
from instruments.bars import BarValue
from instruments.board import board
from instruments.feed import ClockBehind, FeedLoop, replayed_day, simulated_market
from instruments.models import Bar, Quote
from instruments.providers.minutes import BadFile
from instruments.quotes import Tick
from instruments.services import flush_quotes, import_catalog, record_quotes
from instruments.splits import Split
from instruments.tests.factories import QuoteFactory
from instruments.tests.ticks import NOON, D, after, make_instrument, make_tick
from instruments.upserts import upsert_quotes

DAY = date(2013, 10, 7)
OPENS_AT = datetime(2013, 10, 7, 13, 30, tzinfo=UTC)


@pytest.fixture
def market_time():
    """Return a dict whose "now" is what the clock shows."""
    shown = {"now": NOON}
    clock.use(lambda: shown["now"])
    yield shown
    clock.reset()


class Script:
    """A provider that says what it is told, and stumbles where it is told to."""

    name = "script"
    is_as_printed = False

    def __init__(self, instrument: Any, *, stumbles: int = 0) -> None:
        self.instrument, self.stumbles, self.asked = instrument, stumbles, 0
        self.heard: list[Split] = []

    def hear_splits(self, splits: Iterable[Split]) -> None:
        self.heard = list(splits)

    def start(self, now: datetime) -> list[BarValue]:
        minute_ago = now - timedelta(minutes=1)
        return [BarValue(str(self.instrument.id), "1min", minute_ago, *[D(9)] * 4, D(5))]

    def ticks(self, now: datetime) -> list[Tick]:
        self.asked += 1
        if self.asked in range(2, 2 + self.stumbles):
            raise ConnectionError("the line is dead")
        return [make_tick(self.instrument, as_of=now + timedelta(microseconds=self.asked))]


def run_until(condition: Any, provider: Any) -> float:
    """Run a feed until condition() holds; return the seconds it took to end after that."""
    stop = threading.Event()
    thread = threading.Thread(target=FeedLoop(provider, stop, poll_ms=5).run)
    thread.start()
    give_up_at = time.monotonic() + 10
    while not condition() and time.monotonic() < give_up_at:
        stop.wait(0.005)
    told_at = time.monotonic()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert condition()
    return time.monotonic() - told_at


@pytest.mark.django_db(transaction=True)
def test_it_feeds_flushes_and_ends_when_told(market_time: dict) -> None:
    provider = Script(make_instrument())
    ended_s = run_until(lambda: provider.asked > 20, provider)
    assert ended_s < 0.3
    quote = Quote.objects.get()
    assert quote.as_of == NOON + timedelta(microseconds=provider.asked)
    starts = list(Bar.objects.filter(interval="1min").values_list("starts_at", flat=True))
    assert sorted(starts) == [NOON - timedelta(minutes=1), NOON]


@pytest.mark.django_db(transaction=True)
def test_it_stumbles_and_goes_on(
    market_time: dict, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feed, "PAUSE_S", 0.01)
    provider = Script(make_instrument(), stumbles=3)
    run_until(lambda: provider.asked > 10, provider)
    assert caplog.text.count("the script feed stumbled and goes on") == 3
    assert Quote.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_tells_nothing_while_it_is_not_its_turn(market_time: dict) -> None:
    provider, stop, asked = Script(make_instrument()), threading.Event(), []

    def is_its_turn() -> bool:
        asked.append(True)
        if len(asked) == 5:
            stop.set()
        return False

    FeedLoop(provider, stop, poll_ms=1, is_its_turn=is_its_turn).run()
    assert (len(asked), provider.asked, Quote.objects.count(), Bar.objects.count()) == (5, 0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_it_tells_nothing_when_its_turn_was_over_before_its_provider_had_started(
    market_time: dict,
) -> None:
    stop, turns = threading.Event(), [True, False, False]
    provider = Script(make_instrument())

    def is_its_turn() -> bool:
        if len(turns) == 1:
            stop.set()
        return turns.pop(0)

    FeedLoop(provider, stop, poll_ms=1, is_its_turn=is_its_turn).run()
    assert (provider.asked, Quote.objects.count(), Bar.objects.count()) == (0, 0, 0)


@pytest.mark.django_db
def test_a_second_turn_goes_on_where_another_process_has_left_the_market(
    market_time: dict,
) -> None:
    """This process's board is of its first turn; in between another one has fed for an hour."""
    instrument = make_instrument("AAPL")

    def turn() -> Tick:
        loop = FeedLoop(simulated_market(seed=5), threading.Event())
        loop.prepare()
        flush_quotes()
        tick = board.newest(str(instrument.id))
        assert tick is not None
        return tick

    first = turn()
    market_time["now"] = after(3600)
    theirs = make_tick(
        instrument,
        last=D(400),
        bid=D(399),
        ask=D(401),
        volume=first.volume + 900,
        as_of=after(3600),
    )
    upsert_quotes([theirs])
    found = turn()
    assert (found.last, found.volume, found.as_of) == (D(400), theirs.volume, after(3600))
    record_quotes(simulated_ticks(after(3600), 5))
    newest = board.newest(str(instrument.id))
    assert newest is not None
    assert abs(newest.last - D(400)) < 5
    assert newest.volume >= theirs.volume


@pytest.mark.django_db
def test_a_start_that_failed_is_made_anew(
    market_time: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was prepared of a market does not trade twice."""
    make_instrument("AAPL")

    def times() -> list[datetime]:
        return [tick.as_of for tick in loop._provider.ticks(after(60))]

    loop = FeedLoop(simulated_market(seed=5), threading.Event())
    loop._provider.start(NOON)
    expected = times()
    loop = FeedLoop(simulated_market(seed=5), threading.Event())
    with monkeypatch.context() as full:
        full.setattr(feed, "import_history", Mock(side_effect=OperationalError("disk full")))
        with pytest.raises(OperationalError):
            loop.prepare()
    board.clear()
    loop.prepare()
    assert len(expected) > 5
    assert times() == expected[1:]


@pytest.mark.django_db
def test_a_clock_behind_the_stored_quotes_is_refused(market_time: dict) -> None:
    quote = QuoteFactory(as_of=after(61))
    loop = FeedLoop(Script(quote.instrument), threading.Event())
    with pytest.raises(
        ClockBehind, match=r"quotes up to 2026-11-23 12:01 UTC.*shows 2026-11-23 12:00"
    ):
        loop.prepare()
    market_time["now"] = after(1)
    loop.prepare()


@pytest.mark.django_db
def test_the_simulated_market_fills_charts_once_and_goes_on_after_a_restart(
    market_time: dict,
) -> None:
    for symbol in ("AAPL", "OWN"):  # one of the catalog, one of the staff's
        make_instrument(symbol)
    make_instrument("BNGI", mic="BNGI", has_feed=False)

    def restart() -> FeedLoop:
        board.clear()
        loop = FeedLoop(simulated_market(seed=5), threading.Event())
        loop.prepare()
        flush_quotes()
        return loop

    restart()
    quotes = {quote.instrument.symbol: quote for quote in Quote.objects.all()}
    assert set(quotes) == {"AAPL", "OWN"}
    assert quotes["AAPL"].last == D("228.50")
    assert quotes["OWN"].last == 100
    bars = Bar.objects.count()
    assert bars > 2000
    market_time["now"] = after(3600)
    restart()
    assert Bar.objects.count() == bars
    record_quotes(simulated_ticks(after(3600), 5))
    tick = board.newest(str(quotes["AAPL"].instrument_id))
    assert tick is not None
    assert abs(tick.last - D("228.50")) < 1
    assert tick.previous_close == quotes["AAPL"].previous_close


def simulated_ticks(start: datetime, seconds: int) -> list[Tick]:
    market = simulated_market(seed=5)
    assert market.start(start) == []
    return [tick for n in range(seconds) for tick in market.ticks(start + timedelta(seconds=n))]


@pytest.mark.django_db
def test_a_replay_needs_a_file_of_a_known_instrument(tmp_path: Path) -> None:
    import_catalog()
    with pytest.raises(BadFile, match=r"no instrument has a file like AAPL_20131007_1min\.csv in"):
        replayed_day(tmp_path, DAY)
    (tmp_path / "UNKNOWN_20131007_1min.csv").write_text("time\n")
    with pytest.raises(BadFile, match="no instrument has a file"):
        replayed_day(tmp_path, DAY)


@pytest.mark.django_db
def test_a_recorded_day_runs_through_the_feed(real_data: Path, market_time: dict) -> None:
    """SPY and IBM of the day; a restart at noon plays on and changes no bar it has grown."""
    import_catalog()
    market_time["now"] = OPENS_AT - timedelta(minutes=5)
    days = [date(2013, 10, 4)]

    def play(until: datetime) -> None:
        board.clear()
        replay = replayed_day(real_data, DAY, ["SPY", "IBM"])
        FeedLoop(replay, threading.Event()).prepare()
        record_quotes(replay.ticks(until))
        flush_quotes()
        market_time["now"] = until

    play(OPENS_AT + timedelta(hours=3, seconds=35))
    play(OPENS_AT + timedelta(hours=12))
    quote = Quote.objects.get(instrument__symbol="SPY")
    assert (quote.day_open, quote.day_high, quote.day_low) == (
        D("167.43"),
        D("168.45"),
        D("167.25"),
    )
    assert (quote.last, quote.day_volume) == (D("167.42"), 81_489_219)
    assert (quote.previous_close, quote.source) == (D("168.89"), "replay")
    daily = Bar.objects.filter(instrument__symbol="SPY", interval="1day").order_by("-starts_at")
    assert daily[0].volume == 81_489_219
    assert [bar.starts_at.date() for bar in daily[1:2]] == days
    minutes = Bar.objects.filter(instrument__symbol="SPY", interval="1min")
    assert minutes.count() == 390
    assert sum((bar.volume for bar in minutes), Decimal(0)) == 81_489_219
