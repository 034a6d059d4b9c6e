"""Markets as a person looks them over: found by keyboard, added to a list, clocks that go."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS, Person, sign_up
from tests.browser.watch import assert_accessible, assert_fits


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_the_market_at_a_glance(trader: Page):
    page = trader
    page.goto("/markets")
    bench.await_live(page)
    for name in ("Gainers", "Losers", "Most active", "Breadth", "Exchanges"):
        expect(page.get_by_role("region", name=name, exact=True)).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    there = page.locator("[data-clock='America/New_York']").first
    expect(there).not_to_have_text(there.inner_text())
    row = page.get_by_role("region", name="Most active").locator(
        "tbody tr", has=page.locator("button")
    )
    symbol = row.first.get_attribute("data-symbol")
    button = page.locator(f"#watch-most_active-{symbol}")
    button.click()
    expect(button).to_have_count(0)
    # By now others may be more active, and the symbol be none of the list.
    added = page.request.get("/api/v1/watchlists").json()["results"][0]["symbols"]
    assert symbol in added
    page.get_by_role("searchbox", name="Symbol or name").fill("bank")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("region", name="Found for “bank”").locator("tbody tr")).to_have_count(2)
    assert_accessible(page)
    assert_fits(page)


def test_a_symbol_is_found_by_keyboard_alone(trader: Page):
    page = trader
    page.goto("/markets")
    page.get_by_role("searchbox", name="Symbol or name").focus()
    page.keyboard.type("ba")
    found = page.locator("#matches a")
    expect(found.first).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("ArrowDown")
    expect(found.nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(found.nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(found).to_have_count(0)
    page.keyboard.type("c")
    expect(found).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/trade/BAC")


def test_markets_without_script(plain_page: Page, person: Person):
    page = plain_page
    sign_up(page, person)
    page.goto("/markets")
    page.get_by_role("searchbox", name="Symbol or name").fill("boeing")
    page.get_by_role("searchbox", name="Symbol or name").press("Enter")
    found = page.get_by_role("region", name="Found for “boeing”")
    found.get_by_role("button", name="Add BA to Core").click()
    expect(page.get_by_text("BA is in the list Core.")).to_be_visible()
    page.get_by_role("link", name="Tokyo Stock Exchange").click()
    expect(page.get_by_text("Tokyo Stock Exchange only")).to_be_visible()
    expect(page.get_by_role("region", name="Gainers")).not_to_contain_text("USD")
