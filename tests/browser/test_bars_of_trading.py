"""The bars about trading: a restart, a phone, numbers that agree."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from scripts.supervisor.servers import free_port
from tests.bars import measured, tally
from tests.browser import bench, meters
from tests.browser.conftest import Person, sign_up
from tests.browser.past import give_a_past
from tests.browser.product import Product, running_product
from tests.browser.watch import place_by_api

RECOVERS_S = 20
POSITION = "#panel tbody tr[data-symbol=AAPL] td:nth-of-type(1)"


def test_a_restart_costs_no_fill_and_no_reload(
    open_context: Callable[..., BrowserContext], person: Person, tmp_path: Path
):
    """The product comes back at its address; what fills before the page is back is told."""
    port = free_port()
    with running_product(tmp_path, port) as product:
        page = open_context(base_url=product.url).new_page()
        sign_up(page, person)
        bench.await_live(page)
        page.evaluate("window.notReloaded = true")
        limit = f"{bench.amount(bench.last_price(page).inner_text()) * Decimal('1.03'):.2f}"
    expect(page.locator("#feed")).to_be_visible()
    page.evaluate("window.stamps = {}")
    page.evaluate(meters.STAMP, ["live", "[data-live]", "Live"])
    with running_product(tmp_path, port):
        back = time.time()
        order = {"side": "buy", "type": "limit", "quantity": "8", "limit_price": limit}
        place_by_api(page, symbol="AAPL", **order)
        expect(page.locator("#feed")).to_be_hidden(timeout=2 * RECOVERS_S * 1000)
        # The page may be back before this process has seen the server answer.
        took_s = max(0.0, page.evaluate("window.stamps.live") / 1000 - back)
        measured(8, "live again after a restart", took_s, most=RECOVERS_S, unit=" s")
        expect(page.locator(".toast", has_text="Filled")).to_have_count(1)
        expect(page.locator(POSITION)).to_have_text("8")
        assert page.evaluate("window.notReloaded") is True


@pytest.mark.parametrize("look", ["dark-phone"], indirect=True)
def test_a_phone_shows_symbol_last_quantity_and_value(trader: Page):
    page = trader
    place_by_api(page, symbol="KO", side="buy", type="market", quantity="1200")
    for address in ("/positions", "/trade/KO"):
        page.goto(address)
        row = bench.row(page, "Positions", "KO")
        for what in ("KO", "1,200"):
            expect(row.get_by_text(what).first).to_be_in_viewport(ratio=1)
        for what in ("last", "value"):
            expect(row.locator(f"[data-q={what}]")).to_be_in_viewport(ratio=1)
        width = page.evaluate("document.documentElement.scrollWidth")
        measured(4, f"width of {address} with a position", width, most=390, unit=" px")


def test_the_numbers_agree(trader: Page, product: Product, person: Person):
    page = trader
    give_a_past(product, person.email)
    place_by_api(page, symbol="PFE", side="buy", type="market", quantity="10")
    page.goto("/fills?symbol=PFE")
    expect(page.locator("tbody tr")).to_have_count(1)
    (account,) = page.request.get("/api/v1/accounts").json()["results"]
    apart = [*_statements(page, account), *_sums(page, account["portfolios"][0]["id"])]
    for words, difference in apart:
        tally(13, "sums", words, faults=difference != 0)
    most = max(abs(difference) for _, difference in apart)
    measured(13, f"greatest difference of {len(apart)} sums", float(most), most=0)


def _statements(page: Page, account: dict[str, Any]) -> list[tuple[str, Decimal]]:
    """Compare, per currency, cash of page and API with the closing of each statement."""
    found = []
    for balance in account["balances"]:
        currency, cash = balance["currency"], Decimal(balance["cash"])
        page.goto(f"/account?currency={currency}")
        row = page.get_by_role("region", name="Cash per currency").locator(
            "tbody tr", has_text=currency
        )
        sums = page.locator("#statement-list .sums__of div", has_text="Closing").locator("dd")
        newest = page.get_by_role("region", name="Statement entries").locator("tbody tr").first
        address = f"/api/v1/accounts/{account['id']}/statement?currency={currency}"
        theirs = page.request.get(address).json()
        for words, value in (
            (
                f"cash on the account's page, {currency}",
                bench.amount(row.locator("td").first.inner_text()),
            ),
            (f"closing of the statement's page, {currency}", bench.amount(sums.inner_text())),
            (
                f"newest balance of the statement's page, {currency}",
                bench.amount(newest.locator("td").last.inner_text()),
            ),
            (f"closing of the API's statement, {currency}", Decimal(theirs["closing"])),
        ):
            found.append((words, value - cash))
    assert len(found) == 12, "three currencies"
    return found


def _sums(page: Page, portfolio_id: str) -> list[tuple[str, Decimal]]:
    """Compare equity with cash and positions wherever all three are told."""
    found = []
    page.goto("/portfolio")
    value, cash, equity = map(
        bench.amount, page.locator("#pf-positions .pager .money").all_inner_texts()
    )
    found.append(("equity on the portfolio's page", equity - value - cash))
    page.goto("/positions")
    bench.await_live(page)
    texts = page.evaluate(
        "[...document.querySelectorAll('.tiles--card dd:nth-of-type(1)')].map((e) => e.textContent)"
    )
    equity, cash, value = map(bench.amount, texts[:3])
    found.append(("equity on the positions' page, while it moves", equity - value - cash))
    summary = page.request.get(f"/api/v1/portfolios/{portfolio_id}/summary").json()
    for each in (summary["total"], *summary["by_currency"]):
        words = f"equity of the API's summary, {each.get('currency', 'together')}"
        found.append(
            (words, Decimal(each["equity"]) - Decimal(each["market_value"]) - Decimal(each["cash"]))
        )
    parts = page.request.get(f"/api/v1/portfolios/{portfolio_id}/allocation").json()
    for by in ("by_instrument", "by_currency", "by_sector"):
        whole = sum(Decimal(part["amount"]) for part in parts[by])
        found.append((f"equity of the API's allocation {by}", whole - Decimal(parts["equity"])))
    return found


def test_signing_in_without_script(plain_page: Page, person: Person):
    page = plain_page
    sign_up(page, person)
    page.goto("/account")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.goto("/orders")
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/orders")
