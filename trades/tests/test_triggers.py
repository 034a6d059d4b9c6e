"""The trigger book by itself, and random stops against a scan."""

from hypothesis import given, settings
from hypothesis import strategies as st

from trades.matching import triggers
from trades.matching.triggers import NEVER, TriggerBook
from trades.tests.working_orders import stop


def stops_of(*orders):
    book = TriggerBook()
    for order in orders:
        book.add(order)
    return book


def fired(book, last):
    return [order.id for order in book.fire(last)]


def test_buys_fire_at_or_above_and_sells_at_or_below():
    book = stops_of(stop("b", "buy", 105), stop("s", "sell", 95))
    assert fired(book, 104) == fired(book, 96) == []
    assert fired(book, 105) == ["b"]
    assert fired(book, 95) == ["s"]
    assert len(book) == 0
    assert (book.buy_at, book.sell_at) == (NEVER, -NEVER)


def test_the_price_met_first_fires_first_then_priority():
    book = stops_of(
        stop("far", "sell", 90, 1),
        stop("late", "sell", 95, 9),
        stop("early", "sell", 95, 2),
        stop("buy", "buy", 80, 5),
        stop("deaf", "sell", 89, 3),
    )
    assert fired(book, 90) == ["buy", "early", "late", "far"]


def test_a_canceled_stop_neither_fires_nor_stays_nearest():
    book = stops_of(stop("near", "buy", 101), stop("far", "buy", 110))
    assert book.buy_at == 101
    assert book.cancel("near").id == "near"
    assert book.cancel("near") is None
    assert book.buy_at == 110
    assert fired(book, 110) == ["far"]


def test_a_stop_put_in_anew_counts_at_its_new_price_only():
    book = stops_of(stop("a", "sell", 95, 1))
    book.cancel("a")
    book.add(stop("a", "sell", 90, 1))
    assert fired(book, 94) == []
    assert fired(book, 90) == ["a"]
    book.add(stop("a", "sell", 95, 1))
    book.cancel("a")
    book.add(stop("a", "sell", 95, 1))
    assert fired(book, 95) == ["a"]
    assert fired(book, 95) == []


def test_canceled_stops_do_not_pile_up():
    book = stops_of(stop("near", "buy", 101))
    for place in range(5000):
        book.add(stop(f"o{place}", "buy", 200 + place % 50))
        book.cancel(f"o{place}")
    assert len(book._buys) < 200
    assert fired(book, 300) == ["near"]


moves = st.lists(
    st.tuples(st.sampled_from("asxf"), st.integers(0, 12), st.integers(1, 9)), max_size=40
)
"""a: add a buy, s: add a sell, x: cancel, f: a print; then which order, and the price."""


def compare_with_scan(subject, moves):
    """Play moves on a trigger book and on a plain dict that is scanned."""
    book, asleep = subject.TriggerBook(), {}
    for move, which, price in moves:
        name = f"o{which}"
        if move == "f":
            buys = [o for o in asleep.values() if o.side == "buy" and price >= o.stop]
            sells = [o for o in asleep.values() if o.side == "sell" and price <= o.stop]
            buys.sort(key=lambda o: (o.stop, o.priority))
            sells.sort(key=lambda o: (-o.stop, o.priority))
            assert fired(book, price) == [asleep.pop(o.id).id for o in buys + sells]
        elif move == "x":
            assert book.cancel(name) is asleep.pop(name, None)
        elif name not in asleep:
            asleep[name] = stop(name, "buy" if move == "a" else "sell", price)
            book.add(asleep[name])
        buys = [o.stop for o in asleep.values() if o.side == "buy"]
        sells = [o.stop for o in asleep.values() if o.side == "sell"]
        assert book.buy_at == min(buys, default=NEVER)
        assert book.sell_at == max(sells, default=-NEVER)
        assert {order.id for order in book} == set(asleep)


@settings(max_examples=1000, deadline=None)
@given(moves)
def test_agrees_with_a_scan(moves):
    compare_with_scan(triggers, moves)
