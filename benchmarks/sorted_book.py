"""The baseline: the book one would write first, on a SortedDict of price levels."""

from collections import deque
from typing import Any

from sortedcontainers import SortedDict

from bengi.terms import Side
from trades.matching.working import WorkingOrder


class SortedBook:
    """Same doors as trades.matching.book.Book: add, cancel, take.

    A level is a deque; a canceled order stays in it with nothing left until it surfaces.
    """

    def __init__(self) -> None:
        self._sides = {Side.BUY: SortedDict(), Side.SELL: SortedDict()}
        self._orders: dict[str, Any] = {}

    def add(self, order: Any) -> None:
        self._orders[order.id] = order
        key = -order.limit if order.side is Side.BUY else order.limit
        levels = self._sides[order.side]
        if key not in levels:
            levels[key] = deque()
        levels[key].append(order)

    def cancel(self, order_id: str) -> WorkingOrder | None:
        order = self._orders.pop(order_id, None)
        if order is None:
            return None
        key = -order.limit if order.side is Side.BUY else order.limit
        levels = self._sides[order.side]
        level = levels[key]
        order.leaves = 0
        while level and level[0].leaves == 0:
            level.popleft()
        if not level:
            del levels[key]
        return order

    def take(
        self, side: Side, quantity: int, limit: int | None, account_id: str
    ) -> list[tuple[WorkingOrder, int]]:
        levels = self._sides[Side.SELL if side is Side.BUY else Side.BUY]
        taken = []
        while quantity and levels:
            key, level = levels.peekitem(0)
            if limit is not None and (key > limit if side is Side.BUY else -key < limit):
                break
            order = level[0]
            if order.account_id == account_id:
                break
            traded = min(quantity, order.leaves)
            order.leaves -= traded
            quantity -= traded
            taken.append((order, traded))
            if order.leaves == 0:
                del self._orders[order.id]
                while level and level[0].leaves == 0:
                    level.popleft()
                if not level:
                    del levels[key]
        return taken
