"""The price ladder: resting limit orders of one instrument, by price and then by time."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from bengi.terms import Side
from trades.matching.working import WorkingOrder

Level = dict[str, WorkingOrder]
"""The queue at one price: order id -> order, the earliest first. Never empty."""

_BUY = Side.BUY
_BEST_ASK, _BEST_BID = 0, -1


class Book:
    """Resting limit orders of one instrument. Never matches by itself: take() does, on request.

    Orders must be added in the order of their priority, or inserted. The prices of a side are kept
    sorted, so the best bid is the last one and the best ask the first; finding it costs nothing,
    and a cancel goes from the id straight to the order's level.
    """

    __slots__ = ("_ask_prices", "_asks", "_bid_prices", "_bids", "_homes")

    def __init__(self) -> None:
        self._bids: dict[int, Level] = {}
        self._asks: dict[int, Level] = {}
        self._bid_prices: list[int] = []
        self._ask_prices: list[int] = []
        self._homes: dict[str, Level] = {}

    def add(self, order: WorkingOrder) -> None:
        """Rest a limit order behind everything at its price."""
        price = order.limit
        assert price is not None
        levels = self._bids if order.side is _BUY else self._asks
        try:
            level = levels[price]
        except KeyError:
            level = levels[price] = {}
            insort(self._bid_prices if order.side is _BUY else self._ask_prices, price)
        order_id = order.id
        level[order_id] = order
        self._homes[order_id] = level

    def insert(self, order: WorkingOrder) -> None:
        """Rest a limit order at its place by priority, before later ones at its price."""
        self.add(order)
        level = self._homes[order.id]
        queue = sorted(level.values(), key=_priority)
        level.clear()
        level.update((resting.id, resting) for resting in queue)

    def cancel(self, order_id: str) -> WorkingOrder | None:
        """Take an order off the book and return it; None when it is not there."""
        level = self._homes.pop(order_id, None)
        if level is None:
            return None
        order = level.pop(order_id)
        if not level:
            self._drop_level(order)
        return order

    def take(
        self, side: Side, quantity: int, limit: int | None, account_id: str
    ) -> list[tuple[WorkingOrder, int]]:
        """Trade up to quantity for a taker of side with resting orders at limit or better.

        Returns (resting order, quantity) best price first, earlier first; leaves are counted down
        and orders used up are off the book. Stops short at an order of the taker's own account.
        """
        if side is _BUY:
            levels, prices, best = self._asks, self._ask_prices, _BEST_ASK
        else:
            levels, prices, best = self._bids, self._bid_prices, _BEST_BID
        taken: list[tuple[WorkingOrder, int]] = []
        while quantity and prices:
            price = prices[best]
            if limit is not None and (price > limit if side is _BUY else price < limit):
                break
            level = levels[price]
            order = next(iter(level.values()))
            if order.account_id == account_id:
                break
            leaves = order.leaves
            if leaves > quantity:
                order.leaves = leaves - quantity
                taken.append((order, quantity))
                break
            order.leaves = 0
            quantity -= leaves
            taken.append((order, leaves))
            del self._homes[order.id], level[order.id]
            if not level:
                del levels[price], prices[best]
        return taken

    def crossing(self) -> tuple[WorkingOrder, WorkingOrder] | None:
        """Return the first buy and the first sell where the best prices cross; else None."""
        if not self._bid_prices or not self._ask_prices:
            return None
        bid, ask = self._bid_prices[_BEST_BID], self._ask_prices[_BEST_ASK]
        if bid < ask:
            return None
        return next(iter(self._bids[bid].values())), next(iter(self._asks[ask].values()))

    def best(self, side: Side) -> int | None:
        """Return the best price of a side: the highest bid or the lowest ask; None when empty."""
        if side is _BUY:
            return self._bid_prices[_BEST_BID] if self._bid_prices else None
        return self._ask_prices[_BEST_ASK] if self._ask_prices else None

    def walk(self, side: Side) -> Iterator[tuple[int, list[WorkingOrder]]]:
        """Yield (price, queue) of a side, best price first."""
        levels = self._bids if side is _BUY else self._asks
        prices = reversed(self._bid_prices) if side is _BUY else iter(self._ask_prices)
        for price in prices:
            yield price, list(levels[price].values())

    def reached(self, side: Side, price: int) -> list[WorkingOrder]:
        """Return the orders of a side at price or better than that, best first, earlier first."""
        found: list[WorkingOrder] = []
        for level, queue in self.walk(side):
            if level < price if side is _BUY else level > price:
                break
            found += queue
        return found

    def get(self, order_id: str) -> WorkingOrder | None:
        level = self._homes.get(order_id)
        return None if level is None else level[order_id]

    def __len__(self) -> int:
        return len(self._homes)

    def __iter__(self) -> Iterator[WorkingOrder]:
        return (level[order_id] for order_id, level in self._homes.items())

    def _drop_level(self, order: WorkingOrder) -> None:
        """Forget the level that order was the last one of."""
        price = order.limit
        assert price is not None
        if order.side is _BUY:
            levels, prices = self._bids, self._bid_prices
        else:
            levels, prices = self._asks, self._ask_prices
        del levels[price], prices[bisect_left(prices, price)]


def _priority(order: WorkingOrder) -> int:
    return order.priority
