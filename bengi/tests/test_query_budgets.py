"""Every endpoint takes the same number of statements however much there is.

The same request is made over a small world and over a larger one; every route is in the table.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import FxRate
from accounts.services import deposit, open_account
from accounts.tests.factories import CashBalanceFactory, FeeScheduleFactory, UserFactory
from bengi import clock
from bengi.api import ROUTES
from bengi.terms import Liquidity
from instruments.board import board
from instruments.models import Instrument
from instruments.tests.factories import QUOTED_AT, BarFactory, InstrumentFactory, QuoteFactory
from orders.tests.factories import OrderFactory
from orders.tests.http import NOW, TICKET, signed_in
from portfolios.models import LotClosing, Portfolio
from portfolios.tests.factories import LotFactory, PositionFactory
from trades.models import Trade
from watchlists.models import PriceAlert, Watchlist, WatchlistItem

pytestmark = pytest.mark.django_db

D = Decimal


class Small:
    """Somebody with n of everything, named by the ids that routes need."""

    def __init__(self, n: int) -> None:
        self.user = UserFactory(is_staff=True)
        self.user.user_permissions.set(Permission.objects.all())
        account = open_account(
            self.user, name="Paper", currency="USD", now=NOW, schedule=FeeScheduleFactory()
        )
        for number in range(n):
            deposit(account, D(50_000), "USD", key=str(number), now=NOW)
        self.portfolio = Portfolio.objects.create(account=account, name="Main")
        self.account = account
        for number in range(n):
            self._hold(InstrumentFactory(symbol=f"S{number}"), number)
        self.watchlist = Watchlist.objects.first()
        self.alert = PriceAlert.objects.first()
        for number in range(n - 1):
            another = open_account(
                self.user, name="More", currency="EUR", now=NOW, schedule=account.fee_schedule
            )
            CashBalanceFactory(account=another, currency="USD")
            Portfolio.objects.create(account=another, name="Main")
            FxRate.objects.create(
                base="EUR",
                quote="USD",
                rate=D("1.1"),
                as_of=NOW - timedelta(days=number),
                source="test",
            )
        self.order = OrderFactory(
            portfolio=self.portfolio, instrument=Instrument.objects.get(symbol="S0")
        )
        self.position = PositionFactory(
            portfolio=self.portfolio,
            instrument=QuoteFactory(instrument__symbol="ABC").instrument,
            quantity=D(50),
        )

    def _hold(self, instrument: Instrument, number: int) -> None:
        QuoteFactory(instrument=instrument)
        PositionFactory(portfolio=self.portfolio, instrument=instrument, quantity=D(8))
        lot = LotFactory(portfolio=self.portfolio, instrument=instrument, remaining_quantity=D(8))
        for day in range(number + 1):
            BarFactory(
                instrument=instrument, interval="1day", starts_at=QUOTED_AT - timedelta(days=day)
            )
        self.order = OrderFactory(
            portfolio=self.portfolio, instrument=instrument, status="filled", closed_at=NOW
        )
        self.trade = Trade.objects.create(
            order=self.order,
            account=self.account,
            portfolio=self.portfolio,
            instrument=instrument,
            side="sell",
            quantity=D(2),
            price=D(100),
            gross_amount=D(200),
            net_amount=D(200),
            currency="USD",
            liquidity=Liquidity.STREET,
            executed_at=NOW,
            booked_at=NOW,
            trade_date=NOW.date(),
            settles_on=NOW.date(),
        )
        LotClosing.objects.create(
            lot=lot,
            trade_id=self.trade.exec_id,
            closed_at=NOW,
            quantity=D(2),
            cost=D(150),
            proceeds=D(200),
            realized_pnl=D(50),
        )
        watchlist = Watchlist.objects.create(user=self.user, name=str(number))
        first = Watchlist.objects.first()
        for each in {watchlist, first}:
            WatchlistItem.objects.create(watchlist=each, instrument=instrument)
        PriceAlert.objects.create(
            user=self.user,
            instrument=instrument,
            kind="above",
            price=D(999),
            created_at=NOW,
            armed_at=NOW,
        )

    def fill(self, path: str) -> str:
        """Return path with ids in the place of its names."""
        return path.format(
            account=self.account.id,
            portfolio=self.portfolio.id,
            order=self.order.id,
            trade=self.trade.exec_id,
            position=self.position.id,
            watchlist=self.watchlist.id,
            alert=self.alert.id,
        )


READS = [
    "accounts",
    "accounts/{account}",
    "accounts/{account}/limits",
    "accounts/{account}/statement",
    "accounts/{account}/statement?kind=deposit",
    "accounts/{account}/statement?format=csv",
    "accounts/{account}/statement/period?from=2026-01-01&to=2026-12-31",
    "accounts/{account}/transactions",
    "accounts/{account}/transactions?format=csv&kind=deposit&currency=USD",
    "alerts",
    "alerts?symbol=S0&status=waiting&ordering=symbol",
    "alerts/{alert}",
    "corrections",
    "stream/stats",
    "events?account={account}",
    "fx-rates",
    "instruments",
    "instruments?q=S",
    "instruments/S0",
    "instruments/S0/bars",
    "instruments/S0/bars?interval=1week&gaps=fill&indicators=sma:2,ema:50,macd:2:3:4&format=csv",
    "instruments/S0/corporate-actions",
    "instruments/S0/quote",
    "instruments/search?q=S",
    "markets",
    "markets/movers",
    "markets/movers?mic=XNAS&kind=gainers&limit=1",
    "notifications",
    "notifications?kind=cash&limit=5",
    "orders",
    "orders?format=csv&ordering=symbol",
    "orders/{order}",
    "orders/{order}/explain",
    "orders/{order}/trades",
    "portfolios",
    "portfolios/{portfolio}",
    "portfolios/{portfolio}/allocation",
    "portfolios/{portfolio}/history?from=2025-12-20&to=2026-01-05",
    "portfolios/{portfolio}/lots",
    "portfolios/{portfolio}/lots?closed=true&format=csv",
    "portfolios/{portfolio}/performance?from=2025-12-20&benchmark=S0",
    "portfolios/{portfolio}/positions",
    "portfolios/{portfolio}/positions?format=csv&ordering=-market_value",
    "portfolios/{portfolio}/summary",
    "positions/{position}",
    "trades",
    "trades?format=csv&ordering=-net_amount",
    "trades/{trade}",
    "trades/summary?account={account}&period=month",
    "watchlists",
    "watchlists/{watchlist}",
]
ORDER = TICKET | {"client_order_id": "k", "confirm_duplicate": True}
LISTING = {"name": "x", "tick_size": "0.01", "quantity_step": "1", "exchange_step": None}
NEW = {"symbol": "NEW", "mic": "BNGI", "type": "stock", "currency": "USD", **LISTING}
MOVE = {"amount": "5", "currency": "USD"}
WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "accounts", {"name": "x", "starting_cash": "5", "fee_schedule": "zero"}),
    ("PATCH", "accounts/{account}", {"name": "x"}),
    ("POST", "accounts/{account}/deposit", MOVE),
    ("POST", "accounts/{account}/withdraw", MOVE),
    ("POST", "accounts/{account}/convert", {"from": "USD", "to": "EUR", "amount": "5"}),
    ("POST", "accounts/{account}/convert/preview", {"from": "USD", "to": "EUR", "amount": "5"}),
    ("POST", "accounts/{account}/reset", {}),
    ("POST", "alerts", {"symbol": "ABC", "kind": "above", "price": "500"}),
    ("PATCH", "alerts/{alert}", {"price": "500"}),
    ("DELETE", "alerts/{alert}", {}),
    ("POST", "instruments", NEW),
    ("POST", "notifications/read", {}),
    ("PUT", "instruments/ABC", LISTING),
    ("POST", "orders", ORDER | {"portfolio_id": "{portfolio}"}),
    ("POST", "orders/preview", ORDER | {"portfolio_id": "{portfolio}"}),
    ("POST", "orders/batch", {"orders": [ORDER | {"portfolio_id": "{portfolio}"}]}),
    ("POST", "orders/cancel-all", {}),
    ("PATCH", "orders/{order}", {"limit_price": "99"}),
    ("POST", "orders/{order}/cancel", {}),
    ("POST", "portfolios", {"name": "x", "account_id": "{account}"}),
    ("PUT", "portfolios/{portfolio}", {"name": "x", "cost_basis_method": "lifo"}),
    ("PATCH", "portfolios/{portfolio}", {"name": "x"}),
    ("POST", "positions/{position}/close", {"percent": "50", "client_order_id": "c"}),
    ("POST", "watchlists", {"name": "x", "symbols": ["ABC", "S0"]}),
    ("PUT", "watchlists/{watchlist}", {"name": "x", "symbols": ["ABC", "S0"]}),
    ("DELETE", "watchlists/{watchlist}", {}),
    ("POST", "watchlists/{watchlist}/symbols", {"symbol": "ABC", "place": 0}),
    ("DELETE", "watchlists/{watchlist}/symbols/S0", {}),
]
ELSEWHERE = {
    "corrections/<uuid:correction_id>/approve",
    "corrections/<uuid:correction_id>/decline",
    "trades/<uuid:exec_id>/adjust",
    "trades/<uuid:exec_id>/bust",
    "trades/execute",
    *(route for route in ROUTES if route.startswith("auth/")),
}
"""Staff's deeds on trades, whose budgets trades/tests holds, and what is of one person alone."""


