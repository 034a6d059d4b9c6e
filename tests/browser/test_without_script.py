"""Everything that matters works by full-page posts, where no script runs."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LOOKS, Person, sign_up


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_sign_up_place_and_cancel(plain_page: Page, person: Person):
    page = plain_page
    sign_up(page, person)
    if page.viewport_size["width"] < 800:
        page.get_by_role("button", name="Buy").click()
    page.get_by_label("Quantity").fill("7")
    page.get_by_role("button", name="Review buy order").click()
    expect(page.get_by_role("heading", name="Review order", level=2)).to_be_visible()
    expect(page.get_by_text("Buying power after")).to_be_visible()
    page.get_by_role("button", name="Send buy order").click()
    expect(page.get_by_text("Sent: buy AAPL")).to_be_visible()

    page.goto("/fills")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto("/positions")
    expect(page.locator("tbody tr")).to_contain_text("7")

    page.goto("/trade/AAPL?side=buy&type=limit&quantity=1&limit_price=210")
    if page.viewport_size["width"] < 800:
        page.get_by_role("button", name="Buy").click()
    page.get_by_role("button", name="Review buy order").click()
    page.get_by_role("button", name="Send buy order").click()
    page.goto("/orders?show=open")
    page.get_by_role("button", name="Cancel buy 1 AAPL").click()
    page.goto("/orders?show=closed")
    expect(page.locator("tbody tr").first).to_contain_text("Canceled")

    page.goto("/account")
    expect(page.locator("#statement tbody tr")).to_have_count(3)


def test_a_wrong_ticket_comes_back_with_its_values(plain_page: Page, person: Person):
    page = plain_page
    sign_up(page, person)
    page.get_by_label("Quantity").fill("1.00005")
    page.get_by_role("button", name="Review buy order").click()
    quantity = page.get_by_label("Quantity")
    expect(quantity).to_have_value("1.00005")
    expect(quantity).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#quantity-error")).to_contain_text("steps of 0.0001")
    expect(page.get_by_role("alert")).to_contain_text("The order was not sent")


def test_the_theme_can_be_switched(plain_page: Page, person: Person):
    page = plain_page
    page.goto("/")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
