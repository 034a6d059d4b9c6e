"""Recorded days: what is played is what stands in the files."""

import csv
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from instruments.bars import Prints, fold
from instruments.providers.minutes import BadFile, read_days, read_minutes, recorded_symbols
from instruments.providers.replay import ReplayedInstrument, ReplayProvider
from instruments.quotes import Tick, check_tick

D = Decimal
HEADER = (
    "time,bid_open,bid_high,bid_low,bid_close,bid_size,"
    "ask_open,ask_high,ask_low,ask_close,ask_size,open,high,low,close,volume"
)
DAY = date(2013, 10, 7)
OPENS_AT = datetime(2013, 10, 7, 13, 30, tzinfo=UTC)
END = OPENS_AT + timedelta(days=1)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a minute file of ACME and returns its folder."""

    def write_rows(*rows: str, header: str = HEADER) -> Path:
        path = tmp_path / "ACME_20131007_1min.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        return tmp_path

    return write_rows


def provider(directory: Path, *symbols: str, day: date = DAY) -> ReplayProvider:
    names = symbols or ("ACME",)
    listed = [ReplayedInstrument(name, f"id-{name}", 0, "XNYS") for name in names]
    return ReplayProvider(directory, day, listed)


def played(directory: Path, *symbols: str, day: date = DAY) -> list[Tick]:
    return provider(directory, *symbols, day=day).ticks(END + timedelta(days=365))


def told(tick: Tick) -> tuple:
    """Return the tick as a line: time, quote, print; n marks what is new."""
    quote = f"{tick.bid}x{tick.bid_size} {tick.ask}x{tick.ask_size}"
    print_ = f"{tick.last} +{tick.last_size} ={tick.volume}"
    return (
        f"{tick.as_of:%H:%M:%S}",
        quote + (" n" if tick.is_new_quote else ""),
        print_ + (" n" if tick.is_new_print else ""),
    )


BEFORE = "2013-10-07T13:29:00Z,9.98,9.99,9.98,9.99,300,10.01,10.02,10.01,10.01,200,10,10,10,10,50"
RISES = (
    "2013-10-07T13:30:00Z,9.99,10.04,9.95,10.03,100,10.01,10.05,9.99,10.05,400,"
    "10,10.04,9.97,10.02,900"
)
FALLS = (
    "2013-10-07T13:31:00Z,10.03,10.04,10,10.01,500,10.05,10.06,10.02,10.03,100,"
    "10.02,10.05,10,10.01,60"
)
QUOTE_ONLY = "2013-10-07T13:32:00Z,10.01,10.01,9.9,9.95,100,10.03,10.03,9.96,9.97,200,,,,,"
PRINT_ONLY = "2013-10-07T13:33:00Z,,,,,,,,,,,9.96,9.96,9.94,9.94,30"


def test_a_minute_becomes_prints_and_one_new_quote(write: Write) -> None:
    standing, fresh = "9.99x300 10.01x200", "10.03x100 10.05x400"
    assert [told(tick) for tick in played(write(BEFORE, RISES, FALLS))] == [
        ("13:29:59", f"{standing} n", "None +0 =0"),
        ("13:30:00", standing, "10 +0 =0 n"),
        ("13:30:10", standing, "10 +0 =0"),
        ("13:30:20", standing, "9.97 +0 =0 n"),
        ("13:30:30", standing, "9.97 +0 =0"),
        ("13:30:40", standing, "10.04 +0 =0 n"),
        ("13:30:50", standing, "10.04 +0 =0"),
        ("13:30:59", f"{fresh} n", "10.02 +900 =900 n"),
        ("13:31:00", fresh, "10.02 +0 =900 n"),
        ("13:31:10", fresh, "10.02 +0 =900"),
        ("13:31:20", fresh, "10.05 +0 =900 n"),
        ("13:31:30", fresh, "10.05 +0 =900"),
        ("13:31:40", fresh, "10 +0 =900 n"),
        ("13:31:50", fresh, "10 +0 =900"),
        ("13:31:59", "10.01x500 10.03x100 n", "10.01 +60 =960 n"),
    ]


def test_a_blank_is_nothing_and_never_zero(write: Write) -> None:
    ticks = played(write(BEFORE, RISES, QUOTE_ONLY, PRINT_ONLY))
    quote_only = [tick for tick in ticks if tick.as_of.minute == 32]
    assert not any(tick.is_new_print for tick in quote_only)
    assert {tick.last for tick in quote_only} == {D("10.02")}
    assert told(quote_only[-1])[1] == "9.95x100 9.97x200 n"
    print_only = [tick for tick in ticks if tick.as_of.minute == 33]
    assert not any(tick.is_new_quote for tick in print_only)
    assert {tick.bid for tick in print_only} == {D("9.95")}
    assert [tick.last for tick in print_only if tick.is_new_print] == [
        D("9.96"),
        D("9.94"),
        D("9.94"),
    ]
    assert print_only[-1].volume == 930


def test_an_opening_quote_of_its_own_offers_nothing(write: Write) -> None:
    """The file tells no size for it: its prices are shown, but nothing can fill."""
    gapped = FALLS.replace("Z,10.03,10.04,10,", "Z,9.80,10.04,9.7,")
    ticks = played(write(RISES, gapped))
    assert told(ticks[0])[1] == "9.99x0 10.01x0 n"
    assert told(ticks[7])[1] == "9.80x0 10.05x0 n"
    assert told(ticks[-1])[1] == "10.01x500 10.03x100 n"


def test_the_clock_decides_how_far_it_plays(write: Write) -> None:
    replay = provider(write(BEFORE, RISES))
    assert replay.starts_at == OPENS_AT - timedelta(milliseconds=1)
    assert replay.ends_at == OPENS_AT + timedelta(milliseconds=59_999)
    assert replay.ticks(OPENS_AT - timedelta(seconds=1)) == []
    assert len(replay.ticks(OPENS_AT)) == 2
    assert replay.ticks(OPENS_AT) == []
    assert len(replay.ticks(END)) == 6
    replay.start(OPENS_AT)
    assert len(replay.ticks(OPENS_AT)) == 2


def test_days_before_give_the_previous_close_and_daily_bars(write: Write) -> None:
    directory = write(BEFORE)
    rows = ["2013-10-03,9,9,9,9,10", "2013-10-04,9,11,8,10.5,10", "2013-10-07,1,1,1,1,1"]
    header = "date,open,high,low,close,volume"
    (directory / "ACME_1day.csv").write_text("\n".join([header, *rows]))
    replay = provider(directory)
    bars = replay.start(OPENS_AT)
    assert [(bar.interval, bar.starts_at.day, bar.close) for bar in bars] == [
        ("1day", 3, 9),
        ("1day", 4, D("10.5")),
    ]
    assert replay.ticks(END)[0].previous_close == D("10.5")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (RISES.replace("10.04,9.95", "1e1,9.95"), "line 3: bid_high is '1e1', not a number"),
        (RISES.replace(",900", ",-9"), "line 3: volume is '-9', not a number"),
        (RISES.replace(",900", ","), "line 3: volume is '', not a number"),
        (RISES.replace(",900", ",NaN"), "line 3: volume is 'NaN', not a number"),
        (RISES + ",1", "line 3: 17 cells instead of 16"),
        (RISES.replace("13:30:00Z", "13:30"), "line 3: time is '2013-10-07T13:30'"),
        (RISES.replace("13:30:00Z", "13:30:30Z"), "line 3: time is '2013-10-07T13:30:30Z'"),
        (RISES.replace("13:30", "13:29"), "line 3: 2013-10-07T13:29:00Z does not come after"),
        (RISES.replace("9.97,10.02", "10.03,10.02"), "line 3: open or close is outside of low"),
        (RISES.replace("10.04,9.95", "10.04,0"), "line 3: bid_low is zero"),
        (PRINT_ONLY.replace("Z,,,,,", "Z,1,1,1,1,1"), "line 3: only one side is quoted"),
    ],
)
def test_a_bad_row_is_named_with_its_line(write: Write, row: str, complaint: str) -> None:
    with pytest.raises(BadFile) as bad:
        provider(write(BEFORE, row))
    assert str(bad.value).startswith(f"ACME_20131007_1min.csv {complaint}")


def test_bad_files_are_named(write: Write, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"ACME_20131007_1min\.csv cannot be read: .*No such file"):
        provider(tmp_path)
    with pytest.raises(BadFile, match=r"line 1: the columns must be time,bid_open"):
        provider(write(BEFORE, header="time,open"))
    (tmp_path / "ACME_20131007_1min.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadFile, match="cannot be read"):
        provider(tmp_path)


# --- the recorded days themselves -------------------------------------------------------------


def raw(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def in_session(row: dict[str, str]) -> bool:
    """New York is four hours behind on all of the recorded days."""
    return "13:30" <= row["time"][11:16] < "20:00"


def folders_days(directory: Path) -> list[tuple[str, date]]:
    names = [path.name.split("_") for path in sorted(directory.glob("*_1min.csv"))]
    return [(name[0], datetime.strptime(name[1], "%Y%m%d").date()) for name in names]  # noqa: DTZ007


def test_every_offered_price_and_size_stands_in_the_file(real_data: Path) -> None:
    for symbol, day in folders_days(real_data):
        rows = {
            row["time"][11:16]: row for row in raw(real_data / f"{symbol}_{day:%Y%m%d}_1min.csv")
        }
        offered = []
        for tick in played(real_data, symbol, day=day):
            assert check_tick(tick) == []
            if not tick.is_new_quote:
                assert offered == [] or offered[-1][1:] == told(tick)[1:2]
                continue
            row = rows[f"{tick.as_of:%H:%M}"]
            assert (tick.bid, tick.bid_size) == (D(row["bid_close"]), D(row["bid_size"]))
            assert (tick.ask, tick.ask_size) == (D(row["ask_close"]), D(row["ask_size"]))
            offered.append((f"{tick.as_of:%H:%M}", told(tick)[1].removesuffix(" n")))
        assert [time for time, _ in offered] == [t for t, row in rows.items() if row["bid_close"]]


def test_the_days_figures_agree_with_the_daily_file(real_data: Path) -> None:
    """The two were recorded apart: they agree exactly on six days of twelve, nearly on all."""
    exact = set()
    for symbol, day in folders_days(real_data):
        daily = {row["date"]: row for row in raw(real_data / f"{symbol}_1day.csv")}
        own = {name: D(text) for name, text in daily.pop(day.isoformat()).items() if name != "date"}
        last = played(real_data, symbol, day=day)[-1]
        assert (last.day_open, last.last) == (own["open"], own["close"])
        assert abs(last.day_high - own["high"]) <= D("0.07")
        assert abs(last.day_low - own["low"]) <= D("0.07")
        assert abs(last.volume - own["volume"]) < own["volume"] / 100
        before = max(text for text in daily if text < day.isoformat())
        assert last.previous_close == D(daily[before]["close"])
        if (last.day_high, last.day_low, last.volume) == (own["high"], own["low"], own["volume"]):
            exact.add(f"{symbol} {day:%m-%d}")
    assert exact == {"AAPL 06-09", "BAC 10-07", "BAC 10-08", "BAC 10-09", "SPY 10-07", "SPY 10-09"}


def test_minute_bars_of_a_replay_are_the_rows_of_the_file(real_data: Path) -> None:
    for symbol in recorded_symbols(real_data, DAY):
        prints, before = Prints(), D(0)
        for tick in played(real_data, symbol):
            if tick.is_new_print:
                prints.add(tick, tick.volume - before)
                before = tick.volume
        bars = [bar for bar in fold(prints.take()) if bar.interval == "1min"]
        told_bars = [
            (f"{b.starts_at:%Y-%m-%dT%H:%M:00Z}", b.open, b.high, b.low, b.close, b.volume)
            for b in bars
        ]
        columns = ("open", "high", "low", "close", "volume")
        rows = [row for row in raw(real_data / f"{symbol}_20131007_1min.csv") if in_session(row)]
        assert told_bars == [(row["time"], *(D(row[name]) for name in columns)) for row in rows]
        assert len(rows) == 390


def test_in_session_no_quote_is_older_than_ten_seconds(real_data: Path) -> None:
    """So that a guard against stale quotes of 15 s does not refuse a recorded market."""
    for symbol in recorded_symbols(real_data, DAY):
        times = [tick.as_of for tick in played(real_data, symbol) if tick.as_of >= OPENS_AT]
        session = [time for time in times if time < OPENS_AT + timedelta(hours=6, minutes=30)]
        gaps = [later - sooner for sooner, later in pairwise(session)]
        assert max(gaps) == timedelta(seconds=10)


def test_many_symbols_play_in_step(real_data: Path) -> None:
    ticks = played(real_data, "SPY", "IBM", "BAC")
    assert [tick.as_of for tick in ticks] == sorted(tick.as_of for tick in ticks)
    by_symbol = defaultdict(list)
    for tick in ticks:
        by_symbol[tick.symbol].append(tick)
    assert by_symbol["IBM"] == played(real_data, "IBM")
    assert set(by_symbol) == {"SPY", "IBM", "BAC"}
    assert recorded_symbols(real_data, DAY) == ["BAC", "IBM", "SPY"]


def test_every_recorded_file_is_read(real_data: Path) -> None:
    minutes = {path: read_minutes(path) for path in real_data.glob("*_1min.csv")}
    assert {path.name: len(rows) for path, rows in minutes.items()} == {
        path.name: len(raw(path)) for path in minutes
    }
    for path in real_data.glob("*_1day.csv"):
        assert len(read_days(path)) == len(raw(path))
