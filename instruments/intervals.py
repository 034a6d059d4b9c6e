"""The intervals that bars are read in, and where the bars of each begin. Pure.

Of the names from 1min to 1month that market data vendors use, five are stored (bars.STORED); the
others are folded from those when somebody asks. Bars shorter than a day are counted from the stored
bar in which the day's session opens, and again from the one in which it closes, so that none of
them holds parts of two sessions and all start at the same local times, summer and winter. Longer
ones go by session dates: a week is labelled with its Monday, a month with its first day, at
midnight UTC as a day is.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from instruments.bars import DAILY, INTERVAL_S, STORED, BarValue, bar_start
from instruments.calendar import Mode, Session, session_date, session_on

WEEKLY, MONTHLY = "1week", "1month"
LENGTH_S = {
    **INTERVAL_S,
    "30min": 1800,
    "45min": 2700,
    "2h": 7200,
    "4h": 14_400,
}
"""Length in seconds of what is shorter than a day."""

INTERVALS = (*sorted(LENGTH_S, key=LENGTH_S.__getitem__), DAILY, WEEKLY, MONTHLY)
SOURCE = {
    **{name: name for name in STORED},
    "30min": "15min",
    "45min": "15min",
    "2h": "1h",
    "4h": "1h",
    WEEKLY: DAILY,
    MONTHLY: DAILY,
}
"""The stored interval that each is read from."""

SOURCE_BARS_MAX = {
    **dict.fromkeys(STORED, 1),
    "30min": 2,
    "45min": 3,
    "2h": 2,
    "4h": 4,
    WEEKLY: 7,
    MONTHLY: 31,
}
"""How many stored bars go into one at most."""

_DAY = timedelta(days=1)
LONGEST = {WEEKLY: 7 * _DAY, MONTHLY: 31 * _DAY, DAILY: _DAY}


def length_of(interval: str) -> timedelta:
    """Return how long a bar of interval lasts, at most."""
    return LONGEST.get(interval) or timedelta(seconds=LENGTH_S[interval])


class Grid:
    """Where bars of one interval begin on one exchange."""

    def __init__(self, interval: str, mic: str, mode: Mode) -> None:
        self.interval, self.source = interval, SOURCE[interval]
        self._mic, self._mode = mic, mode
        self._anchors: dict[date, tuple[datetime, ...]] = {}

    def fold(self, stored: Iterable[BarValue]) -> list[BarValue]:
        """Return the bars that stored ones of the source, oldest first, make together."""
        if self.interval == self.source:
            return list(stored)
        bars: list[BarValue] = []
        for part in stored:
            starts_at = self.start_of(part)
            if bars and bars[-1].starts_at == starts_at:
                bars[-1].extend(part)
            else:
                named = {"interval": self.interval, "starts_at": starts_at}
                bars.append(msgspec.structs.replace(part, **named))
        return bars

    def start_of(self, part: BarValue) -> datetime:
        """Return the start of the bar that a stored one of the source belongs to."""
        if self.source == DAILY:
            return self.label(part.starts_at.date())
        return self._counted(part.starts_at)

    def label(self, day: date) -> datetime:
        """Return how the bar of a day's session is labelled: of the day, its week or its month."""
        if self.interval == WEEKLY:
            day -= day.weekday() * _DAY
        elif self.interval == MONTHLY:
            day = day.replace(day=1)
        return datetime.combine(day, time(), UTC)

    def starts_on(self, day: date) -> list[datetime]:
        """Return the starts of the bars in which one trades in the day's session, oldest first."""
        session = session_on(self._mic, day, self._mode)
        if session is None:
            return []
        if self.source == DAILY:
            return [self.label(day)]
        return list(self._trading(session))

    def _trading(self, session: Session) -> Iterator[datetime]:
        length = length_of(self.interval)
        start = bar_start(self.source, session.opens_at, session.opens_at.date())
        while start < session.closes_at:
            if not _is_break(session, start, start + length):
                yield start
            start += length

    def _counted(self, moment: datetime) -> datetime:
        length = length_of(self.interval)
        day = session_date(self._mic, moment, self._mode)
        if day not in self._anchors:
            self._anchors[day] = self._anchors_of(day)
        anchors = self._anchors[day]
        anchor = next((each for each in reversed(anchors) if each <= moment), anchors[0])
        return anchor + (moment - anchor) // length * length

    def _anchors_of(self, day: date) -> tuple[datetime, ...]:
        session = session_on(self._mic, day, self._mode)
        if session is None:
            return (datetime.combine(day, time(), UTC),)
        opens = bar_start(self.source, session.opens_at, day)
        closes = bar_start(self.source, session.closes_at, day)
        if closes < session.closes_at:
            closes += length_of(self.source)
        return opens, closes


def _is_break(session: Session, start: datetime, end: datetime) -> bool:
    """Return whether nobody trades from start to end because it is lunch time."""
    begins, ends = session.break_starts_at, session.break_ends_at
    return begins is not None and ends is not None and begins <= start and end <= ends
