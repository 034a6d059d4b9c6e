"""What becomes of ticks: the bus, the board, the tables."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError
from django.test.utils import CaptureQueriesContext

from bengi.bus import TICKS, get_bus
from instruments import services
from instruments.bars import BarValue
from instruments.board import board
from instruments.models import Bar, Instrument, QuarantinedTick, Quote
from instruments.quotes import Tick
from instruments.services import (
    flush_quotes,
    import_catalog,
    import_history,
    prune_bars,
    recall_quotes,
    record_quotes,
)
from instruments.tests.ticks import NOON, D, after, make_instrument, make_tick

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard():
    """Yield the batches of ticks that the bus has carried."""
    batches: list[list[Tick]] = []
    unsubscribe = get_bus().subscribe(TICKS, batches.append)
    yield batches
    unsubscribe()


def bar_rows(instrument: Instrument, interval: str) -> list[tuple]:
    rows = Bar.objects.filter(instrument=instrument, interval=interval).order_by("starts_at")
    return [
        (f"{row.starts_at:%d %H:%M}", row.open, row.high, row.low, row.close, row.volume)
        for row in rows
    ]


def test_the_bus_hears_at_once_and_the_table_at_the_flush(heard: list) -> None:
    acme = make_instrument()
    tick = make_tick(acme, day_open=D(99), day_high=D(101), day_low=D(98), previous_close=D(97))
    assert record_quotes([tick]) == 1
    assert heard == [[tick]]
    assert not Quote.objects.exists()
    flush_quotes()
    quote = Quote.objects.get(instrument=acme)
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size) == (100, D("100.1"), 300, 200)
    assert (quote.last, quote.day_volume, quote.previous_close) == (D("100.05"), 1000, 97)
    assert (quote.day_open, quote.day_high, quote.day_low) == (99, 101, 98)
    assert (quote.as_of, quote.source) == (NOON, "test")


def test_insane_and_older_ticks_go_nowhere(heard: list, caplog: pytest.LogCaptureFixture) -> None:
    acme = make_instrument()
    good = make_tick(acme, as_of=after(5))
    crossed = make_tick(acme, bid=D("100.20"), as_of=after(6))
    older = make_tick(acme, last=D(1), as_of=after(4, 999))
    same_time = make_tick(acme, bid=D("100.01"), as_of=after(5))
    assert record_quotes([good, crossed, older]) == 1
    assert record_quotes([older]) == 0
    assert record_quotes([same_time]) == 1
    assert heard == [[good], [same_time]]
    assert board.dropped == {"insane": 1, "older": 2}
    assert "ACME dropped: crossed: bid 100.20 above ask 100.10" in caplog.text
    flush_quotes()
    assert Quote.objects.get().bid == D("100.01")
    assert bar_rows(acme, "1min")[0][3] == D("100.05")


def test_what_nobody_believes_is_kept_for_staff(heard: list) -> None:
    acme = make_instrument()
    good = make_tick(acme, as_of=after(1))
    nan = make_tick(acme, bid=D("NaN"), as_of=after(2))
    fat_finger = make_tick(acme, last=D("1000.50"), as_of=after(3))
    late = make_tick(acme, ask=D("100.02"), as_of=after(0))
    assert record_quotes([good, nan, fat_finger, late]) == 1
    assert heard == [[good]]
    assert board.dropped == {"insane": 1, "doubted": 1, "older": 1}
    flush_quotes()
    flush_quotes()
    kept = QuarantinedTick.objects.order_by("id")
    assert [(each.reason, each.tick["bid"], each.tick["last"]) for each in kept] == [
        ("bid is NaN", "NaN", "100.05"),
        ("print 1000.50 is far outside the day's 100.05 to 100.05", "100.00", "1000.50"),
        (
            "of 2026-11-23 12:00:00+00:00, after one of 2026-11-23 12:00:01+00:00",
            "100.00",
            "100.05",
        ),
    ]
    assert Quote.objects.get().last == D("100.05")


def test_a_flood_of_nonsense_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    acme = make_instrument()
    monkeypatch.setattr("instruments.board.QUARANTINE_MAX", 3)
    record_quotes([make_tick(acme, bid=D(-1), as_of=after(n)) for n in range(9)])
    flush_quotes()
    assert board.dropped == {"insane": 9}
    assert QuarantinedTick.objects.count() == 3


def test_an_older_quote_never_overwrites_the_stored_one() -> None:
    acme = make_instrument()
    record_quotes([make_tick(acme, as_of=after(10))])
    flush_quotes()
    board.clear()  # another process, which knows nothing yet
    record_quotes([make_tick(acme, bid=D(50), as_of=after(9))])
    flush_quotes()
    assert Quote.objects.get().bid == 100
    board.clear()
    record_quotes([make_tick(acme, bid=D(60), as_of=after(10))])
    flush_quotes()
    assert Quote.objects.get().bid == 60


def test_recalled_quotes_are_known_after_a_restart(heard: list) -> None:
    acme = make_instrument()
    record_quotes([make_tick(acme, as_of=after(10))])
    flush_quotes()
    board.clear()
    recall_quotes()
    assert record_quotes([make_tick(acme, as_of=after(9))]) == 0
    assert len(heard) == 1
    newest = board.newest(str(acme.id))
    assert newest is not None
    assert (newest.is_new_quote, newest.is_new_print) == (False, False)


def test_bars_grow_over_flushes_and_restarts() -> None:
    acme = make_instrument()

    def trade(second: int, price: str, volume: int, last_size: int = 0) -> None:
        fields = {"last": D(price), "volume": D(volume), "last_size": D(last_size)}
        record_quotes([make_tick(acme, as_of=after(second), **fields)])

    trade(10, "100", 1000, last_size=300)  # the first: only last_size can tell
    trade(20, "102", 1400)
    flush_quotes()
    trade(30, "99", 1500)
    flush_quotes()
    board.clear()  # a restart in the middle of the minute
    trade(40, "101", 1700, last_size=200)
    flush_quotes()
    trade(70, "98", 1750)
    flush_quotes()
    assert bar_rows(acme, "1min") == [
        ("23 12:00", 100, 102, 99, 101, 300 + 400 + 100 + 200),
        ("23 12:01", 98, 98, 98, 98, 50),
    ]
    for interval in ("5min", "15min", "1h"):
        assert bar_rows(acme, interval) == [("23 12:00", 100, 102, 98, 98, 1050)]
    assert bar_rows(acme, "1day") == [("23 00:00", 100, 102, 98, 98, 1050)]


def test_only_new_prints_make_bars() -> None:
    acme = make_instrument()
    record_quotes([make_tick(acme, last=D(90), is_new_print=False)])
    flush_quotes()
    assert not Bar.objects.exists()
    assert Quote.objects.get().last == 90


def test_a_new_sessions_volume_starts_from_its_own_print() -> None:
    acme = make_instrument()
    day = timedelta(days=1)
    record_quotes([make_tick(acme, volume=D(5000), last_size=D(100))])
    record_quotes([make_tick(acme, volume=D(70), last_size=D(70), as_of=NOON + day)])
    flush_quotes()
    assert [row[5] for row in bar_rows(acme, "1day")] == [100, 70]


def test_a_busy_database_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    acme = make_instrument()

    def busy(_: object) -> None:
        raise OperationalError("database is locked")

    record_quotes([make_tick(acme, last=D(100), volume=D(1000), last_size=D(100))])
    with monkeypatch.context() as patched:
        patched.setattr(services, "grow_bars", busy)
        with pytest.raises(OperationalError):
            flush_quotes()
    record_quotes([make_tick(acme, last=D(103), volume=D(1040), as_of=after(1))])
    flush_quotes()
    assert bar_rows(acme, "1min") == [("23 12:00", 100, 103, 100, 103, 140)]
    assert Quote.objects.get().as_of == after(1)


def test_a_flush_costs_three_statements_whatever_it_holds(connection_queries) -> None:
    instruments = [make_instrument(f"S{n}") for n in range(12)]
    counts = []
    for batch in ([0], range(12)):
        record_quotes([make_tick(instruments[n], as_of=after(len(batch))) for n in batch])
        with connection_queries() as queries:
            flush_quotes()
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 5  # quotes, splits, bars, the transaction's begin and end
    with connection_queries() as queries:
        flush_quotes()
    assert len(queries) == 0


@pytest.fixture
def connection_queries():
    from django.db import connection

    return lambda: CaptureQueriesContext(connection)


def test_the_catalog_comes_once_and_keeps_what_staff_decided() -> None:
    count = import_catalog()
    assert Instrument.objects.count() == count
    ids = dict(Instrument.objects.values_list("symbol", "id"))
    Instrument.objects.filter(symbol="AAPL").update(status="halted", name="?")
    assert import_catalog() == count
    assert dict(Instrument.objects.values_list("symbol", "id")) == ids
    apple = Instrument.objects.get(symbol="AAPL")
    assert (apple.status, apple.name, apple.mic) == ("halted", "Apple Inc.", "XNAS")


def test_past_bars_do_not_overwrite() -> None:
    acme = make_instrument()
    minute = timedelta(minutes=1)

    def bar(start: int, price: int) -> BarValue:
        return BarValue(str(acme.id), "1min", NOON + start * minute, *[D(price)] * 4, D(10))

    import_history([bar(0, 1), bar(1, 2)])
    import_history([bar(1, 7), bar(2, 3)])
    assert [row[4] for row in bar_rows(acme, "1min")] == [1, 2, 3]


def test_old_intraday_bars_are_deleted_and_daily_ones_kept() -> None:
    acme = make_instrument()
    times = {"1min": 7, "5min": 35, "15min": 105, "1h": 420}
    bars = [
        BarValue(str(acme.id), interval, NOON - timedelta(days=age), *[D(5)] * 4, D(1))
        for interval, kept in [*times.items(), ("1day", 3000)]
        for age in (kept, kept + 1)
    ]
    import_history(bars)
    assert prune_bars(NOON) == len(times)
    assert Bar.objects.filter(starts_at__lt=NOON - timedelta(days=421)).count() == 2
    assert Bar.objects.count() == len(times) + 2


ROUNDS = 400
NAMES = [f"i{n}" for n in range(5)]


def write_rounds(done: threading.Event) -> None:
    for n in range(ROUNDS):
        board.record(
            make_tick(instrument_id=name, as_of=after(n), volume=D(n), last_size=D(0))
            for name in NAMES
        )
    done.set()


def read_until(done: threading.Event, went_back: list[str]) -> None:
    seen = dict.fromkeys(NAMES, NOON)
    while not done.is_set():
        newest = {tick.instrument_id: tick.as_of for tick in map(board.newest, NAMES) if tick}
        went_back += [name for name, as_of in newest.items() if as_of < seen[name]]
        seen |= newest


def flush_until(done: threading.Event, volumes: list[Decimal]) -> None:
    is_last = False
    while not is_last:
        is_last = done.is_set()
        volumes += [piece.bar.volume for piece in board.take()[1]]


def test_one_writer_and_many_readers_never_see_time_go_back() -> None:
    """A smoke test: flushes, reads and writes at once; nothing is lost."""
    done, went_back, volumes = threading.Event(), [], []
    threads = [
        threading.Thread(target=write_rounds, args=(done,)),
        *(threading.Thread(target=read_until, args=(done, went_back)) for _ in range(2)),
        threading.Thread(target=flush_until, args=(done, volumes)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not went_back
    assert sum(volumes) == len(NAMES) * (ROUNDS - 1)
