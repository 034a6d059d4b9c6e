"""Trailing stops of one instrument: whose mark a print moves, and where the stop stands then."""

from bengi.terms import Side
from trades.matching.fixed import SCALE
from trades.matching.working import WorkingOrder

NEVER = 10**40
"""Beyond every price: where the next thing to happen on an empty side stands."""

_HUNDRED = 100 * SCALE
_SELL = Side.SELL


def stop_behind(order: WorkingOrder) -> int:
    """Return where a trailing stop stands behind its mark, rounded to the tick.

    Rounded away from the market, so that the gap is never narrower than asked for: a sell's stop
    down, a buy's up.
    """
    mark = order.mark
    assert mark is not None
    is_sell = order.side is _SELL
    if order.trail is not None:
        exact, parts = (mark - order.trail if is_sell else mark + order.trail), order.tick
    else:
        assert order.trail_percent is not None
        share = _HUNDRED - order.trail_percent if is_sell else _HUNDRED + order.trail_percent
        exact, parts = mark * share, _HUNDRED * order.tick
    ticks = exact // parts if is_sell else -(-exact // parts)
    return ticks * order.tick


def start_behind(order: WorkingOrder, price: int) -> None:
    """Put the mark of a trailing stop at price, and its stop behind it.

    Where a sell's stop would not be above zero the mark is as high as puts it one tick above.
    """
    order.mark = price
    if order.side is _SELL:
        if order.trail is not None:
            least = order.trail + order.tick
        else:
            assert order.trail_percent is not None
            least = -(-order.tick * _HUNDRED // (_HUNDRED - order.trail_percent))
        order.mark = max(price, least)
    order.stop = stop_behind(order)


class TrailBook:
    """The marks of trailing stops: a sell's is the highest print, a buy's the lowest.

    No mark moves while `falls_at <= last <= rises_at`, so a quiet print costs two comparisons. The
    bounds may be too narrow after a cancel; the next look at the orders sets them right.
    """

    __slots__ = ("_buys", "_sells", "falls_at", "rises_at")

    def __init__(self) -> None:
        self._buys: dict[str, WorkingOrder] = {}
        self._sells: dict[str, WorkingOrder] = {}
        self.falls_at = -NEVER
        self.rises_at = NEVER

    def add(self, order: WorkingOrder) -> None:
        mark = order.mark
        assert mark is not None
        if order.side is _SELL:
            self._sells[order.id] = order
            self.rises_at = min(self.rises_at, mark)
        else:
            self._buys[order.id] = order
            self.falls_at = max(self.falls_at, mark)

    def cancel(self, order_id: str) -> None:
        """Forget an order; nothing happens when it is not there."""
        self._sells.pop(order_id, None)
        self._buys.pop(order_id, None)

    def reached(self, last: int) -> list[WorkingOrder]:
        """Return the orders whose mark a print at last moves, by priority; nothing is changed."""
        if self.falls_at <= last <= self.rises_at:
            return []
        sells, buys = self._sells.values(), self._buys.values()
        self.rises_at = min((_mark(order) for order in sells), default=NEVER)
        self.falls_at = max((_mark(order) for order in buys), default=-NEVER)
        moved = [order for order in sells if _mark(order) < last]
        moved += [order for order in buys if _mark(order) > last]
        return sorted(moved, key=_priority)


def _mark(order: WorkingOrder) -> int:
    assert order.mark is not None
    return order.mark


def _priority(order: WorkingOrder) -> int:
    return order.priority
