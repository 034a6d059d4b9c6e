"""What the matcher answers: one small frozen value per thing that happened, in order."""

import msgspec

from bengi.terms import Liquidity, Side
from trades.matching.working import WorkingOrder


class Fill(msgspec.Struct, frozen=True):
    """quantity of order_id traded at price; leaves is what the order still wants after it.

    A match between customers gives two fills, the taker's first, with one match_id and each
    other's order ids; a fill against the street has neither.
    """

    order_id: str
    side: Side
    quantity: int
    price: int
    liquidity: Liquidity
    match_id: str | None
    counter_order_id: str | None
    leaves: int


class Rested(msgspec.Struct, frozen=True):
    """The order is live: on the book, waiting for a quote, or asleep until its stop triggers."""

    order_id: str


class Triggered(msgspec.Struct, frozen=True):
    """A stop fired on the print last; it is worked as market or limit order from the next quote."""

    order_id: str
    last: int


class Trailed(msgspec.Struct, frozen=True):
    """A print moved the mark of a trailing stop, and its stop after it."""

    order_id: str
    mark: int
    stop: int


class Released(msgspec.Struct, frozen=True):
    """A leg's entry has filled: it works now, for leaves, behind all who were there before it.

    mark and stop are where a trailing leg starts; None for any other.
    """

    order_id: str
    leaves: int
    priority: int
    mark: int | None = None
    stop: int | None = None


class Resized(msgspec.Struct, frozen=True):
    """What a leg still wants by now; code says what has changed it, one of SIZED."""

    order_id: str
    leaves: int
    code: str


class Replaced(msgspec.Struct, frozen=True):
    """The order gave way to new_id, which wants the rest of what is wanted in all."""

    order_id: str
    new_id: str


class NotReplaced(msgspec.Struct, frozen=True):
    """The order goes on; new_id, which was to take its place, wants nothing any more."""

    order_id: str
    new_id: str


class Canceled(msgspec.Struct, frozen=True):
    """The rest of the order is gone. code is stable, detail is for people."""

    order_id: str
    code: str
    detail: str


class Rejected(msgspec.Struct, frozen=True):
    """The order could not be worked at all. code is stable, detail is for people."""

    order_id: str
    code: str
    detail: str


class Expired(msgspec.Struct, frozen=True):
    """The rest of the order ran out of time."""

    order_id: str


Outcome = (
    Fill
    | Rested
    | Trailed
    | Triggered
    | Released
    | Resized
    | Replaced
    | NotReplaced
    | Canceled
    | Rejected
    | Expired
)


def is_over(outcome: Outcome) -> bool:
    """Say whether nothing more can happen to the outcome's order."""
    return isinstance(outcome, Canceled | Rejected | Expired | Replaced) or (
        isinstance(outcome, Fill) and outcome.leaves == 0
    )


DETAILS = {
    "user": "Canceled on request.",
    "self_trade": "It met another order of the same account.",
    "ioc_remainder": "Nothing more was there at once.",
    "opg_remainder": "Nothing more was there at the opening.",
    "cls_remainder": "Nothing more was there at the close.",
    "fok_unfillable": "The whole quantity was not there at once.",
    "market_remainder": "Nobody else was there to trade with.",
    "entry_ended": "Its entry ended before anything had filled.",
    "other_leg_filled": "The other leg of its group has filled.",
    "other_leg_fired": "The stop of its group has fired.",
    "other_leg_ended": "The other leg of its group was canceled.",
    "exit_began": "What it had filled is being sold; no more is bought.",
    "legs_ended": "A leg of its group was canceled.",
    "processing_failed": "It could not be processed; staff have been told.",
}
"""Every code of Canceled and of Rejected, with its words."""

SIZED = {
    "entry_filled": "Its entry has filled more.",
    "other_leg_filled": "The other leg of its group has filled in part.",
    "entry_replaced": "Its entry was replaced by one of another size.",
}
"""Every code of Resized, with its words."""


def canceled(order_id: str, code: str) -> Canceled:
    """Return the cancellation of an order for a reason of DETAILS, in words."""
    return Canceled(order_id, code, DETAILS[code])


def trailed(order: WorkingOrder) -> Trailed:
    """Return where a trailing order has come to."""
    assert order.mark is not None
    assert order.stop is not None
    return Trailed(order.id, order.mark, order.stop)


def match_fills(taker: WorkingOrder, maker: WorkingOrder, quantity: int, price: int) -> list[Fill]:
    """Return both fills of a match between customers whose leaves are already counted down.

    Two orders meet at most once, because a match uses one of them up; so their ids name it.
    """
    match_id = f"{taker.id}:{maker.id}"
    return [
        _fill(taker, quantity, price, Liquidity.BOOK, match_id, maker.id),
        _fill(maker, quantity, price, Liquidity.BOOK, match_id, taker.id),
    ]


def street_fill(order: WorkingOrder, quantity: int, price: int) -> Fill:
    """Return the fill of an order against the street; its leaves are already counted down."""
    return _fill(order, quantity, price, Liquidity.STREET, None, None)


def _fill(
    order: WorkingOrder,
    quantity: int,
    price: int,
    liquidity: Liquidity,
    match_id: str | None,
    counter_order_id: str | None,
) -> Fill:
    return Fill(
        order_id=order.id,
        side=order.side,
        quantity=quantity,
        price=price,
        liquidity=liquidity,
        match_id=match_id,
        counter_order_id=counter_order_id,
        leaves=order.leaves,
    )
