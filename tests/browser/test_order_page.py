"""The page of one order: its story, why it has not filled, and how it follows the engine live."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS
from tests.browser.watch import assert_accessible, assert_fits, place_by_api


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_an_order_tells_its_story_and_follows_the_engine(trader: Page, look: str, tmp_path: Path):
    page = trader
    bench.await_live(page)
    place_by_api(page, symbol="KO", side="buy", type="market", quantity="900")
    _open_newest(page)
    expect(page.locator(".standing")).to_contain_text("All 900 bought at")
    expect(page.locator(".step--fill").first).to_contain_text("Best price first: the ask stood at")
    expect(page.get_by_role("heading", name="What it cost to trade")).to_be_visible()
    page.locator("summary", has_text="checks").click()
    expect(page.locator(".checks dd").first).to_contain_text("passed")
    _check(page, f"order-filled-{look}", tmp_path)

    page.goto("/trade/KO")
    far = bench.amount(bench.last_price(page).inner_text()) - Decimal("2")
    place_by_api(page, symbol="KO", side="buy", type="limit", quantity="10", limit_price=str(far))
    _open_newest(page)
    box = page.locator("#now")
    expect(box).to_contain_text("Why has it not filled?")
    expect(box).to_contain_text(re.compile(r"The limit [\d.]+ is [\d.]+ below the ask"))
    page.evaluate("window.notReloaded = true")
    _check(page, f"order-open-{look}", tmp_path)
    page.get_by_role("button", name="Cancel order").click()
    expect(page.locator(".step").last).to_contain_text("You asked for it")
    expect(box).to_have_count(0)
    _check(page, f"order-canceled-{look}", tmp_path)
    assert page.evaluate("window.notReloaded") is True


@pytest.mark.parametrize("look", ["dark-phone"], indirect=True)
def test_every_row_leads_to_the_story(trader: Page):
    place_by_api(trader, symbol="KO", side="buy", type="limit", quantity="10", limit_price="60.00")
    trader.goto("/orders")
    trader.get_by_role("link", name="Explain").first.click()
    expect(trader.get_by_role("heading", name="What happened, and why")).to_be_visible()


def _open_newest(page: Page) -> None:
    page.goto("/orders")
    page.locator("tbody tr").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="What happened, and why")).to_be_visible()


def _check(page: Page, name: str, tmp_path: Path) -> None:
    """Let axe look, measure, and leave a picture in $BENGI_SCREENSHOTS."""
    assert_accessible(page)
    assert_fits(page)
    folder = Path(os.environ.get("BENGI_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
