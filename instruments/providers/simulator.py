"""A simulated market: a seeded random walk per instrument, with sessions, spreads and sizes.

Prices stand on the tick, sizes are round lots. The market is as busy as the time of day asks; a
speed of 10 makes it ten times as busy. In extended hours it quotes seldom and wide, and nothing
prints: the day's figures are those of the session. Same seed, instruments and start: the same
ticks, however often and from whichever process they are fetched.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from heapq import heapify, heapreplace
from random import Random

from bengi.money import nearest_to
from instruments.bars import DAILY, BarValue
from instruments.calendar import (
    ALWAYS_OPEN,
    EXTENDED,
    Mode,
    is_open,
    next_start,
    phase,
    session_before,
    session_date,
    session_of,
)
from instruments.providers.past import past_bars
from instruments.providers.simulated import Day, SimulatedInstrument, round_lot
from instruments.providers.walk import (
    CADENCE_MS,
    LEVELS_PER_TICK,
    OVERNIGHT_STEPS,
    Walk,
    busyness,
    level_of,
)
from instruments.quotes import Tick
from instruments.splits import Ratio, Split

NAME = "simulator"
ZERO = Decimal(0)
_LAG_MAX = timedelta(seconds=60)
"""Ticks that are later than this (the machine slept) are skipped, not made up for."""

_SPREAD_TENTHS_BPS = {"calm": 5, "normal": 10, "lively": 15, "wild": 25}
_LOTS_SHOWN = (1, 1, 2, 2, 3, 3, 4, 5, 8, 13, 21)
_PRINT_PERCENT = 65
_EXTENDED_SLOWER = 3
_EXTENDED_WIDER = 2


class Simulator:
    """A Provider. newest holds the last known tick of instruments that trade on after a restart."""

    name = NAME
    is_as_printed = False

    def __init__(
        self,
        instruments: Iterable[SimulatedInstrument],
        *,
        seed: int,
        mode: Mode,
        speed: int = 1,
        newest: Mapping[str, Tick] | None = None,
    ) -> None:
        if speed < 1:
            raise ValueError("speed must be 1 or more")
        self._gap_ms = max(1, CADENCE_MS // speed)
        self._seed, self._mode = seed, mode
        self._instruments = list(instruments)
        self._newest = newest or {}
        self._lines: list[Line] = []
        self._splits: dict[str, dict[datetime, Ratio]] = {}
        self._due: list[tuple[datetime, int]] = []
        self._openings: list[Tick] = []

    def hear_splits(self, splits: Iterable[Split]) -> None:
        """Learn at which moments which lines go over to new shares."""
        for split in splits:
            self._splits.setdefault(split.instrument_id, {})[split.effective_at] = split.ratio

    def start(self, now: datetime) -> list[BarValue]:
        """Begin at now, or begin anew. Return past bars of the instruments that no newest tick was
        given for.
        """
        self._lines, self._openings = [], []
        past = [bar for instrument in self._instruments for bar in self._begin(instrument, now)]
        self._due = [(line.first_due(now, self._gap_ms), n) for n, line in enumerate(self._lines)]
        heapify(self._due)
        return past

    def ticks(self, now: datetime) -> list[Tick]:
        """Return the ticks due up to now, oldest first; the first call also brings openings."""
        found, self._openings = self._openings, []
        while self._due and self._due[0][0] <= now:
            due, number = self._due[0]
            line = self._lines[number]
            is_late = now - due > _LAG_MAX
            line.split(self._splits.get(line.instrument_id, {}), due)
            tick = None if is_late else line.tick(due)
            if tick is not None:
                found.append(tick)
            due_next = line.due_after(now if is_late else due, self._gap_ms)
            heapreplace(self._due, (due_next, number))
        return found

    def _begin(self, instrument: SimulatedInstrument, now: datetime) -> list[BarValue]:
        tick = self._newest.get(instrument.instrument_id)
        if tick is not None and tick.last is not None:
            self._lines.append(_resumed(instrument, self._seed, self._mode, tick))
            return []
        bars = past_bars(instrument, self._seed, self._mode, now)
        line = Line(
            instrument,
            f"{self._seed}:{instrument.symbol}",
            self._mode,
            middle=instrument.starting_price,
            day=_opening_day(bars),
            since=now,
        )
        self._lines.append(line)
        self._openings.append(line.opening(now))
        return bars


class Line:
    """One instrument as it trades: its walk, its spread, its day."""

    def __init__(
        self,
        instrument: SimulatedInstrument,
        seed: str,
        mode: Mode,
        *,
        middle: Decimal,
        day: Day,
        since: datetime,
    ) -> None:
        self._instrument, self._mode, self._day = instrument, mode, day
        self._at = since
        level = level_of(middle, instrument.tick_size)
        self._walk = Walk(seed, level, instrument.volatility)
        self._random = Random(f"{seed}:quotes")  # noqa: S311 - reproducible on purpose
        self._lot = round_lot(instrument)
        self._spread = 1
        self.last = middle

    @property
    def instrument_id(self) -> str:
        return self._instrument.instrument_id

    def split(self, splits: Mapping[datetime, Ratio], due: datetime) -> None:
        """Go over to new shares if a split came since the last look: walk, last price and day."""
        for at, ratio in sorted(splits.items()):
            if self._at < at <= due:
                self._walk.rescale(ratio.old, ratio.new)
                tick_size = self._instrument.tick_size
                self.last = max(tick_size, nearest_to(ratio.price(self.last), tick_size))
                self._day.split(ratio)
        self._at = max(self._at, due)

    def first_due(self, now: datetime, gap_ms: int) -> datetime:
        """Return when the first tick is due: somewhere in the first gap, each line its own."""
        return now + timedelta(milliseconds=self._random.randrange(gap_ms))

    def due_after(self, moment: datetime, gap_ms: int) -> datetime:
        """Return when the tick after moment is due; over a close, soon after the next start."""
        mic = self._instrument.mic
        gap = timedelta(milliseconds=gap_ms * self._random.randrange(60, 141) // 100)
        due = moment + gap
        if is_open(mic, due, self._mode):
            return due
        if phase(mic, due, self._mode) in EXTENDED:
            return moment + _EXTENDED_SLOWER * gap
        return next_start(mic, due, self._mode) + gap

    def opening(self, now: datetime) -> Tick:
        """Return a first quote around the last price: of now, or of the last close when closed."""
        session = session_before(self._instrument.mic, now, self._mode)
        bid, ask = self._quote()
        return self._tick(min(now, session.closes_at), bid, ask, ZERO)

    def tick(self, due: datetime) -> Tick | None:
        """Move on and return the tick of this moment; None while the exchange is closed."""
        mic = self._instrument.mic
        session = session_of(mic, due, self._mode)
        if session is None and phase(mic, due, self._mode) in EXTENDED:
            return self._extended_tick(due)
        if session is None or not session.is_trading(due):
            return None
        self._enter(session_date(mic, due, self._mode))
        busy = busyness(session, due)
        self._walk.advance(busy)
        bid, ask = self._quote()
        return self._tick(due, bid, ask, self._print(bid, ask, busy))

    def _extended_tick(self, due: datetime) -> Tick:
        """Quote outside of the session: twice as wide, and nobody trades."""
        self._enter(session_date(self._instrument.mic, due, self._mode))
        self._walk.advance(1)
        bid, ask = self._quote()
        wider = (ask - bid) * (_EXTENDED_WIDER - 1)
        bid = max(1, bid - wider // 2)
        return self._tick(due, bid, ask + wider - wider // 2, ZERO)

    def _enter(self, session_date: date) -> None:
        if session_date == self._day.session_date:
            return
        self._day = Day(session_date, previous_close=self.last)
        if self._mode == "exchange" and self._instrument.mic != ALWAYS_OPEN:
            self._walk.advance(OVERNIGHT_STEPS)

    def _quote(self) -> tuple[int, int]:
        """Return bid and ask in ticks, as wide apart as price and volatility ask."""
        middle = self._walk.level // LEVELS_PER_TICK
        if self._random.randrange(3) == 0:
            tenths_bps = _SPREAD_TENTHS_BPS[self._instrument.volatility]
            self._spread = 1 + middle * tenths_bps * self._random.randrange(60, 141) // 10_000_000
        bid = max(1, middle - self._spread // 2)
        return bid, bid + self._spread

    def _print(self, bid: int, ask: int, busy: int) -> Decimal:
        """Let a trade happen at the bid, at the ask or between, more often than not."""
        if self._random.randrange(100) >= _PRINT_PERCENT:
            return ZERO
        at = self._random.choice((bid, bid, ask, ask, (bid + ask) // 2))
        quantity = self._lot * self._random.randint(1, 2 * busy)
        self.last = self._instrument.price(at)
        self._day.trade(self.last, quantity)
        return quantity

    def _tick(self, as_of: datetime, bid: int, ask: int, printed: Decimal) -> Tick:
        instrument, day = self._instrument, self._day
        return Tick(
            symbol=instrument.symbol,
            instrument_id=instrument.instrument_id,
            shard=instrument.shard,
            bid=instrument.price(bid),
            ask=instrument.price(ask),
            bid_size=self._lot * self._random.choice(_LOTS_SHOWN),
            ask_size=self._lot * self._random.choice(_LOTS_SHOWN),
            last=self.last,
            last_size=printed,
            volume=day.volume,
            day_open=day.open,
            day_high=day.high,
            day_low=day.low,
            previous_close=day.previous_close,
            as_of=as_of,
            source=NAME,
            is_new_print=printed > 0,
            session_date=day.session_date,
        )


def _opening_day(bars: Sequence[BarValue]) -> Day:
    """Return the figures of the newest session among past bars."""
    before, bar = [bar for bar in bars if bar.interval == DAILY][-2:]
    return Day(bar.starts_at.date(), before.close, bar.open, bar.high, bar.low, bar.volume)


def _resumed(instrument: SimulatedInstrument, seed: int, mode: Mode, tick: Tick) -> Line:
    """Go on from a stored tick, with draws of its own so that no stretch repeats itself."""
    assert tick.last is not None
    day = Day(
        session_date(instrument.mic, tick.as_of, mode),
        tick.previous_close,
        tick.day_open,
        tick.day_high,
        tick.day_low,
        tick.volume,
    )
    seed_text = f"{seed}:{instrument.symbol}:{tick.as_of.isoformat()}"
    return Line(instrument, seed_text, mode, middle=tick.last, day=day, since=tick.as_of)
