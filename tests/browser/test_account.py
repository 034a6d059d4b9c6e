"""The account: money comes in once, is changed with open eyes, and the statement adds up."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import bench
from tests.browser.conftest import LOOKS, Person, sign_up
from tests.browser.watch import Watch, assert_accessible, assert_fits, place_by_api


def entries(page: Page):
    return page.locator("#statement-list tbody tr")


def look_at(page: Page, name: str, folder: Path) -> None:
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=folder / f"{name}.png", full_page=True)


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_deposit_convert_and_withdraw(trader: Page, watch: Watch, look: str, tmp_path: Path):
    page = trader
    page.goto("/account")
    page.get_by_role("textbox", name="Amount").fill("2500")
    expect(page.locator("#facts")).to_contain_text("102,500.00 USD")
    page.get_by_role("button", name="Deposit").dblclick()
    expect(page.get_by_text("2,500.00 USD came in.").first).to_be_visible()
    expect(entries(page)).to_have_count(2)

    page.get_by_role("link", name="Convert").click()
    page.get_by_label("You give").fill("1000")
    expect(page.locator("#facts")).to_contain_text("Rate EUR/USD")
    page.get_by_role("button", name="Review conversion").click()
    offer = page.get_by_role("region", name="Review conversion")
    expect(offer).to_contain_text("1,000.00 USD")
    expect(offer).to_contain_text("Conversion fee")
    came = offer.locator("dl > div").filter(has_text="You get").locator("dd").inner_text()
    look_at(page, f"offer-{look}", tmp_path)
    page.get_by_role("button", name="Convert 1,000.00 USD").click()
    expect(page.get_by_text(f"1,000.00 USD became {came}")).to_be_visible()
    expect(page.locator("#cash tfoot")).to_contain_text("In USD")

    page.get_by_role("link", name="Withdraw").click()
    page.get_by_role("textbox", name="Amount").fill("999999")
    expect(page.locator("#facts")).to_contain_text("not possible")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.locator("#amount-error")).to_contain_text("101,500 available")
    expect(page.get_by_role("textbox", name="Amount")).to_have_value("999999")
    expect(page.get_by_role("textbox", name="Amount")).to_be_focused()
    look_at(page, f"account-{look}", tmp_path)
    page.get_by_role("textbox", name="Amount").fill("1500")
    expect(page.locator("#facts")).to_contain_text("100,000.00 USD")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("1,500.00 USD went out.").first).to_be_visible()
    expect(entries(page).first.locator("td").last).to_have_text("100,000.00")
    watch.forgive("/account")
    watch.forgive("422")


def test_the_statement_narrows_leads_to_trades_and_is_a_file(trader: Page):
    page = trader
    bench.await_live(page)
    expect(bench.last_price(page)).to_have_text(re.compile(r"\d"))
    place_by_api(page, symbol="KO", side="buy", type="market", quantity="7")
    page.goto("/account")
    expect(entries(page)).to_have_count(3)
    page.get_by_label("Kind", exact=True).select_option("Trade")
    page.get_by_role("button", name="Show").click()
    expect(entries(page)).to_have_count(1)
    balance = bench.amount(entries(page).locator("td").last.inner_text())
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert [row["kind"] for row in rows] == ["opening", "trade", "closing"]
    assert Decimal(rows[1]["balance"]) == balance
    entries(page).get_by_role("link").click()
    expect(page.get_by_role("heading", name="Buy 7 KO at market")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_the_statement_of_a_period_adds_up_and_prints(trader: Page, look: str, tmp_path: Path):
    page = trader
    bench.await_live(page)
    expect(bench.last_price(page)).to_have_text(re.compile(r"\d"))
    for side, quantity in (("buy", "10"), ("sell", "4")):
        place_by_api(page, symbol="AAPL", side=side, type="market", quantity=quantity)
        page.goto("/fills")
        expect(page.locator("tbody tr")).to_have_count(1 if side == "buy" else 2)
    page.goto("/account/statement")
    look_at(page, f"statement-{look}", tmp_path)
    rows = page.locator("#period-USD tbody tr").all()
    figures = [row.locator("td.num").all_inner_texts() for row in rows]
    opening, closing = (bench.amount(figures[at][1]) for at in (0, -1))
    moved = sum((bench.amount(row[0]) for row in figures[1:-1]), Decimal(0))
    assert opening + moved == closing == bench.amount(figures[-2][1])
    expect(page.locator("#period-realized")).to_contain_text("AAPL")
    page.emulate_media(media="print")
    expect(page.locator(".bar")).to_be_hidden()
    expect(page.locator(".screen").first).to_be_hidden()
    expect(page.locator("#period-trades tfoot")).to_contain_text("2 trades")
    page.screenshot(path=tmp_path / f"printed-{look}.png", full_page=True)


def test_without_script_money_moves_and_the_statement_narrows(plain_page: Page, person: Person):
    page = plain_page
    sign_up(page, person)
    page.goto("/account")
    page.get_by_role("link", name="Convert").click()
    page.get_by_label("You give").fill("500")
    page.get_by_role("button", name="Review conversion").click()
    page.get_by_role("button", name="Convert 500.00 USD").click()
    expect(page.get_by_text("500.00 USD became")).to_be_visible()
    page.get_by_label("Kind", exact=True).select_option("Deposit")
    page.get_by_role("button", name="Show").click()
    expect(entries(page)).to_have_count(1)
    page.get_by_label("To (UTC)", exact=True).fill("2020-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No entries match the filter")).to_be_visible()
    page.get_by_role("link", name="Print").click()
    expect(page.get_by_role("heading", name="Account statement")).to_be_visible()
