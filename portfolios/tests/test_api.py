"""Positions over HTTP."""

from decimal import Decimal

import pytest
from django.test import Client

from bengi.ids import new_id
from instruments.board import board
from instruments.tests.factories import InstrumentFactory, QuoteFactory
from portfolios.models import Position
from portfolios.tests.factories import LotFactory, PortfolioFactory, PositionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_board():
    board.clear()


@pytest.fixture
def portfolio():
    return PortfolioFactory()


@pytest.fixture
def client(portfolio):
    client = Client(raise_request_exception=False)
    client.force_login(portfolio.account.user)
    return client


def url(portfolio_id) -> str:
    return f"/api/v1/portfolios/{portfolio_id}/positions"


def hold(portfolio, symbol, quantity, cost, last=None):
    instrument = InstrumentFactory(symbol=symbol, name=f"{symbol} Inc")
    if last:
        QuoteFactory(instrument=instrument, last=Decimal(last))
    PositionFactory(portfolio=portfolio, instrument=instrument, quantity=Decimal(quantity))
    half = Decimal(quantity) / 2
    for _ in range(2):
        LotFactory(
            portfolio=portfolio,
            instrument=instrument,
            quantity=half,
            cost=Decimal(cost) / 2,
        )


def test_a_position_with_its_cost_and_worth(client, portfolio):
    hold(portfolio, "ABC", 10, "950", last="100.10")
    position = Position.objects.get()
    assert client.get(url(portfolio.id)).json() == {
        "results": [
            {
                "id": str(position.id),
                "portfolio_id": str(portfolio.id),
                "symbol": "ABC",
                "name": "ABC Inc",
                "currency": "USD",
                "quantity": "10",
                "reserved_quantity": "0",
                "unit_cost": "95",
                "cost_basis": "950",
                "last": "100.1",
                "market_value": "1001",
                "unrealized_pnl": "51",
            }
        ],
        "next": None,
    }


def test_without_a_price_there_is_no_worth(client, portfolio):
    hold(portfolio, "ABC", 10, "950")
    (position,) = client.get(url(portfolio.id)).json()["results"]
    assert [position[name] for name in ("last", "market_value", "unrealized_pnl")] == [None] * 3


def test_positions_come_by_symbol_and_empty_ones_do_not(client, portfolio):
    for symbol in ("CCC", "AAA", "BBB"):
        hold(portfolio, symbol, 4, "40")
    PositionFactory(portfolio=portfolio, quantity=Decimal(0))
    PositionFactory()
    found = client.get(url(portfolio.id) + "/").json()["results"]
    assert [position["symbol"] for position in found] == ["AAA", "BBB", "CCC"]


def test_another_users_portfolio_is_absent(client):
    foreign, absent = (
        client.get(url(portfolio_id)).json() | {"request_id": ""}
        for portfolio_id in (PortfolioFactory().id, new_id())
    )
    assert foreign == absent
    assert foreign["code"] == "not_found"


def test_who_is_not_signed_in_gets_nowhere(portfolio):
    response = Client().get(url(portfolio.id))
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_other_parameters_are_refused(client, portfolio):
    response = client.get(url(portfolio.id) + "?limit=3")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")


@pytest.mark.parametrize("count", [1, 12])
def test_positions_take_five_statements(client, portfolio, count, django_assert_num_queries):
    for number in range(count):
        hold(portfolio, f"S{number}", 4, "40", last="11")
    with django_assert_num_queries(5):  # session, user, portfolio, positions with costs, quotes
        assert len(client.get(url(portfolio.id)).json()["results"]) == count
