"""The whole journey of the demo trader, in both themes and on a phone."""

import json
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS
from tests.browser.watch import assert_accessible, assert_fits

COMMISSION = Decimal("1.00")


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_the_demo_trader_buys_and_sells_without_a_reload(visitor: Page):
    page = visitor
    page.goto("/")
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("button", name="Look around as Demo Trader").click()
    page.wait_for_url("**/trade/AAPL")
    bench.await_live(page)
    page.evaluate("window.notReloaded = true")
    assert_accessible(page)
    assert_fits(page)

    before = bench.last_price(page).inner_text()
    expect(bench.last_price(page)).not_to_have_text(before)
    held, cash = _held(page), _cash(page)

    spent = _buy_at_market(page, 10)
    expect(_position(page).locator("td").first).to_have_text(str(held + 10))
    assert _cash(page) == cash - spent

    _sell_far_above(page, 4)
    bench.tab(page, "orders")
    resting = bench.row(page, "Orders", "0 / 4")
    expect(resting).to_contain_text("New")
    assert_accessible(page)
    assert_fits(page)
    resting.get_by_role("button", name="Cancel").click()
    expect(bench.row(page, "Orders", "0 / 4")).to_contain_text("Canceled")
    expect(bench.toast(page, "Canceled")).to_be_visible()

    assert _cash(page) == cash - spent
    assert page.evaluate("window.notReloaded") is True


def _buy_at_market(page: Page, quantity: int) -> Decimal:
    """Buy, and return what the fills cost with their commission."""
    bench.open_ticket(page, "buy")
    page.get_by_label("Quantity").fill(str(quantity))
    expect(page.locator("#estimate")).to_contain_text("Cost, about")
    assert_fits(page)
    dialog = bench.review(page, "buy")
    expect(dialog).to_contain_text("Estimated cost")
    expect(dialog).to_contain_text("Buying power before")
    assert_accessible(page)
    assert_fits(page)
    bench.send(page, "buy")
    expect(bench.toast(page, "Filled")).to_be_visible()
    bench.tab(page, "fills")
    newest = bench.row(page, "Fills", "AAPL")
    expect(newest.locator("td", has_text="Buy")).to_have_count(1)
    spent = bench.amount(newest.locator(".strong").text_content() or "")
    bench.tab(page, "positions")
    return spent + COMMISSION


def _sell_far_above(page: Page, quantity: int) -> None:
    bench.open_ticket(page, "sell")
    page.get_by_label("Type").select_option("limit")
    limit = bench.amount(bench.last_price(page).inner_text()) + 5
    page.get_by_label("Limit price").fill(str(limit))
    page.get_by_label("Quantity").fill(str(quantity))
    dialog = bench.review(page, "sell")
    expect(dialog).to_contain_text("Shares reserved")
    bench.send(page, "sell")
    expect(bench.toast(page, "In the book")).to_be_visible()


def _position(page: Page):
    return bench.row(page, "Positions", "AAPL")


def _held(page: Page) -> int:
    cells = page.locator("#book tbody tr", has_text="AAPL").locator("td")
    return int(cells.first.inner_text()) if cells.count() else 0


def _cash(page: Page) -> Decimal:
    """Cash is equity less what the positions are worth, as the bar's figures say exactly."""
    told = json.loads(page.locator("#equity").get_attribute("data-worth") or "")
    return Decimal(told["cash"][0]["USD"])
