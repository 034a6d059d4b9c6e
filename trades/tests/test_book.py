"""The price ladder by itself."""

from bengi.terms import Side
from trades.matching.book import Book
from trades.tests.working_orders import limit


def book_of(*orders):
    book = Book()
    for order in orders:
        book.add(order)
    return book


def ids(taken):
    return [(order.id, quantity) for order, quantity in taken]


def test_best_prices_follow_adds_and_cancels():
    book = book_of(limit("a", "buy", 99), limit("b", "buy", 101), limit("c", "sell", 105))
    book.add(limit("d", "sell", 103))
    assert (book.best(Side.BUY), book.best(Side.SELL)) == (101, 103)
    assert book.cancel("b").id == "b"
    assert book.cancel("d").id == "d"
    assert (book.best(Side.BUY), book.best(Side.SELL)) == (99, 105)
    assert book.cancel("a").id == "a"
    assert book.cancel("c").id == "c"
    assert (book.best(Side.BUY), book.best(Side.SELL)) == (None, None)
    assert len(book) == 0


def test_cancel_of_what_is_not_there():
    book = book_of(limit("a", "buy", 99))
    assert book.cancel("b") is None
    assert book.cancel("a").id == "a"
    assert book.cancel("a") is None


def test_take_goes_by_price_then_time_and_counts_down():
    book = book_of(
        limit("a", "sell", 101, 5), limit("b", "sell", 100, 5), limit("c", "sell", 100, 5)
    )
    assert ids(book.take(Side.BUY, 12, None, "x")) == [("b", 5), ("c", 5), ("a", 2)]
    assert [(order.id, order.leaves) for order in book] == [("a", 3)]
    assert list(book.walk(Side.SELL)) == [(101, [book.get("a")])]


def test_take_stops_at_its_limit_and_at_its_own_account():
    book = book_of(limit("a", "buy", 100, 5), limit("b", "buy", 99, 5), limit("c", "buy", 98, 5))
    assert ids(book.take(Side.SELL, 6, 100, "x")) == [("a", 5)]
    assert ids(book.take(Side.SELL, 6, None, "c")) == [("b", 5)]
    assert ids(book.take(Side.SELL, 6, None, "c")) == []
    assert len(book) == 1


def test_take_of_exactly_a_level_removes_it():
    book = book_of(limit("a", "buy", 100, 5), limit("b", "buy", 100, 5), limit("c", "buy", 99, 5))
    assert ids(book.take(Side.SELL, 10, None, "x")) == [("a", 5), ("b", 5)]
    assert book.best(Side.BUY) == 99


def test_an_order_may_come_back_behind_the_others():
    first = limit("a", "buy", 100, 5)
    book = book_of(first, limit("b", "buy", 100, 5))
    book.cancel("a")
    book.add(first)
    assert ids(book.take(Side.SELL, 10, None, "x")) == [("b", 5), ("a", 5)]


def test_a_deep_book_keeps_its_order():
    prices = [500 + (place * 7919) % 300 for place in range(3000)]
    book = book_of(*(limit(f"o{place}", "sell", price, 1) for place, price in enumerate(prices)))
    expected = sorted(range(3000), key=lambda place: (prices[place], place))
    taken = book.take(Side.BUY, 3000, None, "x")
    assert [order.id for order, _ in taken] == [f"o{place}" for place in expected]
    assert book.best(Side.SELL) is None
