"""What an amount comes to at a rate, rounded so that converting never makes money. Pure.

The customer gets whole minor units, rounded down; what that leaves is the house's and is booked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, Context, Decimal

from bengi.money import QUANTUM, ZERO, round_down_money, round_money

_EXACT = Context(prec=60, rounding=ROUND_DOWN)
"""Wide enough for every product of two stored numbers; cuts off the rest of a quotient."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of base costs rate units of quote, as of a moment."""

    base: str
    quote: str
    rate: Decimal
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What an amount comes to: value to 8 places = amount for the customer + rounding."""

    value: Decimal
    amount: Decimal
    rounding: Decimal


def exchange(amount: Decimal, source: str, target: str, rate: Rate) -> Exchanged:
    """Return what amount of source comes to in target, at a rate that is given either way round.

    Everything is cut off, never rounded up: there and back again never gains.
    """
    assert amount > 0
    assert {source, target} == {rate.base, rate.quote}, "the rate is between these two"
    if source == rate.base:
        exact = _EXACT.multiply(amount, rate.rate)
    else:
        exact = _EXACT.divide(amount, rate.rate)
    value = exact.quantize(QUANTUM, context=_EXACT)
    booked = round_down_money(value, target)
    return Exchanged(value, booked, value - booked)


@dataclass(slots=True)
class Valuer:
    """Says what amounts come to in one currency, at the rates it is given; nothing is booked.

    used: the rates that were needed so far, missing: the currencies that have none.
    """

    currency: str
    rates: dict[frozenset[str], Rate]
    used: dict[frozenset[str], Rate] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, currency: str, rates: Iterable[Rate]) -> "Valuer":
        """Return one that goes by rates, of which those between a pair are one at most."""
        return cls(currency, {frozenset({rate.base, rate.quote}): rate for rate in rates})

    def total(self, amounts: Mapping[str, Decimal | None]) -> Decimal | None:
        """Return what amounts by currency come to; None where one is not known or has no rate.

        Each is rounded half-even to the minor unit. Nothing needs a rate to be worth nothing.
        """
        worths = [self._worth(amount, source) for source, amount in amounts.items()]
        known = [worth for worth in worths if worth is not None]
        return sum(known, ZERO) if len(known) == len(worths) else None

    def _worth(self, amount: Decimal | None, source: str) -> Decimal | None:
        if amount is None or not amount or source == self.currency:
            return amount
        pair = frozenset({source, self.currency})
        rate = self.rates.get(pair)
        if rate is None:
            self.missing.add(source)
            return None
        self.used[pair] = rate
        if source == rate.base:
            return round_money(_EXACT.multiply(amount, rate.rate), self.currency)
        return round_money(_EXACT.divide(amount, rate.rate), self.currency)
