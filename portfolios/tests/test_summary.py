"""What a portfolio is worth and has made, reckoned here by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import FxRate
from accounts.tests.factories import CashBalanceFactory
from bengi import clock
from bengi.ids import new_id
from instruments.board import board
from instruments.models import Quote
from instruments.tests.factories import QUOTED_AT, InstrumentFactory, QuoteFactory
from orders.tests.http import NOW, signed_in
from portfolios.models import LotClosing
from portfolios.tests.factories import LotFactory, PortfolioFactory, PositionFactory

pytestmark = pytest.mark.django_db
D = Decimal
YESTERDAY = QUOTED_AT - timedelta(days=3)
TODAY = QUOTED_AT - timedelta(minutes=20)


@pytest.fixture(autouse=True)
def _at_noon():
    board.clear()
    clock.use(lambda: NOW)
    yield
    clock.reset()


@pytest.fixture
def portfolio():
    return PortfolioFactory()


@pytest.fixture
def abc():
    instrument = InstrumentFactory(symbol="ABC")
    QuoteFactory(instrument=instrument, last=D(100), previous_close=D(98))
    return instrument


def bought(portfolio, instrument, quantity, cost, at=YESTERDAY):
    return LotFactory(
        portfolio=portfolio,
        instrument=instrument,
        quantity=D(quantity),
        cost=D(cost),
        opened_at=at,
    )


def sold(lot, quantity, cost, proceeds, at=TODAY, reverses=None):
    lot.remaining_quantity -= D(quantity)
    lot.remaining_cost -= D(cost)
    lot.save()
    return LotClosing.objects.create(
        lot=lot,
        trade_id=new_id(),
        closed_at=at,
        quantity=D(quantity),
        cost=D(cost),
        proceeds=D(proceeds),
        realized_pnl=D(proceeds) - D(cost),
        reverses=reverses,
    )


def summary(portfolio):
    answer = signed_in(portfolio.account.user).get(f"/api/v1/portfolios/{portfolio.id}/summary")
    assert answer.status_code == 200
    return answer.json()


def figures(row):
    names = ("market_value", "day_pnl", "unrealized_pnl", "realized_pnl", "total_pnl")
    return [row[name] for name in names]


def test_what_was_held_since_yesterday_gains_what_the_price_did(portfolio, abc):
    """10 at 98 are worth 100 each now; they cost 900."""
    bought(portfolio, abc, 10, 900)
    PositionFactory(portfolio=portfolio, instrument=abc, quantity=D(10))
    CashBalanceFactory(account=portfolio.account, amount=D(500))
    told = summary(portfolio)
    assert figures(told["positions"][0]) == ["1000", "20", "100", "0", "100"]
    assert told["by_currency"] == [
        {
            "currency": "USD",
            "market_value": "1000",
            "cost_basis": "900",
            "cash": "500",
            "equity": "1500",
            "day_pnl": "20",
            "unrealized_pnl": "100",
            "realized_pnl": "0",
            "dividends": "0",
            "total_pnl": "100",
        }
    ]
    assert told["total"] == {k: v for k, v in told["by_currency"][0].items() if k != "currency"}
    assert (told["rates"], told["missing_rates"], told["unpriced"]) == ([], [], [])


def test_what_came_and_went_today_counts_from_its_price(portfolio, abc):
    """10 from yesterday; 5 bought at 99 today, 2 of the first sold at 99.50, net of costs.

    13 x 100 - 10 x 98 - 495 + 199 = 24.
    """
    lot = bought(portfolio, abc, 10, 900)
    bought(portfolio, abc, 5, 495, at=TODAY)
    sold(lot, 2, 180, 199)
    PositionFactory(portfolio=portfolio, instrument=abc, quantity=D(13))
    row = summary(portfolio)["positions"][0]
    assert figures(row) == ["1300", "24", "85", "19", "104"]


def test_what_was_sold_out_today_still_tells_what_it_made(portfolio, abc):
    """4 at 98 yesterday sold at 101: 12 today; they cost 300: 104 in all."""
    sold(bought(portfolio, abc, 4, 300), 4, 300, 404)
    PositionFactory(portfolio=portfolio, instrument=abc, quantity=D(0))
    row = summary(portfolio)["positions"][0]
    assert figures(row) == ["0", "12", "0", "104", "104"]


def test_busts_and_busted_buys_count_for_nothing(portfolio, abc):
    lot = bought(portfolio, abc, 10, 900)
    sale = sold(lot, 2, 180, 250)
    sold(lot, -2, -180, -250, reverses=sale)
    undone = bought(portfolio, abc, 7, 7000, at=TODAY)
    undone.remaining_quantity = undone.remaining_cost = D(0)
    undone.busted_by = new_id()
    undone.save()
    PositionFactory(portfolio=portfolio, instrument=abc, quantity=D(10))
    assert figures(summary(portfolio)["positions"][0]) == ["1000", "20", "100", "0", "100"]


def test_the_day_is_that_of_the_newest_quote(portfolio, abc):
    """On a Sunday the day is Friday's: what was bought then counts from its price."""
    Quote.objects.update(as_of=YESTERDAY)
    bought(portfolio, abc, 5, 495, at=YESTERDAY - timedelta(minutes=5))
    PositionFactory(portfolio=portfolio, instrument=abc, quantity=D(5))
    assert summary(portfolio)["positions"][0]["day_pnl"] == "5"


