"""The rules of amounts and of parts of a share."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from accounts.commission import commission_due
from bengi.terms import OrderType, Side, TimeInForce
from orders.notional import cash_for, shares_at_most, shares_for, sized
from orders.rules import cash_needed, check_order, protection_price
from orders.tests.test_rules import (
    BUY,
    CUSTOM,
    FLAT,
    MARKET_BUY,
    MARKET_SELL,
    PER_SHARE,
    STOP_BUY,
    TIERED,
    ZERO_FEES,
    facts,
    found,
)
from orders.tests.test_time_in_force_rules import TICKETS
from portfolios.lots import Pick

D = Decimal
PARTS = {"quantity_step": D("0.0001"), "exchange_step": D(1)}
OF_500 = replace(MARKET_BUY, quantity=D(0), notional=D("500.00"))


def of_amount(ticket=OF_500, **change):
    """Return facts with the quantity that the ticket's amount comes to: the ask is 100.10."""
    return sized(facts(ticket, **({"instrument": PARTS} | change)))


def test_an_amount_is_a_quantity_at_what_is_offered():
    assert of_amount().ticket.quantity == D("4.9950")
    assert of_amount(replace(OF_500, side=Side.SELL)).ticket.quantity == D("5.0050")
    assert of_amount(instrument={}).ticket.quantity == 4
    assert of_amount(quote={"ask": None}).ticket.quantity == 5, "the last price, at 100.00"
    assert of_amount(quote={"ask": None, "last": None}).ticket.quantity == 0
    assert found(of_amount()) == {}
    assert found(of_amount(replace(OF_500, side=Side.SELL))) == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"notional": D("0.00")}, {"invalid_amount": (400, "notional")}),
        ({"notional": D("500.005")}, {"invalid_amount": (400, "notional")}),
        ({"notional": D("0.01")}, {"invalid_quantity": (400, "notional")}),
        ({"time_in_force": TimeInForce.GTC}, {"unsupported_combination": (422, "time_in_force")}),
        ({"time_in_force": TimeInForce.FOK}, {"unsupported_combination": (422, "time_in_force")}),
        (
            {"type": OrderType.LIMIT, "limit_price": D("100.00")},
            {"unsupported_combination": (422, "type")},
        ),
        ({"lots": (Pick(UUID(int=1), D(1)),)}, {"invalid_field": (400, "lots")}),
        ({"notional": D("250000.01")}, {"max_notional": (422, "notional")}),
    ],
)
def test_what_an_amount_does_not_go_with(change, told):
    seen = found(of_amount(replace(OF_500, **change)))
    assert {code: answer[:2] for code, answer in seen.items()} == told


def test_the_last_amount_that_is_taken_is_the_limit_itself():
    assert found(of_amount(replace(OF_500, notional=D(250_000)))) == {}


def test_an_amount_that_buys_no_whole_share_is_told_the_step():
    told = found(of_amount(replace(OF_500, notional=D("100.09")), instrument={}))
    assert told == {"invalid_quantity": (400, "notional", {"limit": "1", "value": "100.09"})}


def test_without_a_price_an_amount_is_no_quantity_but_stale():
    nobody = {"bid": None, "ask": None, "last": None, "is_fresh": False}
    assert set(found(of_amount(quote=nobody))) == {"stale_quote"}


def test_yen_have_no_parts():
    told = found(of_amount(replace(OF_500, notional=D("500.5")), instrument={"currency": "JPY"}))
    assert told["invalid_amount"][2] == {"limit": "1", "value": "500.5"}


