"""The picture of the README, drawn by the product itself: `make screenshots` keeps it."""

import os
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import bench
from tests.browser.conftest import Person
from tests.browser.watch import place_by_api

HOLDINGS = {"AAPL": "80", "NVDA": "100", "MSFT": "30", "KO": "200", "XOM": "80", "JPM": "20"}
PIXELS_MIN_BYTES = 60_000


@pytest.fixture
def person() -> Person:
    return Person("Ada Lovelace", "ada.lovelace@bengi.example")


def test_screenshot_of_a_trading_page_in_use(trader: Page, tmp_path: Path):
    """Positions, two resting orders, a ticket filled in. Written to $BENGI_SCREENSHOTS."""
    _trade(trader)
    trader.goto("/trade/AAPL?bar=1min&type=limit&quantity=25")
    bench.await_live(trader)
    expect(trader.locator("#count-positions")).to_have_text(str(len(HOLDINGS)))
    expect(trader.locator("#count-orders")).to_have_text("2")
    trader.get_by_role("button", name="Mid", exact=True).first.click()
    expect(trader.locator("#estimate")).to_contain_text("Cost at most")
    trader.mouse.move(0, 0)
    folder = Path(os.environ.get("BENGI_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    picture = folder / "trade-dark.png"
    trader.screenshot(path=picture)
    assert picture.stat().st_size > PIXELS_MIN_BYTES, "a blank page is smaller"


def _trade(page: Page) -> None:
    """Buy a few things, and leave one order on each side of the market."""
    for symbol, quantity in HOLDINGS.items():
        place_by_api(page, symbol=symbol, side="buy", type="market", quantity=quantity)
        expect(bench.row(page, "Positions", symbol)).to_be_visible()
    last = bench.amount(bench.last_price(page).inner_text())
    for side, quantity, away in (("buy", "40", "-0.60"), ("sell", "60", "0.70")):
        limit = str(last + Decimal(away))
        order = {"side": side, "quantity": quantity, "limit_price": limit}
        place_by_api(page, symbol="AAPL", type="limit", time_in_force="gtc", **order)
