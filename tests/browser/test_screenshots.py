"""The pictures of the documents, drawn by the product itself: `make screenshots` keeps them.

Every run draws them into a folder of its own, or into $BENGI_SCREENSHOTS, and looks at them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import bench, pictures
from tests.browser.conftest import LOOKS, Person
from tests.browser.past import give_a_past
from tests.browser.product import Product
from tests.browser.watch import assert_nothing_sticks_out, place_by_api

WATCHED = [
    *("AAPL", "MSFT", "NVDA", "AMZN", "KO", "JPM", "XOM", "SPY"),
    *("ASML", "SAP", "SHEL", "7203", "BTCUSD", "ETHUSD"),
]
BRACKET = 2600


@pytest.fixture
def person() -> Person:
    return Person("Ada Lovelace", "ada.lovelace@bengi.example")


def test_the_pictures_of_the_documents(
    trader: Page,
    product: Product,
    person: Person,
    open_context: Callable[..., BrowserContext],
    tmp_path: Path,
):
    """Eight months of trading, two resting orders, a bracket that fills in parts."""
    folder = Path(os.environ.get("BENGI_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page = trader
    give_a_past(product, person.email)
    _watch_more(page)
    order = _bracket(page)
    _trade(page)

    _show_trading(page)
    _draw(page, folder, "trade")
    _show_portfolio(page)
    _draw(page, folder, "portfolio")
    page.goto(f"/orders/{order}")
    expect(page.locator(".step--fill").first).to_be_visible()
    _draw(page, folder, "order")
    phone = _phone(open_context, page)
    _draw(phone, folder, "phone")

    drawn = [folder / name for name in sorted(pictures.names())]
    assert [fault for picture in drawn for fault in pictures.faults(picture)] == []


def _draw(page: Page, folder: Path, name: str) -> None:
    """Draw what the window shows, in both themes."""
    width, height = pictures.SIZES[name]
    if name != "phone":
        page.set_viewport_size({"width": width, "height": height})
    page.mouse.move(0, 0)
    for theme in pictures.THEMES:
        page.emulate_media(color_scheme=theme)
        assert_nothing_sticks_out(page)
        page.screenshot(path=folder / f"{name}-{theme}.png")


def _watch_more(page: Page) -> None:
    token = next(c["value"] for c in page.context.cookies() if c["name"] == "csrftoken")
    mine = page.request.get("/api/v1/watchlists").json()["results"][0]
    written = page.request.put(
        f"/api/v1/watchlists/{mine['id']}",
        data={"name": mine["name"], "symbols": WATCHED},
        headers={"X-CSRFToken": token},
    )
    assert written.ok, written.text()


def _bracket(page: Page) -> str:
    """Buy more than the quote shows at once, with both exits, and return the entry's id."""
    ask = Decimal(page.request.get("/api/v1/instruments/F/quote").json()["ask"])
    exits: dict[str, Any] = {
        "take_profit": {"limit_price": f"{ask * Decimal('1.04'):.2f}"},
        "stop_loss": {"stop_price": f"{ask * Decimal('0.97'):.2f}"},
    }
    limit = {"type": "limit", "limit_price": f"{ask + Decimal('0.03'):.2f}", "time_in_force": "gtc"}
    place_by_api(
        page, symbol="F", side="buy", quantity=str(BRACKET), order_class="bracket", **limit, **exits
    )
    orders = page.request.get("/api/v1/orders?symbol=F").json()["results"]
    (entry,) = (each["id"] for each in orders if each["leg"] is None)
    page.goto(f"/orders/{entry}")
    expect(page.locator(".step--fill").first).to_be_visible()
    return entry


def _trade(page: Page) -> None:
    """Buy a little, and leave one order on each side of the market."""
    place_by_api(page, symbol="AAPL", side="buy", type="market", quantity="20")
    last = Decimal(page.request.get("/api/v1/instruments/AAPL/quote").json()["last"])
    for side, quantity, away in (("buy", "25", "-1.20"), ("sell", "40", "1.40")):
        order = {"side": side, "quantity": quantity, "limit_price": f"{last + Decimal(away):.2f}"}
        place_by_api(page, symbol="AAPL", type="limit", time_in_force="gtc", **order)


def _show_trading(page: Page) -> None:
    page.goto("/trade/AAPL?bar=5min&type=limit&quantity=25")
    bench.await_live(page)
    expect(
        page.locator(".chart:not([data-loading]) [data-chart]:not([data-empty])")
    ).to_be_visible()
    expect(page.locator("#count-orders")).to_have_text(re.compile(r"[2-5]"))
    expect(page.locator(".chart__order")).to_have_count(2)
    with page.expect_response(lambda answer: "sma" in answer.url):
        page.get_by_role("group", name="Indicators").get_by_role(
            "button", name="SMA", exact=True
        ).click()
    page.get_by_role("button", name="Mid", exact=True).first.click()
    expect(page.locator("#estimate")).to_contain_text("Cost at most")
    page.evaluate("for (const toast of document.querySelectorAll('.toast')) toast.remove()")


def _show_portfolio(page: Page) -> None:
    page.goto("/portfolio?benchmark=SPY")
    bench.await_live(page)
    expect(page.locator("#plot canvas").first).to_be_visible()


def _phone(open_context: Callable[..., BrowserContext], page: Page) -> Page:
    """Return the trade page on a phone of the same person."""
    mine: Any = page.context.storage_state()
    phone = open_context(**LOOKS["dark-phone"], storage_state=mine).new_page()
    phone.goto("/trade/AAPL?bar=5min")
    bench.await_live(phone)
    expect(
        phone.locator(".chart:not([data-loading]) [data-chart]:not([data-empty])")
    ).to_be_visible()
    return phone
