"""Each journey that a person makes, from its start to its end, in both themes.

first visit to first fill     test_journey::test_the_demo_trader_buys_and_sells_without_a_reload
bracket order to exit         test_journeys::test_a_bracket_from_entry_to_exit
deposit, convert, withdraw    test_account::test_deposit_convert_and_withdraw
alert fires                   test_alerts::test_an_alert_is_told_of_where_it_is_waited_for
lose and regain connection    test_stream::test_a_cut_is_told_at_once_and_nothing_is_missed
two tabs                      test_ticket::test_a_second_tab_agrees_and_tells_once
phone width                   test_journeys::test_by_thumb_from_the_front_page_to_the_portfolio
keyboard only                 test_keyboard::test_every_place_by_keys_alone
without JavaScript            test_without_script::test_sign_up_place_and_cancel
staff halts a symbol          test_halts::test_a_halt_while_somebody_watches
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from importlib import import_module

import pytest
from playwright.sync_api import Page, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS, Person
from tests.browser.watch import assert_accessible, assert_fits

DESKS = ["dark-desk", "light-desk"]
PHONES = ["dark-phone", "light-phone"]
JOURNEYS = re.findall(r"^(\S.+?) {2,}(\w+)::(\w+)$", __doc__ or "", re.MULTILINE)


def looks_of(module: str, test: str) -> set[str]:
    """Return the looks in which a test is run, as its mark has them."""
    marks = getattr(import_module(f"tests.browser.{module}"), test).pytestmark
    (looks,) = [mark.args[1] for mark in marks if mark.args[:1] == ("look",)]
    return set(looks)


def test_every_journey_is_walked_in_both_themes():
    assert len(JOURNEYS) == 10
    for name, module, test in JOURNEYS:
        wanted = PHONES if name == "phone width" else DESKS
        assert set(wanted) <= looks_of(module, test) <= set(LOOKS), name


@pytest.mark.parametrize("look", DESKS, indirect=True)
def test_a_bracket_from_entry_to_exit(trader: Page):
    """Both exits wait far away; one is brought to the market, and the other goes by itself."""
    page = trader
    page.goto("/trade/MSFT")
    bench.await_live(page)
    before = cash(page)
    bench.open_ticket(page, "buy")
    page.get_by_label("Quantity").fill("8")
    page.locator("#ticket summary", has_text="Exits").click()
    page.get_by_label("Take profit").fill(near_last(page, "1.05"))
    page.get_by_label("Stop loss").fill(near_last(page, "0.95"))
    bench.review(page, "buy")
    bench.send(page, "buy")
    expect(bench.toast(page, "Filled")).to_be_visible()
    expect(bench.row(page, "Positions", "MSFT").locator("td").first).to_contain_text("8")
    bench.tab(page, "orders")
    profit, stop = (bench.row(page, "Orders", name) for name in ("Take profit", "Stop loss"))
    for leg in (profit, stop):
        expect(leg).to_contain_text("New")
    assert_accessible(page)

    profit.get_by_role("link", name="Replace").click()
    page.locator("#replace-limit_price").fill(near_last(page, "0.97"))
    page.get_by_role("button", name="Review the change").click()
    page.get_by_role("button", name="Replace sell order").click()
    expect(page.locator("#count-orders")).to_have_text("0")
    expect(bench.toast(page, "Filled").filter(has_text="Sold 8 MSFT")).to_be_visible()
    expect(page.locator("#count-positions")).to_have_text("0")
    expect(stop).to_contain_text("Canceled")
    now = cash(page)
    page.goto("/fills?symbol=MSFT")
    bought, sold, commission, fees, net = (
        bench.amount(page.locator(".sums dl > div", has_text=name).locator("dd").inner_text())
        for name in ("Bought", "Sold", "Commission", "Fees", "Net")
    )
    assert sold - bought - commission - fees == net == now - before
    page.goto("/account")
    last_entry = page.locator("#statement-list tbody tr").first.locator("td").last
    assert bench.amount(last_entry.inner_text()) == now
    page.goto("/positions")
    expect(page.get_by_text("No positions")).to_be_visible()


@pytest.mark.parametrize("look", PHONES, indirect=True)
def test_by_thumb_from_the_front_page_to_the_portfolio(visitor: Page, person: Person):
    page = visitor
    page.goto("/")
    check(page)
    page.get_by_role("link", name="Create an account").tap()
    for label, text in (("Name", person.name), ("E-mail", person.email)):
        enter(page, label, text)
    enter(page, "Password", person.password)
    check(page)
    page.get_by_role("button", name="Create account").tap()
    page.wait_for_url("**/trade/*")
    bench.await_live(page)
    page.evaluate("window.notReloaded = true")
    check(page)

    page.locator(".dock__orders .button--buy").tap()
    page.get_by_role("button", name="More", exact=True).tap()
    expect(page.get_by_label("Quantity")).to_have_value("1")
    enter(page, "Quantity", "5")
    expect(page.locator("#estimate")).to_contain_text("Cost, about")
    order(page, "buy", "Filled")
    page.locator("#tab-positions").tap()
    expect(bench.row(page, "Positions", "AAPL").locator("td").first).to_contain_text("5")

    page.locator(".dock__orders .button--sell").tap()
    page.get_by_label("Type").select_option("limit")
    enter(page, "Limit price", near_last(page, "1.05"))
    enter(page, "Quantity", "5")
    order(page, "sell", "In the book")
    page.locator("#tab-orders").tap()
    resting = bench.row(page, "Orders", "0 / 5")
    check(page)
    resting.get_by_role("button", name="Cancel").tap()
    expect(resting).to_contain_text("Canceled")
    assert page.evaluate("window.notReloaded") is True

    page.locator(".dock__places").get_by_role("link", name="Portfolio").tap()
    page.wait_for_url("**/portfolio")
    expect(page.locator("#pf-positions tbody")).to_contain_text("AAPL")
    sums = page.locator("#pf-positions .pager .money").all_inner_texts()
    worth, there, equity = (bench.amount(text) for text in sums)
    assert worth + there == equity
    check(page)


def order(page: Page, side: str, comes_to: str) -> None:
    """Review what stands in the ticket, look at every step, and send it."""
    check(page)
    page.get_by_role("button", name=f"Review {side} order").tap()
    expect(page.get_by_role("dialog", name="Review order")).to_be_visible()
    check(page)
    page.get_by_role("button", name=f"Send {side} order").tap()
    expect(page.locator("#review")).not_to_be_visible()
    expect(bench.toast(page, comes_to)).to_be_visible()


def enter(page: Page, label: str, text: str) -> None:
    page.get_by_label(label).tap()
    page.get_by_label(label).press("ControlOrMeta+a")
    page.keyboard.type(text)


def check(page: Page) -> None:
    assert_accessible(page)
    assert_fits(page)


def near_last(page: Page, part: str) -> str:
    """Return the last price times part, on the cent."""
    last = bench.amount(bench.last_price(page).inner_text())
    return str((last * Decimal(part)).quantize(Decimal("0.01")))


def cash(page: Page) -> Decimal:
    told = json.loads(page.locator("#equity").get_attribute("data-worth") or "")
    return Decimal(told["cash"][0]["USD"])
