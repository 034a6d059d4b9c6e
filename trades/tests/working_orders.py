"""Short names for orders in tests of the book and the trigger book; prices in plain integers."""

from itertools import count

from bengi.terms import OrderType, Side, TimeInForce
from trades.matching.working import WorkingOrder

_priorities = count(1)


def limit(name, side, price, leaves=10, account=None):
    """Return a gtc limit order; its account is its name unless said."""
    return WorkingOrder(
        id=name,
        account_id=account or name,
        side=Side(side),
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        leaves=leaves,
        limit=price,
        stop=None,
        cap=None,
        priority=next(_priorities),
    )


def stop(name, side, price, priority=None):
    """Return a gtc stop order of ten."""
    return WorkingOrder(
        id=name,
        account_id=name,
        side=Side(side),
        type=OrderType.STOP,
        time_in_force=TimeInForce.GTC,
        leaves=10,
        limit=None,
        stop=price,
        cap=None,
        priority=next(_priorities) if priority is None else priority,
    )
