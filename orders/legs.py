"""The legs of a group as asked for: what a take profit and a stop loss are made of."""

from dataclasses import dataclass
from decimal import Decimal

from bengi.terms import OrderClass, OrderType

TRIGGERED = frozenset({OrderClass.BRACKET, OrderClass.OTO, OrderClass.OTOCO})
"""The classes whose legs wait for an entry."""

PAIRS = frozenset({OrderClass.BRACKET, OrderClass.OCO, OrderClass.OTOCO})
"""The classes with both legs, one of which cancels the other."""


@dataclass(frozen=True, slots=True)
class TakeProfit:
    """Sells at limit_price or better."""

    limit_price: Decimal


@dataclass(frozen=True, slots=True)
class StopLoss:
    """Sells when a trade reaches a stop: at market, or within a limit; the stop may trail."""

    stop_price: Decimal | None = None
    limit_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None

    @property
    def type(self) -> OrderType:
        """Return the type of order that it is."""
        if self.trail_price is not None or self.trail_percent is not None:
            return OrderType.TRAILING_STOP
        return OrderType.STOP if self.limit_price is None else OrderType.STOP_LIMIT
