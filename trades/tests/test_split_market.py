"""The market over a split: the stored quote and bars, this process's board, and the simulator."""

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bengi import clock
from bengi.bus import TICKS, get_bus
from instruments.adjusting import adopt_quotes
from instruments.bars import BarValue
from instruments.board import board
from instruments.corporate_actions import splits_known
from instruments.feed import FeedLoop, simulated_market
from instruments.models import Bar, Instrument, Quote
from instruments.quotes import Tick
from instruments.selectors import latest_quotes
from instruments.services import flush_quotes, import_history, record_quotes
from instruments.splits import Ratio, Split
from instruments.tests.ticks import make_tick
from trades.corporate.due import apply_due
from trades.corporate.splitting import apply_split
from trades.tests.corporate_stage import BEFORE, EX_DATE, MIDNIGHT, split, until
from trades.tests.world import START, World

D = Decimal


def quote_at(abc: Instrument, moment: Any, last: str = "70.00", **fields: Any) -> Tick:
    price = D(last)
    values = {
        "bid": price - D("0.01"),
        "ask": price,
        "bid_size": D(300),
        "ask_size": D(200),
        "last": price,
        "volume": D(1000),
        "day_open": D("69.00"),
        "day_high": D("70.70"),
        "day_low": D("68.60"),
        "previous_close": D("68.88"),
    }
    return make_tick(abc, as_of=moment, **(values | fields))


def test_the_quote_goes_over_with_everything_it_says(world: World, abc: Instrument) -> None:
    record_quotes([quote_at(abc, BEFORE)])
    flush_quotes()
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    quote = Quote.objects.get(instrument=abc)
    assert (quote.bid, quote.ask) == (D("9.99"), D("10.00"))  # 9.99857 down, 10.00 up
    assert (quote.bid_size, quote.ask_size, quote.day_volume) == (2100, 1400, 7000)
    assert (quote.last, quote.day_open) == (10, D("9.85714286"))
    assert (quote.day_high, quote.day_low) == (D("10.10"), D("9.80"))
    assert quote.previous_close == D("9.84")
    assert quote.as_of == MIDNIGHT


def test_this_process_shows_it_after_the_commit_and_tells_the_bus(
    world: World, abc: Instrument, django_capture_on_commit_callbacks: Any
) -> None:
    record_quotes([quote_at(abc, BEFORE)])
    flush_quotes()
    split(abc, 7, 1)
    heard: list[Tick] = []
    unsubscribe = get_bus().subscribe(TICKS, heard.extend)
    with django_capture_on_commit_callbacks(execute=True):
        until(world, MIDNIGHT)
    unsubscribe()
    tick = latest_quotes([abc])["ABC"]
    assert (tick.last, tick.previous_close, tick.as_of) == (10, D("9.84"), MIDNIGHT)
    assert heard == [tick]
    assert record_quotes([quote_at(abc, BEFORE + timedelta(milliseconds=5))]) == 0  # too late


def test_another_process_finds_out_within_a_second(world: World, abc: Instrument) -> None:
    """Its board still shows old shares; the feed's look at the table puts that right."""
    record_quotes([quote_at(abc, BEFORE)])
    flush_quotes()
    split(abc, 7, 1)
    until(world, MIDNIGHT)  # without the commit's own hint
    assert latest_quotes([abc])["ABC"].last == 70
    adopt_quotes(splits_known())
    assert latest_quotes([abc])["ABC"].last == 10
    newer = quote_at(
        abc, MIDNIGHT + timedelta(seconds=3), last="10.05", day_low=None, day_high=None
    )
    assert record_quotes([newer]) == 1
    adopt_quotes(splits_known())
    assert latest_quotes([abc])["ABC"].last == D("10.05")


def test_a_quote_of_the_new_day_is_left_alone(world: World, abc: Instrument) -> None:
    """The engine comes late; the market has quoted new shares and the table has it already."""
    record_quotes([quote_at(abc, BEFORE)])
    split(abc, 7, 1)
    fresh = quote_at(
        abc, MIDNIGHT + timedelta(seconds=1), last="10.01", day_low=None, day_high=None
    )
    record_quotes([fresh])
    flush_quotes()
    until(world, MIDNIGHT + timedelta(seconds=2))
    assert Quote.objects.get(instrument=abc).last == D("10.01")


def bar(abc: Instrument, interval: str, starts_at: Any, close: str = "70") -> BarValue:
    return BarValue(str(abc.id), interval, starts_at, *[D(close)] * 4, D(100))


def closes(abc: Instrument, interval: str) -> list[tuple[Decimal, Decimal]]:
    rows = Bar.objects.filter(instrument=abc, interval=interval).order_by("starts_at")
    return list(rows.values_list("close", "volume"))


