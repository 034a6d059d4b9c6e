"""Expiries come in time and in order, and what is over is not kept."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from bengi.terms import TimeInForce
from orders.models import Order
from trades import expiries
from trades.expiries import SWEPT_FROM, Expiries

START = datetime(2026, 11, 26, 15, tzinfo=UTC)


def order(number: int, time_in_force: TimeInForce = TimeInForce.DAY) -> Order:
    return Order(id=UUID(int=number), time_in_force=time_in_force)


def test_a_day_of_orders_that_have_filled_is_not_kept() -> None:
    """Each is over a moment after it came; ten of them wait till the close."""
    kept = Expiries()
    close = START + timedelta(hours=6)
    for number in range(10):
        kept.add(order(number), close)
    largest = 0
    for number in range(10, 20_000):
        kept.add(order(number), close)
        kept.forget(str(UUID(int=number)))
        largest = max(largest, len(kept))
    assert largest <= SWEPT_FROM + 2 * 11
    assert [each.expire for each in kept.due(close)] == [str(UUID(int=n)) for n in range(10)]
    assert len(kept) == 0


MOVES = st.lists(
    st.tuples(st.sampled_from(["add", "forget", "due"]), st.integers(0, 30), st.integers(0, 40)),
    max_size=200,
)


@given(MOVES, st.integers(0, 5))
def test_what_is_due_is_what_a_plain_list_says(moves, swept_from) -> None:
    """The twin keeps a dict and looks at all of it. Small heaps are swept too."""
    before = expiries.SWEPT_FROM
    expiries.SWEPT_FROM = swept_from
    try:
        kept, plain, now = Expiries(), {}, START
        for move, number, seconds in moves:
            name = str(UUID(int=number))
            if move == "add" and name not in plain:
                at = now + timedelta(seconds=seconds)
                rank = number % 2
                force = TimeInForce.DAY if rank else TimeInForce.CLS
                kept.add(order(number, force), at)
                plain[name] = (at, rank, name)
            elif move == "forget":
                kept.forget(name)
                plain.pop(name, None)
            elif move == "due":
                now += timedelta(seconds=seconds)
                found = [each.expire for each in kept.due(now)]
                assert found == [name for at, _, name in sorted(plain.values()) if at <= now]
                for each in found:
                    kept.forget(each)
                    del plain[each]
    finally:
        expiries.SWEPT_FROM = before
