"""The spread where a feed tells only what was traded: bid and ask stand around the last price.

Pure. half-spread = max(1 tick, bps of the price), rounded up to the tick. The fewer shares have
changed hands that day and the cheaper they are, the more bps; twice as many in a session's first
five minutes, three times before and after it. The numbers are ours: typical of US listings, not
taken from a publication.
"""

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import TypeVar

from instruments.calendar import ALWAYS_OPEN, Mode, session_of
from instruments.quotes import Tick

OPENING = timedelta(minutes=5)

_BPS_BY_PRICE = ((5, 20), (20, 8), (100, 3))
_BPS = 2
"""Of a dearer share, and what the factors below multiply."""

_FACTOR_BY_VOLUME = ((100_000, 4), (1_000_000, 2))
_BPS_UNIT = Decimal(10_000)

Number = TypeVar("Number", int, Decimal)


def missing_half_spread(tick: Tick, *, mic: str, mode: Mode, tick_size: Decimal) -> Decimal | None:
    """Return how far bid and ask stand from a tick's last price; None where the feed quotes them.

    None, too, while nothing has been traded.
    """
    if tick.bid is not None or tick.ask is not None or tick.last is None:
        return None
    wider = widening(mic, tick.as_of, mode)
    return half_spread(tick.last, tick_size=tick_size, day_volume=tick.volume, wider=wider)


def half_spread(price: Decimal, *, tick_size: Decimal, day_volume: Decimal, wider: int) -> Decimal:
    """Return how far bid and ask stand from price: a whole number of ticks, at least one.

    day_volume: shares traded that day so far. wider: see widening().
    """
    bps = next((bps for below, bps in _BPS_BY_PRICE if price < below), _BPS)
    factor = next((factor for below, factor in _FACTOR_BY_VOLUME if day_volume < below), 1)
    exact = price * bps * factor * wider / _BPS_UNIT
    ticks = (exact / tick_size).to_integral_value(rounding=ROUND_CEILING)
    return max(ticks, Decimal(1)) * tick_size


def widening(mic: str, moment: datetime, mode: Mode) -> int:
    """Return how many times as wide as in the middle of a session the spread is at moment."""
    session = session_of(mic, moment, mode)
    if session is None or not session.is_trading(moment):
        return 3
    never_closes = mode == "always" or mic == ALWAYS_OPEN
    return 2 if not never_closes and moment < session.opens_at + OPENING else 1


def around(
    middle: Number, half: Number, *, factor: int, tick_size: Number
) -> tuple[Number | None, Number]:
    """Return (bid, ask) that stand factor half-spreads around middle, on the tick, never nearer.

    Decimals or fixed-point ints alike; above zero. No bid where it would not be above zero.
    """
    low, high = middle - factor * half, middle + factor * half
    low, high = low - low % tick_size, high + _missing(high, tick_size)
    return (low if low > 0 else None), high


def _missing(price: Number, tick_size: Number) -> Number:
    """Return what price lacks to the next tick. Decimal's % has the sign of its left side."""
    over = price % tick_size
    return tick_size - over if over else over
