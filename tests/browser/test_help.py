"""The help page in every look, its headings, the links that lead there, and the error pages."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import LOOKS
from tests.browser.watch import Watch, assert_accessible, assert_fits, place_by_api


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_the_help_page_in_every_look(trader: Page, look: str, tmp_path: Path):
    trader.goto("/help")
    for summary in trader.locator("#main summary").all():
        summary.click()
    _check(trader, f"help-{look}", tmp_path)


@pytest.mark.parametrize("look", ["light-phone", "dark-desk"], indirect=True)
def test_orders_and_tickets_lead_to_the_right_heading(trader: Page):
    page = trader
    place_by_api(page, symbol="KO", side="buy", type="limit", quantity="10", limit_price="60.00")
    page.goto("/orders")
    page.locator("tbody tr").first.get_by_role("link").first.click()
    page.get_by_role("link", name="What can I do?").click()
    expect(page).to_have_url(re.compile(r"/help#why-\w+$"))
    expect(page.locator(":target")).to_be_in_viewport()
    page.go_back()
    page.get_by_role("link", name="Limit", exact=True).click()
    expect(page.locator("#type-limit")).to_be_in_viewport()
    page.goto("/trade/KO")
    if page.viewport_size["width"] < 800:
        page.get_by_role("button", name="Buy").click()
    page.get_by_role("link", name="times in force").click()
    expect(page.get_by_role("heading", name="Times in force")).to_be_in_viewport()


def test_visitors_read_it_without_script(open_context: Callable[..., BrowserContext], watch: Watch):
    page = open_context(java_script_enabled=False).new_page()
    watch.follow(page)
    page.goto("/help")
    page.get_by_role("link", name="Settlement", exact=True).click()
    expect(page.get_by_role("heading", name="Settlement")).to_be_in_viewport()
    summary = page.locator("#settlement summary")
    summary.click()
    expect(page.locator("#settlement details p")).to_be_visible()
    assert watch.mishaps == []


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_error_pages_in_every_look(visitor: Page, watch: Watch, look: str, tmp_path: Path):
    policy = visitor.request.get("/").headers["content-security-policy"]
    for name in ("400", "403", "403_csrf", "404", "500", "503"):
        visitor.route("**/broken", _answer_with(name, policy))
        visitor.goto("/broken")
        expect(visitor.get_by_role("heading", level=1)).to_be_visible()
        _check(visitor, f"error-{name}-{look}", tmp_path)
        visitor.unroute("**/broken")
    watch.forgive("/broken")
    watch.forgive("Failed to load resource")


def _answer_with(name: str, policy: str) -> Callable[[Route], None]:
    """Return what answers with an error page as the product would send it."""
    body = render_to_string(f"{name}.html", {"request_id": "01890a5d-ac96-774b-bcce"})
    headers = {"Content-Security-Policy": policy, "Content-Type": "text/html"}
    return lambda route: route.fulfill(status=int(name[:3]), body=body, headers=headers)


def _check(page: Page, name: str, tmp_path: Path) -> None:
    """Let axe look, measure, and leave a picture in $BENGI_SCREENSHOTS."""
    assert_accessible(page)
    assert_fits(page)
    folder = Path(os.environ.get("BENGI_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
