"""What the market says about one instrument at one moment, and whether it can be believed."""

from datetime import date, datetime
from decimal import Decimal

import msgspec


class Tick(msgspec.Struct, frozen=True):
    """One word from a provider about one instrument: prices in its currency, sizes in shares.

    is_new_quote: bid, ask and their sizes are what the market offers from as_of on, and the sizes
    are fresh liquidity. False: the quote named before still stands and is only repeated, so what
    orders have taken from it stays taken.
    is_new_print: something traded at last; stops may trigger and bars grow. False: last is carried
    over from an earlier tick. Together they say what a tick is:

        new quote, new print   a quote with the trade that came with it (the simulator's usual tick)
        new quote              a quote moved, nothing traded
        new print              a trade between two quotes (the replay's highs and lows)
        neither                the source says that the quote still stands: its age starts again

    last_size is the shares traded since the provider's previous tick of this instrument, 0 where
    the source does not tell; volume is the day's total so far. A missing side is None with size 0.
    session_date is the exchange's trading day, the day that volume and day_* speak of; None means
    the UTC day of as_of.
    """

    symbol: str
    instrument_id: str
    shard: int
    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal
    ask_size: Decimal
    last: Decimal | None
    last_size: Decimal
    volume: Decimal
    day_open: Decimal | None
    day_high: Decimal | None
    day_low: Decimal | None
    previous_close: Decimal | None
    as_of: datetime
    source: str
    is_new_quote: bool = True
    is_new_print: bool = True
    session_date: date | None = None

    @property
    def change(self) -> Decimal | None:
        """The last price less the close of the day before; None while either is unknown."""
        if self.last is None or not self.previous_close:
            return None
        return self.last - self.previous_close

    @property
    def change_percent(self) -> Decimal | None:
        """The change in percent of the close of the day before."""
        if self.change is None or not self.previous_close:
            return None
        return self.change / self.previous_close * 100


def check_tick(tick: Tick) -> list[str]:
    """Return the reasons why tick must not be traded against; an empty list means it is sane.

    Refused: a price that is zero, negative or not a number; a negative size or volume; a crossed
    quote (a locked one is allowed); a print without a price or outside the day's own range; a time
    without a zone.
    """
    reasons = _bad_prices(tick) + _bad_sizes(tick)
    if tick.as_of.tzinfo is None:
        reasons.append("as_of has no zone")
    if reasons:
        return reasons
    if tick.bid is not None and tick.ask is not None and tick.bid > tick.ask:
        reasons.append(f"crossed: bid {tick.bid} above ask {tick.ask}")
    if tick.last is None:
        if tick.is_new_print:
            reasons.append("a print without a price")
    elif tick.is_new_print:
        reasons += _outside_day(tick, tick.last)
    return reasons


def _bad_prices(tick: Tick) -> list[str]:
    prices = (tick.bid, tick.ask, tick.last, tick.day_open, tick.day_high, tick.day_low)
    return [
        f"{name} is {price}"
        for name, price in zip(_PRICES, prices, strict=True)
        if price is not None and not (price.is_finite() and price > 0)
    ]


def _bad_sizes(tick: Tick) -> list[str]:
    sizes = (tick.bid_size, tick.ask_size, tick.last_size, tick.volume)
    return [
        f"{name} is {size}"
        for name, size in zip(_SIZES, sizes, strict=True)
        if not (size.is_finite() and size >= 0)
    ]


def _outside_day(tick: Tick, last: Decimal) -> list[str]:
    if tick.day_high is not None and last > tick.day_high:
        return [f"print {last} above the day's high {tick.day_high}"]
    if tick.day_low is not None and last < tick.day_low:
        return [f"print {last} below the day's low {tick.day_low}"]
    return []


_PRICES = ("bid", "ask", "last", "day_open", "day_high", "day_low")
_SIZES = ("bid_size", "ask_size", "last_size", "volume")
