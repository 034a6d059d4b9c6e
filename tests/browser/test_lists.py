"""Lists that are narrowed, summed up and acted on: orders, fills, positions."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS, Person, sign_up
from tests.browser.watch import assert_accessible, assert_fits, place_by_api


def rows(page: Page):
    return page.locator("tbody tr")


def look_at(page: Page, name: str, folder: Path) -> None:
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=folder / f"{name}.png", full_page=True)


def rest(page: Page, symbol: str, count: int) -> None:
    """Place so many orders that wait below the market."""
    quote = page.request.get(f"/api/v1/instruments/{symbol}/quote").json()
    for number in range(count):
        price = f"{Decimal(quote['last']) * Decimal('0.97') - number:.2f}"
        low = {"type": "limit", "limit_price": price, "time_in_force": "gtc"}
        place_by_api(page, symbol=symbol, side="buy", quantity="1", **low)


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_orders_are_narrowed_and_canceled_together(trader: Page, look: str, tmp_path: Path):
    page = trader
    bench.await_live(page)
    expect(bench.last_price(page)).to_have_text(re.compile(r"\d"))
    page.goto("/orders")
    expect(page.get_by_text("No orders yet")).to_be_visible()
    look_at(page, f"orders-empty-{look}", tmp_path)
    rest(page, "AAPL", 2)
    rest(page, "MSFT", 1)
    page.goto("/orders")
    expect(rows(page)).to_have_count(3)
    page.get_by_label("Symbol", exact=True).fill("aapl")
    page.get_by_role("button", name="Show").click()
    expect(rows(page)).to_have_count(2)
    look_at(page, f"orders-{look}", tmp_path)
    page.get_by_role("link", name="Cancel all 2 open").click()
    expect(page.get_by_role("heading", name="Cancel 2 open orders?")).to_be_visible()
    look_at(page, f"cancel-{look}", tmp_path)
    page.get_by_role("button", name="Cancel 2 orders").click()
    expect(page.get_by_text("Asked to cancel 2 orders.")).to_be_visible()
    expect(page.locator("tbody .status", has_text="Canceled")).to_have_count(2)
    page.goto("/orders?status=open")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("MSFT")
    page.get_by_label("Symbol", exact=True).fill("NOPE")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No orders match the filter")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_a_position_is_reduced_through_the_review(trader: Page, look: str, tmp_path: Path):
    page = trader
    bench.await_live(page)
    expect(bench.last_price(page)).to_have_text(re.compile(r"\d"))
    for symbol, quantity in (("KO", "40"), ("AAPL", "10")):
        place_by_api(page, symbol=symbol, side="buy", type="market", quantity=quantity)
    page.goto("/positions")
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("AAPL")
    page.get_by_role("link", name="Quantity").click()
    expect(rows(page).first).to_contain_text("KO")
    page.get_by_role("link", name="Sell KO" if bench.is_phone(page) else "Reduce KO").click()
    expect(page.get_by_label("Shares to sell at market")).to_have_value("20")
    page.get_by_label("Shares to sell at market").fill("1e3")
    page.get_by_role("button", name="Review sell order").click()
    expect(page.get_by_label("Quantity", exact=True)).to_have_value("1e3")
    page.get_by_label("Quantity", exact=True).fill("10")
    page.get_by_role("button", name="Review sell order").click()
    expect(page.get_by_text("Sell 10 KO at market")).to_be_visible()
    page.goto("/positions?sort=-quantity")
    page.get_by_role("link", name="Sell KO" if bench.is_phone(page) else "Reduce KO").click()
    page.get_by_role("link", name="25%").click()
    expect(page.get_by_label("Shares to sell at market")).to_have_value("10")
    look_at(page, f"positions-{look}", tmp_path)
    page.get_by_role("button", name="Review sell order").click()
    expect(page.get_by_text("Sell 10 KO at market")).to_be_visible()
    page.get_by_role("button", name="Send sell order").click()
    expect(page.get_by_text("Sent: sell KO")).to_be_visible()
    page.goto("/fills?symbol=KO")
    expect(rows(page)).to_have_count(2)
    expect(page.locator(".sums")).to_contain_text("Commission")
    look_at(page, f"fills-{look}", tmp_path)


def test_without_script_a_position_is_closed_and_lists_narrow(plain_page: Page, person: Person):
    page = plain_page
    sign_up(page, person)
    page.get_by_label("Quantity").fill("7")
    page.get_by_role("button", name="Review buy order").click()
    page.get_by_role("button", name="Send buy order").click()
    page.goto("/positions")
    expect(rows(page)).to_contain_text("7")
    page.get_by_role("button", name="Close AAPL").click()
    expect(page.get_by_text("Sell 7 AAPL at market")).to_be_visible()
    page.get_by_role("button", name="Send sell order").click()
    expect(page.get_by_text("Sent: sell AAPL")).to_be_visible()
    page.goto("/positions")
    expect(page.get_by_text("No positions")).to_be_visible()
    page.goto("/fills")
    page.get_by_label("Side", exact=True).select_option("Sell")
    page.get_by_role("button", name="Show").click()
    expect(rows(page)).to_have_count(1)
