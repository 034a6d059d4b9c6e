"""What a split does to prices, volumes and bars: new shares for old ones. Pure.

History is kept to 8 places, so that a holding is worth the same to the cent on both sides of the
split; only a quote's bid and ask stand on the tick, because orders could trade at them.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import msgspec

from bengi.money import PLACES, ceil_to, floor_to
from instruments.bars import DAILY, BarValue

RATIO_MAX = 10_000
"""Neither side of a ratio is larger."""


class Ratio(msgspec.Struct, frozen=True):
    """new shares for old ones: 7 for 1 is Ratio(7, 1), a reverse split of 1 for 10 Ratio(1, 10)."""

    new: int
    old: int

    def __str__(self) -> str:
        return f"{self.new}:{self.old}"

    @property
    def is_reverse(self) -> bool:
        return self.new < self.old

    def shares(self, quantity: Decimal) -> Fraction:
        """Return what quantity old shares become, exactly."""
        return Fraction(quantity) * self.new / self.old

    def price(self, price: Decimal) -> Fraction:
        """Return the price of one new share, exactly, where one old share was worth price."""
        return Fraction(price) * self.old / self.new


class Split(msgspec.Struct, frozen=True):
    """A split of one instrument: prices from effective_at on, the start of ex_date, are new ones.

    is_applied: holdings, orders and what is stored of the market have been adjusted.
    """

    instrument_id: str
    ratio: Ratio
    ex_date: date
    effective_at: datetime
    is_applied: bool = False

    def changes(self, bar: BarValue) -> bool:
        """Return whether bar is of before the split; a 1day bar is labelled with its session."""
        if bar.interval == DAILY:
            return bar.starts_at.date() < self.ex_date
        return bar.starts_at < self.effective_at


def new_price(price: Decimal | None, ratio: Ratio) -> Decimal | None:
    """Return a price of the past in new shares, to 8 places, half-even."""
    return None if price is None else _times(price, ratio.old, ratio.new)


def new_volume(shares: Decimal, ratio: Ratio) -> Decimal:
    """Return a number of traded or displayed shares in new ones, to 8 places, half-even."""
    return _times(shares, ratio.new, ratio.old)


def _times(value: Decimal, factor: int, divisor: int) -> Decimal:
    """Return value (of 8 places at most) x factor / divisor: in whole numbers, as bars are many."""
    units, rest = divmod(int(value.scaleb(PLACES)) * factor, divisor)
    if 2 * rest > divisor or (2 * rest == divisor and units % 2):
        units += 1
    return Decimal(units).scaleb(-PLACES)


def new_bid(price: Decimal | None, ratio: Ratio, tick_size: Decimal) -> Decimal | None:
    """Return a bid in new shares, down to the tick; None where that would be nothing."""
    return None if price is None else floor_to(ratio.price(price), tick_size) or None


def new_ask(price: Decimal | None, ratio: Ratio, tick_size: Decimal) -> Decimal | None:
    """Return an ask in new shares, up to the tick."""
    return None if price is None else ceil_to(ratio.price(price), tick_size)


def in_new_shares(bar: BarValue, splits: Iterable[Split]) -> BarValue:
    """Return bar as a chart shows it after those of splits that came after it.

    Rounded once, however many there are.
    """
    new, old = 1, 1
    for split in splits:
        if split.instrument_id == bar.instrument_id and split.changes(bar):
            new, old = new * split.ratio.new, old * split.ratio.old
    ratio = Ratio(new, old)
    if new == old:
        return bar
    prices = {name: new_price(getattr(bar, name), ratio) for name in _PRICES}
    return msgspec.structs.replace(bar, **prices, volume=new_volume(bar.volume, ratio))


_PRICES = ("open", "high", "low", "close")
