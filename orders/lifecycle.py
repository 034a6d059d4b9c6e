"""Which status an order may go to from which: one table, for orders, engine and replay alike.

    accepted          booked, not yet seen by the engine
    held              a child that waits for its parent
    new               working
    pending_cancel    somebody asked to cancel it; a fill may still come first, and it stays so
    pending_replace   somebody asked to replace it; the same

Staying where it is, is in the table where a fill can leave it there.
"""

from bengi.terms import OrderStatus

_S = OrderStatus

CLOSED = frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REPLACED, _S.REJECTED})
"""Final: nothing happens to such an order any more, and it holds nothing."""

OPEN = frozenset(OrderStatus) - CLOSED

_ENDS = frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED})

TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.ACCEPTED: _ENDS
    | {_S.NEW, _S.PARTIALLY_FILLED, _S.REJECTED, _S.PENDING_CANCEL, _S.PENDING_REPLACE},
    _S.HELD: frozenset(
        {_S.ACCEPTED, _S.CANCELED, _S.EXPIRED, _S.REJECTED, _S.PENDING_CANCEL, _S.PENDING_REPLACE}
    ),
    _S.NEW: _ENDS | {_S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.PENDING_REPLACE},
    _S.PARTIALLY_FILLED: _ENDS | {_S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.PENDING_REPLACE},
    _S.PENDING_CANCEL: _ENDS | {_S.PENDING_CANCEL},
    _S.PENDING_REPLACE: _ENDS
    | {_S.PENDING_REPLACE, _S.REPLACED, _S.PENDING_CANCEL}
    | {_S.ACCEPTED, _S.HELD, _S.NEW, _S.PARTIALLY_FILLED},
    **{closed: frozenset() for closed in CLOSED},
}
"""Every legal step. A refused replace goes back to where the order was."""


def may(before: OrderStatus, after: OrderStatus) -> bool:
    """Say whether an order may go from before to after."""
    return after in TRANSITIONS[before]


def check(before: OrderStatus, after: OrderStatus) -> None:
    """Assert that an order may go from before to after; anything else is a bug of ours."""
    assert may(before, after), f"an order does not go from {before} to {after}"
