"""The workbench, its panels, one order, and fills: who sees what, and at what cost."""

import json
import re
from decimal import Decimal

import pytest

from instruments.board import board
from instruments.models import Instrument
from instruments.services import recall_quotes
from instruments.tests.factories import BarFactory, InstrumentFactory, QuoteFactory
from orders.tests.factories import OrderFactory
from portfolios.tests.factories import LotFactory, PositionFactory
from trades.tests.factories import TradeFactory

HTMX = {"HX-Request": "true"}
PAGE_QUERIES_MAX = 12
PANEL_QUERIES_MAX = 12


@pytest.fixture
def newest_ticks():
    """Ticks are on the board, as they are where the feed runs: no statement asks for them."""
    yield board
    board.clear()


def _hold(portfolio, instrument, quantity, cost):
    PositionFactory(portfolio=portfolio, instrument=instrument, quantity=Decimal(quantity))
    LotFactory(
        portfolio=portfolio, instrument=instrument, quantity=Decimal(quantity), cost=Decimal(cost)
    )


def test_the_first_watched_symbol_with_a_price_is_where_trading_begins(trader):
    InstrumentFactory(symbol="AAA")
    assert trader.get("/trade/")["Location"] == "/trade/AAPL"


def test_the_page_stands_without_script(trader, portfolio, quote):
    _hold(portfolio, quote.instrument, 10, 950)
    BarFactory(instrument=quote.instrument)
    body = trader.get("/trade/AAPL").content.decode()
    for words in ("100.00", "+2.00 (+2.04%)", "Apple Inc.", "1,000.00", "+50.00", "+5.3%"):
        assert words in body
    told = json.loads(re.search(r'data-worth="([^"]*)"', body)[1].replace("&quot;", '"'))
    assert told["holdings"] == [[["AAPL", "USD", "10", "950", "100"]]]


def test_an_unknown_symbol_has_no_page(trader):
    assert trader.get("/trade/NOPE").status_code == 404
    assert trader.get("/trade/NOPE/panels").status_code == 404


def test_the_number_of_queries_does_not_grow_with_what_is_held(
    trader, portfolio, quote, newest_ticks, django_assert_max_num_queries
):
    for _ in range(12):
        instrument = QuoteFactory().instrument
        _hold(portfolio, instrument, 1, 90)
        TradeFactory(order=OrderFactory(portfolio=portfolio, instrument=instrument))
    recall_quotes()
    with django_assert_max_num_queries(PAGE_QUERIES_MAX):
        trader.get("/trade/AAPL")
    for tab in ("positions", "orders", "fills"):
        with django_assert_max_num_queries(PANEL_QUERIES_MAX):
            trader.get(f"/trade/AAPL/panels?tab={tab}", headers=HTMX)


def test_panels_bring_the_tab_and_the_figures_that_change(trader, portfolio, quote):
    limit = Decimal("99.50")
    order = OrderFactory(portfolio=portfolio, instrument=quote.instrument, limit_price=limit)
    answer = trader.get("/trade/AAPL/panels?tab=orders", headers=HTMX)
    body = answer.content.decode()
    assert "0 / 10" in body
    assert 'id="count-orders" hx-swap-oob="true">1<' in body
    assert 'id="hours" hx-swap-oob="true">Open round the clock<' in body
    facts = answer.context["facts"]
    line = {"side": "buy", "type": "limit", "quantity": "10", "price": "99.5"}
    draggable = {"field": "limit_price", "url": f"/orders/{order.id}/replace"}
    assert facts["orders"] == [line | draggable]
    assert set(facts) == {"orders", "book", "fills"}, "no amount that nothing needs"
    assert facts["book"]["bids"] == [{"price": "99.5", "size": "10", "mine": "10"}]


