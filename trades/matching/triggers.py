"""Dormant stop orders of one instrument, by trigger price. A quiet print costs two comparisons."""

from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heappush

from bengi.terms import Side
from trades.matching.trails import NEVER, TrailBook, stop_behind
from trades.matching.working import WorkingOrder

Entry = tuple[int, int, str]
"""(key, priority, order id): key is the stop of a buy and minus the stop of a sell."""

_BUY = Side.BUY
_SLACK = 64


class TriggerBook:
    """Stops of one instrument: buys fire at last >= stop, sells at last <= stop.

    buy_at and sell_at are the nearest live triggers, so `sell_at < last < buy_at` says that
    nothing fires; fire() looks there first, and so may its caller, to save the call. Each side is
    a heap; canceled entries stay in it until they surface or outnumber the live ones. trails
    knows which of them follow the market, and from which print on.
    """

    __slots__ = ("_buys", "_orders", "_sells", "buy_at", "sell_at", "trails")

    def __init__(self) -> None:
        self.buy_at = NEVER
        self.sell_at = -NEVER
        self._buys: list[Entry] = []
        self._sells: list[Entry] = []
        self._orders: dict[str, WorkingOrder] = {}
        self.trails = TrailBook()

    def add(self, order: WorkingOrder) -> None:
        """Put a stop to sleep until a print reaches its stop price."""
        stop = order.stop
        assert stop is not None
        assert stop > 0
        self._orders[order.id] = order
        if order.mark is not None:
            self.trails.add(order)
        if order.side is _BUY:
            heappush(self._buys, (stop, order.priority, order.id))
            self.buy_at = min(self.buy_at, stop)
        else:
            heappush(self._sells, (-stop, order.priority, order.id))
            self.sell_at = max(self.sell_at, stop)

    def cancel(self, order_id: str) -> WorkingOrder | None:
        """Take a stop out and return it; None when it is not there."""
        order = self._orders.pop(order_id, None)
        if order is None:
            return None
        if order.mark is not None:
            self.trails.cancel(order_id)
        if len(self._buys) + len(self._sells) > 2 * len(self._orders) + _SLACK:
            self._forget_dead()
        if order.side is _BUY:
            self.buy_at = self._nearest(self._buys)
        else:
            self.sell_at = -self._nearest(self._sells)
        return order

    def fire(self, last: int) -> Sequence[WorkingOrder]:
        """Take out and return the stops that a print at last triggers.

        Buys first, then sells; within a side the trigger the price met first, then priority.
        """
        if self.sell_at < last < self.buy_at:
            return ()
        fired: list[WorkingOrder] = []
        if last >= self.buy_at:
            self._pop_reached(self._buys, last, fired)
            self.buy_at = self._nearest(self._buys)
        if last <= self.sell_at:
            self._pop_reached(self._sells, -last, fired)
            self.sell_at = -self._nearest(self._sells)
        return fired

    def trail(
        self, last: int, heeds: Callable[[WorkingOrder], bool] | None = None
    ) -> Sequence[WorkingOrder]:
        """Let the stops that follow the market follow it to a print; return those that moved.

        By priority. What moved lies behind the print, so the same print does not fire it. heeds
        picks those that the print is for, None: all.
        """
        moved = [order for order in self.trails.reached(last) if heeds is None or heeds(order)]
        for order in moved:
            self.cancel(order.id)
            order.mark = last
            order.stop = stop_behind(order)
            self.add(order)
        return moved

    def get(self, order_id: str) -> WorkingOrder | None:
        return self._orders.get(order_id)

    def __len__(self) -> int:
        return len(self._orders)

    def __iter__(self) -> Iterator[WorkingOrder]:
        return iter(self._orders.values())

    def _pop_reached(self, heap: list[Entry], reach: int, fired: list[WorkingOrder]) -> None:
        while heap and heap[0][0] <= reach:
            entry = heappop(heap)
            if self._is_live(entry):
                order = self._orders.pop(entry[2])
                if order.mark is not None:
                    self.trails.cancel(order.id)
                fired.append(order)

    def _nearest(self, heap: list[Entry]) -> int:
        """Return the key of the nearest live trigger, after clearing the dead ones before it."""
        while heap and not self._is_live(heap[0]):
            heappop(heap)
        return heap[0][0] if heap else NEVER

    def _is_live(self, entry: Entry) -> bool:
        """Say whether an entry's order still sleeps here and was not put in anew elsewhere."""
        key, priority, order_id = entry
        order = self._orders.get(order_id)
        return order is not None and order.priority == priority and order.stop == abs(key)

    def _forget_dead(self) -> None:
        for heap in (self._buys, self._sells):
            heap[:] = {entry for entry in heap if self._is_live(entry)}
            heapify(heap)