def test_currencies_meet_at_a_rate_that_is_told(portfolio, abc):
    """4 at 60 EUR and 100 EUR of cash at 1.25: 300 and 125 USD."""
    sap = InstrumentFactory(symbol="SAP", mic="XETR", currency="EUR")
    QuoteFactory(instrument=sap, last=D(60), previous_close=D(61))
    bought(portfolio, sap, 4, 200)
    bought(portfolio, abc, 1, 90)
    PositionFactory(portfolio=portfolio, instrument=sap, quantity=D(4))
    PositionFactory(portfolio=portfolio, instrument=abc, quantity=D(1))
    CashBalanceFactory(account=portfolio.account, amount=D(1000))
    CashBalanceFactory(account=portfolio.account, currency="EUR", amount=D(100))
    FxRate.objects.create(base="EUR", quote="USD", rate=D("1.25"), as_of=QUOTED_AT, source="test")
    told = summary(portfolio)
    assert [(row["currency"], row["equity"]) for row in told["by_currency"]] == [
        ("EUR", "340"),
        ("USD", "1100"),
    ]
    total = told["total"]
    assert [total[k] for k in ("cash", "market_value", "equity")] == ["1125", "400", "1525"]
    assert [total[k] for k in ("cost_basis", "unrealized_pnl", "day_pnl")] == ["340", "60", "-3"]
    assert told["rates"] == [
        {"base": "EUR", "quote": "USD", "rate": "1.25", "as_of": "2026-01-05T15:00:00.000000Z"}
    ]


def test_without_a_rate_nothing_is_summed(portfolio):
    CashBalanceFactory(account=portfolio.account, amount=D(1000))
    CashBalanceFactory(account=portfolio.account, currency="EUR", amount=D(100))
    told = summary(portfolio)
    assert (told["total"]["cash"], told["total"]["equity"]) == (None, None)
    assert told["total"]["market_value"] == "0"
    assert told["missing_rates"] == ["EUR"]
    assert [row["cash"] for row in told["by_currency"]] == ["100", "1000"]


def test_without_a_price_there_is_no_worth(portfolio):
    xyz = InstrumentFactory(symbol="XYZ")
    bought(portfolio, xyz, 1, 90)
    PositionFactory(portfolio=portfolio, instrument=xyz, quantity=D(1))
    told = summary(portfolio)
    assert figures(told["positions"][0]) == [None, None, None, "0", None]
    assert told["total"]["equity"] is None
    assert (told["total"]["cost_basis"], told["unpriced"]) == ("90", ["XYZ"])


def test_anothers_portfolio_is_an_absent_one(portfolio):
    api = signed_in(portfolio.account.user)
    for end in ("summary", "history"):
        foreign, absent = (
            api.get(f"/api/v1/portfolios/{key}/{end}").json() | {"request_id": ""}
            for key in (PortfolioFactory().id, new_id())
        )
        assert foreign == absent
        assert foreign["code"] == "not_found"
    assert api.get(f"/api/v1/portfolios/{portfolio.id}/summary?day=1").status_code == 400
