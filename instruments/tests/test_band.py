"""Rule "guards": a print outside the day's range by more than the band is not believed at once."""

from datetime import date
from decimal import Decimal

import pytest

from instruments.band import DayRange

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)


def believed(*prices: str, start: str = "100") -> list[bool]:
    day = DayRange()
    assert day.doubt(Decimal(start), DAY) is None
    return [day.doubt(Decimal(price), DAY) is None for price in prices]


@pytest.mark.parametrize(
    ("start", "edge", "beyond"),
    [
        ("100", "110", "110.01"),
        ("100", "90", "89.99"),
        ("4", "4.80", "4.81"),
        ("4", "3.20", "3.19"),
        ("5", "5.50", "5.51"),
    ],
)
def test_the_band_is_ten_percent_twenty_under_five(start: str, edge: str, beyond: str) -> None:
    assert believed(edge, start=start) == [True]
    assert believed(beyond, start=start) == [False]


def test_the_range_widens_with_what_is_believed() -> None:
    assert believed("109", "119", "129") == [True, True, True]


def test_one_fat_finger_changes_nothing() -> None:
    assert believed("10", "101", "10", "102") == [False, True, False, True]


def test_three_that_agree_are_a_real_move() -> None:
    assert believed("60", "61", "60.5", "62") == [False, False, True, True]


def test_three_that_disagree_are_not() -> None:
    assert believed("60", "20", "60", "20") == [False, False, False, False]


def test_a_believed_print_between_starts_the_count_again() -> None:
    assert believed("60", "61", "100", "60", "61", "60") == [False, False, True, False, False, True]


def test_a_new_day_may_begin_anywhere() -> None:
    day = DayRange()
    assert day.doubt(Decimal(645), DAY) is None
    assert day.doubt(Decimal(92), NEXT) is None
    assert day.doubt(Decimal(645), NEXT) is not None
