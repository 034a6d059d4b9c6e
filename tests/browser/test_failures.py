"""What a page says when the server breaks, is busy or cannot be reached, and that it keeps all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import bench
from tests.browser.watch import Watch, assert_accessible, assert_fits, place_by_api

PROVOKED = (
    *("answer 500", "answer 503", "Failed to load resource", "Response Status Error"),
    *("htmx:", "WebSocket"),
)

Fail = Callable[[Route], None]


def _break(route: Route) -> None:
    route.fulfill(status=500, body="<h1>Something broke</h1>")


def _busy(route: Route) -> None:
    route.fulfill(status=503, body="<h1>Busy</h1>")


def _cut(route: Route) -> None:
    route.abort()


FAILURES: dict[str, tuple[Fail, str]] = {
    "500": (_break, "Something went wrong on our side."),
    "503": (_busy, "The books cannot be reached just now."),
    "cut": (_cut, "The server cannot be reached."),
}


def forgive(watch: Watch) -> None:
    """What the browser itself says of what a test breaks is no mishap."""
    for words in PROVOKED:
        watch.forgive(words)


def test_a_form_that_fails_keeps_what_was_typed_and_can_be_sent_again(trader: Page, watch: Watch):
    page = trader
    page.goto("/watchlists")
    field = page.get_by_role("searchbox", name="Add a symbol")
    again = page.get_by_role("button", name="Try again")
    field.fill("ulvr")
    address, first = "**/watchlists/*/add", True
    for fail, words in FAILURES.values():
        page.route(address, fail)
        (page.get_by_role("button", name="Add", exact=True) if first else again).click()
        first = False
        expect(page.locator("#toasts > [id^=failed-]")).to_contain_text(words)
        expect(field).to_have_value("ulvr")
        page.unroute(address)
    assert_accessible(page)
    again.click()
    expect(page.locator("#list-rows")).to_contain_text("ULVR")
    expect(page.locator("#toasts > [id^=failed-]")).to_have_count(0)
    forgive(watch)


# What "Try again" asks for is marked: a list also comes anew by itself, whenever an order moves.
MARK_PRESSED = """
() => {
  let isPressed = false;
  const look = ({ target }) => (isPressed ||= target.closest(".failed button") !== null);
  document.addEventListener("click", look, true);
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (isPressed) detail.headers["X-Pressed"] = "yes";
    isPressed = false;
  });
}
"""


@pytest.mark.parametrize("look", ["light-desk", "dark-phone"], indirect=True)
def test_a_list_that_fails_stays_says_so_and_comes_again(trader: Page, watch: Watch):
    page = trader
    bench.await_live(page)
    place_by_api(page, symbol="KO", side="buy", type="limit", quantity="3", limit_price="60.00")
    page.goto("/orders")
    bench.await_live(page)
    page.evaluate(MARK_PRESSED)
    notice, fail = page.locator("#list > .failed"), _break

    def answer(route: Route) -> None:
        if "x-pressed" in route.request.headers:
            route.continue_()
        else:
            fail(route)

    page.route("**/orders", answer)
    for each, words in FAILURES.values():
        fail = each
        page.evaluate("window.htmx.trigger('#list', 'refresh')")
        expect(notice).to_contain_text(words)
        expect(notice).to_contain_text("What you see may be old.")
        expect(page.locator("#orders tbody tr")).to_have_count(1)
    assert_accessible(page)
    assert_fits(page)
    notice.get_by_role("button", name="Try again").click()
    expect(notice).to_have_count(0)
    forgive(watch)


def test_what_is_sent_as_a_whole_page_is_not_thrown_at_a_dead_line(trader: Page, watch: Watch):
    page = trader
    page.goto("/alerts")
    page.get_by_label("Symbol", exact=True).fill("AAPL")
    page.get_by_label("Price, or percent of a move").fill("9999")
    page.get_by_label("Note").fill("far away")
    page.context.set_offline(True)
    page.get_by_role("button", name="Set alert").click()
    told = page.locator("#toasts > [id^=failed-]")
    expect(told).to_contain_text("You are offline Nothing was sent.")
    expect(page.get_by_label("Note")).to_have_value("far away")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#alerts tbody tr")).to_contain_text("far away")
    forgive(watch)


def test_a_page_of_an_older_sign_in_can_still_be_sent(trader: Page):
    """Another tab has signed in since: the browser has a new sign, the page has the one before."""
    page = trader
    page.goto("/alerts")
    old = page.locator("main input[name=csrfmiddlewaretoken]").first.input_value()
    cookie = next(c for c in page.context.cookies() if c["name"] == "csrftoken")
    page.context.add_cookies([cookie | {"value": "n" * 32}])
    page.get_by_label("Symbol", exact=True).fill("AAPL")
    page.get_by_label("Price, or percent of a move").fill("9998")
    page.get_by_role("button", name="Set alert").click()
    expect(page.locator("#alerts tbody tr")).to_have_count(1)
    assert old[-8:] != "n" * 8
