"""What the trade page tells its chart: the bars it offers, own orders as lines, the tape."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bengi.ids import new_id
from bengi.terms import CorrectionKind, OrderStatus, OrderType
from instruments.board import RECENT_MAX, board
from instruments.intervals import INTERVALS
from instruments.tests.factories import QUOTED_AT, InstrumentFactory
from instruments.tests.ticks import make_tick
from orders.tests.factories import OrderFactory
from trades import chart
from trades.models import TradeCorrection
from trades.prints import recent_prints
from trades.tests.factories import TradeFactory

D = Decimal


def test_every_interval_has_a_button():
    assert tuple(name for name, _, _ in chart.INTERVALS) == INTERVALS


LINES = [
    ({}, [("limit", "100", "limit_price", "replace")]),
    (
        {"type": OrderType.STOP_LIMIT, "stop_price": D(104), "limit_price": D(105)},
        [("stop_limit", "105", "limit_price", "replace"), ("stop", "104", "stop_price", "replace")],
    ),
    (
        {
            "type": OrderType.STOP_LIMIT,
            "stop_price": D(104),
            "limit_price": D(105),
            "triggered_at": QUOTED_AT,
        },
        [("stop_limit", "105", "", "")],
    ),
    (
        {
            "type": OrderType.TRAILING_STOP,
            "stop_price": D(98),
            "limit_price": None,
            "trail_price": D(2),
        },
        [("stop", "98", "", "replace")],
    ),
    ({"status": OrderStatus.PENDING_CANCEL}, [("limit", "100", "", "")]),
    ({"type": OrderType.MARKET, "limit_price": None}, []),
]


@pytest.mark.parametrize(("values", "lines"), LINES)
def test_an_order_is_a_line_for_each_price_it_names(trader, portfolio, quote, values, lines):
    order = OrderFactory(portfolio=portfolio, instrument=quote.instrument, **values)
    facts = trader.get("/trade/AAPL").context["facts"]["orders"]
    told = [(line["type"], line["price"], line["field"], line["url"]) for line in facts]
    page = f"/orders/{order.id}"
    wanted = [(*line[:3], f"{page}/{line[3]}" if line[3] else page) for line in lines]
    assert told == wanted


def test_the_tape_is_the_newest_prints_with_their_direction(trader, quote):
    for second, (last, volume) in enumerate([(100, 10), (101, 15), (101, 15), (99, 40), (99, 41)]):
        at = QUOTED_AT + timedelta(seconds=second)
        board.record([make_tick(quote.instrument, last=D(last), volume=D(volume), as_of=at)])
    told = [(line.price, line.size, line.direction) for line in recent_prints(quote.instrument)]
    assert told[:3] == [(99, 1, "flat"), (99, 25, "down"), (101, 5, "up")]
    page = trader.get("/trade/AAPL").content.decode()
    assert page.index(">99.00<") < page.index(">101.00<")


def test_the_tape_forgets_what_is_old(quote):
    for second in range(RECENT_MAX + 5):
        at = QUOTED_AT + timedelta(seconds=second)
        board.record([make_tick(quote.instrument, last=D(100), volume=D(second + 1), as_of=at)])
    found = board.recent_prints(str(quote.instrument.id))
    assert len(found) == RECENT_MAX
    assert found[0].at == at


@pytest.fixture
def fedless(quote):
    return InstrumentFactory(symbol="OWN", has_feed=False)


def cross(instrument, quantity, price, at):
    """Let two customers trade with each other: a trade for each."""
    match_id = new_id()
    for side in ("sell", "buy"):
        order = OrderFactory(instrument=instrument, side=side)
        yield TradeFactory(
            order=order, match_id=match_id, quantity=D(quantity), price=D(price), executed_at=at
        )


def take_back(trade):
    asked = TradeCorrection.objects.create(
        trade=trade,
        kind=CorrectionKind.BUST,
        reason="Wrong price",
        requested_by=trade.account.user,
        requested_at=QUOTED_AT,
    )
    TradeFactory(
        order=trade.order,
        price=trade.price,
        quantity=-trade.quantity,
        busts=trade,
        correction=asked,
        executed_at=trade.executed_at,
    )


def test_the_tape_of_a_market_without_a_feed_is_what_customers_traded(trader, fedless):
    later = QUOTED_AT + timedelta(minutes=1)
    list(cross(fedless, 4, "10.00", QUOTED_AT))
    list(cross(fedless, 7, "10.20", later))
    for trade in list(cross(fedless, 9, "11.00", later)):
        take_back(trade)
    told = [(line.price, line.size, line.direction, line.at) for line in recent_prints(fedless)]
    assert told == [(D("10.20"), 7, "up", later), (10, 4, "flat", QUOTED_AT)]
    page = trader.get("/trade/OWN").content.decode()
    assert "among customers" in page
    assert page.index(">10.20<") < page.index(">10.00<")


def test_the_panels_bring_that_tape_anew_and_no_other(trader, fedless, quote):
    list(cross(fedless, 4, "10.00", QUOTED_AT))
    panels = trader.get("/trade/OWN/panels", headers={"HX-Request": "true"}).content.decode()
    assert 'id="prints"' in panels
    assert ">10.00<" in panels
    fed = trader.get("/trade/AAPL/panels", headers={"HX-Request": "true"}).content.decode()
    assert 'id="prints"' not in fed, "that one goes on by the stream"


def test_a_book_in_which_nobody_is_says_so(trader, fedless):
    page = trader.get("/trade/OWN").content.decode()
    assert "Nobody bids or offers yet." in page
    assert "Nobody has traded OWN yet." in page
    assert 'hx-trigger="refresh, every 10s"' in page
    assert 'hx-trigger="refresh, every 60s"' in trader.get("/trade/AAPL").content.decode()
