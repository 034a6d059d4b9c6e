"""Bars of the simulated market before it started, drawn backwards from the starting price.

The last hours are drawn minute by minute, earlier ones in wider and wider blocks; each interval's
bars are folded from what was drawn, so that charts of different intervals tell one story.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from math import isqrt
from random import Random

from instruments.bars import DAILY, INTERVAL_S, BarValue, Piece, bar_start, fold
from instruments.calendar import Mode, Session, session_before, session_date
from instruments.providers.simulated import SimulatedInstrument, round_lot
from instruments.providers.walk import (
    CADENCE_MS,
    LEVELS_PER_TICK,
    OVERNIGHT_STEPS,
    busyness,
    level_of,
    moved,
    noise,
    step_ppb,
)

BARS = {"1min": 400, "5min": 200, "15min": 200, "1h": 200, "1day": 250}
"""How many bars of its own width each interval reaches back, beyond the finer ones."""

_INSTANT = timedelta(microseconds=1)
_WIDER = {"1min": "5min", "5min": "15min", "15min": "1h"}


def past_bars(
    instrument: SimulatedInstrument, seed: int, mode: Mode, until: datetime
) -> list[BarValue]:
    """Return bars of every interval, each oldest first; the newest close at the starting price."""
    starts = _starts(instrument.mic, mode, until)
    drawn = _Backwards(instrument, f"{seed}:{instrument.symbol}:past")
    pieces = []
    upper = until
    for interval, lower in starts.items():
        for session, begins, ends in _blocks(instrument.mic, mode, (lower, upper), interval):
            day = session_date(instrument.mic, session.opens_at, mode)
            pieces.append(Piece(day, drawn.block(session, begins, ends)))
        upper = lower
    pieces.reverse()
    return [bar for bar in fold(pieces) if bar.starts_at >= _label(bar.interval, starts)]


class _Backwards:
    """A walk that goes back in time, one block after the other."""

    def __init__(self, instrument: SimulatedInstrument, seed: str) -> None:
        self._instrument = instrument
        self._random = Random(seed)  # noqa: S311 - reproducible on purpose, guards nothing
        self._ppb = step_ppb(instrument.volatility)
        self._lot = round_lot(instrument)
        self._level = level_of(instrument.starting_price, instrument.tick_size)
        self._session: Session | None = None

    def block(self, session: Session, begins: datetime, ends: datetime) -> BarValue:
        """Return the bar of [begins, ends), which closes where the block after it opened."""
        self._cross_night(session)
        ticks = int((ends - begins) / timedelta(milliseconds=CADENCE_MS)) or 1
        steps = ticks * busyness(session, begins + (ends - begins) / 2)
        root = isqrt(steps)
        closes = self._level
        opens = self._level = self._moved(closes, noise(self._random) * root)
        reach = 2 * root // 5
        high = self._moved(max(opens, closes), abs(noise(self._random)) * reach)
        low = self._moved(min(opens, closes), -abs(noise(self._random)) * reach)
        lots = max(1, steps * self._random.randrange(35, 106) // 100)
        return self._bar(begins, (opens, high, low, closes), lots * self._lot)

    def _cross_night(self, session: Session) -> None:
        later, self._session = self._session, session
        if later is not None and later.opens_at > session.closes_at:
            self._level = self._moved(self._level, noise(self._random) * isqrt(OVERNIGHT_STEPS))

    def _moved(self, level: int, draw: int) -> int:
        return moved(level, self._ppb, draw)

    def _bar(
        self, begins: datetime, levels: tuple[int, int, int, int], volume: Decimal
    ) -> BarValue:
        price = self._instrument.price
        opens, high, low, closes = (price(level // LEVELS_PER_TICK) for level in levels)
        name = self._instrument.instrument_id
        return BarValue(name, "1min", begins, opens, high, low, closes, volume)


def _starts(mic: str, mode: Mode, until: datetime) -> dict[str, datetime]:
    """Return where the drawing of each interval's blocks begins, finest first.

    A start is a whole multiple of the next wider interval, so that no block straddles two widths.
    """
    starts = {}
    for interval, length_s in INTERVAL_S.items():
        reached = _back(mic, mode, until, timedelta(seconds=length_s * BARS[interval]))
        if interval in _WIDER:
            until = bar_start(_WIDER[interval], reached, reached.date())
        else:
            until = session_before(mic, reached, mode).opens_at
        starts[interval] = until
    for _ in range(BARS[DAILY]):
        until = session_before(mic, until - _INSTANT, mode).opens_at
    return {**starts, DAILY: until}


def _label(interval: str, starts: dict[str, datetime]) -> datetime:
    """Return the first start a bar of interval may have; daily bars are labelled with midnight."""
    start = starts[interval]
    return start - timedelta(days=1) if interval == DAILY else start


def _back(mic: str, mode: Mode, until: datetime, trading: timedelta) -> datetime:
    """Return the moment that so much trading time lies before until."""
    for _, begins, ends in _stretches(mic, mode, until):
        if ends - begins >= trading:
            return ends - trading
        trading -= ends - begins
    raise AssertionError("unreachable: there is always an earlier session")


def _blocks(
    mic: str, mode: Mode, span: tuple[datetime, datetime], interval: str
) -> Iterator[tuple[Session, datetime, datetime]]:
    """Yield the trading time in span, newest first, cut along interval's boundaries in UTC."""
    lower, upper = span
    for session, begins, ends in _stretches(mic, mode, upper):
        if ends <= lower:
            return
        first, cut = max(begins, lower), ends
        while cut > first:
            end, cut = cut, first
            if interval != DAILY:
                cut = max(first, bar_start(interval, end - _INSTANT, end.date()))
            yield session, cut, end


def _stretches(
    mic: str, mode: Mode, until: datetime
) -> Iterator[tuple[Session, datetime, datetime]]:
    """Yield the stretches of uninterrupted trading before until, newest first."""
    moment = until - _INSTANT
    while True:
        session = session_before(mic, moment, mode)
        parts = [(session.opens_at, session.closes_at)]
        if session.break_starts_at is not None and session.break_ends_at is not None:
            parts = [
                (session.break_ends_at, session.closes_at),
                (session.opens_at, session.break_starts_at),
            ]
        for begins, ends in parts:
            if begins < until:
                yield session, begins, min(ends, until)
        moment = session.opens_at - _INSTANT
