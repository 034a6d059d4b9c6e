"""What the trade page tells its chart: the bars it offers, own orders as lines, the tape."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bengi.terms import OrderStatus, OrderType
from instruments.board import RECENT_MAX, board
from instruments.intervals import INTERVALS
from instruments.tests.factories import QUOTED_AT
from instruments.tests.ticks import make_tick
from orders.tests.factories import OrderFactory
from trades import chart
from trades.prints import recent_prints

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
