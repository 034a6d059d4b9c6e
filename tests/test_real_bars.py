"""Bars made of recorded minutes: equal to the file's, of every interval, by ticks and by backfill.

What they should be is worked out here from the CSV rows alone, with New York's clock written out:
the session is 09:30 to 16:00, four hours behind UTC on these days.
"""

import csv
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from instruments.backfill import Span, backfill_bars
from instruments.bars import BarValue
from instruments.board import board
from instruments.intervals import INTERVALS
from instruments.models import Bar, Instrument
from instruments.providers.replay import ReplayedInstrument, ReplayProvider
from instruments.series import Wanted, read_series
from instruments.services import flush_quotes, record_quotes
from instruments.tests.factories import InstrumentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MICS = {"SPY": "ARCX", "IBM": "XNYS", "BAC": "XNYS", "AAPL": "XNAS"}
DAYS = {
    **dict.fromkeys(("SPY", "IBM", "BAC"), ("2013-10-07", "2013-10-08", "2013-10-09")),
    "AAPL": ("2014-06-05", "2014-06-06"),  # the 9th is in other shares
}
SESSION = [f"{hour:02}:{minute:02}" for hour in range(13, 20) for minute in range(60)][30:]
"""Every minute of a session, in UTC."""

CUTS = {"1min": 1, "5min": 5, "15min": 15, "30min": 30, "45min": 45}
DISAGREE = {
    ("AAPL", "2014-06-05"): {"high"},
    ("AAPL", "2014-06-06"): {"high", "low"},
    ("IBM", "2013-10-07"): {"volume"},
    ("IBM", "2013-10-08"): {"high", "volume"},
    ("IBM", "2013-10-09"): {"high", "low"},
    ("SPY", "2013-10-08"): {"low"},
}
"""Where the day's row is not what the minutes of the same day come to."""


class Row(NamedTuple):
    """A bar: when it starts (UTC) and what it holds."""

    starts_at: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


def minutes(folder: Path, symbol: str, day: str) -> list[Row]:
    """Return the minutes of the regular session in which something traded."""
    with (folder / f"{symbol}_{day.replace('-', '')}_1min.csv").open() as file:
        return [
            row_of(line, f"{day} {line['time'][11:16]}")
            for line in csv.DictReader(file)
            if line["time"][11:16] in SESSION and line["open"]
        ]


def day_row(folder: Path, symbol: str, day: str) -> Row:
    with (folder / f"{symbol}_1day.csv").open() as file:
        (line,) = (line for line in csv.DictReader(file) if line["date"] == day)
    return row_of(line, f"{day} 00:00")


def row_of(line: dict[str, str], starts_at: str) -> Row:
    names = ("open", "high", "low", "close", "volume")
    return Row(starts_at, *(Decimal(line[name]) for name in names))


