"""Book what becomes of a leg when its entry, or the other leg, has filled."""

from datetime import datetime

from bengi.terms import OrderStatus
from orders import lifecycle
from orders.models import Order
from trades.matching.fixed import from_fixed
from trades.matching.outcomes import Released, Resized
from trades.rows import Rows


def size_leg(rows: Rows, leg: Order, outcome: Released | Resized, now: datetime) -> None:
    """Let a leg want what it should, and its group hold the shares for that, once.

    What the leg has filled is part of its quantity. One that is held comes to work.
    """
    held = leg.held_shares
    if isinstance(outcome, Released):
        _release(leg, outcome, now)
    leg.quantity = leg.worked_quantity + from_fixed(outcome.leaves)
    if leg.held_shares != held:
        rows.position(leg).reserved_quantity += leg.held_shares - held


def _release(leg: Order, outcome: Released, now: datetime) -> None:
    leg.released_at = now
    leg.high_water_mark = None if outcome.mark is None else from_fixed(outcome.mark)
    leg.stop_price = None if outcome.stop is None else from_fixed(outcome.stop)
    if leg.status == OrderStatus.HELD:
        lifecycle.check(OrderStatus.HELD, OrderStatus.ACCEPTED)
        leg.status = OrderStatus.ACCEPTED
