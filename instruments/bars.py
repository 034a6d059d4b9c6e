"""Bars from prints: what traded since the last look, folded into every interval. Pure."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal

import msgspec

from instruments.quotes import Tick

MINUTE, DAILY = "1min", "1day"
INTERVAL_S = {MINUTE: 60, "5min": 300, "15min": 900, "1h": 3600}
"""Length in seconds of the intervals cut along UTC; a 1day bar is a session of its exchange."""

STORED = (*INTERVAL_S, DAILY)
"""What the table holds, finest first; every other interval is folded from one of these."""

NUMBERS = ("open", "high", "low", "close", "volume")
"""What a bar says of its interval, by the names of fields and columns alike."""


class BarValue(msgspec.Struct):
    """Open, high, low, close (prices) and volume (shares) of one interval from starts_at."""

    instrument_id: str
    interval: str
    starts_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def extend(self, later: "BarValue") -> None:
        """Let this bar grow by a later part of the same interval."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume


class Piece(msgspec.Struct):
    """What traded in one minute of one session since the last flush; belongs to one bar of each
    interval."""

    session_date: date
    bar: BarValue


class Prints:
    """Prints of many instruments, gathered minute by minute until somebody takes them."""

    def __init__(self) -> None:
        self._pieces: dict[tuple[str, int, date], Piece] = {}

    def add(self, tick: Tick, volume: Decimal) -> None:
        """Count tick's print: its last price, and volume shares. tick.last must be there."""
        assert tick.last is not None
        minute = int(tick.as_of.timestamp()) // 60
        day = trading_day(tick)
        piece = self._pieces.get((tick.instrument_id, minute, day))
        if piece is None:
            self._pieces[tick.instrument_id, minute, day] = _first_piece(tick, day, volume)
            return
        bar, last = piece.bar, tick.last
        if last > bar.high:
            bar.high = last
        elif last < bar.low:
            bar.low = last
        bar.close = last
        bar.volume += volume

    def take(self) -> list[Piece]:
        """Return the pieces since the last call, in the order in which their minutes began."""
        pieces, self._pieces = self._pieces, {}
        return list(pieces.values())

    def give_back(self, pieces: Iterable[Piece]) -> None:
        """Put pieces back that could not be stored; they go before what has come since."""
        newer, self._pieces = self._pieces, {}
        for piece in [*pieces, *newer.values()]:
            bar = piece.bar
            key = bar.instrument_id, int(bar.starts_at.timestamp()) // 60, piece.session_date
            if key in self._pieces:
                self._pieces[key].bar.extend(bar)
            else:
                self._pieces[key] = piece


def fold(pieces: Iterable[Piece]) -> list[BarValue]:
    """Return one bar per instrument, interval and start that the pieces (oldest first) touch."""
    bars: dict[tuple[str, str, datetime], BarValue] = {}
    for piece in pieces:
        for interval in STORED:
            starts_at = bar_start(interval, piece.bar.starts_at, piece.session_date)
            key = piece.bar.instrument_id, interval, starts_at
            if key in bars:
                bars[key].extend(piece.bar)
            else:
                bars[key] = msgspec.structs.replace(
                    piece.bar, interval=interval, starts_at=starts_at
                )
    return list(bars.values())


def bar_start(interval: str, moment: datetime, session_date: date) -> datetime:
    """Return when the bar that holds moment starts: a whole multiple of the interval in UTC.

    A 1day bar is labelled with midnight UTC of its session_date, whenever the session opened.
    """
    if interval == DAILY:
        return datetime.combine(session_date, time(), UTC)
    length_s = INTERVAL_S[interval]
    since_epoch_s = int(moment.timestamp())
    return datetime.fromtimestamp(since_epoch_s - since_epoch_s % length_s, UTC)


def trading_day(tick: Tick) -> date:
    """Return the session tick belongs to: its provider's word, else the UTC day."""
    return tick.session_date or tick.as_of.astimezone(UTC).date()


def _first_piece(tick: Tick, day: date, volume: Decimal) -> Piece:
    assert tick.last is not None
    starts_at = bar_start(MINUTE, tick.as_of, day)
    last = tick.last
    return Piece(
        day, BarValue(tick.instrument_id, MINUTE, starts_at, last, last, last, last, volume)
    )