def test_a_halt_is_said_by_the_page_its_panels_the_ticket_and_the_rows_that_wait(
    trader, portfolio, quote
):
    order = OrderFactory(portfolio=portfolio, instrument=quote.instrument)
    ended = OrderFactory(portfolio=portfolio, instrument=quote.instrument, status="canceled")
    row, page = "Waits: AAPL is halted", "/trade/AAPL?tab=orders"
    assert row not in trader.get(page).content.decode()
    Instrument.objects.update(status="halted")
    body = trader.get(page).content.decode()
    assert (body.count("Trading in AAPL is halted."), body.count(row)) == (1, 1)
    assert f'<tr id="row-{order.id}" data-listing="AAPL.XNAS" data-halted>' in body
    assert f'<tr id="row-{ended.id}">' in body
    assert "AAPL is halted: orders are refused for now." in body
    panels = trader.get("/trade/AAPL/panels", headers=HTMX).content.decode()
    assert 'data-listing="AAPL.XNAS" data-halted hx-swap-oob="true"><p class="banner">' in panels
    assert 'id="hours" hx-swap-oob="true">Halted<' in panels
    assert (
        'data-listing="AAPL.XNAS" data-halted' in trader.get(f"/orders/{order.id}").content.decode()
    )
    assert "data-listing" not in trader.get(f"/orders/{ended.id}").content.decode()
    Instrument.objects.update(status="delisted")
    body = trader.get("/trade/AAPL").content.decode()
    assert "AAPL is delisted." in body
    assert "data-halted" not in body


def test_an_unknown_tab_is_the_first_one(trader):
    assert trader.get("/trade/AAPL/panels?tab=<b>").context["tab"] == "positions"


def test_the_address_may_fill_in_the_ticket(trader):
    body = trader.get("/trade/AAPL?side=sell&type=market&quantity=7").content.decode()
    assert 'value="sell" checked' in body
    assert 'id="quantity" name="quantity" inputmode="decimal" value="7"' in body


def test_somebody_without_an_account_may_still_look(client, quote, django_user_model):
    client.force_login(django_user_model.objects.create_user("staff@bengi.example"))
    body = client.get("/trade/AAPL").content.decode()
    assert "No account to trade with" in body
    for path in ("/positions", "/orders", "/fills", "/account"):
        assert client.get(path).status_code == 200


def test_one_order_with_its_fills(trader, portfolio, quote):
    order = OrderFactory(portfolio=portfolio, instrument=quote.instrument)
    TradeFactory(order=order, price=Decimal("99.95"), gross_amount=Decimal("999.50"))
    body = trader.get(f"/orders/{order.id}").content.decode()
    assert "999.50" in body
    assert "Cancel order" in body


def test_fills_are_ones_own(trader, portfolio, quote):
    TradeFactory(order=OrderFactory(portfolio=portfolio, instrument=quote.instrument))
    TradeFactory()
    assert len(trader.get("/fills").context["trades"]) == 1


def test_positions_add_up(trader, portfolio, quote):
    _hold(portfolio, quote.instrument, 10, 950)
    bar = trader.get("/positions").context["bar"]
    assert (bar.value, bar.gain) == (Decimal("1000.00"), Decimal("50.00"))
    assert bar.equity == Decimal("101000.00")


def test_other_currencies_are_not_added_without_a_rate(trader, portfolio, quote):
    yen = InstrumentFactory(currency="JPY", tick_size=Decimal(1))
    QuoteFactory(instrument=yen)
    _hold(portfolio, yen, 100, 9000)
    answer = trader.get("/positions")
    assert answer.context["bar"].equity is None
    assert answer.context["bar"].is_one_currency is False
    assert len(answer.context["holdings"]) == 1
    assert answer.content.decode().count("no rate for JPY") == 2, "in the bar and the tile"


@pytest.mark.parametrize("path", ["/trade/", "/trade/AAPL", "/positions", "/orders", "/fills"])
def test_pages_keep_the_content_security_policy(trader, path):
    answer = trader.get(path, follow=True)
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in answer.content.decode()


def test_no_instrument_at_all_is_a_page_not_a_crash(client, db, django_user_model):
    client.force_login(django_user_model.objects.create_user("new@bengi.example"))
    Instrument.objects.all().delete()
    assert client.get("/trade/").status_code == 404
