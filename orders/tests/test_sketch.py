"""What an order would do at once, as on a blackboard, and against a walk share by share."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bengi.terms import OrderStatus, Side, TimeInForce
from instruments.selectors import latest_quotes
from instruments.tests.factories import QuoteFactory
from orders.depth import offers_to
from orders.sketch import Offer, sketch
from orders.tests.factories import OrderFactory
from orders.tests.test_rules import BUY, MARKET_BUY, SELL, STOP_BUY, facts
from portfolios.tests.factories import PortfolioFactory

D = Decimal


def offers(text):
    """Read `60@99 s40@100 o5@101`: a resting order, the street, one's own."""
    found = []
    for part in text.split():
        quantity, price = part.lstrip("so").split("@")
        found.append(Offer(D(price), D(quantity), part[0] == "s", part[0] == "o"))
    return found


# ticket, whom it meets; what fills, its average, what the rest does, in words
SKETCHES = [
    (
        replace(BUY, quantity=D(180)),
        "60@99.90 s80@100",
        (140, "99.957", "rests"),
        "140 would fill now at 99.9571 on average. 40 would rest in the book.",
    ),
    (BUY, "s80@100", (10, "100.000", "none"), "All would fill now at 100.00."),
    (BUY, "s80@100.01", (0, None, "rests"), "All would rest in the book."),
    (SELL, "s4@100", (4, "100.000", "rests"), None),
    (MARKET_BUY, "s4@103.99", (4, "103.990", "waits"), None),
    (MARKET_BUY, "s4@104.12", (0, None, "waits"), "All would wait for the next quote."),
    (replace(BUY, time_in_force=TimeInForce.IOC), "4@100", (4, "100.000", "canceled"), None),
    (
        replace(BUY, time_in_force=TimeInForce.FOK),
        "9@100",
        (0, None, "canceled"),
        "All would be canceled.",
    ),
    (replace(BUY, time_in_force=TimeInForce.FOK), "9@99 s1@100", (10, "99.100", "none"), None),
    (
        BUY,
        "4@99 o5@99.50 s80@100",
        (4, "99.000", "canceled"),
        (
            "4 would fill now at 99.00 on average. 6 would be canceled. "
            "It would meet an order of the same account."
        ),
    ),
    (STOP_BUY, "s80@100", (0, None, "waits"), "It sleeps until a trade reaches its stop."),
    (
        replace(BUY, time_in_force=TimeInForce.OPG),
        "s80@100",
        (0, None, "waits"),
        "It waits for the opening.",
    ),
    (
        replace(BUY, time_in_force=TimeInForce.CLS),
        "s80@100",
        (0, None, "waits"),
        "It waits for the close.",
    ),
]


def drawn(ticket, market, *, is_open=True, **more):
    bound = ticket.limit_price
    if bound is None and ticket.side is Side.BUY:
        bound = D("104.11")
    asked = facts(ticket, **more)
    return sketch(asked, offers(market), bound=bound, is_open=is_open, places=2)


@pytest.mark.parametrize(("ticket", "market", "expected", "text"), SKETCHES)
def test_what_an_order_would_do_at_once(ticket, market, expected, text):
    found = drawn(ticket, market)
    average = found.average_price
    rounded = None if average is None else str(average.quantize(D("0.001")))
    assert (found.quantity, rounded, found.rest_does) == expected
    assert found.quantity + found.rest == ticket.quantity
    assert text in {None, found.text}


# What an amount of 500 would do, in steps of a tenth: what fills, its average, the rest.
AMOUNTS = [
    ("s80@100", "5", "100", "0", "All would fill now at 100.00."),
    ("2@99.50 s80@100.50", "4.9", "100.091837", "0", "All would fill now at 100.0918."),
    (
        "s2@100",
        "2",
        "100",
        "3",
        "2 would fill now at 100.00 on average. 3 would wait for the next quote.",
    ),
    ("s80@104.12", "0", None, "4.9", "All would wait for the next quote."),
]


