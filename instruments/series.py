"""Bars as somebody reads them: of every interval, with gaps filled and indicators if asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from instruments import gaps
from instruments.archive import known_bars
from instruments.bars import BarValue
from instruments.calendar import session_date, session_on
from instruments.hours import market_hours
from instruments.indicator_words import SESSION, Asked
from instruments.indicators import Point
from instruments.intervals import INTERVALS, LENGTH_S, SOURCE_BARS_MAX, Grid, length_of
from instruments.models import Instrument

BARS_MAX = 1000
_DAY_S = 86_400

Indicated = tuple[BarValue, Mapping[str, float | None]]
"""A bar with the values of indicators at it."""

_SessionOf = Callable[[datetime], date | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The newest limit bars of interval that begin in [start, end); None is no bound.

    is_filled: bars without trades are there too, up to the running one; now is the market's time.
    """

    interval: str
    now: datetime
    limit: int = BARS_MAX
    start: datetime | None = None
    end: datetime | None = None
    is_filled: bool = False

    def __post_init__(self) -> None:
        assert self.interval in INTERVALS
        assert 1 <= self.limit <= BARS_MAX


@dataclass(frozen=True, slots=True)
class Series:
    """Bars, oldest first, and those just before the first of them."""

    earlier: Sequence[BarValue]
    bars: Sequence[BarValue]


def newest_bars(instrument: Instrument, interval: str, limit: int, now: datetime) -> list[BarValue]:
    """Return the newest limit bars of interval, oldest first. One statement."""
    return list(read_series(instrument, Wanted(interval, now, limit)).bars)


def read_series(instrument: Instrument, wanted: Wanted, *, earlier: int = 0) -> Series:
    """Return what is wanted, and up to so many bars earlier than that.

    One statement, two where gaps are filled from a start on.
    """
    grid = Grid(wanted.interval, instrument.mic, market_hours())
    count = wanted.limit + earlier
    start = None if earlier else wanted.start
    read = _filled if wanted.is_filled else _folded
    found = read(instrument, grid, wanted, start, count)
    inside = [bar for bar in found if wanted.start is None or bar.starts_at >= wanted.start]
    first = len(found) - min(len(inside), wanted.limit)
    return Series(found[max(0, first - earlier) : first], found[first:])


def read_indicated(
    instrument: Instrument, wanted: Wanted, asked: Sequence[Asked]
) -> list[Indicated]:
    """Return what is wanted with the values of the indicators asked for, by their columns.

    So many earlier bars are read that what came before those weighs nothing in the first value; a
    value is None where there are too few bars for it, stored or traded.
    """
    if not asked:
        return [(bar, {}) for bar in read_series(instrument, wanted).bars]
    earlier = max(_look_back(each, wanted.interval) for each in asked)
    series = read_series(instrument, wanted, earlier=earlier)
    of_sessions = any(each.look_back == SESSION for each in asked)
    session_of = _sessions(instrument.mic, wanted.interval) if of_sessions else lambda _: None
    points = _points([*series.earlier, *series.bars], session_of)
    columns: dict[str, list[float | None]] = {}
    for each in asked:
        indicator = each.make()
        fed = [indicator.feed(point) for point in points][len(series.earlier) :]
        columns |= {
            name: [values[place] for values in fed] for place, name in enumerate(each.columns)
        }
    return [
        (bar, {name: column[row] for name, column in columns.items()})
        for row, bar in enumerate(series.bars)
    ]


def _look_back(asked: Asked, interval: str) -> int:
    """Return how many bars of interval before one an indicator looks at."""
    return _DAY_S // LENGTH_S[interval] if asked.look_back == SESSION else asked.look_back


def _points(bars: Sequence[BarValue], session_of: _SessionOf) -> list[Point]:
    return [
        Point(
            float(bar.high),
            float(bar.low),
            float(bar.close),
            float(bar.volume),
            session_of(bar.starts_at),
        )
        for bar in bars
    ]


def _sessions(mic: str, interval: str) -> _SessionOf:
    """Return what tells the day of the session that a bar is in, by its start; None outside."""
    length, mode = length_of(interval), market_hours()

    def day_of(starts_at: datetime) -> date | None:
        day = session_date(mic, starts_at, mode)
        session = session_on(mic, day, mode)
        if session is None or not session.opens_at - length < starts_at < session.closes_at:
            return None
        return day

    return day_of


def _folded(
    instrument: Instrument, grid: Grid, wanted: Wanted, start: datetime | None, count: int
) -> list[BarValue]:
    """Return the newest count bars, all of them whole but the running one."""
    of_one, end = SOURCE_BARS_MAX[grid.interval], wanted.end
    is_folded = grid.interval != grid.source
    if end is not None and is_folded:
        end += length_of(grid.interval)  # the last bar may begin before end and go on after it
    rows = (count + 3) * of_one if is_folded else count
    stored = known_bars(instrument, grid.source, rows, now=wanted.now, start=start, end=end)
    bars = grid.fold(stored)
    if is_folded:
        bars = [bar for bar in bars if _is_within(bar, start, wanted.end)]
    return bars[-count:]


def _filled(
    instrument: Instrument, grid: Grid, wanted: Wanted, start: datetime | None, count: int
) -> list[BarValue]:
    """Return the newest count bars, with those in which nothing traded since there is a price."""
    bars = _folded(instrument, grid, wanted, start, count)
    before = (
        [] if start is None else known_bars(instrument, grid.source, 1, now=wanted.now, end=start)
    )
    since = start if before else bars[0].starts_at if bars else None
    if since is None:
        return []
    end = wanted.now if wanted.end is None else min(wanted.end, wanted.now)
    starts = gaps.slots(grid, instrument.mic, market_hours(), start=since, end=end, limit=count)
    return gaps.fill(bars, starts, grid.interval, before[0] if before else None)[-count:]


def _is_within(bar: BarValue, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or bar.starts_at >= start) and (end is None or bar.starts_at < end)
