"""Fill or kill: whether an order can have all it wants now, without touching anybody."""

from collections.abc import Callable, Iterator

from bengi.terms import Side
from trades.matching.book import Book
from trades.matching.street import Street
from trades.matching.working import WorkingOrder, is_within, opposite

WaitingFor = Callable[[WorkingOrder, int], Iterator[WorkingOrder]]
"""The market orders that wait and may trade with an order at a price, by priority."""


def why_not_whole(
    order: WorkingOrder, book: Book, street: Street, waiting_for: WaitingFor
) -> str | None:
    """Return the reason why an order cannot trade all it wants now; None when it can."""
    missing = order.leaves
    for account_id, quantity in _offers(order, book, street, waiting_for):
        if account_id == order.account_id:
            return "self_trade"
        missing -= quantity
        if missing <= 0:
            return None
    return "fok_unfillable"


def _offers(
    order: WorkingOrder, book: Book, street: Street, waiting_for: WaitingFor
) -> Iterator[tuple[str | None, int]]:
    """Yield (account, quantity) of all that order could trade with, in the order it would."""
    met: set[str] = set()
    for price, queue in _prices_against(order, book, street):
        for maker in waiting_for(order, price):
            if maker.id not in met and maker.wants(price):
                met.add(maker.id)
                yield maker.account_id, maker.wants(price)
        for maker in queue:
            yield maker.account_id, maker.leaves
        if street.offer(order) == price:
            yield None, street.left(order)


def _prices_against(
    order: WorkingOrder, book: Book, street: Street
) -> Iterator[tuple[int, list[WorkingOrder]]]:
    """Yield the prices order may trade at with their resting orders, its own limit last."""
    queues = dict(book.walk(opposite(order.side)))
    named = (*queues, street.offer(order), order.limit)
    prices = {price for price in named if price is not None}
    for price in sorted(prices, reverse=order.side is Side.SELL):
        if is_within(price, order.bound, order.side):
            yield price, queues.get(price, [])
