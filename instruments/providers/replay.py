"""A day of recorded minutes, played as it was.

A row tells the best bid and offer of its minute and the trades, but not when in the minute what
happened; sizes are those at its close. The replay invents nothing an order could fill against:

    second  0       the quote that closed the minute before still stands; the first print, at open
            10, 30, 50   the quote still stands: its age starts again
            20, 40  prints at the low and the high, the low first when the minute rose
            59.999  the closing quote with its sizes, the last print, the minute's volume

Only the closing quote is new, so every price and size on offer stands in the file: from 59.999 s on
bid_close x bid_size and ask_close x ask_size, until the next row's close. A row that opens on
another quote than the one before closed with shows that quote with size 0, as the file has none.
A blank quote leaves the standing one alone and a blank trade prints nothing.

Outside of the regular session only closing quotes are played: prints of pre- and post-market
neither move stops nor belong to the day's open, high, low and volume, which exchanges count over
the regular session too.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec

from instruments.bars import DAILY, BarValue
from instruments.calendar import is_open
from instruments.providers.minutes import (
    Minute,
    Range,
    minute_file,
    read_days,
    read_minutes,
)
from instruments.quotes import Tick
from instruments.splits import Split, in_new_shares

NAME = "replay"
ZERO = Decimal(0)
DAYS_BEFORE = 400
"""How many daily bars before the day go into the charts."""

_CLOSE = timedelta(seconds=59, milliseconds=999)


class ReplayedInstrument(msgspec.Struct, frozen=True):
    """An instrument to replay: what a tick has to say of it."""

    symbol: str
    instrument_id: str
    shard: int
    mic: str


class ReplayProvider:
    """A Provider of one day's files. Raises BadFile when one of them cannot be believed.

    splits: those that there are; the close before the day is told in the shares of the day.
    """

    name = NAME
    is_as_printed = True

    def __init__(
        self,
        directory: Path,
        day: date,
        instruments: Iterable[ReplayedInstrument],
        splits: Sequence[Split] = (),
    ) -> None:
        self._past: list[BarValue] = []
        ticks: list[Tick] = []
        for instrument in instruments:
            days = read_days(directory / f"{instrument.symbol}_1day.csv")
            before = [(date_, trades) for date_, trades in days if date_ < day]
            self._past += _daily_bars(instrument, before[-DAYS_BEFORE:])
            minutes = read_minutes(minute_file(directory, instrument.symbol, day))
            previous_close = _close_before(instrument, before[-1:], day, splits)
            ticks += _Tape(instrument, day, previous_close).play(minutes)
        self._ticks = sorted(ticks, key=lambda tick: tick.as_of)
        self._next = 0

    @property
    def starts_at(self) -> datetime | None:
        """When the first tick is due; None when the files are empty."""
        return self._ticks[0].as_of if self._ticks else None

    @property
    def ends_at(self) -> datetime | None:
        """When the last tick is due."""
        return self._ticks[-1].as_of if self._ticks else None

    def hear_splits(self, splits: Iterable[Split]) -> None:
        """Do nothing: the day was recorded in the shares of the day."""

    def start(self, now: datetime) -> list[BarValue]:
        """Return the daily bars before the day. Started late, the first ticks() catches up."""
        self._next = 0
        return self._past

    def ticks(self, now: datetime) -> list[Tick]:
        """Return the ticks due up to now, oldest first."""
        begin = self._next
        while self._next < len(self._ticks) and self._ticks[self._next].as_of <= now:
            self._next += 1
        return self._ticks[begin : self._next]


class _Tape:
    """Turns one instrument's minutes into ticks; keeps the standing quote and the day's figures."""

    def __init__(
        self, instrument: ReplayedInstrument, day: date, previous_close: Decimal | None
    ) -> None:
        self._instrument, self._day = instrument, day
        self._previous_close = previous_close
        self._bid: Decimal | None = None
        self._ask: Decimal | None = None
        self._bid_size = self._ask_size = ZERO
        self._last: Decimal | None = None
        self._open: Decimal | None = None
        self._high: Decimal | None = None
        self._low: Decimal | None = None
        self._volume = ZERO

    def play(self, minutes: Sequence[Minute]) -> Iterator[Tick]:
        """Yield the ticks of all minutes, oldest first."""
        for minute in minutes:
            if is_open(self._instrument.mic, minute.starts_at, "exchange"):
                yield from self._session_minute(minute, minute.trades)
            elif minute.bid is not None and minute.ask is not None:
                yield self._closing(minute, None)

    def _session_minute(self, minute: Minute, trades: Range | None) -> Iterator[Tick]:
        yield self._opening(minute, trades)
        for second, price in _between(trades):
            yield self._tick(minute.starts_at + timedelta(seconds=second), price)
        yield self._closing(minute, trades)

    def _opening(self, minute: Minute, trades: Range | None) -> Tick:
        is_new = False
        if minute.bid is not None and minute.ask is not None:
            opens_on = minute.bid.open, minute.ask.open
            is_new = opens_on != (self._bid, self._ask)
            if is_new:
                self._bid, self._ask = opens_on
                self._bid_size = self._ask_size = ZERO
        price = trades.open if trades else None
        return self._tick(minute.starts_at, price, is_new_quote=is_new)

    def _closing(self, minute: Minute, trades: Range | None) -> Tick:
        is_new = minute.bid is not None and minute.ask is not None
        if minute.bid is not None and minute.ask is not None:
            self._bid, self._bid_size = minute.bid.close, minute.bid.shares
            self._ask, self._ask_size = minute.ask.close, minute.ask.shares
        return self._tick(
            minute.starts_at + _CLOSE,
            trades.close if trades else None,
            shares=trades.shares if trades else ZERO,
            is_new_quote=is_new,
        )

    def _tick(
        self,
        as_of: datetime,
        price: Decimal | None,
        *,
        shares: Decimal = ZERO,
        is_new_quote: bool = False,
    ) -> Tick:
        if price is not None:
            self._count(price, shares)
        return Tick(
            symbol=self._instrument.symbol,
            instrument_id=self._instrument.instrument_id,
            shard=self._instrument.shard,
            bid=self._bid,
            ask=self._ask,
            bid_size=self._bid_size,
            ask_size=self._ask_size,
            last=self._last,
            last_size=shares,
            volume=self._volume,
            day_open=self._open,
            day_high=self._high,
            day_low=self._low,
            previous_close=self._previous_close,
            as_of=as_of,
            source=NAME,
            is_new_quote=is_new_quote,
            is_new_print=price is not None,
            session_date=self._day,
        )

    def _count(self, price: Decimal, shares: Decimal) -> None:
        self._last = price
        self._open = self._open or price
        self._high = max(self._high or price, price)
        self._low = min(self._low or price, price)
        self._volume += shares


def _between(trades: Range | None) -> Iterator[tuple[int, Decimal | None]]:
    """Yield (second, price of a print or None) between a minute's open and its close.

    An extreme that the open has printed already is not printed again.
    """
    extremes: dict[int, Decimal] = {}
    if trades is not None:
        rose = trades.close >= trades.open
        first, second = (trades.low, trades.high) if rose else (trades.high, trades.low)
        extremes = {20: first, 40: second}
    for at in (10, 20, 30, 40, 50):
        price = extremes.get(at)
        yield at, None if trades is None or price == trades.open else price


def _close_before(
    instrument: ReplayedInstrument,
    newest: Iterable[tuple[date, Range]],
    day: date,
    splits: Iterable[Split],
) -> Decimal | None:
    """Return the close of the newest day before day, in the shares of day; None without one."""
    since = [split for split in splits if split.ex_date <= day]
    return next((in_new_shares(bar, since).close for bar in _daily_bars(instrument, newest)), None)


def _daily_bars(
    instrument: ReplayedInstrument, days: Iterable[tuple[date, Range]]
) -> list[BarValue]:
    return [
        BarValue(
            instrument.instrument_id,
            DAILY,
            datetime.combine(day, time(), UTC),
            trades.open,
            trades.high,
            trades.low,
            trades.close,
            trades.shares,
        )
        for day, trades in days
    ]
