"""What goes into the matcher: orders at work and the market's quote. Ints are fixed-point."""

from datetime import datetime

import msgspec

from bengi.terms import OrderType, Side, TimeInForce
from instruments.realism import REALISTIC, Profile


class WorkingOrder(msgspec.Struct, gc=False):
    """What is left of an open order, as the matcher sees it.

    leaves is the quantity still wanted; limit and stop are the ticket's prices; cap is the most a
    market or stop buy may pay (None: no cap); priority is the place in the queue, lower is earlier.
    triggered: a stop that has fired and is a market order now, or a limit order if it has a limit.

    extended_hours: it works outside of the session too, as a limit order.

    A market buy of an amount has a budget, the money left (fixed.to_value), and takes at most
    shares_max more, in whole steps. Its leaves are what the budget buys at the newest price.

    A trailing stop has a mark, the best print since it was accepted, and keeps its stop behind it:
    by trail (a price) or trail_percent (of the mark; 1 % is 10**8), on a multiple of tick.

    profile says what the street offers it. starts_at: the market sees it from then on, None: at
    once. queue_ahead is what was displayed before it at its price and has not traded yet; None
    while nobody has shown how much that is.

    The Market that is given an order owns it and counts leaves down.
    """

    id: str
    account_id: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    leaves: int
    limit: int | None
    stop: int | None
    cap: int | None
    priority: int
    triggered: bool = False
    trail: int | None = None
    trail_percent: int | None = None
    mark: int | None = None
    tick: int = 1
    profile: Profile = REALISTIC
    starts_at: datetime | None = None
    queue_ahead: int | None = None
    extended_hours: bool = False
    budget: int | None = None
    shares_max: int = 0
    step: int = 1

    @property
    def is_dormant(self) -> bool:
        """A stop that waits for its trigger."""
        return self.stop is not None and not self.triggered

    @property
    def bound(self) -> int | None:
        """The worst price the order may trade at: its limit, or its cap; None is any price."""
        return self.limit if self.limit is not None else self.cap

    @property
    def is_immediate(self) -> bool:
        """ioc, fok, opg and cls never rest: one look at the market decides."""
        return self.time_in_force in _IMMEDIATE

    def wants(self, price: int) -> int:
        """Return how many it would take at price: its leaves, or what the budget buys."""
        if self.budget is None:
            return self.leaves
        return min(self.budget // price // self.step * self.step, self.shares_max)

    def count(self, quantity: int, price: int) -> None:
        """Count a fill down."""
        self.leaves -= quantity
        self.spend(quantity, price)

    def spend(self, quantity: int, price: int) -> None:
        """Pay for a fill. A budget that buys no step more at its price is used up."""
        if self.budget is not None:
            self.budget -= quantity * price
            self.shares_max -= quantity
            self.leaves = self.wants(price)


class StreetQuote(msgspec.Struct, frozen=True):
    """What the market offers: prices, displayed sizes, and the last print if there is a new one.

    last is None when nothing has traded since the quote before. is_new False: the quote named
    before still stands, so its age starts again but what was taken from its sizes stays taken.
    volume is what was traded since the quote before, 0 where the feed does not tell.

    Where the feed quotes no prices, middle is the price traded last and half_spread how far bid
    and ask stand from it; where it shows no sizes both are 0. What is offered then depends on who
    asks: see trades.matching.street.
    """

    bid: int | None
    ask: int | None
    bid_size: int
    ask_size: int
    last: int | None
    as_of: datetime
    is_new: bool = True
    volume: int = 0
    middle: int | None = None
    half_spread: int = 0

    @property
    def has_sizes(self) -> bool:
        """The feed says how much is on offer."""
        return self.bid_size > 0 or self.ask_size > 0


def opposite(side: Side) -> Side:
    """Return the other side."""
    return Side.SELL if side is Side.BUY else Side.BUY


def is_within(price: int, bound: int | None, side: Side) -> bool:
    """Say whether an order of side and bound may trade at price."""
    if bound is None:
        return True
    return price <= bound if side is Side.BUY else price >= bound


_IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG, TimeInForce.CLS})
