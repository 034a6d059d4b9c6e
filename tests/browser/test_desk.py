"""The staff's desk on every screen: it says what is stopped, and leads there."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LOOKS, Person
from tests.browser.product import Product
from tests.browser.test_admin import enter_a_split, sign_in_again
from tests.browser.watch import assert_accessible, assert_nothing_sticks_out


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_the_desk_tells_what_staff_have_stopped(
    trader: Page, product: Product, person: Person, look: str, tmp_path: Path
):
    page = trader
    enter_a_split(product, person, "KO")
    page.wait_for_url("**/signin?**")  # another role has ended the session, and the page knows
    page.goto("/admin/")
    sign_in_again(page, person)
    page.get_by_role("link", name="Desk: feed, engines").click()
    engines = page.get_by_role("region", name="Engines by shard")
    expect(engines.locator("tbody tr").first).to_contain_text("ok")
    expect(page.get_by_role("region", name="Prices by exchange")).to_contain_text("XNYS")
    assert_accessible(page)
    assert_nothing_sticks_out(page)
    page.screenshot(path=tmp_path / f"desk-{look}.png", full_page=True)
    halt(page, "halt_selected", "News pending")
    page.goto("/admin/desk/")
    halted = page.get_by_role("region", name="Halted instruments")
    expect(halted).to_contain_text("VOD")
    halted.get_by_role("link", name="VOD").click()
    expect(page.locator("#result_list tbody tr")).to_contain_text("VOD")
    halt(page, "resume_selected", "News are out")
    page.goto("/admin/desk/")
    expect(halted.get_by_role("link", name="VOD")).to_have_count(0)


def halt(page: Page, action: str, reason: str, symbol: str = "VOD") -> None:
    """Halt a symbol, or resume it, by the list's own action."""
    page.goto(f"/admin/instruments/instrument/?q={symbol}")
    page.get_by_label(f"Select this object for an action - {symbol}", exact=True).check()
    page.get_by_label("Action:").select_option(action)
    page.get_by_role("textbox", name="Reason").fill(reason)
    page.get_by_role("button", name="Go").click()
    expect(page.locator(".messagelist")).to_contain_text(f"{symbol}:")
