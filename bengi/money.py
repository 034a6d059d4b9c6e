"""Money, prices and quantities: exact decimals, rounded in one place.

Rounding rule: half-even to the currency's minor unit (ISO 4217), once, where money is booked.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal
from fractions import Fraction
from functools import cache, lru_cache
from typing import NewType

Price = NewType("Price", Decimal)
Quantity = NewType("Quantity", Decimal)

ZERO = Decimal(0)
PLACES = 8
"""Decimal places of every stored amount, price and quantity."""

QUANTUM = Decimal(1).scaleb(-PLACES)

MINOR_UNITS = {
    "USD": 2,
    "EUR": 2,
    "GBP": 2,
    "CHF": 2,
    "CAD": 2,
    "AUD": 2,
    "HKD": 2,
    "JPY": 0,
    "KRW": 0,
    "KWD": 3,
}
"""Decimal places of a currency's smallest unit. Source: ISO 4217."""


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met in one sum or comparison."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency. Sums and comparisons across currencies raise CurrencyMismatch."""

    amount: Decimal
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount >= self._same(other)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def rounded(self) -> "Money":
        """Return the amount rounded half-even to the currency's minor unit."""
        return Money(round_money(self.amount, self.currency), self.currency)

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not add up")
        return other.amount


@cache
def minor_unit(currency: str) -> Decimal:
    """Return the currency's smallest unit: 0.01 for USD, 1 for JPY. Two places when unknown."""
    return Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2))


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Round half-even to the currency's minor unit."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_EVEN)


def round_up_money(amount: Decimal, currency: str) -> Decimal:
    """Round away from zero to the currency's minor unit: for reservations, never for bookings."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_UP)


def round_down_money(amount: Decimal, currency: str) -> Decimal:
    """Round towards zero to the currency's minor unit: for conversions, which keep the rest."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_DOWN)


def floor_to(value: Fraction, unit: Decimal) -> Decimal:
    """Return the greatest multiple of unit that is not above value."""
    return math.floor(value / Fraction(unit)) * unit


def ceil_to(value: Fraction, unit: Decimal) -> Decimal:
    """Return the least multiple of unit that is not below value."""
    return math.ceil(value / Fraction(unit)) * unit


def nearest_to(value: Fraction, unit: Decimal) -> Decimal:
    """Return the multiple of unit nearest to value, the even one of two."""
    return round(value / Fraction(unit)) * unit


def split_amount(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split total by weights, each part rounded; the last part takes the remainder.

    The parts sum to total exactly. Raises ValueError when the weights sum to zero.
    """
    whole = sum(weights, ZERO)
    if whole <= 0:
        raise ValueError("weights must sum to more than zero")
    parts = [round_money(total * weight / whole, currency) for weight in weights[:-1]]
    return [*parts, total - sum(parts, ZERO)]


def parse_decimal(text: str, *, digits: int = 20, places: int = PLACES) -> Decimal:
    """Read a plain unsigned decimal in ASCII: up to digits before and places after the point.

    Raises ValueError for signs, exponents, blanks, separators and other scripts' digits.
    """
    if not re.fullmatch(rf"[0-9]{{1,{digits}}}(\.[0-9]{{1,{places}}})?", text):
        raise ValueError(f"not a plain decimal number of at most {places} places")
    return Decimal(text)


@lru_cache(maxsize=8192)
def plain(value: Decimal) -> str:
    """Write a decimal for JSON: no exponent, no trailing zeros after the point, no minus zero.

    Equal values are written the same, so what was written lately is known.
    """
    if not value:
        return "0"
    text = str(value)  # takes half as long as format(), and says the same without an exponent
    if "E" in text:
        text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def grouped(value: Decimal) -> str:
    """Write a decimal for people, in full: as plain() does, with thousands apart."""
    text = format(value, ",f") if value else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain_or_none(value: Decimal | None) -> str | None:
    """Write a decimal for JSON, null where there is none."""
    return None if value is None else plain(value)


def sum_or_none(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum of amounts, None where one of them is not known."""
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total
