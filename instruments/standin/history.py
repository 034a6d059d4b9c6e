"""The bars of one instrument, of any interval that Twelve Data has. Pure.

Intraday bars are cut from the opening of their session, as Twelve Data cuts them: an hour in New
York begins at 09:30. Where the past is known in blocks wider than a minute (the simulated market's
is, beyond a few hours), a block belongs to the bar in which it begins.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from instruments.bars import DAILY, INTERVAL_S, MINUTE, BarValue
from instruments.calendar import Mode, session_date, session_on

INTRADAY_S = {
    "1min": 60,
    "5min": 300,
    "15min": 900,
    "30min": 1800,
    "45min": 2700,
    "1h": 3600,
    "2h": 7200,
    "4h": 14400,
    "8h": 28800,
}
BY_DAY = ("1day", "1week", "1month")
INTERVALS = (*INTRADAY_S, *BY_DAY)

MINUTES_KEPT = 10_000


class Bar(msgspec.Struct):
    """Open, high, low, close and volume of what began at starts_at; day is its session's date."""

    starts_at: datetime
    day: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def grow(self, later: "Bar") -> None:
        """Take in a later part."""
        self.high, self.low = max(self.high, later.high), min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume


class History:
    """Minutes, wider blocks before them, and days; all oldest first."""

    def __init__(self, mic: str, mode: Mode) -> None:
        self._mic, self._mode = mic, mode
        self._blocks: list[tuple[int, Bar]] = []
        self._minutes: list[Bar] = []
        self._days: list[Bar] = []

    def load(self, past: Iterable[BarValue]) -> None:
        """Take in the bars that a provider knows from before it began."""
        bars = [(value.interval, self._bar(value)) for value in past]
        self._days = [bar for interval, bar in bars if interval == DAILY]
        self._minutes = [bar for interval, bar in bars if interval == MINUTE]
        upper = self._minutes[0].starts_at if self._minutes else None
        for name, width_s in list(INTERVAL_S.items())[1:]:
            ends = timedelta(seconds=width_s)
            wider = [bar for interval, bar in bars if interval == name]
            before = [bar for bar in wider if upper is None or bar.starts_at + ends <= upper]
            self._blocks = [*((width_s, bar) for bar in before), *self._blocks]
            upper = before[0].starts_at if before else upper

    def trade(self, at: datetime, day: date, price: Decimal, quantity: Decimal) -> None:
        """Count a print."""
        minute = at.replace(second=0, microsecond=0)
        printed = Bar(minute, day, price, price, price, price, quantity)
        _add(self._minutes, printed, is_same=_starts_with)
        opened = msgspec.structs.replace(printed, starts_at=self._opening(day) or minute)
        _add(self._days, opened, is_same=_is_of_same_day)
        if len(self._minutes) > MINUTES_KEPT + 1000:
            del self._minutes[:1000]

    def bars(self, interval: str) -> list[Bar]:
        """Return all bars of an interval, oldest first; of days, starts_at is the first opening."""
        if interval in INTRADAY_S:
            return self._intraday(INTRADAY_S[interval])
        found: list[Bar] = []
        for day in self._days:
            first = _first_day(interval, day.day)
            opened = msgspec.structs.replace(day, day=first)
            _add(found, opened, is_same=_is_of_same_day)
        return found

    def newest_minute(self) -> Bar | None:
        """Return the newest minute in which something traded."""
        return self._minutes[-1] if self._minutes else None

    def _intraday(self, width_s: int) -> list[Bar]:
        narrow = [bar for block_s, bar in self._blocks if block_s <= width_s]
        found: list[Bar] = []
        for bar in [*narrow, *self._minutes]:
            start = self._bucket(bar, width_s)
            _add(found, msgspec.structs.replace(bar, starts_at=start), is_same=_starts_with)
        return found

    def _bucket(self, bar: Bar, width_s: int) -> datetime:
        opens_at = self._opening(bar.day)
        if opens_at is None:
            return bar.starts_at
        since_s = max(0, int((bar.starts_at - opens_at).total_seconds()))
        return opens_at + timedelta(seconds=since_s - since_s % width_s)

    def _opening(self, day: date) -> datetime | None:
        session = session_on(self._mic, day, self._mode)
        return session.opens_at if session else None

    def _bar(self, value: BarValue) -> Bar:
        starts_at, day = value.starts_at, value.starts_at.date()
        if value.interval == DAILY:
            starts_at = self._opening(day) or starts_at
        else:
            day = session_date(self._mic, value.starts_at, self._mode)
        return Bar(starts_at, day, value.open, value.high, value.low, value.close, value.volume)


def since(bars: list[Bar], start: datetime | date) -> list[Bar]:
    """Return the bars from start on: a moment for intraday bars, a day for the others."""
    if isinstance(start, datetime):
        return bars[bisect_left(bars, start, key=lambda bar: bar.starts_at) :]
    return bars[bisect_left(bars, start, key=lambda bar: bar.day) :]


def _starts_with(bar: Bar, other: Bar) -> bool:
    return bar.starts_at == other.starts_at


def _is_of_same_day(bar: Bar, other: Bar) -> bool:
    return bar.day == other.day


def _add(bars: list[Bar], bar: Bar, *, is_same: Callable[[Bar, Bar], bool]) -> None:
    if bars and is_same(bars[-1], bar):
        bars[-1].grow(bar)
    else:
        bars.append(bar)


def _first_day(interval: str, day: date) -> date:
    """Return the day that a bar is named after: a week's Monday, a month's first."""
    if interval == "1week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "1month" else day
