"""An order as the matcher works it."""

from bengi.terms import OrderType, Side, TimeInForce
from instruments.realism import NO_TIME, profile_of
from orders.models import Order
from trades.budgets import budget_of
from trades.matching.fixed import to_fixed
from trades.matching.working import WorkingOrder
from trades.street_quotes import fixed


def working_order(order: Order, priority: int, guard_s_min: int = 0) -> WorkingOrder:
    """Return an order at a place in the queue, with the profile it was accepted under.

    guard_s_min: no guard against old quotes is shorter; see settings.GUARD_S_MIN.
    """
    profile = profile_of(order.realism, guard_s_min)
    is_slow = profile.latency > NO_TIME
    return WorkingOrder(
        id=str(order.id),
        account_id=str(order.account_id),
        side=Side(order.side),
        type=OrderType(order.type),
        time_in_force=TimeInForce(order.time_in_force),
        leaves=to_fixed(order.leaves_quantity),
        limit=fixed(order.limit_price),
        stop=fixed(order.stop_price),
        cap=fixed(order.protection_price),
        priority=priority,
        triggered=order.triggered_at is not None,
        trail=fixed(order.trail_price),
        trail_percent=fixed(order.trail_percent),
        mark=fixed(order.high_water_mark),
        tick=to_fixed(order.instrument.tick_size),
        profile=profile,
        starts_at=order.accepted_at + profile.latency if is_slow else None,
        extended_hours=order.extended_hours,
        **budget_of(order),
    )
