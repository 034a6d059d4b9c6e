"""A bracket from the ticket to its legs on the page: on a desk, on a phone, without script."""

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS, Person, sign_up
from tests.browser.watch import Watch, assert_accessible, assert_fits, place_by_api


def fill_exits(page: Page) -> str:
    """Open the exits and write a profit and a loss far from the market; return the loss."""
    last = bench.amount(bench.last_price(page).inner_text())
    far = [str((last * Decimal(part)).quantize(Decimal("0.01"))) for part in ("1.2", "0.8")]
    page.locator("#ticket summary", has_text="Exits").click()
    page.get_by_label("Take profit").fill(far[0])
    page.get_by_label("Stop loss").fill(far[1])
    return far[1]


def picture(page: Page, name: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("BENGI_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"groups-{name}.png")


@pytest.mark.parametrize("look", list(LOOKS), indirect=True)
def test_a_bracket_from_the_ticket(trader: Page, look: str, tmp_path: Path):
    page = trader
    bench.await_live(page)
    bench.open_ticket(page, "buy")
    page.get_by_label("Quantity").fill("5")
    loss = fill_exits(page)
    picture(page, f"ticket-{look}", tmp_path)
    dialog = bench.review(page, "buy")
    expect(dialog).to_contain_text("Take profit, once it fills")
    expect(dialog).to_contain_text(loss)
    assert_accessible(page)
    assert_fits(page)
    picture(page, f"review-{look}", tmp_path)
    bench.send(page, "buy")
    expect(bench.toast(page, "Filled").first).to_be_visible()
    page.goto("/orders")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Bracket")
    expect(rows.nth(1)).to_contain_text("Take profit")
    expect(rows.nth(2)).to_contain_text("Stop loss")
    expect(rows.nth(2)).to_contain_text("New")
    assert_accessible(page)
    assert_fits(page)
    picture(page, f"orders-{look}", tmp_path)
    rows.nth(0).get_by_role("link").first.click()
    group = page.get_by_role("region", name="Its group")
    expect(group.locator("tbody tr")).to_have_count(3)
    assert_accessible(page)
    assert_fits(page)
    picture(page, f"order-{look}", tmp_path)
    group.get_by_role("button", name="Cancel sell 5 AAPL").first.click()
    expect(group.locator("tbody tr").nth(2)).to_contain_text("Canceled")


def test_a_limit_to_sell_with_a_stop_loss_is_one_or_the_other(trader: Page):
    page = trader
    place_by_api(page, symbol="AAPL", side="buy", type="market", quantity="5")
    expect(bench.row(page, "Positions", "AAPL")).to_be_visible()
    bench.open_ticket(page, "sell")
    exits: Locator = page.locator("#ticket .exits")
    expect(exits).not_to_be_visible()
    page.get_by_label("Type").select_option("limit")
    expect(exits).to_be_visible()
    page.locator("#ticket summary", has_text="Stop loss").click()
    expect(page.get_by_label("Take profit")).not_to_be_visible()
    last = bench.amount(bench.last_price(page).inner_text())
    page.get_by_label("Quantity").fill("5")
    page.get_by_label("Limit price").fill(str((last * Decimal("1.05")).quantize(Decimal("0.01"))))
    page.get_by_label("or by %").fill("4")
    dialog = bench.review(page, "sell")
    expect(dialog).to_contain_text("4 % behind the price")
    bench.send(page, "sell")
    page.goto("/orders?show=open")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").nth(1)).to_contain_text("Stop loss")


@pytest.mark.parametrize("look", ["dark-desk", "dark-phone"], indirect=True)
def test_exits_without_script(
    open_context: Callable[..., BrowserContext], watch: Watch, person: Person
):
    page = open_context(java_script_enabled=False).new_page()
    watch.follow(page)
    sign_up(page, person)
    if bench.is_phone(page):
        page.get_by_role("button", name="Buy").click()
    page.get_by_label("Quantity").fill("5")
    page.locator("#ticket summary", has_text="Exits").click()
    page.get_by_label("Take profit").fill("1.00")
    page.get_by_role("button", name="Review buy order").click()
    expect(page.locator("#take_profit-error")).to_contain_text("or above")
    page.get_by_label("Take profit").fill("999.00")
    page.get_by_role("button", name="Review buy order").click()
    expect(page.get_by_text("999.00 or better")).to_be_visible()
    page.get_by_role("button", name="Send buy order").click()
    page.goto("/orders")
    expect(page.locator("tbody tr").nth(1)).to_contain_text("Take profit")
    assert watch.mishaps == []
