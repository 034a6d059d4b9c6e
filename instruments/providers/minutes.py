"""Recorded market data: one CSV file of minutes per symbol and day, one of days per symbol.

SYMBOL_YYYYMMDD_1min.csv: time (start of the minute, UTC), the minute's best bid and offer (open,
high, low, close, and the size in shares at the close), the minute's trades. Blank: nothing quoted,
or nothing traded, in that minute. SYMBOL_1day.csv: date and the day's trades, not adjusted.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from bengi.money import parse_decimal

_SIDE = ("open", "high", "low", "close", "size")
_TRADES = ("open", "high", "low", "close", "volume")
_BID = tuple(f"bid_{name}" for name in _SIDE)
_ASK = tuple(f"ask_{name}" for name in _SIDE)
_MINUTE_HEADER = ["time", *_BID, *_ASK, *_TRADES]
_DAY_HEADER = ["date", *_TRADES]


class BadFile(ValueError):
    """A file that is not of the form above; says which line is wrong, and how."""


class Range(msgspec.Struct, frozen=True):
    """Open, high, low and close of prices, and the shares: displayed at the close, or traded."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    shares: Decimal


class Minute(msgspec.Struct, frozen=True):
    """One row: both sides of the quote or neither, and the trades if there were any."""

    starts_at: datetime
    bid: Range | None
    ask: Range | None
    trades: Range | None


def minute_file(directory: Path, symbol: str, day: date) -> Path:
    """Return where the minutes of a symbol's day are kept."""
    return directory / f"{symbol}_{day:%Y%m%d}_1min.csv"


def recorded_symbols(directory: Path, day: date) -> list[str]:
    """Return the symbols whose minutes of day are in directory, in order."""
    ending = minute_file(directory, "", day).name
    return sorted(path.name.removesuffix(ending) for path in directory.glob(f"?*{ending}"))


def read_minutes(path: Path) -> list[Minute]:
    """Return a minute file's rows, oldest first. Raises BadFile."""
    minutes: list[Minute] = []
    for where, row in _rows(path, _MINUTE_HEADER):
        starts_at = _minute(where, row["time"])
        if minutes and starts_at <= minutes[-1].starts_at:
            raise BadFile(f"{where}: {row['time']} does not come after the row before")
        bid, ask = _range(where, row, _BID), _range(where, row, _ASK)
        if (bid is None) != (ask is None):
            raise BadFile(f"{where}: only one side is quoted")
        minutes.append(Minute(starts_at, bid, ask, _range(where, row, _TRADES)))
    return minutes


def read_days(path: Path) -> list[tuple[date, Range]]:
    """Return a day file's rows, oldest first; none when there is no such file. Raises BadFile."""
    if not path.exists():
        return []
    days: list[tuple[date, Range]] = []
    for where, row in _rows(path, _DAY_HEADER):
        day = _day(where, row["date"])
        if days and day <= days[-1][0]:
            raise BadFile(f"{where}: {day} does not come after the row before")
        trades = _range(where, row, _TRADES)
        if trades is not None:
            days.append((day, trades))
    return days


def _rows(path: Path, header: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (file and line, cells by name)."""
    try:
        with path.open(newline="", encoding="ascii") as file:
            lines = csv.reader(file)
            if next(lines, None) != header:
                raise BadFile(f"{path.name} line 1: the columns must be {','.join(header)}")
            for cells in lines:
                where = f"{path.name} line {lines.line_num}"
                if len(cells) != len(header):
                    raise BadFile(f"{where}: {len(cells)} cells instead of {len(header)}")
                yield where, dict(zip(header, cells, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"{path.name} cannot be read: {error}") from error


def _range(where: str, row: Mapping[str, str], names: tuple[str, ...]) -> Range | None:
    """Return the named cells; None where all of them are blank."""
    if not any(row[name] for name in names):
        return None
    found = Range(*(_number(where, name, row[name]) for name in names))
    if not found.low <= min(found.open, found.close) <= max(found.open, found.close) <= found.high:
        raise BadFile(f"{where}: {names[0]} or {names[3]} is outside of {names[2]} to {names[1]}")
    if found.low <= 0:
        raise BadFile(f"{where}: {names[2]} is zero")
    return found


def _number(where: str, name: str, text: str) -> Decimal:
    try:
        return parse_decimal(text)
    except ValueError:
        raise BadFile(f"{where}: {name} is {text!r}, not a number") from None


def _minute(where: str, text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:00Z").replace(tzinfo=UTC)
    except ValueError:
        raise BadFile(f"{where}: time is {text!r}, not like 2013-10-07T13:30:00Z") from None


def _day(where: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadFile(f"{where}: date is {text!r}, not like 2013-10-07") from None