@pytest.fixture(autouse=True)
def _market():
    board.clear()
    clock.use(lambda: NOW)
    yield
    clock.reset()


def statements(act: Callable[[], Any]) -> tuple[int, int]:
    """Return the status of what act answers, and its statements."""
    with CaptureQueriesContext(connection) as seen:
        answer = act()
    return answer.status_code, len(seen)


def at(n: int, act: Callable[[Small, Client], Any]) -> tuple[int, int]:
    """Return what statements() does, in a world with n of everything."""
    with transaction.atomic():
        world = Small(n)
        client = signed_in(world.user)
        told = statements(lambda: act(world, client))
        transaction.set_rollback(True)
    return told


def written(value: Any, world: Small) -> Any:
    if isinstance(value, dict):
        return {k: written(each, world) for k, each in value.items()}
    if isinstance(value, list):
        return [written(each, world) for each in value]
    return world.fill(value) if isinstance(value, str) else value


@pytest.mark.parametrize("path", READS)
def test_a_read_takes_as_many_statements_over_more(path):
    def act(world: Small, client: Client) -> Any:
        answer = client.get(f"/api/v1/{world.fill(path)}")
        if answer.streaming:
            assert b"".join(answer)  # which closes it
        return answer

    few, many = at(2, act), at(7, act)
    assert few[0] == 200
    assert many == few
    assert many[1] <= HEAVIER.get(path.split("?")[0], READ_STATEMENTS_MAX)


