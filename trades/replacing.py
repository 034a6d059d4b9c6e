"""What of an order passes on to the one that takes its place."""

from orders.models import Order
from trades.matching.fixed import from_fixed, to_fixed
from trades.matching.working import WorkingOrder


def left_to(new: Order, old: Order, at_work: WorkingOrder | None) -> int:
    """Return what is left for the order that replaces another: of a leg what that still wants.

    at_work: the old order in its market, None when it is not there.
    """
    if old.leg:
        return at_work.leaves if at_work is not None else 0
    filled = old.quantity - from_fixed(at_work.leaves) if at_work else old.worked_quantity
    return to_fixed(new.quantity - filled)


def only_wants_less(old: Order, new: Order) -> bool:
    """Say whether an order asks for no more than the one it replaces, and for nothing else."""
    same = ("limit_price", "time_in_force", "expires_at")
    return new.quantity <= old.quantity and all(
        getattr(old, name) == getattr(new, name) for name in same
    )
