"""The staff's pages on every screen: wide tables scroll inside their box, not the page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS, PASSWORD, Person
from tests.browser.product import ROOT, Product
from tests.browser.watch import assert_nothing_sticks_out, place_by_api


def enter_a_split(product: Product, person: Person, symbol: str) -> str:
    """Make the person one of staff, let a colleague enter a split, and return its id."""
    environment = {**os.environ, "BENGI_DATABASE": str(product.log.parent / "product.sqlite3")}
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-m", "tests.labs.staff", person.email, symbol],
        cwd=ROOT,
        env=environment | {"DJANGO_SETTINGS_MODULE": "bengi.settings.dev"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.split()[-1]


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_the_preview_of_a_split_fits_every_screen(
    trader: Page, product: Product, person: Person, look: str, tmp_path: Path
):
    page = trader
    bench.await_live(page)
    place_by_api(page, symbol="KO", side="buy", type="market", quantity="30")
    page.goto("/positions")
    expect(page.locator("tbody tr", has_text="KO")).to_contain_text("30")
    low = {"type": "limit", "limit_price": "60.00", "time_in_force": "gtc"}
    place_by_api(page, symbol="KO", side="buy", quantity="5", **low)
    action_id = enter_a_split(product, person, "KO")
    page.wait_for_url("**/signin?**")  # another role has ended the session, and the page knows
    page.goto(f"/admin/instruments/corporateaction/{action_id}/preview/")
    sign_in_again(page, person)
    expect(page.get_by_role("region", name="Holdings")).to_contain_text(person.email)
    expect(page.get_by_role("region", name="Open orders")).to_contain_text("limit")
    assert_nothing_sticks_out(page)
    for box in page.get_by_role("region").all():
        assert box.evaluate("box => getComputedStyle(box).overflowX") == "auto"
    page.screenshot(path=tmp_path / f"preview-{look}.png", full_page=True)
    page.goto("/admin/")
    assert_nothing_sticks_out(page)


def sign_in_again(page: Page, person: Person) -> None:
    """Sign in on the page that the admin leads to, and come back to it."""
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


LISTS = (
    *("accounts/user", "accounts/account", "accounts/ledgerentry", "audit/auditentry"),
    *("events/event", "instruments/instrument", "orders/order", "orders/tradinghalt"),
    *("trades/trade", "trades/setaside"),
)


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_the_desk_s_pages_fit_every_screen(
    trader: Page, product: Product, person: Person, look: str
):
    page = trader
    enter_a_split(product, person, "KO")
    page.wait_for_url("**/signin?**")
    page.goto("/admin/")
    sign_in_again(page, person)
    for address in (*LISTS, *(f"{name}/add" for name in ("accounts/user", "orders/tradinghalt"))):
        answer = page.goto(f"/admin/{address}/")
        assert answer is not None
        assert answer.ok
        assert_nothing_sticks_out(page)
        expect(page.get_by_role("link", name="Bengi Staff desk")).to_be_visible()
    for action, reason, status in (
        ("halt_selected", "News pending", "halted"),
        ("resume_selected", "News are out", "active"),
    ):
        page.goto("/admin/instruments/instrument/?q=ULVR")
        page.get_by_label("Select this object for an action - ULVR").check()
        page.get_by_label("Action:").select_option(action)
        page.get_by_role("textbox", name="Reason").fill(reason)
        page.get_by_role("button", name="Go").click()
        expect(page.locator(".messagelist")).to_contain_text(f"ULVR: {status}.")
    page.goto("/admin/audit/auditentry/?q=News+pending")
    expect(page.locator("#result_list tbody tr").first).to_contain_text("instrument.halted")
