"""Trailing stops: where the stop stands, in integers as in decimals, and which moves are booked."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bengi.terms import OrderType, Side, TimeInForce
from orders.trailing import stop_behind as stop_in_decimals
from trades.marks import Marks
from trades.matching.fixed import from_fixed, to_fixed
from trades.matching.outcomes import Rested, Trailed, Triggered
from trades.matching.trails import stop_behind
from trades.matching.working import WorkingOrder

START = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
units = st.integers(1, 10**13)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(Side), units, units, st.booleans(), st.sampled_from(["0.01", "0.0001", "5"]))
def test_acceptance_and_engine_agree_on_the_stop(side, mark, gap, by_percent, tick):
    order = WorkingOrder(
        id="a",
        account_id="a",
        side=side,
        type=OrderType.TRAILING_STOP,
        time_in_force=TimeInForce.GTC,
        leaves=1,
        limit=None,
        stop=None,
        cap=None,
        priority=1,
        trail=None if by_percent else gap,
        trail_percent=gap if by_percent else None,
        mark=mark,
        tick=to_fixed(Decimal(tick)),
    )
    expected = stop_in_decimals(
        side,
        from_fixed(mark),
        trail_price=None if by_percent else from_fixed(gap),
        trail_percent=from_fixed(gap) if by_percent else None,
        tick_size=Decimal(tick),
    )
    assert from_fixed(stop_behind(order)) == expected


def after(seconds):
    return START + timedelta(seconds=seconds)


def test_a_move_is_booked_at_once_and_then_the_newest_once_a_second():
    marks = Marks()
    first, second, third = (Trailed("a", 100 + step, 98 + step) for step in range(3))
    assert marks.hold_back([first, Rested("b")], after(0)) == [Rested("b")]
    assert marks.due(after(0)) == [(first, after(0))]
    marks.hold_back([second], after(0.3))
    marks.hold_back([third], after(0.6))
    assert marks.due(after(0.9)) == []
    assert marks.due(after(1)) == [(third, after(0.6))]
    assert marks.due(after(9)) == []


def test_a_move_is_booked_before_the_stop_fires():
    marks = Marks()
    moves = [Trailed("a", 100, 98), Trailed("a", 101, 99)]
    marks.hold_back(moves[:1], after(0))
    marks.due(after(0))
    marks.hold_back(moves[1:], after(0.1))
    fired = Triggered("a", 99)
    assert marks.hold_back([fired], after(0.2)) == [moves[1], fired]
    assert marks.due(after(5)) == []


def test_moves_of_a_closed_order_are_forgotten():
    marks = Marks()
    marks.hold_back([Trailed("a", 100, 98)], after(0))
    marks.forget("a")
    assert marks.due(after(5)) == []
