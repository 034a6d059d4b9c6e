"""What the simulated market knows of an instrument, and the figures of its day."""

from datetime import date
from decimal import Decimal

import msgspec

from instruments.splits import Ratio, new_price, new_volume

ZERO = Decimal(0)
_LOT_WORTH = Decimal(10_000)


class SimulatedInstrument(msgspec.Struct, frozen=True):
    """One instrument to simulate; starting_price is in its currency and on its tick.

    quantity_step is the exchange's own: nobody shows parts of it.
    """

    symbol: str
    instrument_id: str
    shard: int
    mic: str
    tick_size: Decimal
    quantity_step: Decimal
    starting_price: Decimal
    volatility: str

    def price(self, ticks: int) -> Decimal:
        """Return a number of ticks as a price."""
        return ticks * self.tick_size


class Day(msgspec.Struct):
    """A session's figures so far: prices, and volume in shares."""

    session_date: date
    previous_close: Decimal | None
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    volume: Decimal = ZERO

    def trade(self, price: Decimal, quantity: Decimal) -> None:
        """Count one print."""
        self.open = self.open or price
        self.high = max(self.high or price, price)
        self.low = min(self.low or price, price)
        self.volume += quantity

    def split(self, ratio: Ratio) -> None:
        """Count the day in new shares."""
        for name in ("previous_close", "open", "high", "low"):
            setattr(self, name, new_price(getattr(self, name), ratio))
        self.volume = new_volume(self.volume, ratio)


def round_lot(instrument: SimulatedInstrument) -> Decimal:
    """Return the lot that displayed sizes are multiples of, in shares.

    For whole shares by price: 100 up to 250, 40 up to 1 000, 10 up to 10 000, then 1; never less
    than the quantity step. Source: SEC rule 600(b)(93), round lot. Where a step is less than one:
    the power of ten that is worth at most 10 000.
    """
    if instrument.quantity_step < 1:
        power = (_LOT_WORTH / instrument.starting_price).adjusted()
        return max(instrument.quantity_step, Decimal(1).scaleb(power))
    tiers = ((250, 100), (1_000, 40), (10_000, 10))
    shares = next((lot for limit, lot in tiers if instrument.starting_price <= limit), 1)
    return max(instrument.quantity_step, Decimal(shares))
