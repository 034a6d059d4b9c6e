"""What an order has cost to trade: against the market on its arrival, in money and basis points.

The shortfall is what its fills cost more than the middle of the first quote it met (Perold, The
Implementation Shortfall, 1988; what was not filled is not counted). Half the spread of that quote
is the price of trading at once; the rest is what walking the book and waiting cost, or saved.
"""

from dataclasses import dataclass
from decimal import Decimal

from bengi.money import round_money
from bengi.terms import Side
from trades.explanation.quotes import BPS, middle, spread
from trades.explanation.subject import Step, gained

TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Amounts in the order's currency; above zero is worse. amount = half_spread + waiting.

    total is the amount with commission and fees; bps are of the filled quantity at arrival_mid.
    """

    arrival_mid: Decimal
    per_share: Decimal
    amount: Decimal
    bps: Decimal
    half_spread: Decimal
    waiting: Decimal
    total: Decimal
    total_bps: Decimal


@dataclass(frozen=True, slots=True)
class Costs:
    """Sums over an order's fills. shortfall is None while nothing has filled, or without a mid."""

    gross_amount: Decimal
    commission: Decimal
    fees: Decimal
    average_price: Decimal | None
    shortfall: Shortfall | None


@dataclass(frozen=True, slots=True)
class Filled:
    """What an order has filled and paid so far; value is the exact sum of quantity x price."""

    side: Side
    currency: str
    quantity: Decimal
    value: Decimal
    average_price: Decimal | None
    commission: Decimal
    fees: Decimal


def costs_of(filled: Filled, arrival: Step | None) -> Costs:
    """Return what an order has cost, measured against the quote on its arrival."""
    return Costs(
        gross_amount=round_money(filled.value, filled.currency),
        commission=filled.commission,
        fees=filled.fees,
        average_price=filled.average_price,
        shortfall=_shortfall(filled, arrival),
    )


def _shortfall(filled: Filled, arrival: Step | None) -> Shortfall | None:
    mid, wide = middle(arrival), spread(arrival)
    if not mid or wide is None or not filled.quantity:
        return None
    at_mid = mid * filled.quantity
    exact = gained(filled.side, filled.value, at_mid)
    lost = round_money(exact, filled.currency)
    half = round_money(wide / 2 * filled.quantity, filled.currency)
    total = lost + filled.commission + filled.fees
    return Shortfall(
        arrival_mid=mid,
        per_share=(exact / filled.quantity).quantize(Decimal("1e-8")),
        amount=lost,
        bps=(exact / at_mid * BPS).quantize(TENTH),
        half_spread=half,
        waiting=lost - half,
        total=total,
        total_bps=((exact + filled.commission + filled.fees) / at_mid * BPS).quantize(TENTH),
    )
