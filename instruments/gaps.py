"""Bars for the times in which nothing traded: the close before, with volume 0. Pure.

Only within sessions: nights, holidays and lunch breaks are no gaps.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from instruments.bars import BarValue
from instruments.calendar import Mode, session_date, session_on
from instruments.intervals import Grid

_DAY = timedelta(days=1)


def slots(
    grid: Grid, mic: str, mode: Mode, *, start: datetime, end: datetime, limit: int
) -> list[datetime]:
    """Return the newest limit starts in [start, end) of bars in which one trades, oldest first.

    A day, week or month is not there before its first session has opened by end.
    """
    found: list[datetime] = []
    day = session_date(mic, end, mode)
    while len(found) < limit and not _is_past(grid, day, start):
        session = session_on(mic, day, mode)
        if session is not None and session.opens_at < end:
            starts = reversed(grid.starts_on(day))
            found += [each for each in starts if each < end and each not in found[-1:]]
        day -= _DAY
    inside = [each for each in found if each >= start]
    return inside[:limit][::-1]


def fill(
    bars: Sequence[BarValue], starts: Sequence[datetime], interval: str, before: BarValue | None
) -> list[BarValue]:
    """Return bars with those that are missing at starts; both are of interval, oldest first.

    before: what closed last before all of them; without it the first ones stay missing.
    """
    there = {bar.starts_at: bar for bar in bars}
    filled: list[BarValue] = []
    last = before
    for starts_at in sorted(there.keys() | set(starts)):
        bar = there.get(starts_at)
        if bar is None and last is not None:
            bar = _flat(last, interval, starts_at)
        if bar is not None:
            filled.append(bar)
            last = bar
    return filled


def _flat(last: BarValue, interval: str, starts_at: datetime) -> BarValue:
    close = last.close
    return BarValue(last.instrument_id, interval, starts_at, close, close, close, close, Decimal(0))


def _is_past(grid: Grid, day: date, start: datetime) -> bool:
    """Return whether every earlier day's bars begin before start, in whatever zone."""
    return grid.label(day) + 2 * _DAY < start
