"""Watchlists as a person keeps them: made, filled, ordered, chosen; with script and without."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS, Person, sign_up
from tests.browser.watch import Watch, assert_accessible, assert_fits


def create(page: Page, name: str) -> None:
    page.get_by_label("Name of the new list").fill(name)
    page.get_by_role("button", name="Create list").click()
    expect(page.get_by_role("region", name=f"List {name}")).to_be_visible()


def field(page: Page) -> Locator:
    return page.locator("#symbol")


def expect_symbols(page: Page, *symbols: str) -> None:
    expect(page.locator("#list tbody th a")).to_have_text(symbols)


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_a_list_is_made_filled_and_put_in_order(trader: Page):
    page = trader
    page.goto("/watchlists")
    bench.await_live(page)
    create(page, "Chips")
    assert_accessible(page)
    field(page).fill("nvid")
    expect(page.locator("#symbols button")).to_have_count(1)
    assert_accessible(page)
    field(page).press("ArrowDown")
    page.keyboard.press("Enter")
    expect_symbols(page, "NVDA")
    for number, symbol in enumerate(("INTC", "BTCUSD"), start=2):
        field(page).fill(symbol.lower())
        field(page).press("Enter")
        expect(page.locator("#list tbody tr")).to_have_count(number)
    last = page.locator("#list tr[data-symbol=BTCUSD] [data-q=last]")
    if bench.is_phone(page):
        page.get_by_role("link", name="Edit", exact=True).click()
    else:
        before = last.inner_text()
        expect(last).not_to_have_text(before)  # it trades round the clock, and the page hears it
    page.get_by_role("button", name="Move BTCUSD up").click()
    expect_symbols(page, "NVDA", "BTCUSD", "INTC")
    page.get_by_role("button", name="Move BTCUSD up").click()
    expect_symbols(page, "BTCUSD", "NVDA", "INTC")
    expect(page.get_by_role("button", name="Move BTCUSD down")).to_be_focused()
    page.get_by_role("button", name="Remove NVDA").click()
    expect_symbols(page, "BTCUSD", "INTC")
    assert_accessible(page)
    assert_fits(page)
    page.goto("/watchlists")
    expect_symbols(page, "BTCUSD", "INTC")
    assert_fits(page)
    page.get_by_role("link", name="Set an alert for BTCUSD").click()
    expect(page.get_by_label("Symbol", exact=True)).to_have_value("BTCUSD")


def test_a_row_can_be_dragged_to_another_place(trader: Page):
    page = trader
    page.goto("/watchlists")
    create(page, "Drag")
    for number, symbol in enumerate(("AAPL", "KO", "SPY"), start=1):
        field(page).fill(symbol)
        field(page).press("Enter")
        expect(page.locator("#list tbody tr")).to_have_count(number)
    rows = page.locator("#list tbody tr")
    rows.nth(2).locator(".lists__grip").drag_to(rows.nth(0), target_position={"x": 200, "y": 4})
    expect_symbols(page, "SPY", "AAPL", "KO")
    rows.nth(0).locator(".lists__grip").drag_to(rows.nth(1), target_position={"x": 200, "y": 40})
    expect_symbols(page, "AAPL", "SPY", "KO")


def test_what_is_wrong_is_said_beside_the_field(trader: Page, watch: Watch):
    page = trader
    page.goto("/watchlists")
    field(page).fill("coca")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#symbol-error")).to_contain_text("There is no instrument COCA.")
    expect(field(page)).to_have_value("coca")
    expect(field(page)).to_be_focused()
    expect(page.locator(".toast")).to_have_count(0)
    assert_accessible(page)
    page.locator("#symbols").get_by_role("button", name="KO").click()
    expect(page.locator("#symbol-error")).to_have_count(0)
    page.get_by_label("Name of the new list").fill("Core")
    page.get_by_role("button", name="Create list").click()
    expect(page.locator("#new-name-error")).to_contain_text("There is a list of this name.")
    expect(page.get_by_label("Name of the new list")).to_be_focused()
    assert_accessible(page)
    watch.forgive("422")


def test_the_trade_page_shows_the_list_that_is_chosen(trader: Page):
    page = trader
    page.goto("/watchlists")
    create(page, "Short")
    field(page).fill("KO")
    field(page).press("Enter")
    expect_symbols(page, "KO")
    page.goto("/trade/AAPL")
    expect(page.locator(".watch__row")).to_have_count(1)
    page.locator(".chooser summary").click()
    assert_accessible(page)
    page.get_by_role("link", name="Core").click()
    expect(page.locator(".watch__row")).to_have_count(12)


@pytest.mark.parametrize("look", ["dark-desk", "light-phone"], indirect=True)
def test_watchlists_without_script(plain_page: Page, person: Person, watch: Watch):
    page = plain_page
    sign_up(page, person)
    page.goto("/watchlists")
    create(page, "Plain")
    expect(page.get_by_text("Add your first symbol").last).to_be_visible()
    field(page).fill("coca")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("#symbols").get_by_role("button", name="KO").click()
    expect_symbols(page, "KO")
    field(page).fill("spy")
    page.get_by_role("button", name="Add", exact=True).click()
    if bench.is_phone(page):
        page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_role("button", name="Move SPY up").click()
    expect_symbols(page, "SPY", "KO")
    page.get_by_role("button", name="Remove KO").click()
    expect_symbols(page, "SPY")
    page.get_by_role("link", name="Delete the list").click()
    page.get_by_role("button", name="Delete the list").click()
    expect(page.get_by_text("The list Plain is gone.")).to_be_visible()
    assert_fits(page)
    watch.forgive("422")
