"""The ticket: keys, wrong input, and one order however often it is sent."""

from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.bars import measured, tally
from tests.browser import bench, meters
from tests.browser.watch import Watch, place_by_api

AGREE_MS = 1_000
BUSY = 3.0
"""How many times as long it may take: a tab in the background is told late where cores are few."""
WHERE = """
() => {
  const at = document.activeElement;
  if (at === document.body) return "the browser's own bar";
  return at.closest("#review") ? "#review" : at.outerHTML.slice(0, 80);
}
"""


def test_an_order_by_keyboard_alone(trader: Page):
    page = trader
    bench.await_live(page)
    key = page.locator("#ticket-form [name=client_order_id]")
    first_key = key.input_value()
    page.keyboard.press("t")
    expect(page.get_by_label("Type")).to_be_focused()
    page.get_by_label("Type").evaluate("field => field.blur()")
    page.keyboard.press("s")
    expect(page.get_by_role("radio", name="Sell")).to_be_checked()
    page.keyboard.press("b")
    page.keyboard.press("q")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    send = page.get_by_role("button", name="Send buy order")
    expect(send).to_be_focused()
    seen = set()
    for _ in range(6):
        page.keyboard.press("Tab")
        seen.add(page.evaluate(WHERE))
    out = seen - {"#review", "the browser's own bar"}
    measured(3, "places outside the dialog that six Tabs reach", len(out), most=0)
    send.focus()
    page.keyboard.press("Enter")
    expect(bench.toast(page, "Filled")).to_be_visible()
    expect(key, "the next order is another one").not_to_have_value(first_key)
    expect(page.get_by_label("Quantity")).to_be_focused()
    tally(3, "orders sent and closed by keys, focus back at the ticket", "sent")


def test_escape_closes_the_review_and_sends_nothing(trader: Page):
    page = trader
    page.keyboard.press("q")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Review order")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#review")).not_to_be_visible()
    expect(page.get_by_label("Quantity")).to_be_focused()
    tally(3, "orders sent and closed by keys, focus back at the ticket", "closed")
    page.goto("/orders")
    expect(page.get_by_text("No orders yet")).to_be_visible()


def test_help_can_switch_the_keys_off(trader: Page):
    page = trader
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.get_by_label("Single keys work outside of fields").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("s")
    expect(page.get_by_role("radio", name="Buy")).to_be_checked()


