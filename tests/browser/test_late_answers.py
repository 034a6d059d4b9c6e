"""Answers that come late: the newest act wins, and nothing changes under somebody's hands."""

import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser import bench
from tests.browser.conftest import TIMEOUT_MS
from tests.browser.watch import place_by_api


class Held:
    """Requests to an address that are kept until the test lets the first of them go on."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.routes: list[Route] = []
        page.route(address, self._hold)

    def _hold(self, route: Route) -> None:
        self.routes.append(route)

    def await_one(self) -> None:
        until = time.monotonic() + TIMEOUT_MS / 1000
        while not self.routes:
            assert time.monotonic() < until, f"nothing was sent to {self.address}"
            self.page.evaluate("new Promise(requestAnimationFrame)")

    def let_go(self) -> None:
        self.await_one()
        with self.page.expect_response(self.address) as answer:
            self.routes.pop(0).continue_()
        answer.value.finished()
        self.page.evaluate("new Promise((done) => setTimeout(done))")


def quantity(page: Page) -> Locator:
    return page.get_by_label("Quantity")


def press(held: Held, act: Callable[[], None]) -> None:
    """Do something whose request is held, and wait until it is."""
    act()
    held.await_one()


def test_a_size_that_comes_after_review_changes_nothing(trader: Page):
    page = trader
    bench.await_live(page)
    held = Held(page, "**/orders/size")
    quantity(page).fill("5")
    shares = page.get_by_role("group", name="Share of what there is")
    press(held, shares.get_by_role("button", name="Max").click)
    dialog = bench.review(page, "buy")
    expect(dialog).to_contain_text("Buy 5 AAPL")
    held.let_go()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(quantity(page)).to_have_value("5")


def test_a_review_of_an_older_ticket_is_not_shown(trader: Page):
    page = trader
    bench.await_live(page)
    held = Held(page, "**/orders/review")
    button = page.get_by_role("button", name="Review buy order")
    for wrong_or_right, typed_meanwhile in (("many", "5"), ("5", "6")):
        quantity(page).fill(wrong_or_right)
        press(held, button.click)
        quantity(page).fill(typed_meanwhile)
        held.let_go()
        expect(bench.toast(page, "Not reviewed")).to_be_visible()
        expect(page.locator("#review")).not_to_be_visible()
        expect(page.locator("#quantity-error")).to_have_count(0)
        expect(quantity(page)).to_have_value(typed_meanwhile)
        bench.toast(page, "Not reviewed").get_by_role("button", name="Dismiss").click()
    page.unroute("**/orders/review")
    expect(bench.review(page, "buy")).to_contain_text("Buy 6 AAPL")


def test_an_estimate_of_other_numbers_is_not_shown(trader: Page):
    page = trader
    bench.await_live(page)
    held = Held(page, "**/orders/estimate")
    press(held, lambda: quantity(page).fill("5"))
    quantity(page).fill("50")
    held.let_go()
    cost = page.locator("#estimate dd").first
    expect(cost).to_have_text("–")
    held.let_go()
    expect(cost).to_contain_text("USD")
    last = bench.amount(bench.last_price(page).inner_text())
    assert 45 < bench.amount(cost.inner_text()) / last < 55


def test_a_replace_that_was_closed_stays_closed(trader: Page):
    page = trader
    bench.await_live(page)
    limit = bench.amount(bench.last_price(page).inner_text()) - 9
    order = {"symbol": "AAPL", "side": "buy", "quantity": "1", "limit_price": str(limit)}
    place_by_api(page, type="limit", time_in_force="gtc", **order)
    bench.tab(page, "orders")
    page.get_by_role("link", name="Replace buy 1 AAPL").click()
    dialog = page.get_by_role("dialog", name="Replace order")
    dialog.get_by_label("Quantity").fill("2")
    held = Held(page, "**/replace/review?*")
    press(held, page.get_by_role("button", name="Review the change").click)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    held.let_go()
    expect(page.locator("#review")).to_be_empty()
    expect(page.locator("#review")).not_to_be_visible()


def test_the_answer_to_an_order_leaves_the_next_review_alone(trader: Page):
    page = trader
    bench.await_live(page)
    held = Held(page, "**/orders/place")
    quantity(page).fill("5")
    bench.review(page, "buy")
    press(held, page.get_by_role("button", name="Send buy order").click)
    page.keyboard.press("Escape")
    quantity(page).fill("6")
    dialog = bench.review(page, "buy")
    held.let_go()
    expect(bench.toast(page, "Filled")).to_contain_text("Bought 5 AAPL")
    expect(dialog).to_contain_text("Buy 6 AAPL")
    expect(dialog).to_be_visible()
