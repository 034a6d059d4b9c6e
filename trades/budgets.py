"""What a buy of an amount has left to spend, as the matcher counts it."""

from orders.models import Order
from orders.notional import shares_at_most
from trades.matching.fixed import to_fixed, to_value


def budget_of(order: Order) -> dict[str, int]:
    """Return what is left of a buy's amount and the most shares it may still take; else nothing.

    Keys are those of WorkingOrder.
    """
    if not order.is_buy_of_amount:
        return {}
    assert order.notional is not None
    step = order.instrument.quantity_step
    most = shares_at_most(order.notional, order.bound, step)
    return {
        "budget": to_value(order.notional - order.worked_value),
        "shares_max": to_fixed(most - order.worked_quantity),
        "step": to_fixed(step),
    }
