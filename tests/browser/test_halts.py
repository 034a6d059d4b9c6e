"""Staff halt a symbol while somebody looks on who has orders of it, and let it trade again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import bench
from tests.browser.conftest import Person, sign_up
from tests.browser.product import Product
from tests.browser.test_admin import enter_a_split, sign_in_again
from tests.browser.test_desk import halt
from tests.browser.test_journeys import near_last
from tests.browser.watch import Watch, assert_accessible, assert_fits, place_by_api

SYMBOL = "DIS"
AT_ONCE_MS = 5_000


@pytest.fixture
def dealer(open_context: Callable[..., BrowserContext], product: Product, watch: Watch) -> Page:
    """A page of one of staff, at their desk."""
    page, somebody = open_context().new_page(), Person("Dealer", f"dealer{id(watch)}@bengi.example")
    watch.follow(page)
    sign_up(page, somebody)
    enter_a_split(product, somebody, "KO")
    page.wait_for_url("**/signin?**")
    page.goto("/admin/")
    sign_in_again(page, somebody)
    return page


@pytest.mark.parametrize("look", ["dark-desk", "light-desk"], indirect=True)
def test_a_halt_while_somebody_watches(trader: Page, dealer: Page):
    page, standing = trader, trader.locator("#standing")
    page.goto(f"/trade/{SYMBOL}?tab=orders")
    bench.await_live(page)
    for part in ("0.97", "0.96"):
        low = {"type": "limit", "limit_price": near_last(page, part), "time_in_force": "gtc"}
        place_by_api(page, symbol=SYMBOL, side="buy", quantity="3", **low)
    rows = page.get_by_role("region", name="Orders").locator("tbody tr")
    expect(rows).to_have_count(2)
    story = page.context.new_page()
    story.goto(rows.first.get_by_role("link").first.get_attribute("href") or "")
    listed = page.context.new_page()
    listed.goto(f"/markets?q={SYMBOL}")
    chip = listed.locator(f"tr[data-symbol={SYMBOL}] .chip", has_text="Halted")
    expect(chip).to_have_count(0)
    page.evaluate("window.notReloaded = true")
    expect(standing).to_be_empty()

    halt(dealer, "halt_selected", "News pending", SYMBOL)
    expect(standing).to_contain_text(f"Trading in {SYMBOL} is halted.", timeout=AT_ONCE_MS)
    expect(page.locator("#hours")).to_have_text("Halted")
    expect(rows.filter(has_text=f"Waits: {SYMBOL} is halted")).to_have_count(2)
    expect(story.locator("#now")).to_contain_text(f"Trading in {SYMBOL} is halted.")
    expect(chip).to_be_visible()
    page.get_by_label("Quantity").fill("2")
    expect(page.locator("#estimate")).to_contain_text("orders are refused for now")
    page.get_by_role("button", name="Review buy order").click()
    refused = page.locator("#ticket-form [role=alert]")
    expect(refused).to_contain_text(f"{SYMBOL} is halted; it cannot be traded now.")
    expect(refused).to_be_focused()
    expect(page.get_by_label("Quantity")).to_have_value("2")
    assert_accessible(page)
    assert_fits(page)
    rows.first.get_by_role("button", name="Cancel").click()
    expect(page.locator("#count-orders")).to_have_text("1")

    halt(dealer, "resume_selected", "News are out", SYMBOL)
    expect(standing).to_be_empty(timeout=AT_ONCE_MS)
    expect(bench.toast(page, "Trading goes on")).to_contain_text(SYMBOL)
    expect(page.locator("#hours")).not_to_have_text("Halted")
    expect(rows.filter(has_text="Waits")).to_have_count(0)
    expect(page.locator("#estimate")).not_to_contain_text("refused")
    expect(refused).to_have_count(0)
    expect(chip).to_have_count(0)
    bench.review(page, "buy")
    bench.send(page, "buy")
    expect(bench.toast(page, "Filled")).to_be_visible()
    assert page.evaluate("window.notReloaded") is True
