"""The doors between Decimal and fixed-point integers are exact or shut."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trades.matching.fixed import from_fixed, to_fixed


@pytest.mark.parametrize(
    ("value", "units"),
    [
        ("0", 0),
        ("1", 100_000_000),
        ("0.00000001", 1),
        ("-2.5", -250_000_000),
        ("1E+3", 100_000_000_000),
        ("12345678901234567890.12345678", 1_234_567_890_123_456_789_012_345_678),
        ("0.1000000000000", 10_000_000),
    ],
)
def test_to_fixed(value, units):
    assert to_fixed(Decimal(value)) == units
    assert from_fixed(units) == Decimal(value)


@pytest.mark.parametrize("value", ["0.000000001", "1.123456789", "NaN", "Infinity", "-Infinity"])
def test_what_does_not_fit_is_refused(value):
    with pytest.raises(ValueError):
        to_fixed(Decimal(value))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8))
def test_there_and_back(value):
    assert from_fixed(to_fixed(value)) == value


def test_from_fixed_has_eight_places():
    assert str(from_fixed(10_050_000_000)) == "100.50000000"
