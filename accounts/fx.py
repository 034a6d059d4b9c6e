"""What an amount comes to at a rate, rounded so that converting never makes money. Pure.

The customer gets whole minor units, rounded down; what that leaves is the house's and is booked.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Context, Decimal

from bengi.money import QUANTUM, round_down_money

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
