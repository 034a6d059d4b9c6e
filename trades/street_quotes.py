"""A provider's tick as the matcher hears it."""

from decimal import Decimal

from instruments.calendar import Mode
from instruments.quotes import Tick
from instruments.spread import missing_half_spread
from trades.matching.fixed import to_fixed
from trades.matching.working import StreetQuote


def street_quote(tick: Tick, *, mic: str, mode: Mode, tick_size: Decimal) -> StreetQuote:
    """Return a tick of an instrument at mic.

    Where the feed quotes neither side the last price stands for both, with the half-spread of the
    hour around it.
    """
    half = missing_half_spread(tick, mic=mic, mode=mode, tick_size=tick_size)
    return StreetQuote(
        bid=fixed(tick.bid),
        ask=fixed(tick.ask),
        bid_size=0 if tick.bid is None else to_fixed(tick.bid_size),
        ask_size=0 if tick.ask is None else to_fixed(tick.ask_size),
        last=fixed(tick.last) if tick.is_new_print else None,
        as_of=tick.as_of,
        is_new=tick.is_new_quote,
        volume=to_fixed(tick.last_size) if tick.is_new_print else 0,
        middle=None if half is None else fixed(tick.last),
        half_spread=0 if half is None else to_fixed(half),
    )


def fixed(value: Decimal | None) -> int | None:
    """Return a price that may be missing in the matcher's units."""
    return None if value is None else to_fixed(value)
