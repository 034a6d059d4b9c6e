"""The rules of stop limits and trailing stops, on both sides of their edges."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bengi.terms import Side
from orders.rules import protection_price
from orders.tests.test_rules import STOP_LIMIT, TRAIL, D, facts, found
from orders.trailing import stop_behind


def test_a_stop_limits_collar_is_around_its_stop():
    assert found(facts(replace(STOP_LIMIT, stop_price=D(150), limit_price=D(165)))) == {}
    assert found(facts(replace(STOP_LIMIT, stop_price=D(150), limit_price=D("165.01")))) == {
        "price_collar": (
            422,
            "limit_price",
            {"limit": ["135", "165"], "value": "165.01", "stop": "150"},
        )
    }


def test_a_trailing_stop_needs_a_print_and_a_stop_above_zero():
    sell = replace(TRAIL, side=Side.SELL)
    assert found(facts(sell, quote={"last": None})) == {"stale_quote": (422, "type", {})}
    for gap, stop in (("100.00", "0"), ("100.01", "-0.01")):
        assert found(facts(replace(sell, trail_price=D(gap)))) == {
            "invalid_trail": (422, "trail_price", {"value": stop})
        }
    assert found(facts(replace(sell, trail_price=D("99.99")))) == {}
    wide = replace(sell, trail_price=None, trail_percent=D(100))
    assert found(facts(wide)) == {"invalid_trail": (422, "trail_percent", {"value": "0"})}
    assert "invalid_tick" in found(facts(replace(sell, trail_price=D("1.005"))))


@pytest.mark.parametrize(
    ("ticket", "ask", "expected"),
    [
        (TRAIL, "100.10", "106.08"),  # the stop starts at 102
        (TRAIL, "103.00", "107.12"),
        (replace(TRAIL, trail_price=None, trail_percent=D("2.505")), "100", "106.62"),
        (replace(TRAIL, side=Side.SELL), "100", None),
        (STOP_LIMIT, "100", None),
    ],
)
def test_a_trailing_buy_is_capped_where_its_stop_starts(ticket, ask, expected):
    """Its stop only falls from there, so what was reserved stays enough."""
    price = protection_price(ticket, D(ask), D("0.01"), D("100.00"))
    assert price == (None if expected is None else D(expected))


prices = st.integers(1, 10**7).map(lambda units: D(units) / 1000)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(Side), prices, prices, st.booleans(), st.sampled_from(["0.01", "0.05", "1"]))
def test_a_trailing_stop_is_never_nearer_than_asked_nor_a_tick_too_far(
    side, mark, gap, by_percent, tick
):
    stop = stop_behind(
        side,
        mark,
        trail_price=None if by_percent else gap,
        trail_percent=gap if by_percent else None,
        tick_size=D(tick),
    )
    wanted = Fraction(mark) * Fraction(gap) / 100 if by_percent else Fraction(gap)
    away = Fraction(mark) - Fraction(stop) if side is Side.SELL else Fraction(stop) - Fraction(mark)
    assert Fraction(stop) % Fraction(tick) == 0
    assert wanted <= away < wanted + Fraction(tick)
