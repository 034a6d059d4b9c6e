"""The ladder, on a blackboard: who rests where, the street among them, running totals."""

from decimal import Decimal

import pytest

from accounts.tests.factories import AccountFactory
from bengi.terms import OrderStatus, OrderType, Side, TimeInForce
from instruments.selectors import latest_quotes
from instruments.tests.factories import InstrumentFactory, QuoteFactory
from orders.depth import Depth, Level, depth_of, ladder_of
from orders.tests.factories import OrderFactory
from portfolios.tests.factories import PortfolioFactory


@pytest.fixture
def quote(db):
    return QuoteFactory(bid="99.98", ask="100.02", bid_size=300, ask_size=200)


def _rest(instrument, owner, side, price, quantity, **more):
    portfolio = PortfolioFactory(account=owner)
    values = {"limit_price": Decimal(price), "quantity": Decimal(quantity), **more}
    return OrderFactory(portfolio=portfolio, instrument=instrument, side=side, **values)


def test_depth_sums_by_price_and_tells_ones_own(quote, django_assert_num_queries):
    mine, other = AccountFactory(), AccountFactory()
    _rest(quote.instrument, mine, Side.SELL, "100.10", 40)
    _rest(quote.instrument, other, Side.SELL, "100.10", 10, filled_quantity=4)
    _rest(quote.instrument, other, Side.BUY, "99.90", 7)
    with django_assert_num_queries(1):
        depth = depth_of(quote.instrument, mine.user)
    assert depth.asks == [Level(Decimal("100.10"), Decimal(46), Decimal(40))]
    assert depth.bids == [Level(Decimal("99.90"), Decimal(7), Decimal(0))]


@pytest.mark.parametrize(
    "more",
    [
        {"status": OrderStatus.ACCEPTED},
        {"status": OrderStatus.HELD},
        {"time_in_force": TimeInForce.IOC},
        {"type": OrderType.MARKET},
    ],
)
def test_only_what_stands_in_the_book_is_shown(quote, more):
    account = AccountFactory()
    _rest(quote.instrument, account, Side.BUY, "99.00", 5, **more)
    _rest(InstrumentFactory(), account, Side.BUY, "99.00", 5)
    assert depth_of(quote.instrument, account.user) == Depth([], [])


def test_the_street_stands_in_the_ladder(quote):
    tick = latest_quotes([quote.instrument])[quote.instrument.symbol]
    depth = Depth(
        asks=[Level(Decimal("100.02"), Decimal(40), Decimal(40)), Level(Decimal(101), Decimal(60))],
        bids=[Level(Decimal("99.99"), Decimal(100))],
    )
    ladder = ladder_of(depth, tick)
    drawn = [(str(r.price), int(r.size), int(r.total), r.share) for r in ladder.asks + ladder.bids]
    assert drawn == [
        ("101", 60, 300, 75),
        ("100.02000000", 240, 240, 60),
        ("99.99", 100, 100, 25),
        ("99.98000000", 300, 400, 100),
    ]
    assert ladder.asks[1].mine == 40
    assert ladder.spread == Decimal("0.03")


def test_six_levels_are_enough(quote):
    account = AccountFactory()
    for step in range(10):
        _rest(quote.instrument, account, Side.BUY, f"{90 + step}", 1)
    depth = depth_of(quote.instrument, account.user)
    assert [int(level.price) for level in depth.bids] == [99, 98, 97, 96, 95, 94]
