"""What a share of the volume costs: numbers worked out by hand, and a twin in fractions."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bengi.terms import Side
from trades.matching.fixed import from_fixed, to_fixed
from trades.matching.impact import slipped

CENT = to_fixed(Decimal("0.01"))


@pytest.mark.parametrize(
    ("price", "taken", "percent", "buys_at", "sells_at"),
    [
        ("100", 0, 10, "100", "100"),
        ("100", 10, 10, "100.10", "99.90"),  # 0.1 x 0.1^2 = 0.001
        ("100", 10, 20, "100.20", "99.80"),  # twice as much
        ("100", 5, 10, "100.03", "99.97"),  # 0.025, to the cent away from the order
        ("100", 100, 10, "105", "95"),  # 10 % would be due, 5 % is the most
        ("100", 70, 10, "104.90", "95.10"),  # 0.1 x 0.49 = 4.9 %, still below
        ("100", 71, 10, "105", "95"),  # 5.041 %
        ("0.05", 100, 10, "0.05", "0.05"),  # 5 % of it is less than a tick
        ("0.20", 100, 10, "0.21", "0.19"),
        ("33.33", 50, 20, "34.99", "31.67"),  # 5 % is 1.6665: inside of it, never beyond
    ],
)
def test_the_price_after_taking_so_many_of_a_hundred(price, taken, percent, buys_at, sells_at):
    for side, expected in ((Side.BUY, buys_at), (Side.SELL, sells_at)):
        found = slipped(
            to_fixed(Decimal(price)),
            side,
            taken=taken,
            volume=100,
            impact_percent=percent,
            tick=CENT,
        )
        assert from_fixed(found) == Decimal(expected)


@given(
    cents=st.integers(1, 10**6),
    volume=st.integers(1, 1000),
    share=st.integers(0, 100),
    percent=st.sampled_from([0, 10, 20, 200]),
    is_buy=st.booleans(),
)
def test_it_never_leaves_five_percent_and_never_helps(cents, volume, share, percent, is_buy):
    taken = volume * share // 100
    side = Side.BUY if is_buy else Side.SELL
    found = slipped(
        cents * CENT, side, taken=taken, volume=volume, impact_percent=percent, tick=CENT
    )
    exact = cents * Fraction(percent, 100) * Fraction(taken, volume) ** 2
    away = Fraction(found, CENT) - cents if is_buy else cents - Fraction(found, CENT)
    assert away.denominator == 1, "on the tick"
    assert 0 <= away <= max(cents * Fraction(1, 20), 0)
    is_capped = exact > cents * Fraction(1, 20) - 1
    assert is_capped or away == -(-exact // 1)


def test_more_of_the_volume_never_costs_less():
    prices = [
        slipped(10**10, Side.BUY, taken=taken, volume=60, impact_percent=10, tick=CENT)
        for taken in range(61)
    ]
    assert prices == sorted(prices)
