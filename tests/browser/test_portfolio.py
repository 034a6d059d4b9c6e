"""The portfolio page in a browser: with a past and without, in every look, without script too."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS, Person, sign_up
from tests.browser.past import give_a_past
from tests.browser.product import Product
from tests.browser.watch import assert_accessible, assert_fits, place_by_api


@pytest.fixture
def investor(trader: Page, product: Product, person: Person) -> Page:
    """A page of somebody who has traded for eight months."""
    give_a_past(product, person.email)
    return trader


def tile(page: Page, name: str) -> str:
    return page.locator("#pf-tiles .tile", has_text=name).locator("dd").first.inner_text()


def picture(page: Page, name: str) -> None:
    """Keep a picture of the whole page in $BENGI_SCREENSHOTS, where that is set."""
    if folder := os.environ.get("BENGI_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_the_page_with_a_past_and_without(
    trader: Page, product: Product, person: Person, look: str
):
    page = trader
    page.goto("/portfolio")
    expect(page.get_by_text("One day so far")).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    picture(page, f"portfolio-{look}-new")
    give_a_past(product, person.email)
    page.goto("/portfolio?benchmark=SPY&by=sector")
    expect(page.locator("#plot canvas").first).to_be_visible()
    page.locator("details.realized summary").first.click()
    expect(page.locator("details.realized table").first).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    picture(page, f"portfolio-{look}")


def test_periods_days_and_groups_by_plain_addresses(investor: Page):
    """The page says other days, and its numbers go with them; what is wrong comes back."""
    page = investor
    page.goto("/portfolio")
    year = tile(page, "Gain in these days")
    page.get_by_role("link", name="1M", exact=True).click()
    expect(page.get_by_role("link", name="1M", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    assert tile(page, "Gain in these days") != year
    page.get_by_label("Compare with").fill("SPY")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("SPY, same deposits")).to_be_visible()
    page.get_by_role("link", name="Currency", exact=True).click()
    allocation = page.locator("#pf-allocation tbody th")
    assert sorted(allocation.all_inner_texts()) == ["EUR", "JPY", "USD"]
    expect(page.get_by_text("SPY, same deposits")).to_be_visible()  # the rest of it stays
    page.get_by_label("Compare with").fill("NOPE")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#benchmark-error")).to_contain_text("There is no instrument NOPE.")
    expect(page.get_by_label("Compare with")).to_have_value("NOPE")
    expect(page.get_by_label("Compare with")).to_be_focused()


def test_a_sale_leads_to_its_trades(investor: Page):
    page = investor
    page.goto("/portfolio")
    page.locator("details.realized", has_text="NVDA").locator("summary").click()
    rows = page.get_by_role("region", name="Closed lots of NVDA").locator("tbody tr")
    expect(rows).to_have_count(2)
    rows.first.get_by_role("link", name="Sale of").click()
    page.wait_for_url("**/orders/*")
    expect(page.get_by_role("heading", level=1)).to_contain_text("NVDA")


def test_a_new_trade_shows_without_a_reload(investor: Page):
    """The page's figures come anew when the account's log goes on."""
    page = investor
    page.goto("/portfolio")
    bench.await_live(page)
    count = page.locator("#pf-positions .count")
    before = int(count.inner_text())
    place_by_api(page, symbol="PFE", side="buy", type="market", quantity="10")
    expect(count).to_have_text(str(before + 1))
    expect(page.locator("#pf-positions tbody", has_text="PFE")).to_be_visible()
    sums = page.locator("#pf-positions .pager .money").all_inner_texts()
    value, cash, equity = (bench.amount(text) for text in sums)
    assert value + cash == equity > Decimal(0)


def test_a_hidden_page_asks_for_nothing_until_it_is_seen_again(investor: Page):
    page = investor
    page.goto("/portfolio")
    bench.await_live(page)
    count = page.locator("#pf-positions .count")
    before = int(count.inner_text())
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url) if "/portfolio" in each.url else None)
    page.evaluate(
        """() => {
          window.isHidden = true;
          Object.defineProperty(document, "hidden", { get: () => window.isHidden });
          document.addEventListener("refresh", () => { document.body.dataset.told = "yes"; });
        }"""
    )
    place_by_api(page, symbol="PFE", side="buy", type="market", quantity="10")
    expect(page.locator("body[data-told]")).to_be_attached()
    assert [each for each in asked if "/api/" not in each] == []
    page.evaluate(
        "() => { window.isHidden = false; document.dispatchEvent(new Event('visibilitychange')); }"
    )
    expect(count).to_have_text(str(before + 1))


def test_without_script_the_curve_is_drawn_all_the_same(
    plain_page: Page, product: Product, person: Person
):
    page = plain_page
    sign_up(page, person)
    give_a_past(product, person.email)
    page.goto("/portfolio?benchmark=SPY")
    expect(page.locator("#plot svg polyline")).to_have_count(2)
    page.get_by_text("The curve as a table").click()
    expect(page.get_by_role("region", name="The curve as a table")).to_be_visible()
    page.get_by_label("From", exact=True).fill("2000-01-01")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#since-error")).to_contain_text("at most")
    page.get_by_role("link", name="3M", exact=True).click()
    expect(page.locator("#since-error")).to_have_count(0)
    picture(page, "portfolio-plain")
