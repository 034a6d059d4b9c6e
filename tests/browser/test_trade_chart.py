"""The chart of the trade page: indicators, older bars, own orders as lines, trading from it."""

import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Request, Response, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS
from tests.browser.watch import assert_accessible, assert_fits, place_by_api

AWAY = Decimal("0.60")


def picture(page: Page, name: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("BENGI_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"chart-{name}.png")


def await_bars(page: Page) -> None:
    bench.await_live(page)
    expect(
        page.locator(".chart:not([data-loading]) [data-chart]:not([data-empty])")
    ).to_be_visible()


def toggle(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name="Indicators").get_by_role("button", name=name, exact=True)


def asked(request: Request) -> list[str]:
    """The indicators that a request for bars names."""
    return parse_qs(urlsplit(request.url).query).get("indicators", [""])[0].split(",")


def leave_an_order(page: Page, side: str = "buy") -> Decimal:
    """Leave a limit of 40 a little away from the market, and return its price."""
    last = bench.amount(bench.last_price(page).inner_text())
    limit = last - AWAY if side == "buy" else last + AWAY
    order = {"symbol": "AAPL", "side": side, "quantity": "40", "limit_price": str(limit)}
    place_by_api(page, type="limit", time_in_force="gtc", **order)
    expect(handle(page)).to_be_visible()
    return limit


def handle(page: Page) -> Locator:
    return page.locator(".chart__order")


def grip(page: Page, down_px: int) -> None:
    """Take the handle of the only order and move it down, without letting go."""
    handle(page).scroll_into_view_if_needed()
    box = handle(page).bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + down_px, steps=6)


def test_indicators_are_the_servers_and_are_remembered(trader: Page):
    page = trader
    await_bars(page)
    answers: list[Response] = []
    page.on("response", lambda r: answers.append(r) if "rsi" in r.url else None)
    with page.expect_response(lambda r: "rsi" in r.url) as answer:
        for name in ("SMA", "Bollinger", "RSI"):
            toggle(page, name).click()
    assert asked(answer.value.request) == ["sma:20", "bollinger:20:2", "rsi:14"]
    expect(toggle(page, "SMA")).to_have_attribute("aria-pressed", "true")
    told = page.locator("[data-study-legend=sma]")
    expect(told).to_contain_text("SMA 20")
    expect(told.locator("b")).to_have_text(re.compile(r"\d"))  # a new bar has none for a moment
    shown = told.locator("b").inner_text()
    newest = [each.json()["results"][-1]["indicators"]["sma:20"] for each in answers]
    assert shown in {f"{Decimal(value):.2f}" for value in newest}

    page.get_by_role("button", name="Lengths of the indicators").click()
    page.get_by_role("group", name="SMA").get_by_label("Bars").fill("50")
    page.get_by_role("group", name="MACD").get_by_label("Slow").fill("5")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("group", name="MACD").get_by_label("Slow")).to_be_focused()
    page.get_by_role("group", name="MACD").get_by_label("Slow").fill("26")
    with page.expect_response(lambda r: "sma%3A50" in r.url):
        page.get_by_role("button", name="Show", exact=True).click()

    with page.expect_response(lambda r: "sma%3A50" in r.url and "1min" in r.url):
        page.reload()
    expect(toggle(page, "RSI")).to_have_attribute("aria-pressed", "true")
    expect(toggle(page, "EMA")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("[data-study-legend=sma]")).to_contain_text("SMA 50")
    assert page.locator(".chart__canvas canvas").count() > 0


def test_every_length_of_bar_is_there_and_is_remembered(trader: Page):
    page = trader
    bench.await_live(page)
    toggle(page, "VWAP").click()
    for label, name in (("30m", "30min"), ("1D", "1day"), ("1M", "1month")):
        with page.expect_response(f"**/bars?interval={name}*") as answer:
            page.get_by_role("link", name=label, exact=True).click()
        assert answer.value.ok
    assert asked(answer.value.request) == [""], "a session's average has no days"
    with page.expect_response("**/bars?interval=1month*"):
        page.goto("/trade/KO")
    expect(page.get_by_role("link", name="1M", exact=True)).to_have_attribute(
        "aria-current", "true"
    )


def test_older_bars_come_when_somebody_scrolls_back(trader: Page):
    page = trader
    few = re.compile(r"/bars\?interval=1min&limit=500$")
    page.route(few, lambda route: route.continue_(url=route.request.url.replace("500", "250")))
    page.reload()
    await_bars(page)
    box = page.locator("[data-chart]").bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 60)
    with page.expect_response(lambda r: "/bars?" in r.url and "end=" in r.url) as answer:
        for _ in range(24):
            page.mouse.wheel(0, 600)
    older = answer.value.json()["results"]
    assert older, "there is a past to scroll to"
    end = parse_qs(urlsplit(answer.value.url).query)["end"][0]
    assert older[-1]["starts_at"] < end


