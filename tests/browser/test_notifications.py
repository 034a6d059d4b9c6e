"""Notifications as a person reads them: news comes by itself, and is read when they say so."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS, Person, sign_up
from tests.browser.watch import assert_accessible, assert_fits, place_by_api


def buy(page: Page, symbol: str, quantity: str) -> None:
    order = {"symbol": symbol, "side": "buy", "type": "market", "quantity": quantity}
    place_by_api(page, **order, client_order_id=f"news-{symbol}")


def notices(page: Page) -> Locator:
    return page.locator("#notices .notice")


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_what_happens_is_told_and_read(trader: Page):
    page = trader
    page.goto("/notifications")
    bench.await_live(page)
    expect(notices(page)).to_have_count(1)
    expect(notices(page)).to_contain_text("+100,000.00 USD.")
    buy(page, "KO", "3")
    fill = notices(page).filter(has_text="Bought 3 KO at")  # nobody loads the page
    expect(fill).to_contain_text("New")
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("button", name="Mark all read").click()
    expect(page.get_by_role("button", name="Mark all read")).to_have_count(0)
    expect(fill).to_be_visible()
    expect(page.locator(".notice--new")).to_have_count(0)
    page.get_by_role("link", name="Cash", exact=True).click()
    expect(notices(page)).to_have_count(1)
    page.get_by_role("link", name="Busts", exact=True).click()
    expect(page.get_by_text("None of this kind")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="All", exact=True).click()
    page.get_by_role("link", name="Order of KO").first.click()
    page.wait_for_url("**/orders/*")


def test_notifications_without_script(plain_page: Page, person: Person):
    page = plain_page
    sign_up(page, person)
    page.goto("/notifications")
    expect(notices(page)).to_have_count(1)
    page.get_by_role("button", name="Mark all read").click()
    expect(page.locator(".notice--new")).to_have_count(0)
    expect(notices(page)).to_have_count(1)
    page.get_by_role("link", name="Account", exact=True).last.click()
    page.wait_for_url("**/account")
