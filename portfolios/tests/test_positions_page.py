"""The page of positions: sums by currency and together, sorting, reducing and closing."""

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import AccountFactory, UserFactory
from accounts.tests.money_stage import rate
from bengi import clock
from instruments.models import Instrument
from instruments.tests.factories import QUOTED_AT, InstrumentFactory, QuoteFactory
from orders.models import Order
from portfolios.models import Portfolio, Position
from portfolios.tests.factories import LotFactory, PortfolioFactory, PositionFactory

pytestmark = pytest.mark.django_db
D = Decimal
PAGE_QUERIES_MAX = 16


@pytest.fixture
def portfolio(client: Client):
    clock.use(lambda: QUOTED_AT)
    made = PortfolioFactory(account=AccountFactory())
    client.force_login(made.account.user)
    yield made
    clock.reset()


def hold(
    portfolio: Portfolio, symbol: str, quantity: str, cost: str, *, price: str = "100", **listing
) -> Position:
    instrument: Instrument = InstrumentFactory(symbol=symbol, **listing)
    QuoteFactory(instrument=instrument, last=D(price))
    LotFactory(portfolio=portfolio, instrument=instrument, quantity=D(quantity), cost=D(cost))
    return PositionFactory(portfolio=portfolio, instrument=instrument, quantity=D(quantity))


def test_sums_are_by_currency_and_together_at_the_rates(client, portfolio):
    hold(portfolio, "AAA", "10", "900")
    hold(portfolio, "BBB", "2", "250")
    hold(portfolio, "EEE", "4", "350", currency="EUR")
    rate("EUR/USD", "1.25", QUOTED_AT)
    page = client.get("/positions").context
    eur, usd = page["sums"]
    assert (eur.currency, eur.market_value, eur.unrealized_pnl) == ("EUR", D(400), D(50))
    assert (usd.market_value, usd.cost_basis, usd.unrealized_pnl) == (D(1200), D(1150), D(50))
    told = page["together"]
    assert (told.market_value, told.cost_basis) == (D(1700), D("1587.50"))
    assert told.unrealized_pnl == D("112.50")


def test_without_a_rate_there_is_no_sum_together(client, portfolio):
    hold(portfolio, "AAA", "10", "900")
    hold(portfolio, "EEE", "4", "350", currency="EUR")
    assert client.get("/positions").context["together"].market_value is None


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("", "ABC"),
        ("symbol", "ABC"),
        ("-symbol", "CBA"),
        ("-market_value", "BCA"),
        ("market_value", "ACB"),
        ("-unrealized_pnl", "CAB"),
        ("quantity", "ACB"),
        ("price; drop", "ABC"),
    ],
)
def test_it_is_sorted_as_one_likes_and_the_file_with_it(client, portfolio, sort, found):
    for symbol, quantity, cost in (("A", "1", "100"), ("B", "9", "950"), ("C", "5", "400")):
        hold(portfolio, symbol, quantity, cost)
    page = client.get("/positions", {"sort": sort})
    assert "".join(each.instrument.symbol for each in page.context["holdings"]) == found
    rows = client.get(page.context["files"][0][1]).content.decode().splitlines()[1:]
    assert "".join(row[0] for row in rows) == found


def test_heads_of_columns_turn_the_order(client, portfolio):
    hold(portfolio, "AAA", "10", "900")
    text = client.get("/positions?sort=-market_value").content.decode()
    assert 'aria-sort="descending"><a href="?sort=market_value">Value' in text
    assert 'aria-sort="none"><a href="?sort=symbol">Symbol' in text


def test_a_part_is_sold_through_the_review(client, portfolio):
    position = hold(portfolio, "AAA", "25", "900")
    Position.objects.filter(id=position.id).update(reserved_quantity=D(4))
    page = client.get("/positions", {"reduce": str(position.id)})
    assert (page.context["quantity"], page.context["reduced_free"]) == (D(10), D(21))
    whole = client.get("/positions", {"reduce": str(position.id), "share": "100"})
    assert whole.context["quantity"] == D(21)
    body = {
        "symbol": "AAA",
        "portfolio_id": str(portfolio.id),
        "side": "sell",
        "type": "market",
        "time_in_force": "day",
        "quantity": "10",
    }
    for name, value in body.items():
        assert f'name="{name}" ' in page.content.decode(), value
    review = client.post("/orders/review", body)
    assert "Send sell order" in review.content.decode()
    assert not Order.objects.exists(), "nothing is sent before it is confirmed"


def test_who_wants_no_review_gets_one_where_the_button_says_so(client, portfolio):
    """Closing a position is one press on a row of a table."""
    position = hold(portfolio, "AAA", "25", "900")
    User.objects.update(confirms_orders=False)
    text = client.get("/positions", {"reduce": str(position.id)}).content.decode()
    forms = re.findall(r'<form[^>]*action="/orders/review".*?</form>', text, re.DOTALL)
    assert len(forms) == 2
    for form in forms:
        sent = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*? value="([^"]*)"', form))
        assert "Send sell order" in client.post("/orders/review", sent).content.decode()
    assert not Order.objects.exists()


def test_what_orders_hold_cannot_be_closed(client, portfolio):
    position = hold(portfolio, "AAA", "25", "900")
    Position.objects.filter(id=position.id).update(reserved_quantity=D(25))
    text = client.get("/positions", {"reduce": str(position.id)}).content.decode()
    assert "Open orders hold all 25 shares." in text
    assert f'id="close-{position.id}"' not in text


@pytest.mark.parametrize("asked", ["x", "01890a5d-ac96-774b-bcce-b302099a8057", ""])
def test_another_position_cannot_be_reduced(client, portfolio, asked):
    theirs = hold(PortfolioFactory(), "AAA", "25", "900")
    for wanted in (asked, str(theirs.id)):
        page = client.get("/positions", {"reduce": wanted})
        assert "reduced" not in page.context
        assert page.context["holdings"] == []


def test_the_page_takes_as_many_queries_over_more(client, portfolio):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get("/positions?sort=-market_value")
        return len(asked)

    hold(portfolio, "AAA", "1", "1")
    hold(portfolio, "EEE", "1", "1", currency="EUR")
    before = queries()
    for number in range(6):
        hold(portfolio, f"S{number}", "1", "1")
    assert queries() == before <= PAGE_QUERIES_MAX


def test_somebody_without_an_account_sees_an_empty_page(client):
    client.force_login(UserFactory())
    assert "No positions" in client.get("/positions").content.decode()
