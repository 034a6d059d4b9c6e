"""One instrument ABC at 99.98 x 100.02, somebody with 10 000 USD, and the clock a second later.

Pages have AAPL instead, and Ada, who has signed up and in.
"""

from decimal import Decimal

import pytest

from accounts.tests.factories import CashBalanceFactory
from bengi import clock
from bengi.limits.tests.conftest import limits  # noqa: F401 - a fixture
from bengi.onboarding import sign_up
from instruments.board import board
from instruments.tests.factories import QUOTED_AT, InstrumentFactory, QuoteFactory
from orders.tests.http import NOW, signed_in
from portfolios.models import Portfolio
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


@pytest.fixture
def quote(db):
    board.clear()
    clock.use(lambda: QUOTED_AT)
    yield QuoteFactory(instrument__symbol="AAPL", instrument__name="Apple Inc.")
    clock.reset()
    board.clear()


@pytest.fixture
def user(quote):
    return sign_up("ada@bengi.example", "Ada", "lovelace-1815", now=QUOTED_AT)


@pytest.fixture
def trader(client, user):
    client.force_login(user)
    return client


@pytest.fixture
def ticket(user):
    return {
        "symbol": "AAPL",
        "portfolio_id": str(Portfolio.objects.get(account__user=user).id),
        "side": "buy",
        "type": "limit",
        "time_in_force": "day",
        "quantity": "40",
        "limit_price": "99.50",
    }
