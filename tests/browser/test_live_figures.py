"""What moves: equity in one currency, the shape of a day, the book of a market without a feed."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser import bench
from tests.browser.watch import place_by_api

WORTH = {
    "currency": "USD",
    "rates": {"EUR": ["1.25", True], "JPY": ["160", False]},
    "cash": [{"USD": "5000.01", "EUR": "1234.57"}, {"USD": "77.7", "JPY": "98765"}],
    "holdings": [
        [["ABC.X", "USD", "3", "250.11", "97.31"], ["SAP.X", "EUR", "7", "905.03", "131.37"]],
        [["SAP.X", "EUR", "0.5", "61.11", "131.37"]],
        [["7203.X", "JPY", "101", "270011", "2801"]],
    ],
}
"""The figures that portfolios/tests/test_bar.py reckons by hand."""
EQUITY = "10,529.85"
RECKON = """
(worth) => {
  const box = document.getElementById("equity");
  box.dataset.worth = worth;
  box.querySelector("b").textContent = "no rate for EUR";
  document.dispatchEvent(new CustomEvent("htmx:afterSettle", { detail: { target: box } }));
}
"""


@pytest.fixture
def prices(visitor: Page) -> dict[str, str]:
    """Last prices by symbol that the page is told in place of those of the market."""
    told: dict[str, str] = {}

    def connect(line: WebSocketRoute) -> None:
        server = line.connect_to_server()

        def pass_on(frame: Any) -> None:
            message = json.loads(frame)
            for price in message.get("prices", []):
                price["last"] = told.get(price["symbol"], price["last"])
            line.send(json.dumps(message))

        server.on_message(pass_on)

    visitor.route_web_socket("**/ws", connect)
    return told


def test_equity_is_in_one_currency_to_the_cent(trader: Page):
    page = trader
    bench.await_live(page)
    page.evaluate(RECKON, json.dumps(WORTH))
    expect(page.locator("#equity b")).to_have_text(EQUITY)
    missing = {**WORTH, "rates": {"JPY": ["160", False]}}
    page.evaluate(RECKON, json.dumps(missing))
    expect(page.locator("#equity b")).to_have_text("no rate for EUR")


def test_the_shape_of_a_day_follows_its_price(prices: dict[str, str], trader: Page):
    page = trader
    bench.await_live(page)
    row = page.locator(".watch__row[data-symbol=KO]")
    line = row.locator("polyline")
    last = bench.amount(row.locator("[data-q=last]").inner_text())
    prices["KO"] = str(last * 2)
    expect(line).to_have_attribute("points", re.compile(r"56\.0,2\.0$"))
    expect(row.locator(".spark")).to_have_class(re.compile(r"\bup\b"))
    prices["KO"] = str(last / 2)
    expect(line).to_have_attribute("points", re.compile(r"56\.0,22\.0$"))
    expect(row.locator(".spark")).to_have_class(re.compile(r"\bdown\b"))


def test_a_market_without_a_feed_has_its_book(trader: Page):
    page = trader
    page.goto("/trade/BNGI")
    ladder = page.locator("#ladder")
    expect(ladder).to_contain_text("Nobody bids or offers yet")
    bid = {"type": "limit", "quantity": "7", "limit_price": "10.25", "time_in_force": "gtc"}
    place_by_api(page, symbol="BNGI", side="buy", **bid)
    expect(ladder.locator("tr.bid.own")).to_contain_text("10.25")
    expect(ladder.get_by_text("Nobody bids or offers yet")).to_be_hidden()
    page.locator(".book__pick label", has_text="Trades").click()
    expect(page.locator("#prints")).to_contain_text("Nobody has traded BNGI yet")
    bench.tab(page, "orders")
    page.get_by_role("button", name="Cancel buy 7 BNGI").click()
    page.locator(".book__pick label", has_text="Depth").click()
    expect(ladder).to_contain_text("Nobody bids or offers yet")
