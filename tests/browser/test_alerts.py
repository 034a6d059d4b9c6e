"""Price alerts as a person meets them: set, told of on an open page, deleted; without script."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LOOKS, Person, sign_up
from tests.browser.watch import Watch, assert_accessible, assert_fits

LEVEL = "Price, or percent of a move"


def set_alert(page: Page, symbol: str, kind: str, level: str) -> None:
    page.get_by_label("Symbol", exact=True).fill(symbol)
    page.get_by_label("Tell me when it is").select_option(label=kind)
    page.get_by_label(LEVEL).fill(level)
    page.get_by_role("button", name="Set alert").click()


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_an_alert_is_told_of_where_it_is_waited_for(trader: Page):
    """Bitcoin moves with every print of the simulated market, and a little is enough."""
    page = trader
    page.get_by_role("link", name="Notifications").click()
    page.get_by_role("link", name="Price alerts").click()
    page.wait_for_url("**/alerts")
    set_alert(page, "AAPL", "At or above", "9999")
    row = page.locator("#alerts tbody tr")
    expect(row).to_contain_text("At or above 9,999.00")
    set_alert(page, "BTCUSD", "Moved in a day by", "0.000001")
    expect(row.first).to_contain_text("Fired")  # the stream brings it, nobody loads the page
    expect(row.last).to_contain_text("Waiting")
    expect(page.locator(".toast", has_text="BTCUSD is at")).to_contain_text("moved in a day by")
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("link", name="Notifications").click()
    told = page.locator("#notices .notice", has_text="BTCUSD")
    expect(told).to_contain_text("New")
    told.get_by_role("link").click()
    page.wait_for_url("**/trade/BTCUSD")


def test_what_is_wrong_is_said_beside_the_field(trader: Page, watch: Watch):
    trader.goto("/alerts?symbol=aapl")
    expect(trader.get_by_label("Symbol", exact=True)).to_have_value("AAPL")
    set_alert(trader, "AAPL", "At or above", "1")
    level = trader.get_by_label(LEVEL)
    expect(trader.locator("#level-error")).to_contain_text("already")
    expect(level).to_have_value("1")
    expect(level).to_be_focused()
    assert_accessible(trader)
    watch.forgive("422")
    watch.forgive("/alerts")


def test_alerts_without_script(plain_page: Page, person: Person):
    page = plain_page
    sign_up(page, person)
    page.goto("/alerts")
    set_alert(page, "AAPL", "Crossing", "500")
    expect(page.locator("#alerts tbody tr")).to_contain_text("Crossing 500.00")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No alerts")).to_be_visible()