def test_bars_that_did_not_come_are_asked_for_again(trader: Page, watch: Any):
    page = trader
    bench.await_live(page)
    page.route("**/bars?interval=1h*", lambda route: route.abort())
    page.get_by_role("link", name="1h", exact=True).click()
    expect(page.get_by_text("The bars did not come")).to_be_visible()
    page.unroute("**/bars?interval=1h*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("The bars did not come")).to_be_hidden()
    watch.forgive("ERR_FAILED")


def test_a_dragged_line_is_a_replace_once_it_is_reviewed(trader: Page):
    page = trader
    bench.await_live(page)
    limit = leave_an_order(page)
    expect(handle(page)).to_contain_text("Buy 40 limit")

    grip(page, 40)
    expect(handle(page)).not_to_have_text(f"Buy 40 limit at {limit}")
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(handle(page)).to_contain_text(f"Buy 40 limit at {limit}")
    expect(page.locator("#review")).not_to_be_visible()

    grip(page, 40)
    page.mouse.up()
    dialog = page.get_by_role("dialog", name="Review the change")
    expect(dialog).to_contain_text(f"{limit} → ")
    expect(dialog).to_contain_text("Buying power after")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert [order["status"] for order in orders(page)] == ["new"], "nothing was sent"

    grip(page, 40)
    page.mouse.up()
    change = dialog.locator(".facts__sum dd").first.inner_text()
    wanted = bench.amount(change.partition("→")[2])
    assert wanted < limit
    page.get_by_role("button", name="Replace buy order").click()
    expect(dialog).to_be_hidden()
    expect(handle(page)).to_contain_text(f"at {wanted}")
    assert Decimal(orders(page, "?status=open")[0]["limit_price"]) == wanted


def test_a_replace_by_keys_from_the_row(trader: Page):
    page = trader
    bench.await_live(page)
    leave_an_order(page)
    page.keyboard.press("2")
    link = page.get_by_role("link", name="Replace buy 40 AAPL")
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Replace order")
    expect(dialog.get_by_label("Quantity")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("0.5")
    page.keyboard.press("Enter")
    expect(page.locator("#replace-quantity-error")).to_be_visible()
    expect(dialog.get_by_label("Quantity")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("30")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Replace buy order")).to_be_focused()
    page.keyboard.press("Enter")
    expect(bench.row(page, "Orders", "0 / 30")).to_contain_text("New")
    expect(handle(page)).to_contain_text("Buy 30 limit")


def test_buy_and_sell_from_the_chart_fill_the_ticket(trader: Page):
    page = trader
    bench.await_live(page)
    page.locator(".chart__canvas canvas").first.wait_for()
    box = page.locator("[data-chart]").bounding_box()
    assert box
    page.mouse.click(box["x"] + 300, box["y"] + 90, button="right")
    menu = page.get_by_role("menu", name="Order at this price")
    sell = menu.get_by_role("menuitem", name="Sell limit at")
    price = bench.amount(sell.inner_text())
    expect(menu.get_by_role("menuitem", name="Buy limit at")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(sell).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="Sell")).to_be_checked()
    expect(page.get_by_label("Type")).to_have_value("limit")
    expect(page.get_by_label("Quantity")).to_be_focused()
    assert Decimal(page.get_by_label("Limit price").input_value()) == price

    page.mouse.move(box["x"] + 320, box["y"] + 120)
    page.get_by_role("button", name="Buy or sell at this price").click()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    assert orders(page) == []


def test_presets_are_the_servers(trader: Page):
    page = trader
    bench.await_live(page)
    page.get_by_label("Type").select_option("limit")
    page.get_by_label("Limit price").fill("200")
    shares = page.get_by_role("group", name="Share of what there is")
    for name, quantity in (("25%", "124"), ("50%", "249"), ("Max", "499")):
        shares.get_by_role("button", name=name).click()
        expect(page.get_by_label("Quantity")).to_have_value(re.compile(rf"^{quantity}(\.\d+)?$"))


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_the_chart_in_every_look(trader: Page, look: str, tmp_path: Path):
    page = trader
    bench.await_live(page)
    limit = leave_an_order(page, "buy")
    for name in ("SMA", "VWAP", "RSI", "MACD"):
        toggle(page, name).click()
    expect(toggle(page, "MACD")).to_have_attribute("aria-pressed", "true")
    assert_accessible(page)
    assert_fits(page)
    picture(page, look, tmp_path)
    page.get_by_role("button", name="Lengths of the indicators").click()
    assert_accessible(page)
    assert_fits(page)
    picture(page, f"lengths-{look}", tmp_path)
    page.keyboard.press("Escape")
    handle(page).click()
    dialog = page.get_by_role("dialog", name="Replace order")
    dialog.get_by_label("Limit price").fill(str(limit - 1))
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("button", name="Review the change").click()
    expect(page.get_by_role("button", name="Replace buy order")).to_be_focused()
    assert_accessible(page)
    assert_fits(page)
    picture(page, f"replace-{look}", tmp_path)


def orders(page: Page, query: str = "") -> list[dict[str, Any]]:
    return page.request.get(f"/api/v1/orders{query}").json()["results"]
