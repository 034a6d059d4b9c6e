"""Prints that are too far away to be believed at once: a fat finger looks like a crash, for a tick.

Pure. A print further outside the day's range than the band is doubted; when CONFIRMATIONS prints in
a row agree with each other the market has really moved, and the range follows.
"""

from datetime import date
from decimal import Decimal

BAND = Decimal("0.10")
LOW_PRICE = Decimal(5)
LOW_PRICE_BAND = Decimal("0.20")
CONFIRMATIONS = 3


class DayRange:
    """The range of one instrument's believed prints on one trading day."""

    __slots__ = ("_agreeing", "_day", "_doubted", "_high", "_low")

    def __init__(self) -> None:
        self._day: date | None = None
        self._low = self._high = Decimal(0)
        self._doubted = Decimal(0)
        self._agreeing = 0

    def doubt(self, price: Decimal, day: date) -> str | None:
        """Take a print in; return why it is not believed, None when it is.

        The first print of a day is believed: overnight a price may go anywhere.
        """
        if day != self._day:
            self._day, self._low, self._high, self._agreeing = day, price, price, 0
            return None
        if not _is_near(price, self._low, self._high) and not self._is_confirmed(price):
            return f"print {price} is far outside the day's {self._low} to {self._high}"
        self._low, self._high = min(self._low, price), max(self._high, price)
        self._agreeing = 0
        return None

    def _is_confirmed(self, price: Decimal) -> bool:
        agrees = self._agreeing and _is_near(price, self._doubted, self._doubted)
        self._agreeing = self._agreeing + 1 if agrees else 1
        self._doubted = price
        return self._agreeing >= CONFIRMATIONS


def _is_near(price: Decimal, low: Decimal, high: Decimal) -> bool:
    band = LOW_PRICE_BAND if low < LOW_PRICE else BAND
    return low * (1 - band) <= price <= high * (1 + band)
