"""Trades over HTTP."""

import pytest
from django.test import Client

from bengi.ids import new_id
from bengi.terms import Side
from orders.tests.factories import OrderFactory
from portfolios.tests.factories import PortfolioFactory
from trades.tests.factories import TradeFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/trades"


@pytest.fixture
def portfolio():
    return PortfolioFactory()


@pytest.fixture
def client(portfolio):
    client = Client(raise_request_exception=False)
    client.force_login(portfolio.account.user)
    return client


def test_a_trade(client, portfolio):
    TradeFactory()
    trade = TradeFactory(order__portfolio=portfolio)
    assert client.get(URL).json() == {
        "results": [
            {
                "exec_id": str(trade.exec_id),
                "kind": "execution",
                "busts": None,
                "corrects": None,
                "busted_by": None,
                "order_id": str(trade.order_id),
                "account_id": str(portfolio.account_id),
                "portfolio_id": str(portfolio.id),
                "symbol": trade.instrument.symbol,
                "side": "buy",
                "quantity": "10",
                "price": "100",
                "gross_amount": "1000",
                "commission": "0",
                "fees": "0",
                "net_amount": "-1000",
                "currency": "USD",
                "liquidity": "street",
                "executed_at": "2026-01-05T15:00:00.000000Z",
                "booked_at": "2026-01-05T15:00:00.000000Z",
                "trade_date": "2026-01-05",
                "settles_on": "2026-01-06",
            }
        ],
        "next": None,
    }


def test_filters(client, portfolio):
    buy = OrderFactory(portfolio=portfolio, instrument__symbol="ABC")
    sell = OrderFactory(portfolio=portfolio, instrument__symbol="XYZ", side=Side.SELL)
    bought = [str(TradeFactory(order=buy).exec_id) for _ in range(2)]
    sold = str(TradeFactory(order=sell).exec_id)

    def found(query: str) -> list[str]:
        return [trade["exec_id"] for trade in client.get(f"{URL}?{query}").json()["results"]]

    assert found("") == [sold, *reversed(bought)]
    assert found("symbol=abc") == list(reversed(bought))
    assert found("side=sell") == [sold]
    assert found(f"order={buy.id}") == list(reversed(bought))
    assert found(f"order={buy.id}&side=sell") == []


def test_pages(client, portfolio):
    order = OrderFactory(portfolio=portfolio)
    made = [str(TradeFactory(order=order).exec_id) for _ in range(5)]
    first = client.get(f"{URL}?limit=2").json()
    second = client.get(f"{URL}/?limit=9&cursor={first['next']}").json()
    found = [trade["exec_id"] for trade in first["results"] + second["results"]]
    assert found == made[::-1]
    assert second["next"] is None


@pytest.mark.parametrize("query", ["order=x", "side=up", "limit=0", "cursor=x", "from=1"])
def test_wrong_queries(client, query):
    response = client.get(f"{URL}?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")


def test_who_is_not_signed_in_gets_nowhere():
    response = Client().get(f"{URL}?order={new_id()}")
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("count", [1, 20])
def test_trades_take_three_statements(client, portfolio, count, django_assert_num_queries):
    for _ in range(count):
        TradeFactory(order__portfolio=portfolio)
    with django_assert_num_queries(3):  # session, user, trades
        assert len(client.get(URL).json()["results"]) == count
