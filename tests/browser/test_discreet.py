"""A discreet reader: what is hidden when a page comes stays hidden when it moves."""

import re
from decimal import Decimal

from playwright.sync_api import Page, expect

from bengi.money import grouped, plain
from tests.browser import bench
from tests.browser.watch import place_by_api

TELLING = Decimal(40)
ALL_OF_IT = """
() => [document.title, document.documentElement.outerHTML, document.body.innerText,
  ...[...document.querySelectorAll("input, textarea")].map((field) => field.value)].join("\\n")
"""
REFUSED = """
async () => (await import("/static/js/toasts.js")).tellOrder({
  id: "1", symbol: "AAPL", side: "buy", type: "market", quantity: "5", filled_quantity: "0",
  status: "rejected", reason: "1,234.56 USD needed, 987.65 available.",
})
"""


def amounts_of(page: Page) -> set[str]:
    """Return what the person has and has paid, as the API says it now, in each way of writing."""
    get = page.request.get
    (portfolio,) = get("/api/v1/portfolios").json()["results"]
    summary = get(f"/api/v1/portfolios/{portfolio['id']}/summary").json()
    trades = get("/api/v1/trades").json()["results"]
    told = [summary["total"][name] for name in ("cash", "equity", "market_value", "cost_basis")]
    told += [trade[name] for trade in trades for name in ("gross_amount", "net_amount")]
    found = {abs(Decimal(text)) for text in told}
    found = {amount for amount in found if amount > TELLING}
    ways = (plain, grouped, lambda one: f"{one:.2f}", lambda one: f"{one:,.2f}")
    return {way(amount) for amount in found for way in ways}


def assert_tells_none(page: Page, amounts: set[str]) -> None:
    text = page.evaluate(ALL_OF_IT)
    told = {one for one in amounts if re.search(rf"(?<![\d.,]){re.escape(one)}(?!\d)", text)}
    assert told == set(), f"{page.url} tells {told}"


def test_what_is_hidden_stays_hidden_when_it_moves(trader: Page):
    page = trader
    page.keyboard.press("h")
    expect(page.locator("html")).to_have_attribute("data-discreet", "")
    bench.await_live(page)
    place_by_api(page, symbol="AAPL", side="buy", type="market", quantity="37")
    expect(bench.toast(page, "Filled")).to_be_visible()
    expect(bench.row(page, "Positions", "AAPL").locator("td").first).to_have_text("37")
    amounts = amounts_of(page)
    page.get_by_label("Quantity").fill("3")
    expect(page.locator("#estimate")).to_contain_text("USD")
    expect(page.locator("#estimate svg"), "its share would tell the whole").to_have_count(0)
    before = bench.last_price(page).inner_text()
    expect(bench.last_price(page)).not_to_have_text(before)
    expect(page.locator("#equity b")).to_have_text("•••••")
    assert_tells_none(page, amounts | amounts_of(page))
    page.evaluate(REFUSED)
    refused = bench.toast(page, "Rejected")
    expect(refused).to_contain_text("more USD needed than available")
    for address in ("/positions", "/portfolio", "/orders", "/account", "/notifications"):
        page.goto(address)
        bench.await_live(page)
        assert_tells_none(page, amounts | amounts_of(page))
