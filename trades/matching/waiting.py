"""Orders that cannot rest on the ladder: they wait for the market to speak."""

from collections.abc import Callable, Iterator
from itertools import chain

from bengi.terms import Side
from trades.matching.working import WorkingOrder, is_within


class WaitingRoom:
    """Who waits, and for what. Orders come, and stand in markets, in order of priority.

    markets: market orders (and what is left of them) by side: ahead of every limit order.
    limits: ioc and fok limit orders that have not seen a fresh quote yet, and limit orders that are
    still on their way to the market.
    fired: stops whose trigger came with the quote that stands, and orders for the opening; they
    join the others at the next one.
    closing: orders for the close; no quote works them.
    """

    __slots__ = ("_rooms", "closing", "fired", "limits", "markets")

    def __init__(self) -> None:
        self.markets: dict[Side, dict[str, WorkingOrder]] = {Side.BUY: {}, Side.SELL: {}}
        self.limits: dict[str, WorkingOrder] = {}
        self.fired: dict[str, WorkingOrder] = {}
        self.closing: dict[str, WorkingOrder] = {}
        self._rooms = (*self.markets.values(), self.limits, self.fired, self.closing)

    def add(self, order: WorkingOrder) -> None:
        room = self.limits if order.limit is not None else self.markets[order.side]
        room[order.id] = order

    def cancel(self, order_id: str) -> WorkingOrder | None:
        for room in self._rooms:
            order = room.pop(order_id, None)
            if order is not None:
                return order
        return None

    def admit_fired(self, heeds: Callable[[WorkingOrder], bool]) -> None:
        """A new quote is there: fired stops are orders like the others now, and so are openings.

        They stand last until all_markets() has been worked and put back in order of priority.
        heeds picks those that the quote is for.
        """
        for order in [order for order in self.fired.values() if heeds(order)]:
            del self.fired[order.id]
            self.add(order)

    def dismiss(self) -> "WaitingRoom":
        """Take out who does not work outside of the session; return them in a room of their own."""
        found = WaitingRoom()
        for room, other in zip(self._rooms, found._rooms, strict=True):
            for order in [order for order in room.values() if not order.extended_hours]:
                other[order.id] = room.pop(order.id)
        return found

    def readmit(self, dismissed: "WaitingRoom") -> None:
        """Let those who were dismissed wait again, each for the same; markets are theirs alone."""
        for room, other in zip(self._rooms, dismissed._rooms, strict=True):
            room.update(other)

    def takers(self, side: Side, price: int) -> Iterator[WorkingOrder]:
        """Yield the market orders of a side that may trade at price, by priority.

        Nobody may come or go before the last one wanted is out.
        """
        room = self.markets[side].values()
        return (order for order in room if is_within(price, order.bound, side))

    def all_markets(self) -> list[WorkingOrder]:
        """Return the waiting market orders of both sides, by priority."""
        buys, sells = self.markets.values()
        return sorted(chain(buys.values(), sells.values()), key=by_priority)

    def all_limits(self) -> list[WorkingOrder]:
        return sorted(self.limits.values(), key=by_priority)

    def get(self, order_id: str) -> WorkingOrder | None:
        return next((room[order_id] for room in self._rooms if order_id in room), None)

    def __bool__(self) -> bool:
        return any(self._rooms)

    def __iter__(self) -> Iterator[WorkingOrder]:
        return chain.from_iterable(room.values() for room in self._rooms)


def by_priority(order: WorkingOrder) -> int:
    """Return the order's place in time: the lower, the earlier it came."""
    return order.priority
