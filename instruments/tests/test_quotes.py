"""Which ticks are believed."""

from datetime import datetime
from decimal import Decimal

import pytest

from instruments.quotes import check_tick
from instruments.tests.ticks import make_tick

D = Decimal
NAN, SNAN, INFINITE = D("NaN"), D("sNaN"), D("Infinity")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"bid": D("100.10"), "ask": D("100.10")},  # locked, not crossed
        {"bid": None, "bid_size": D(0)},
        {"ask": None, "ask_size": D(0)},
        {"bid_size": D(0), "ask_size": D(0), "last_size": D(0), "volume": D(0)},
        {"last": None, "is_new_print": False},
        {"bid": D(1), "ask": D(649)},  # wide, as before the opening
        {"day_low": D("100.05"), "day_high": D("100.05")},
        # a last carried over from another day may lie outside of this day's range
        {"day_low": D(101), "day_high": D(102), "is_new_print": False},
    ],
)
def test_sane(fields: dict) -> None:
    assert check_tick(make_tick(**fields)) == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"bid": D(0)}, "bid is 0"),
        ({"ask": D("-1")}, "ask is -1"),
        ({"last": D(0)}, "last is 0"),
        ({"bid": NAN}, "bid is NaN"),
        ({"ask": SNAN}, "ask is sNaN"),
        ({"last": INFINITE}, "last is Infinity"),
        ({"day_high": NAN}, "day_high is NaN"),
        ({"bid_size": D(-100)}, "bid_size is -100"),
        ({"ask_size": NAN}, "ask_size is NaN"),
        ({"last_size": D(-1)}, "last_size is -1"),
        ({"volume": INFINITE}, "volume is Infinity"),
        ({"bid": D("100.11")}, "crossed: bid 100.11 above ask 100.10"),
        ({"last": None}, "a print without a price"),
        ({"day_high": D("100.04")}, "print 100.05 above the day's high 100.04"),
        ({"day_low": D("100.06")}, "print 100.05 below the day's low 100.06"),
        ({"as_of": datetime(2026, 11, 23, 12)}, "as_of has no zone"),  # noqa: DTZ001 - the point
    ],
)
def test_insane(fields: dict, reason: str) -> None:
    assert check_tick(make_tick(**fields)) == [reason]


def test_every_reason_is_told() -> None:
    tick = make_tick(bid=D(0), last=NAN, volume=D(-5))
    assert check_tick(tick) == ["bid is 0", "last is NaN", "volume is -5"]
