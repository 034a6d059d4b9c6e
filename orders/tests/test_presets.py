"""Sizes by a share of what there is: the largest that the rules let pass, to the last step."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bengi.terms import OrderClass, TimeInForce
from orders.facts import Limits
from orders.presets import amount_for, quantity_for
from orders.tests.test_rules import (
    BUY,
    CUSTOM,
    FLAT,
    MARKET_BUY,
    MARKET_SELL,
    PER_SHARE,
    SELL,
    STOP_BUY,
    TIERED,
    ZERO_FEES,
    facts,
    found,
)

D = Decimal
ALL, HALF, QUARTER = D(100), D(50), D(25)
PARTS = {"quantity_step": D("0.0001"), "exchange_step": D(1)}
THE_MONEY = frozenset({"insufficient_funds"})


def with_power(ticket, power, **account):
    return facts(ticket, account={"buying_power": D(power), **account})


@pytest.mark.parametrize(
    ("ticket", "power", "schedule", "percent", "size"),
    [
        (BUY, "10000", ZERO_FEES, ALL, 100),  # at the limit of 100.00
        (BUY, "10000", ZERO_FEES, QUARTER, 25),
        (BUY, "10000", FLAT, ALL, 99),  # 100 would be 10,010.00 with 0.1 %
        (BUY, "10010", FLAT, ALL, 100),
        (BUY, "10000", PER_SHARE, HALF, 49),  # 50 would be 5,001.00: the least is 1.00
        (MARKET_BUY, "10000", ZERO_FEES, ALL, 95),  # 1.04 x 1.002 x 100.10 = 104.32 each
        (STOP_BUY, "10920", ZERO_FEES, ALL, 100),  # 1.04 x the stop of 105.00
        (BUY, "99.99", ZERO_FEES, ALL, 0),
        (BUY, "-5", ZERO_FEES, ALL, 0),
    ],
)
def test_a_share_of_the_money(ticket, power, schedule, percent, size):
    assert quantity_for(with_power(ticket, power, schedule=schedule), percent) == size


def test_a_share_of_the_shares():
    held = {"available_quantity": D(45)}
    assert quantity_for(facts(SELL, account=held), ALL) == 45
    assert quantity_for(facts(SELL, account=held), HALF) == 22, "whole shares"
    assert quantity_for(facts(SELL, account=held, instrument=PARTS), HALF) == D("22.5")
    assert quantity_for(facts(SELL, account={"available_quantity": D(0)}), ALL) == 0


@pytest.mark.parametrize(
    "change", [{"time_in_force": TimeInForce.GTC}, {"order_class": OrderClass.BRACKET}]
)
def test_parts_of_a_share_are_for_orders_that_end_today(change):
    told = facts(BUY, instrument=PARTS, account={"buying_power": D("1050")})
    assert quantity_for(told, ALL) == D("10.5")
    assert quantity_for(replace(told, ticket=replace(BUY, **change)), ALL) == 10


def test_without_a_price_there_is_no_size():
    nothing = {"bid": None, "ask": None, "last": None}
    assert quantity_for(facts(MARKET_BUY, quote=nothing), ALL) == 0
    assert amount_for(facts(replace(MARKET_SELL, notional=D(1)), quote=nothing), ALL) == 0


def test_no_size_is_beyond_what_one_order_may_be():
    limits = Limits(max_notional=D(5_000), max_quantity=D(30))
    assert quantity_for(replace(with_power(BUY, "100000"), limits=limits), ALL) == 30
    wide = replace(limits, max_quantity=D(1_000))
    assert quantity_for(replace(with_power(BUY, "100000"), limits=wide), ALL) == 50
    of_amount = replace(MARKET_BUY, quantity=D(0), notional=D(1))
    assert amount_for(replace(with_power(of_amount, "100000"), limits=wide), ALL) == 5_000


@given(
    power=st.decimals(1, 200_000, places=2),
    percent=st.sampled_from([QUARTER, HALF, ALL]),
    schedule=st.sampled_from([ZERO_FEES, FLAT, PER_SHARE, TIERED, CUSTOM]),
    ticket=st.sampled_from([BUY, STOP_BUY]),
)
def test_one_step_more_would_be_refused_for_the_money_alone(power, percent, schedule, ticket):
    told = with_power(ticket, power, schedule=schedule)
    size = quantity_for(told, percent)
    part = with_power(ticket, power * percent / 100, schedule=schedule)
    if size:
        assert "insufficient_funds" not in found(replace(part, ticket=_of(ticket, size)))
    assert found(replace(part, ticket=_of(ticket, size + 1))).keys() >= THE_MONEY


@given(
    power=st.decimals(10, 200_000, places=2),
    schedule=st.sampled_from([ZERO_FEES, FLAT, PER_SHARE, TIERED, CUSTOM]),
)
def test_one_cent_more_would_be_refused(power, schedule):
    told = with_power(replace(MARKET_BUY, notional=D(1)), power, schedule=schedule)
    told = replace(told, instrument=replace(told.instrument, quantity_step=D("0.0001")))
    amount = amount_for(told, ALL)
    assert amount > 0
    for cents, is_refused in ((0, False), (1, True)):
        of_it = replace(told.ticket, notional=amount + D("0.01") * cents)
        assert ("insufficient_funds" in found(replace(told, ticket=of_it))) is is_refused


def _of(ticket, size):
    return replace(ticket, quantity=size)
