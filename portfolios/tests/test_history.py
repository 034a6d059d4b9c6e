"""What a portfolio was worth, day by day, reckoned here by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from accounts.models import FxRate
from accounts.services import deposit, open_account, withdraw
from accounts.tests.factories import FeeScheduleFactory, UserFactory
from bengi import clock
from bengi.ids import new_id
from instruments.tests.factories import BarFactory, InstrumentFactory
from orders.tests.http import signed_in, told
from portfolios.history import Shares
from portfolios.models import LotClosing, Portfolio
from portfolios.tests.factories import LotFactory

pytestmark = pytest.mark.django_db
D = Decimal


def at(day, hour=15):
    return datetime(2026, 1, day, hour, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now():
    clock.use(lambda: at(9))
    yield
    clock.reset()


@pytest.fixture
def portfolio():
    account = open_account(
        UserFactory(), name="Paper", currency="USD", now=at(1), schedule=FeeScheduleFactory()
    )
    deposit(account, D(1000), "USD", key="a", now=at(5))
    withdraw(account.id, D(200), "USD", key="b", now=at(7, 23))
    return Portfolio.objects.create(account=account, name="Main")


def close(instrument, day, price):
    BarFactory(instrument=instrument, interval="1day", starts_at=at(day, 0), close=D(price))


def ask(portfolio, query=""):
    client = signed_in(portfolio.account.user)
    return client.get(f"/api/v1/portfolios/{portfolio.id}/history{query}")


def days(portfolio, query):
    return {row["date"][-2:]: row for row in ask(portfolio, query).json()["results"]}


def test_cash_and_shares_at_the_end_of_each_day(portfolio):
    """10 bought on the 6th, 4 of them sold on the 8th; no session on the 7th."""
    abc = InstrumentFactory(symbol="ABC")
    for day, price in ((2, "9"), (6, "10"), (8, "12.5")):
        close(abc, day, price)
    BarFactory(instrument=abc, interval="1h", starts_at=at(8, 20), close=D(99))
    lot = LotFactory(
        portfolio=portfolio, instrument=abc, opened_at=at(6), quantity=D(10), cost=D(95)
    )
    LotClosing.objects.create(
        lot=lot,
        trade_id=new_id(),
        closed_at=at(8),
        quantity=D(4),
        cost=D(38),
        proceeds=D(44),
        realized_pnl=D(6),
    )
    found = days(portfolio, "?from=2026-01-04&to=2026-01-09")
    assert {
        day: (row["cash"], row["market_value"], row["equity"]) for day, row in found.items()
    } == {
        "04": ("0", "0", "0"),
        "05": ("1000", "0", "1000"),
        "06": ("1000", "100", "1100"),
        "07": ("800", "100", "900"),
        "08": ("800", "75", "875"),
        "09": ("800", "75", "875"),
    }
    assert found["06"]["by_currency"] == [
        {"currency": "USD", "cash": "1000", "market_value": "100", "equity": "1100"}
    ]


def test_a_day_without_a_price_has_no_worth(portfolio):
    abc = InstrumentFactory(symbol="ABC")
    LotFactory(portfolio=portfolio, instrument=abc, opened_at=at(5), quantity=D(2))
    close(abc, 6, "10")
    found = days(portfolio, "?from=2026-01-05&to=2026-01-06")
    assert (found["05"]["equity"], found["05"]["unpriced"]) == (None, ["ABC"])
    assert (found["06"]["equity"], found["06"]["unpriced"]) == ("1020", [])


def test_each_day_has_its_own_rate(portfolio):
    sap = InstrumentFactory(symbol="SAP", mic="XETR", currency="EUR")
    LotFactory(portfolio=portfolio, instrument=sap, opened_at=at(5), quantity=D(2))
    close(sap, 5, "100")
    for day, hour, rate in ((6, 8, "1.1"), (6, 20, "1.2"), (8, 9, "1.3")):
        FxRate.objects.create(
            base="EUR", quote="USD", rate=D(rate), as_of=at(day, hour), source="test"
        )
    found = days(portfolio, "?from=2026-01-05&to=2026-01-08")
    assert {day: row["market_value"] for day, row in found.items()} == {
        "05": None,
        "06": "240",
        "07": "240",
        "08": "260",
    }
    assert found["05"]["missing_rates"] == ["EUR"]
    assert [rate["rate"] for rate in found["07"]["rates"]] == ["1.2"]
    assert [row["currency"] for row in found["07"]["by_currency"]] == ["EUR", "USD"]


def test_thirty_days_unless_said_otherwise_and_none_to_come(portfolio):
    rows = ask(portfolio).json()["results"]
    assert (len(rows), rows[0]["date"], rows[-1]["date"]) == (30, "2025-12-11", "2026-01-09")
    assert ask(portfolio, "?from=2026-01-08&to=2026-02-01").json()["results"][-1]["date"] == (
        "2026-01-09"
    )
    assert ask(portfolio, "?from=2026-01-20").json()["results"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?from=2024-01-09", "from"),
        ("?from=2026-01-03&to=2026-01-02", "to"),
        ("?to=x", "to"),
        ("?days=3", "days"),
    ],
)
def test_wrong_queries(portfolio, query, field):
    assert told(ask(portfolio, query)) == {field: "invalid_parameter"}


def test_shares_are_counted_in_those_of_today():
    """10, split 3:1 and then 1:2: 15 of today's all along; 5 of them sold at last."""
    shares = Shares(
        changes=[(at(2), D(10)), (at(4), D(20)), (at(6), D(-15)), (at(8), D(-5))],
        splits=[(at(4), Fraction(3)), (at(6), Fraction(1, 2))],
    )
    moments = [at(2), at(3), at(4), at(5), at(6), at(7), at(9)]
    assert list(shares.at(moments)) == [0, 15, 15, 15, 15, 15, 10]