def test_bars_of_every_interval_before_the_day_go_over_once(world: World, abc: Instrument) -> None:
    minute = timedelta(minutes=1)
    other = world.instrument("XYZ")
    for interval in ("1min", "5min", "15min", "1h"):
        import_history([bar(abc, interval, MIDNIGHT - 60 * minute), bar(abc, interval, MIDNIGHT)])
    day = timedelta(days=1)
    import_history([bar(abc, "1day", MIDNIGHT - day), bar(abc, "1day", MIDNIGHT, "10")])
    import_history([bar(other, "1day", MIDNIGHT - day)])
    action = split(abc, 7, 1)
    until(world, MIDNIGHT)
    apply_split(action.id, now=MIDNIGHT)
    apply_due(MIDNIGHT)
    for interval in ("1min", "5min", "15min", "1h"):
        assert closes(abc, interval) == [(10, 700), (70, 100)]
    assert closes(abc, "1day") == [(10, 700), (10, 100)]
    assert closes(other, "1day") == [(70, 100)]


def test_prints_that_were_not_stored_yet_are_stored_in_new_shares(
    world: World, abc: Instrument
) -> None:
    """The last prints before midnight are flushed after the split, in with those stored before."""
    record_quotes([quote_at(abc, BEFORE - timedelta(seconds=5))])
    flush_quotes()
    record_quotes([quote_at(abc, BEFORE, last="70.70", volume=D(1100))])
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    flush_quotes()
    (last_minute,) = Bar.objects.filter(instrument=abc, interval="1min")
    assert (last_minute.open, last_minute.high, last_minute.close) == (10, D("10.1"), D("10.1"))
    assert last_minute.volume == 7 * 200
    assert Quote.objects.get(instrument=abc).as_of == MIDNIGHT


def test_past_bars_come_as_they_were_printed_or_as_they_are(world: World, abc: Instrument) -> None:
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    yesterday = MIDNIGHT - timedelta(days=1)
    import_history([bar(abc, "1day", yesterday), bar(abc, "1day", MIDNIGHT, "10")], as_printed=True)
    assert closes(abc, "1day") == [(10, 700), (10, 100)]
    import_history([bar(abc, "1day", yesterday - timedelta(days=1), "10")])
    assert closes(abc, "1day")[0] == (10, 100)


def test_the_feed_hears_of_splits_and_looks_again(world: World, abc: Instrument) -> None:
    class Listening:
        name = "listening"
        is_as_printed = False

        def __init__(self) -> None:
            self.heard: list[Split] = []

        def hear_splits(self, splits: Any) -> None:
            self.heard = list(splits)

        def start(self, now: Any) -> list[BarValue]:
            return []

        def ticks(self, now: Any) -> list[Tick]:
            return []

    clock.use(lambda: world.now)
    try:
        provider = Listening()
        feed = FeedLoop(provider, threading.Event())
        feed.prepare()
        assert provider.heard == []
        split(abc, 7, 1)
        feed._follow_splits(world.now)
        assert provider.heard == [
            Split(str(abc.id), Ratio(7, 1), EX_DATE, MIDNIGHT, is_applied=False)
        ]
    finally:
        clock.reset()


def test_the_simulated_market_goes_over_at_midnight(world: World, abc: Instrument) -> None:
    """Its walk, last price and day are in new shares from the first tick of the ex-date on."""
    abc.tick_size = D("0.01")
    record_quotes([quote_at(abc, START, day_high=None, day_low=None)])
    flush_quotes()
    split(abc, 7, 1)
    market = simulated_market(seed=1, speed=1)
    market.hear_splits(splits_known())
    market.start(BEFORE - timedelta(seconds=10))
    old = [tick for tick in market.ticks(BEFORE) if tick.as_of < MIDNIGHT]
    new = market.ticks(MIDNIGHT + timedelta(seconds=20))
    assert old
    assert new
    assert all(D(60) < tick.bid < tick.ask < D(80) for tick in old)  # type: ignore[operator]
    assert all(D(9) < tick.bid < tick.ask < D(11) for tick in new)  # type: ignore[operator]
    assert all(D(9) < tick.last < D(11) for tick in new)  # type: ignore[operator]
    assert all(D(9) < (tick.previous_close or 0) < D(11) for tick in new)


@pytest.mark.parametrize("is_applied", [False, True])
def test_the_simulated_market_goes_on_after_a_night_that_nobody_ran(
    world: World, abc: Instrument, is_applied: bool
) -> None:
    """Whether the split was applied before or is still due: seven for one once, never twice."""
    record_quotes([quote_at(abc, START, day_high=None, day_low=None)])
    flush_quotes()
    split(abc, 7, 1)
    morning = MIDNIGHT + timedelta(hours=9)
    if is_applied:
        until(world, morning)
        board.clear()
    market = simulated_market(seed=1)
    market.hear_splits(splits_known())
    market.start(morning)
    ticks = market.ticks(morning + timedelta(seconds=20))
    assert ticks
    assert all(D(9) < tick.bid < D(11) for tick in ticks)  # type: ignore[operator]
    if not is_applied:
        until(world, morning)
