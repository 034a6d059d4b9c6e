"""One instrument ABC at 99.98 x 100.02, somebody with 10 000 USD, and the clock a second later."""

from decimal import Decimal

import pytest

from accounts.tests.factories import CashBalanceFactory
from bengi import clock
from bengi.limits.tests.conftest import limits  # noqa: F401 - a fixture
from instruments.board import board
from instruments.tests.factories import InstrumentFactory, QuoteFactory
from orders.tests.http import NOW, signed_in
from portfolios.tests.factories import PortfolioFactory


@pytest.fixture
def market(db):
    board.clear()
    clock.use(lambda: NOW)
    QuoteFactory(instrument=InstrumentFactory(symbol="ABC"))
    yield
    clock.reset()


@pytest.fixture
def portfolio(db):
    portfolio = PortfolioFactory()
    CashBalanceFactory(account=portfolio.account, amount=Decimal(10_000))
    return portfolio


@pytest.fixture
def api(portfolio):
    return signed_in(portfolio.account.user)