READ_STATEMENTS_MAX = 16
HEAVIER = {"portfolios/{portfolio}/performance": 20}
"""It reads all that ever happened to a portfolio, and what prices and rates did meanwhile."""


@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=lambda each: str(each)[:40])
def test_a_write_takes_as_many_statements_over_more(method, path, body):
    def act(world: Small, client: Client) -> Any:
        return client.generic(
            method,
            f"/api/v1/{world.fill(path)}",
            json.dumps(written(body, world)),
            content_type="application/json",
            headers={"Idempotency-Key": "one"},
        )

    few, many = at(2, act), at(7, act)
    assert few[0] in {200, 201, 204}
    assert many == few
    assert many[1] <= WRITE_STATEMENTS_MAX


WRITE_STATEMENTS_MAX = 60
"""A reset opens an account, pays cash in and closes another; the others take half as many."""


def test_every_route_is_in_the_table():
    paths = {path.split("?")[0] for path in READS} | {path for _, path, _ in WRITES}
    known = {_shape(path) for path in paths} | {_shape(route) for route in ELSEWHERE}
    assert known == {_shape(route) for route in ROUTES}


def _shape(path: str) -> str:
    """Return a path with the same star for every id and symbol."""
    parts = path.split("/")
    names = {"S0", "ABC"}
    return "/".join("*" if part[0] in "<{" or part in names else part for part in parts)