def test_the_search_leads_to_a_symbol_by_keys(trader: Page):
    page = trader
    page.keyboard.press("/")
    page.keyboard.type("coca")
    expect(page.locator("#found a")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/trade/KO")


def test_a_wrong_quantity_is_told_beside_its_field(trader: Page):
    page = trader
    page.get_by_label("Type").select_option("limit")
    page.get_by_label("Limit price").fill("500")
    page.get_by_label("Quantity").fill("many")
    page.get_by_role("button", name="Review buy order").click()
    quantity = page.get_by_label("Quantity")
    expect(quantity).to_have_attribute("aria-describedby", "quantity-error")
    expect(page.locator("#quantity-error")).to_contain_text("digits and a point only")
    expect(quantity).to_be_focused()
    expect(quantity).to_have_value("many")
    quantity.fill("3")
    expect(page.locator("#quantity-error")).not_to_be_attached()
    expect(page.locator("#ticket-form [role=alert]")).not_to_be_attached()
    page.get_by_role("button", name="Review buy order").click()
    limit = page.get_by_label("Limit price")
    expect(limit).to_be_focused()
    expect(page.locator("#limit_price-error")).to_contain_text("within 10 %")
    expect(limit).to_have_value("500")


def test_more_than_the_money_buys_is_refused_in_plain_words(trader: Page):
    page = trader
    page.get_by_label("Quantity").fill("900")
    page.get_by_role("button", name="Review buy order").click()
    expect(page.locator("#quantity-error")).to_contain_text("100,000 available")


def test_all_that_was_wrong_with_a_number_goes_with_it(trader: Page):
    page = trader
    page.get_by_label("Quantity").fill("10000000")
    page.get_by_role("button", name="Review buy order").click()
    refused = page.locator("#ticket-form [role=alert]")
    expect(refused.get_by_role("link", name="Quantity")).to_have_count(3)
    page.get_by_label("Quantity").fill("5")
    expect(refused).not_to_be_attached()


def test_what_was_reckoned_for_other_numbers_does_not_stay(trader: Page, watch: Watch):
    page = trader
    bench.await_live(page)
    page.get_by_label("Quantity").fill("5")
    cost = page.locator("#estimate dd").first
    expect(cost).to_contain_text("USD")
    page.route("**/orders/estimate", lambda route: route.abort())
    page.get_by_label("Quantity").fill("500")
    expect(cost).to_have_text("–")
    page.unroute("**/orders/estimate")
    page.get_by_label("Quantity").fill("6")
    expect(cost).to_contain_text("USD")
    for words in ("ERR_FAILED", "sendError", "afterRequest"):
        watch.forgive(words)


def test_an_amount_buys_parts_of_a_share(trader: Page):
    page = trader
    bench.await_live(page)
    page.locator("#ticket").get_by_text("Amount", exact=True).click()
    page.get_by_label("Amount in USD").fill("500")
    expect(page.get_by_label("Quantity")).to_be_hidden()
    expect(page.locator("#estimate")).to_contain_text("Shares, about")
    dialog = bench.review(page, "buy")
    expect(dialog).to_contain_text("Buy 500.00 USD of AAPL at market")
    bench.send(page, "buy")
    expect(bench.toast(page, "Filled")).to_be_visible()
    (order,) = _orders(page)
    spent = bench.Decimal(order["filled_quantity"]) * bench.Decimal(order["average_price"])
    assert 499 < spent <= 500
    page.get_by_label("Type").select_option("limit")
    expect(page.get_by_label("Quantity")).to_be_visible()
    expect(page.get_by_label("Amount in USD")).to_be_hidden()


def test_max_is_an_amount_that_can_be_paid(trader: Page):
    page = trader
    bench.await_live(page)
    page.locator("#ticket").get_by_text("Amount", exact=True).click()
    page.get_by_role("button", name="Max").click()
    expect(page.get_by_label("Amount in USD")).not_to_have_value("")
    amount = bench.Decimal(page.get_by_label("Amount in USD").input_value())
    assert 99_900 < amount < 100_000
    bench.review(page, "buy")
    bench.send(page, "buy")
    expect(bench.toast(page, "Filled")).to_be_visible()


def test_max_buys_all_the_money_can(trader: Page):
    page = trader
    bench.await_live(page)
    page.get_by_role("button", name="Max").click()
    expect(page.get_by_label("Quantity")).not_to_have_value("")
    bench.review(page, "buy")
    bench.send(page, "buy")
    expect(page.locator(".toast")).to_contain_text("AAPL")


def test_clicking_twice_and_sending_again_makes_one_order(trader: Page):
    page = trader
    sent: list[Request] = []
    page.on("request", lambda r: sent.append(r) if r.url.endswith("/orders/place") else None)
    page.get_by_label("Quantity").fill("2")
    bench.review(page, "buy")
    page.get_by_role("button", name="Send buy order").dblclick()
    expect(bench.toast(page, "Filled")).to_be_visible()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for _ in range(3):
        again = page.request.post("/orders/place", data=sent[0].post_data_buffer, headers=headers)
        assert again.ok
    assert len(_orders(page)) == 1


def test_the_same_order_at_once_again_is_asked_about(trader: Page):
    page = trader
    bench.await_live(page)
    page.get_by_label("Quantity").fill("2")
    bench.review(page, "buy")
    bench.send(page, "buy")
    dialog = bench.review(page, "buy")
    expect(dialog.get_by_text("Do you mean it twice?")).to_be_visible()
    assert len(_orders(page)) == 1
    page.get_by_role("button", name="Send a second buy order").click()
    expect(page.locator("#review")).not_to_be_visible()
    assert len(_orders(page)) == 2


def test_an_order_that_went_meanwhile_cannot_be_canceled_and_the_page_says_so(trader: Page):
    page = trader
    limit = bench.amount(bench.last_price(page).inner_text()) - 9
    order = {"symbol": "AAPL", "side": "buy", "quantity": "1", "limit_price": str(limit)}
    place_by_api(page, type="limit", **order)
    bench.tab(page, "orders")
    cancel = page.get_by_role("button", name="Cancel buy 1 AAPL")
    expect(cancel).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/cancel", hold)
    cancel.click()
    expect(cancel).to_be_disabled()
    _bring_anew(page)
    expect(cancel).to_be_disabled()
    _cancel_elsewhere(page)
    expect(cancel).to_be_hidden()
    held[0].continue_()
    expect(page.get_by_text("Not canceled")).to_be_visible()
    expect(bench.row(page, "Orders", "0 / 1")).to_contain_text("Canceled")


def _bring_anew(page: Page) -> None:
    """Let the table of orders come anew, as it does with every event, and wait until it has."""
    page.evaluate("document.querySelector('form.inline').dataset.old = ''")
    page.evaluate("document.dispatchEvent(new CustomEvent('order-changed'))")
    expect(page.locator("form[data-old]")).to_have_count(0)


@pytest.mark.parametrize("look", ["dark-desk", "light-desk"], indirect=True)
def test_a_second_tab_agrees_and_tells_once(trader: Page, watch: Watch):
    other = trader.context.new_page()
    watch.follow(other)
    other.goto("/trade/AAPL")
    for page in (trader, other):
        bench.await_live(page)
        page.evaluate(meters.STAMP, ["position", "#panel tr[data-symbol=AAPL] td", "6"])
        page.evaluate(meters.STAMP, ["toast", ".toast", "Filled"])
    trader.bring_to_front()
    trader.get_by_label("Quantity").fill("6")
    bench.review(trader, "buy")
    bench.send(trader, "buy")
    for page in (trader, other):
        page.bring_to_front()
        expect(bench.row(page, "Positions", "AAPL").locator("td").first).to_have_text("6")
        expect(page.locator(".toast")).to_have_count(1)
        tally(9, "tabs with one toast", "first" if page == trader else "second")
    first, second = (page.evaluate("window.stamps") for page in (trader, other))
    for what in ("position", "toast"):
        apart = abs(first[what] - second[what])
        measured(9, f"from tab to tab, the {what}", apart, most=AGREE_MS, unit=" ms", slack=BUSY)
    low = str(bench.amount(bench.last_price(trader).inner_text()) - 9)
    place_by_api(trader, symbol="AAPL", side="buy", type="limit", quantity="2", limit_price=low)
    for page in (trader, other):
        page.bring_to_front()
        bench.tab(page, "orders")
    other.get_by_role("button", name="Cancel buy 2 AAPL").click()
    for page in (trader, other):
        page.bring_to_front()
        expect(bench.row(page, "Orders", "0 / 2")).to_contain_text("Canceled")
        expect(page.locator("#count-orders")).to_have_text("0")


def _cancel_elsewhere(page: Page) -> None:
    """Cancel the one open order as another program would."""
    (order,) = _orders(page)
    token = next(c["value"] for c in page.context.cookies() if c["name"] == "csrftoken")
    page.request.post(f"/api/v1/orders/{order['id']}/cancel", headers={"X-CSRFToken": token})


def _orders(page: Page) -> list[Any]:
    return page.request.get("/api/v1/orders").json()["results"]