@pytest.mark.parametrize("schedule", [ZERO_FEES, FLAT, PER_SHARE, TIERED, CUSTOM], ids=str)
@given(
    amount=st.integers(1, 10**7),
    ask=st.integers(1, 10**5),
    shares=st.lists(st.integers(1, 10**6), min_size=1, max_size=6),
    prices=st.lists(st.integers(1, 10**5), min_size=6, max_size=6),
)
def test_no_fills_of_an_amount_cost_more_than_it_holds(schedule, amount, ask, shares, prices):
    """Any fills within the amount and the most shares, at any price: reserved - paid never < 0."""
    notional, ask = D(amount) / 100, D(ask) / 100
    step = D("0.0001")
    protection = protection_price(OF_500, ask, D("0.01"))
    most = shares_at_most(notional, protection, step)
    assert most >= shares_for(notional, ask, step), "what it comes to when it is given is in reach"
    held = cash_for(schedule, notional, most, "USD")
    quantity = value = D(0)
    for wanted, cents in zip(shares, prices, strict=False):
        price = D(cents) / 100
        buys = min(shares_for(notional - value, price, step), D(wanted) * step, most - quantity)
        quantity, value = quantity + buys, value + buys * price
    assert value <= notional
    assert commission_due(schedule, quantity, value, "USD") + value <= held


def test_what_an_amount_holds():
    """The amount, and the commission of twice the shares it comes to at 104.11."""
    case = of_amount(account={"schedule": CUSTOM})
    assert shares_at_most(D(500), D("104.11"), D("0.0001")) == D("9.6052")
    assert cash_needed(case) == D(500) + D("1.10")  # 0.2 % of 500, 0.01 a share


# --- parts of a share


@pytest.mark.parametrize("type_", OrderType)
@pytest.mark.parametrize("word", [TimeInForce.DAY, TimeInForce.GTC])
def test_parts_are_for_market_and_limit_orders_of_the_day(type_, word):
    ticket = replace(TICKETS[type_], quantity=D("1.5"), time_in_force=word)
    is_for_today = type_ in ("market", "limit") and word is TimeInForce.DAY
    refused = {"unsupported_combination": (422, "quantity", {"limit": "1", "value": "1.5"})}
    assert found(facts(ticket, instrument=PARTS)) == ({} if is_for_today else refused)
    coin = PARTS | {"exchange_step": None}
    assert found(facts(ticket, instrument=coin)) == {}, "of a coin all is a part"


def test_a_part_is_told_the_exchanges_unit():
    ticket = replace(BUY, quantity=D("1.5"), time_in_force=TimeInForce.GTC)
    assert found(facts(ticket, instrument=PARTS)) == {
        "unsupported_combination": (422, "quantity", {"limit": "1", "value": "1.5"})
    }


@pytest.mark.parametrize("side", Side)
def test_whole_shares_go_with_everything(side):
    for ticket in (BUY, STOP_BUY, MARKET_BUY, MARKET_SELL):
        for word in (TimeInForce.DAY, TimeInForce.GTC):
            whole = replace(ticket, side=side, time_in_force=word)
            assert check_order(facts(whole, instrument=PARTS)) == []


def test_a_rest_may_be_a_part_where_the_whole_is_not():
    """Ten gtc, of which 3.5 have filled, become eight: 4.5 are left of them."""
    ticket = replace(BUY, quantity=D("4.5"), time_in_force=TimeInForce.GTC)
    assert found(facts(replace(ticket, filled_quantity=D("3.5")), instrument=PARTS)) == {}
    assert set(found(facts(replace(ticket, filled_quantity=D("3.4")), instrument=PARTS))) == {
        "unsupported_combination"
    }


@pytest.mark.parametrize(
    ("quantity", "is_good"), [("0.0001", True), ("0.00009999", False), ("0.00000001", False)]
)
def test_a_buy_costs_at_least_a_minor_unit(quantity, is_good):
    """0.0001 at 100.00 is a cent; what is less could round to nothing."""
    coin = {"quantity_step": D("0.00000001")}
    told = found(facts(replace(BUY, quantity=D(quantity)), instrument=coin))
    assert set(told) == (set() if is_good else {"min_notional"})
    sell = replace(BUY, side=Side.SELL, quantity=D(quantity))
    assert found(facts(sell, instrument=coin)) == {}
