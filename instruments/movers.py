"""What moves in the market: gainers, losers, most active, and how many rise and fall.

From our own quotes. A day's figures belong to its session, so a quote from before the opening of
its exchange's newest session is left out and only counted; one that is merely old is marked.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from bengi.terms import InstrumentStatus
from instruments.calendar import Mode, is_open, session_before
from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.selectors import feed_quotes

KINDS = ("gainers", "losers", "most_active", "most_traded")
"""By change in percent, up and down; by shares; by value in one currency."""

STALE_AFTER = timedelta(minutes=15)
"""How old a quote may be while its exchange is open before it is marked as stale."""

Quoted = tuple[Instrument, Tick | None]


@dataclass(frozen=True, slots=True)
class Mover:
    """One instrument's day: prices and value in its currency; value is volume at the last price."""

    instrument: Instrument
    tick: Tick
    last: Decimal
    change: Decimal
    change_percent: Decimal
    is_stale: bool

    @property
    def value(self) -> Decimal:
        return self.last * self.tick.volume

    @property
    def is_at_high(self) -> bool:
        """Whether the last price is the day's highest; not so while all its prices are one."""
        high, low = self.tick.day_high, self.tick.day_low
        return high is not None and low != high and self.last >= high

    @property
    def is_at_low(self) -> bool:
        high, low = self.tick.day_high, self.tick.day_low
        return low is not None and low != high and self.last <= low


@dataclass(frozen=True, slots=True)
class Breadth:
    """How many rose, fell and stayed, trade at their day's high or low, and were left out."""

    advancers: int
    decliners: int
    unchanged: int
    at_high: int
    at_low: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Market:
    """All that is quoted, in the order of symbols, and how many have no figures of the day."""

    movers: Sequence[Mover]
    left_out: int

    @property
    def currency(self) -> str | None:
        """What most are traded in; values are compared in it alone."""
        counts = Counter(mover.instrument.currency for mover in self.movers)
        return min(counts, key=lambda code: (-counts[code], code), default=None)

    @property
    def breadth(self) -> Breadth:
        signs = Counter((mover.change > 0) - (mover.change < 0) for mover in self.movers)
        return Breadth(
            advancers=signs[1],
            decliners=signs[-1],
            unchanged=signs[0],
            at_high=sum(mover.is_at_high for mover in self.movers),
            at_low=sum(mover.is_at_low for mover in self.movers),
            left_out=self.left_out,
        )

    def top(self, kind: str, limit: int) -> list[Mover]:
        """Return the first limit of a kind; among equals the order of symbols counts."""
        rank, movers = _RANKS[kind], self.movers
        if kind == "most_traded":
            currency = self.currency
            movers = [mover for mover in movers if mover.instrument.currency == currency]
        moved = [mover for mover in movers if rank(mover) > 0]
        return sorted(moved, key=rank, reverse=True)[:limit]


_RANKS: dict[str, Callable[[Mover], Decimal]] = {
    "gainers": lambda mover: mover.change_percent,
    "losers": lambda mover: -mover.change_percent,
    "most_active": lambda mover: mover.tick.volume,
    "most_traded": lambda mover: mover.value,
}


def market_at(now: datetime, mic: str | None = None) -> Market:
    """Return the market of one exchange, or of all. Quotes are read anew once a second."""
    quotes = [pair for pair in _quotes(now) if mic is None or pair[0].mic == mic]
    return reckon(quotes, now, settings.MARKET_HOURS)


def reckon(quotes: Sequence[Quoted], now: datetime, mode: Mode) -> Market:
    """Return what quotes, in the order of symbols, come to at now. Pure."""
    opened: dict[str, datetime] = {}
    movers = []
    for instrument, tick in quotes:
        mic = instrument.mic
        if mic not in opened:
            opened[mic] = session_before(mic, now, mode).opens_at
        if tick is None or tick.as_of < opened[mic]:
            continue
        last, change, percent = tick.last, tick.change, tick.change_percent
        if last is None or change is None or percent is None:
            continue
        is_stale = now - tick.as_of > STALE_AFTER and is_open(mic, now, mode)
        movers.append(Mover(instrument, tick, last, change, percent, is_stale))
    return Market(movers, left_out=len(quotes) - len(movers))


_kept: tuple[float, list[Quoted]] = (0.0, [])


def _quotes(now: datetime) -> list[Quoted]:
    """Return the quotes of all that is traded; who asks within MARKET_TTL_S gets the same ones."""
    global _kept  # noqa: PLW0603 - one reading a process, put in place whole
    now_s = time.monotonic()
    until_s, quotes = _kept
    if now_s >= until_s:
        found = feed_quotes(now)
        quotes = [pair for pair in found if pair[0].status != InstrumentStatus.DELISTED]
        _kept = now_s + settings.MARKET_TTL_S, quotes
    return quotes
