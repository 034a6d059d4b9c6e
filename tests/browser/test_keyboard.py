"""Everything that matters can be reached and done by Tab, Enter and typing, on every page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import bench
from tests.browser.keys import press, reach, walk_round, write
from tests.browser.test_journeys import near_last
from tests.browser.watch import Watch, place_by_api

STOPS_MIN = 12


@pytest.mark.parametrize("look", ["dark-desk", "light-desk"], indirect=True)
def test_every_place_by_keys_alone(trader: Page, watch: Watch):
    page = trader
    bench.await_live(page)
    assert walk_round(page) >= STOPS_MIN
    order_and_filter(page)
    account(page)
    notifications(page)
    watchlists(page)
    markets(page)
    portfolio(page)
    settings(page)


def go(page: Page, name: str, address: str) -> None:
    """Take a link of the bar, go round what it leads to, and on top skip to its content."""
    press(page, page.locator("header").get_by_role("link", name=name))
    page.wait_for_url(address)
    assert walk_round(page) >= STOPS_MIN
    page.keyboard.press("Enter")


def order_and_filter(page: Page) -> None:
    low = {"type": "limit", "limit_price": near_last(page, "0.97"), "time_in_force": "gtc"}
    place_by_api(page, symbol="AAPL", side="buy", quantity="1", **low)
    press(page, page.locator("#ticket [name=side][value=buy]"), "ArrowLeft")
    expect(page.get_by_role("button", name="Review sell order")).to_be_visible()
    page.keyboard.press("ArrowRight")
    write(page, page.get_by_label("Quantity"), "3")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Send buy order")).to_be_focused()
    page.keyboard.press("Enter")
    expect(bench.toast(page, "Filled")).to_be_visible()
    go(page, "Orders", "**/orders")
    reach(page, page.get_by_label("Status", exact=True))
    page.keyboard.type("Open")
    write(page, page.get_by_label("Symbol", exact=True), "aapl")
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders?*aapl*")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    press(page, page.get_by_role("button", name="Cancel buy 1 AAPL"))
    expect(page.get_by_text("No orders match the filter")).to_be_visible()


def account(page: Page) -> None:
    go(page, "Account", "**/account")
    write(page, page.get_by_role("textbox", name="Amount"), "250")
    page.keyboard.press("Enter")
    expect(page.get_by_text("250.00 USD came in.").first).to_be_visible()
    press(page, page.get_by_role("link", name="Withdraw"))
    write(page, page.get_by_role("textbox", name="Amount"), "50")
    press(page, page.get_by_role("button", name="Withdraw"))
    expect(page.get_by_text("50.00 USD went out.").first).to_be_visible()


def notifications(page: Page) -> None:
    go(page, "Notifications", "**/notifications")
    press(page, page.get_by_role("button", name="Mark all read"))
    expect(page.locator(".notice--new")).to_have_count(0)
    press(page, page.get_by_role("link", name="Cash", exact=True))
    expect(page.locator(".notice")).to_have_count(3)


def watchlists(page: Page) -> None:
    go(page, "Watchlists", "**/watchlists")
    write(page, page.get_by_label("Name of the new list"), "Keys")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="List Keys")).to_be_visible()
    for number, symbol in enumerate(("KO", "SPY"), start=1):
        write(page, page.locator("#symbol"), symbol)
        page.keyboard.press("Enter")
        expect(page.locator("#list tbody tr")).to_have_count(number)
    press(page, page.get_by_role("button", name="Move SPY up"))
    expect(page.locator("#list tbody th a")).to_have_text(["SPY", "KO"])
    press(page, page.get_by_role("button", name="Remove KO"))
    expect(page.locator("#list tbody th a")).to_have_text(["SPY"])


def markets(page: Page) -> None:
    go(page, "Markets", "**/markets")
    write(page, page.get_by_role("searchbox", name="Symbol or name"), "boeing")
    expect(page.locator("#matches a")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/markets?q=boeing")
    add = page.get_by_role("button", name="Add BA to Keys")
    press(page, add)
    expect(page.get_by_text("BA is in Keys").first).to_be_attached()


def portfolio(page: Page) -> None:
    go(page, "Portfolio", "**/portfolio")
    by_sector = page.get_by_role("link", name="Sector", exact=True)
    press(page, by_sector)
    expect(by_sector).to_have_attribute("aria-current", "true")
    write(page, page.get_by_label("Compare with"), "NOPE")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Compare with")).to_be_focused()
    expect(page.locator("#benchmark-error")).to_be_visible()


def settings(page: Page) -> None:
    go(page, "Settings of", "**/settings/profile")
    write(page, page.get_by_label("Name", exact=True), "Someone Else")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    press(page, page.locator(".side-nav").get_by_role("link", name="Trading"))
    press(page, page.get_by_label("Review each order"), "Space")
    press(page, page.get_by_role("button", name="Save"))
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Review each order")).not_to_be_checked()
