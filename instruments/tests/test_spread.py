"""Where bid and ask stand when the feed tells only what was traded."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.spread import around, half_spread, missing_half_spread, widening
from instruments.tests.ticks import make_tick

D = Decimal
CENT = D("0.01")


@pytest.mark.parametrize(
    ("price", "day_volume", "wider", "half"),
    [
        # price x bps x factor, rounded up to the cent
        ("4", 2_000_000, 1, "0.01"),  # 20 bps: 0.008
        ("4", 100_000, 1, "0.02"),  # twice
        ("4", 99_999, 1, "0.04"),  # four times: 0.032
        ("5", 2_000_000, 1, "0.01"),  # 8 bps: 0.004
        ("50", 2_000_000, 1, "0.02"),  # 3 bps: 0.015
        ("50", 999_999, 1, "0.03"),  # twice
        ("50", 0, 1, "0.06"),  # four times
        ("200", 2_000_000, 1, "0.04"),  # 2 bps
        ("200", 2_000_000, 2, "0.08"),  # the first five minutes
        ("200", 2_000_000, 3, "0.12"),  # before and after the session
        ("0.10", 2_000_000, 1, "0.01"),  # a tick at least
    ],
)
def test_the_half_spread_by_price_volume_and_hour(price, day_volume, wider, half):
    found = half_spread(D(price), tick_size=CENT, day_volume=D(day_volume), wider=wider)
    assert found == D(half)


def test_the_half_spread_stands_on_the_instruments_tick():
    assert half_spread(D(4310), tick_size=D(5), day_volume=D(0), wider=1) == D(5)
    assert half_spread(D(43100), tick_size=D(5), day_volume=D(0), wider=1) == D(35)  # 34.48


@pytest.mark.parametrize(
    ("hour", "minute", "mic", "mode", "times"),
    [
        (14, 29, "XNAS", "exchange", 3),
        (14, 30, "XNAS", "exchange", 2),
        (14, 34, "XNAS", "exchange", 2),
        (14, 35, "XNAS", "exchange", 1),
        (20, 59, "XNAS", "exchange", 1),
        (21, 0, "XNAS", "exchange", 3),
        (3, 0, "XTKS", "exchange", 3),  # lunch in Tokyo
        (0, 1, "XNAS", "always", 1),  # no opening where nothing ever closes
        (0, 1, "BNGI", "exchange", 1),
    ],
)
def test_it_is_wider_at_the_opening_and_outside_of_the_session(hour, minute, mic, mode, times):
    moment = datetime(2026, 3, 2, hour, minute, tzinfo=UTC)
    assert widening(mic, moment, mode) == times


def test_only_a_feed_without_prices_misses_a_spread():
    where = {"mic": "XNAS", "mode": "always", "tick_size": CENT}
    assert missing_half_spread(make_tick(bid=None, ask=None, last=D(100)), **where) == D("0.08")
    assert missing_half_spread(make_tick(bid=D(99), ask=None, last=D(100)), **where) is None
    assert missing_half_spread(make_tick(bid=None, ask=D(101), last=D(100)), **where) is None
    nothing = make_tick(bid=None, ask=None, last=None, is_new_print=False)
    assert missing_half_spread(nothing, **where) is None


@pytest.mark.parametrize(
    ("factor", "bid", "ask"), [(0, "100", "100"), (1, "99.95", "100.05"), (2, "99.90", "100.10")]
)
def test_bid_and_ask_stand_so_many_half_spreads_around(factor, bid, ask):
    assert around(D(100), D("0.05"), factor=factor, tick_size=CENT) == (D(bid), D(ask))


def test_an_odd_middle_goes_to_the_tick_away_from_the_order():
    assert around(D("100.005"), D("0.05"), factor=1, tick_size=CENT) == (D("99.95"), D("100.06"))


def test_there_is_no_bid_at_nothing():
    assert around(D("0.02"), D("0.01"), factor=2, tick_size=CENT) == (None, D("0.04"))


@given(
    middle=st.integers(1, 10**7),
    half=st.integers(0, 1000),
    factor=st.sampled_from([0, 1, 2]),
    tick_size=st.sampled_from([1, 5, 100]),
)
def test_decimals_and_fixed_point_agree(middle, half, factor, tick_size):
    bid, ask = around(middle, half, factor=factor, tick_size=tick_size)
    exact = [D(value) / 100 for value in (middle, half, tick_size)]
    found = around(exact[0], exact[1], factor=factor, tick_size=exact[2])
    assert found == (None if bid is None else D(bid) / 100, D(ask) / 100)
    assert ask >= middle + factor * half > ask - tick_size
    assert ask % tick_size == 0
