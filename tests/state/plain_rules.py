"""What speaks against an order, written down plainly: every rule runs, every code is told.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source,
"Risk checks before acceptance".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tests.state.plain_costs import worst_cost
from tests.state.plain_terms import (
    AT_A_MOMENT,
    LASTING,
    STOPS,
    TICK_SIZE,
    ZERO,
    PlainOrder,
)

COLLAR, LOW_PRICE, LOW_PRICE_COLLAR = Decimal("0.10"), Decimal(5), Decimal("0.20")
OPEN_MAX = 20
QUANTITY_MAX = Decimal(100_000)
NOTIONAL_MAX = Decimal(250_000)


@dataclass
class Facts:
    """What an order is judged by: the market, and what its account has left before it.

    in_session says that it comes while its exchange trades; open_here counts one symbol and side;
    has_twin: one that looks the same came a moment ago, and is open or has filled. is_stopped: the
    kill switch is thrown.
    """

    has_feed: bool
    is_halted: bool
    step: Decimal
    in_session: bool
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    is_fresh: bool
    is_frozen: bool
    free_cash: Decimal
    free_shares: Decimal
    open_here: int
    has_twin: bool
    is_stopped: bool


def refusals(order: PlainOrder, facts: Facts, now: datetime) -> Iterator[str]:
    """Yield the code of every rule that order breaks."""
    if facts.is_stopped:
        yield "trading_halted"
        return
    if facts.is_frozen:
        yield "account_frozen"
    if facts.is_halted:
        yield "symbol_halted"
    yield from _unsupported(order, facts, now)
    ticket = order.ticket
    prices = [ticket.limit, ticket.stop, ticket.trail]
    if any(price is not None and (price <= ZERO or price % TICK_SIZE) for price in prices):
        yield "invalid_tick"
    if order.quantity % facts.step:
        yield "invalid_step"
    yield from _too_much(order, facts)
    yield from _price(order, facts)
    yield from _means(order, facts)
    if facts.has_twin and not ticket.is_meant:
        yield "possible_duplicate"


def leg_refusals(leg: PlainOrder, facts: Facts) -> Iterator[str]:
    """Yield what is wrong with a leg by itself; its size and means are those of its group."""
    if leg.type in STOPS and not facts.has_feed:
        yield "unsupported_combination"
    ticket = leg.ticket
    prices = [ticket.limit, ticket.stop, ticket.trail]
    if any(price is not None and (price <= ZERO or price % TICK_SIZE) for price in prices):
        yield "invalid_tick"
    if leg.leg != "take_profit":
        yield from _price(leg, facts)


def _unsupported(order: PlainOrder, facts: Facts, now: datetime) -> Iterator[str]:
    is_stop = order.type in STOPS
    if is_stop and (order.tif not in LASTING or not facts.has_feed):
        yield "unsupported_combination"
    if not is_stop and order.tif in AT_A_MOMENT and not facts.has_feed:
        yield "unsupported_combination"
    if order.tif == "opg" and facts.in_session:
        yield "opening_is_over"
    if order.ticket.expires_at is not None and order.ticket.expires_at <= now:
        yield "expiry_in_the_past"


def _too_much(order: PlainOrder, facts: Facts) -> Iterator[str]:
    if order.quantity > QUANTITY_MAX:
        yield "max_quantity"
    price = order.limit
    if price is None and order.side == "sell":
        price = order.stop or facts.bid or facts.last
    elif price is None:
        price = max((p for p in (facts.ask, order.stop) if p is not None), default=facts.last)
    if price is not None and price * order.quantity > NOTIONAL_MAX:
        yield "max_notional"
    if facts.open_here + 1 > OPEN_MAX:
        yield "too_many_open_orders"


def _price(order: PlainOrder, facts: Facts) -> Iterator[str]:
    if order.type == "market":
        other_side = facts.ask if order.side == "buy" else facts.bid
        must_be_fresh = facts.has_feed and order.tif not in AT_A_MOMENT and facts.in_session
        if (must_be_fresh and not facts.is_fresh) or other_side is None:
            yield "stale_quote"
    if order.type == "trailing_stop":
        if order.stop is None:
            yield "stale_quote"
        elif order.stop <= ZERO:
            yield "invalid_trail"
    middle = order.stop if order.type == "stop_limit" else facts.last
    if order.limit is None or middle is None or _takes_profit(order):
        return
    if abs(order.limit - middle) > collar_of(middle) * middle:
        yield "price_collar"


def _takes_profit(order: PlainOrder) -> bool:
    """Say whether it is, or is to replace, a take profit: those may stand as far as they like."""
    before = order.replaces
    is_heir = before is not None and before.leg == "take_profit"
    return is_heir or order.leg == "take_profit" or order.ticket.kind == "oco"


def collar_of(middle: Decimal) -> Decimal:
    """Return how far from a price one may trade, as a part of it."""
    return LOW_PRICE_COLLAR if middle < LOW_PRICE else COLLAR


def _means(order: PlainOrder, facts: Facts) -> Iterator[str]:
    if order.side == "sell":
        if order.quantity > facts.free_shares:
            yield "insufficient_position"
    elif order.bound is not None and worst_cost(order) > facts.free_cash:
        yield "insufficient_funds"
