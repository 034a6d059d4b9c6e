"""What changes as a session ends and begins: who is there, and what meets when all are back.

Outside of the session only orders with extended_hours are there. The others are set aside with
their priority, so that nothing of the matcher has to ask anybody for his hours.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from trades.matching.book import Book
from trades.matching.outcomes import Outcome, canceled, match_fills
from trades.matching.waiting import WaitingRoom, by_priority
from trades.matching.working import WorkingOrder


class Aside:
    """Who is not there. resting: limit orders by id, off the ladder; waiting: for a quote."""

    __slots__ = ("resting", "waiting")

    def __init__(self, resting: Iterable[WorkingOrder], waiting: WaitingRoom) -> None:
        self.resting = {order.id: order for order in resting}
        self.waiting = waiting

    def get(self, order_id: str) -> WorkingOrder | None:
        return self.resting.get(order_id) or self.waiting.get(order_id)

    def cancel(self, order_id: str) -> WorkingOrder | None:
        return self.resting.pop(order_id, None) or self.waiting.cancel(order_id)

    def __iter__(self) -> Iterator[WorkingOrder]:
        return chain(self.resting.values(), self.waiting)


def dismiss(book: Book, waiting: WaitingRoom) -> tuple[Book, Aside]:
    """Send home who does not work outside of the session; return the book of those who stay."""
    resting = sorted(book, key=by_priority)
    aside = Aside((o for o in resting if not o.extended_hours), waiting.dismiss())
    return _book_of(order for order in resting if order.extended_hours), aside


def readmit(book: Book, waiting: WaitingRoom, aside: Aside) -> Book:
    """Let everybody back to his place; return the book of all."""
    waiting.readmit(aside.waiting)
    return _book_of(sorted(chain(book, aside.resting.values()), key=by_priority))


def uncross(book: Book) -> list[Outcome]:
    """Trade what meets on a book, and return what came of it.

    Best price first, then earlier first, at the price of the order that was there first; of two
    orders of one account the later is canceled.
    """
    out: list[Outcome] = []
    while (pair := book.crossing()) is not None:
        first, later = sorted(pair, key=by_priority)
        if first.account_id == later.account_id:
            book.cancel(later.id)
            out.append(canceled(later.id, "self_trade"))
            continue
        price, quantity = first.limit, min(first.leaves, later.leaves)
        assert price is not None
        for order in pair:
            order.leaves -= quantity
            if not order.leaves:
                book.cancel(order.id)
        out += match_fills(later, first, quantity, price)
    return out


def _book_of(orders: Iterable[WorkingOrder]) -> Book:
    """Return a book on which orders rest; they come by priority."""
    book = Book()
    for order in orders:
        book.add(order)
    return book
