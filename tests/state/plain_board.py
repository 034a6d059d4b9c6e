"""Which words of the market are believed, written down plainly.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source:
insane quotes and old ones are dropped, a print far outside the day's range is doubted until three
in a row agree.
"""

from datetime import UTC, date
from decimal import Decimal

from tests.state.plain_terms import PlainTick

BAND, LOW_PRICE, LOW_PRICE_BAND = Decimal("0.10"), Decimal(5), Decimal("0.20")
AGREE = 3


class PlainBoard:
    """newest: the last word believed, by symbol. prints: those of each symbol's day."""

    def __init__(self) -> None:
        self.newest: dict[str, PlainTick] = {}
        self.prints: dict[tuple[str, date], list[Decimal]] = {}
        self.doubted: dict[tuple[str, date], list[Decimal]] = {}

    def take(self, tick: PlainTick) -> bool:
        """Take a tick in and say whether it is believed."""
        known = self.newest.get(tick.symbol)
        if not tick.is_sane or (known is not None and tick.as_of < known.as_of):
            return False
        if tick.is_new_print and tick.last is not None and not self._believes(tick):
            return False
        self.newest[tick.symbol] = tick
        return True

    def _believes(self, tick: PlainTick) -> bool:
        where, price = (tick.symbol, tick.as_of.astimezone(UTC).date()), tick.last
        prints = self.prints.setdefault(where, [])
        doubted = self.doubted.setdefault(where, [])
        if prints and not is_near(price, min(prints), max(prints)):
            if doubted and not is_near(price, doubted[-1], doubted[-1]):
                doubted.clear()
            doubted.append(price)
            if len(doubted) < AGREE:
                return False
        doubted.clear()
        prints.append(price)
        return True


def is_near(price: Decimal, low: Decimal, high: Decimal) -> bool:
    band = LOW_PRICE_BAND if low < LOW_PRICE else BAND
    return low * (1 - band) <= price <= high * (1 + band)
