"""A fill is taken back while its owner looks on: by another process, on the same database."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS, Person
from tests.browser.product import ROOT, Product
from tests.browser.watch import assert_accessible, assert_fits, place_by_api


def bust_newest(product: Product, person: Person) -> None:
    """Let two of staff bust the person's newest fill, from a process of their own."""
    database = product.log.parent / "product.sqlite3"
    environment = {**os.environ, "BENGI_DATABASE": str(database)}
    environment.pop("DATABASE_URL", None)
    subprocess.run(
        [sys.executable, "-m", "tests.labs.desk", person.email],
        cwd=ROOT,
        env=environment | {"DJANGO_SETTINGS_MODULE": "bengi.settings.dev"},
        check=True,
        timeout=60,
    )


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_a_busted_fill_is_seen_at_once_and_everywhere(
    trader: Page, product: Product, person: Person, look: str, tmp_path: Path
):
    page = trader
    bench.await_live(page)
    expect(bench.last_price(page)).to_have_text(re.compile(r"\d"))
    for quantity in ("30", "20"):
        place_by_api(page, symbol="AAPL", side="buy", type="market", quantity=quantity)
    page.goto("/fills")
    expect(page.locator("tbody tr")).to_have_count(2)
    bust_newest(product, person)
    expect(bench.toast(page, "Fill taken back")).to_contain_text("Bought 20 AAPL at")
    expect(page.locator("tbody tr")).to_have_count(3)
    bust, busted = page.locator("tbody tr").nth(0), page.locator("tbody tr.void")
    expect(bust).to_contain_text("−20")
    expect(busted).to_contain_text("busted")
    check(page, f"fills-busted-{look}", tmp_path)

    page.goto("/positions")
    expect(page.locator("tbody tr", has_text="AAPL")).to_contain_text("30")
    page.goto("/fills")
    page.locator("tr.void").get_by_role("link").click()
    expect(page.locator(".standing")).to_contain_text(
        "20 of 20 had filled and have been taken back"
    )
    expect(page.locator(".step").last).to_contain_text("Clearly erroneous")
    check(page, f"order-busted-{look}", tmp_path)

    page.goto("/trade/AAPL")
    bench.await_live(page)
    place_by_api(page, symbol="AAPL", side="sell", type="market", quantity="30")
    page.goto("/fills")
    expect(page.locator("tbody tr")).to_have_count(4)  # the engine works on


def check(page: Page, name: str, tmp_path: Path) -> None:
    """Let axe look, measure, and leave a picture in $BENGI_SCREENSHOTS."""
    assert_accessible(page)
    assert_fits(page)
    folder = Path(os.environ.get("BENGI_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