def grouped(rows: Iterable[Row], label: Callable[[str], str]) -> list[Row]:
    """Return rows put together where they have the same label."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(label(row.starts_at), []).append(row)
    return [
        Row(
            name,
            group[0].open,
            max(row.high for row in group),
            min(row.low for row in group),
            group[-1].close,
            sum((row.volume for row in group), Decimal(0)),
        )
        for name, group in groups.items()
    ]


def label_of(interval: str) -> Callable[[str], str]:
    """Return what names the bar of a minute such as "2013-10-07 13:30"."""

    def label(starts_at: str) -> str:
        day, clock = starts_at.split()
        hour, minute = (int(part) for part in clock.split(":"))
        if interval == "1month":
            return f"{day[:8]}01 00:00"
        if interval == "1week":
            return {"2013-10": "2013-10-07", "2014-06": "2014-06-02"}[day[:7]] + " 00:00"
        if interval == "1day":
            return f"{day} 00:00"
        if interval in ("1h", "2h", "4h"):
            return f"{day} {13 + (hour - 13) // int(interval[0]) * int(interval[0])}:00"
        since = (hour * 60 + minute - 13 * 60 - 30) // CUTS[interval] * CUTS[interval]
        return f"{day} {(since + 13 * 60 + 30) // 60}:{(since + 30) % 60:02}"

    return label


def read(instrument: Instrument, interval: str, now: datetime) -> list[Row]:
    """Return what the product has, newest thousand."""
    bars = read_series(instrument, Wanted(interval, now)).bars
    return [
        Row(f"{b.starts_at:%Y-%m-%d %H:%M}", b.open, b.high, b.low, b.close, b.volume) for b in bars
    ]


def by_ticks(folder: Path, instrument: Instrument, days: Iterable[str]) -> None:
    """Play the days as they were, flushed every so often in the middle of minutes."""
    replayed = ReplayedInstrument(instrument.symbol, str(instrument.id), 0, instrument.mic)
    for day in days:
        provider = ReplayProvider(folder, datetime.fromisoformat(day).date(), [replayed])
        ends_at = provider.ends_at
        assert ends_at is not None
        ticks = provider.ticks(ends_at)
        for first in range(0, len(ticks), 97):
            record_quotes(ticks[first : first + 97])
            flush_quotes()


def by_backfill(folder: Path, instrument: Instrument, days: Iterable[str], now: datetime) -> None:
    for day in days:
        bars = [
            BarValue(
                str(instrument.id),
                "1min",
                datetime.fromisoformat(row.starts_at).replace(tzinfo=UTC),
                *row[1:],
            )
            for row in minutes(folder, instrument.symbol, day)
        ]
        midnight = datetime.fromisoformat(day).replace(tzinfo=UTC)
        span = Span(midnight, midnight + timedelta(days=1))
        backfill_bars(instrument, bars, span, now=now, as_printed=True)


@pytest.fixture(autouse=True)
def _exchange(settings):
    settings.MARKET_HOURS = "exchange"
    board.clear()
    yield
    board.clear()


@pytest.mark.parametrize("symbol", DAYS)
def test_bars_of_every_interval_are_the_files(real_data: Path, symbol: str) -> None:
    instrument = InstrumentFactory(symbol=symbol, mic=MICS[symbol])
    days = DAYS[symbol]
    now = datetime.fromisoformat(days[-1]).replace(hour=23, tzinfo=UTC)
    rows = [row for day in days for row in minutes(real_data, symbol, day)]
    assert len(rows) == 390 * len(days)
    by_ticks(real_data, instrument, days)
    for interval in INTERVALS:
        assert read(instrument, interval, now) == grouped(rows, label_of(interval))[-1000:], (
            interval
        )
    told = read(instrument, "1day", now)
    for day, ours in zip(days, told, strict=True):
        file = day_row(real_data, symbol, day)
        differ = {name for name in Row._fields if getattr(ours, name) != getattr(file, name)}
        assert differ == DISAGREE.get((symbol, day), set())


@pytest.mark.parametrize("symbol", DAYS)
def test_backfilled_minutes_make_the_same_bars(real_data: Path, symbol: str) -> None:
    """Over bars made of every other minute, as polls would; days are the provider's own."""
    instrument = InstrumentFactory(symbol=symbol, mic=MICS[symbol])
    days = DAYS[symbol]
    now = datetime.fromisoformat(days[-1]).replace(hour=23, tzinfo=UTC)
    by_ticks(real_data, instrument, days[:1])
    Bar.objects.filter(interval="1min", starts_at__minute__in=range(0, 60, 2)).delete()
    Bar.objects.exclude(interval="1min").update(volume=1, close=1, low=1)
    rows = [row for day in days for row in minutes(real_data, symbol, day)]
    by_backfill(real_data, instrument, days, now)
    for interval in INTERVALS[: INTERVALS.index("1day")]:
        assert read(instrument, interval, now) == grouped(rows, label_of(interval))[-1000:], (
            interval
        )