@pytest.mark.parametrize(("market", "filled", "average", "rest", "text"), AMOUNTS)
def test_what_an_amount_would_do_at_once(market, filled, average, rest, text):
    amount = replace(MARKET_BUY, quantity=D("4.9"), notional=D(500))
    found = drawn(amount, market, instrument={"quantity_step": D("0.1")})
    rounded = None if average is None else found.average_price.quantize(D("1e-6"))
    assert (found.quantity, found.rest, found.text) == (D(filled), D(rest), text)
    assert rounded == (None if average is None else D(average))


@pytest.mark.parametrize(
    ("phase", "extended", "text"),
    [
        ("post", False, "The session is not running; the order waits for the next opening."),
        ("closed", True, "Its exchange is closed; the order waits for the next pre-market."),
    ],
)
def test_outside_of_a_session_it_says_what_the_order_waits_for(phase, extended, text):
    ticket = replace(BUY, extended_hours=extended)
    session = {"phase": phase, "has_extended_hours": True}
    assert drawn(ticket, "s80@100", is_open=False, session=session).text == text


def test_a_closed_exchange_and_a_stale_quote():
    assert drawn(BUY, "s80@100", is_open=False).text == (
        "Its exchange is closed; it waits for the opening."
    )
    stale = {"quote": {"is_fresh": False}}
    assert drawn(BUY, "4@100 s80@100", **stale).quantity == 4  # the street says nothing any more
    assert drawn(MARKET_BUY, "4@100 s80@100", **stale).text == (
        "It waits for the next quote; the newest one is too old."
    )


def test_without_a_feed_the_rest_of_a_market_order_is_gone():
    lonely = {"instrument": {"has_feed": False}, "quote": {"is_fresh": False}}
    assert drawn(MARKET_BUY, "4@100", **lonely).rest_does == "canceled"


@given(
    st.lists(st.tuples(st.integers(98, 103), st.integers(1, 4)), max_size=6),
    st.integers(1, 12),
    st.sampled_from(Side),
)
def test_against_a_walk_share_by_share(market, quantity, side):
    ticket = replace(BUY, side=side, quantity=D(quantity))
    shares = sorted(
        (price for price, size in market for _ in range(size)), reverse=side is Side.SELL
    )
    reached = [p for p in shares if (p <= 100 if side is Side.BUY else p >= 100)][:quantity]
    listed = sorted(market, key=lambda each: each[0], reverse=side is Side.SELL)
    text = " ".join(f"{size}@{price}" for price, size in listed)
    found = drawn(ticket, text)
    assert found.quantity == len(reached)
    assert found.average_price == (D(sum(reached)) / len(reached) if reached else None)


def test_whom_an_order_would_meet(db, django_assert_num_queries):
    quote = QuoteFactory(bid="99.98", ask="100.02", bid_size=300, ask_size=200)
    instrument = quote.instrument
    tick = latest_quotes([instrument])[instrument.symbol]

    def rest(price, quantity, side=Side.SELL, **more):
        values = {"limit_price": D(price), "quantity": D(quantity), "side": side, **more}
        return OrderFactory(instrument=instrument, **values)

    rest("100.02", 7, priority=2)
    mine = rest("100.02", 5, priority=1)
    rest("101", 9, filled_quantity=D(4), priority=3)
    rest("100", 3, status=OrderStatus.ACCEPTED)
    rest("99", 8, side=Side.BUY, priority=4)
    with django_assert_num_queries(1):
        found = offers_to(Side.BUY, instrument, mine.account_id, tick)
    assert found == offers("o5@100.02 7@100.02 s200@100.02 5@101")
    assert offers_to(Side.SELL, instrument, mine.account_id, tick) == offers("s300@99.98 8@99")
    assert offers_to(Side.SELL, instrument, mine.account_id, None) == offers("8@99")


def test_in_extended_hours_one_meets_orders_that_have_them(db):
    instrument = QuoteFactory(bid_size=0, ask_size=0).instrument
    for quantity, extended in ((3, False), (4, True)):
        OrderFactory(
            instrument=instrument,
            side=Side.SELL,
            limit_price=D(101),
            quantity=D(quantity),
            extended_hours=extended,
            priority=quantity,
        )
    asked = Side.BUY, instrument, PortfolioFactory().account_id, None
    assert offers_to(*asked) == offers("3@101 4@101")
    assert offers_to(*asked, is_extended=True) == offers("4@101")
