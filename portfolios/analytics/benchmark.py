"""What the same money would be in one instrument: rebased, and with the same flows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from portfolios.analytics.curve import Known


@dataclass(frozen=True, slots=True)
class Beside:
    """A day of the comparison: index is price / price at the start; value has the same flows.

    Both None where the instrument's price, in the curve's currency, is not known yet.
    """

    date: date
    index: Fraction | None
    value: Fraction | None


def beside(points: Sequence[Known], prices: Mapping[date, Fraction]) -> list[Beside]:
    """Return the comparison by point: what comes in buys at the price of the point before it,
    what goes out sells at its own, so that parts of shares are held; costs and dividends are none.

    It starts at the first point that has a price, with the curve's equity there.
    """
    told: list[Beside] = []
    first: Fraction | None = None
    price_before: Fraction | None = None
    shares = Fraction(0)
    for point in points:
        price = prices.get(point.date)
        if not price:
            told.append(Beside(point.date, None, None))
            first = price_before = None  # a gap: start anew, nothing can be linked
            continue
        if first is None or price_before is None:
            first, shares = price, Fraction(point.equity) / price
        else:
            shares += Fraction(point.deposited) / price_before
            shares -= Fraction(point.withdrawn) / price
        told.append(Beside(point.date, price / first, shares * price))
        price_before = price
    return told


def returned(told: Sequence[Beside]) -> Decimal | None:
    """Return the instrument's return over the points it has a price at; None for fewer than two."""
    known = [each.index for each in told if each.index is not None]
    if len(known) < 2:
        return None
    change = known[-1] - 1
    return Decimal(change.numerator) / Decimal(change.denominator)
