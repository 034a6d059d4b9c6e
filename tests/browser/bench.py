"""The workbench as a person sees it: its parts by what they are called on the page."""

from __future__ import annotations

import re
from decimal import Decimal

from playwright.sync_api import Locator, Page, expect


def is_phone(page: Page) -> bool:
    return page.viewport_size["width"] < 800


def last_price(page: Page) -> Locator:
    return page.locator(".quote [data-q=last]")


def amount(text: str) -> Decimal:
    """Read a number off the page: thousands apart, a true minus, perhaps its currency."""
    found = re.search(r"[−+]?[\d,]+(\.\d+)?", text)
    assert found, f"no number in {text!r}"
    return Decimal(found.group().replace(",", "").replace("−", "-").replace("+", ""))


def await_live(page: Page) -> None:
    expect(page.locator("[data-live]")).to_have_text("Live")


def open_ticket(page: Page, side: str) -> None:
    """Choose a side; on a phone that raises the sheet."""
    if is_phone(page):
        page.locator(f".dock__orders .button--{side}").click()
        expect(page.locator("#ticket")).to_be_visible()
    else:
        page.locator("#ticket .sides label", has_text=side.capitalize()).click()


def review(page: Page, side: str) -> Locator:
    """Ask for the review and return its dialog."""
    page.get_by_role("button", name=f"Review {side} order").click()
    dialog = page.get_by_role("dialog", name="Review order")
    expect(dialog).to_be_visible()
    return dialog


def send(page: Page, side: str) -> None:
    page.get_by_role("button", name=f"Send {side} order").click()
    expect(page.locator("#review")).not_to_be_visible()


def toast(page: Page, title: str) -> Locator:
    return page.locator(".toast", has=page.get_by_text(title, exact=True))


def tab(page: Page, name: str) -> None:
    page.locator(f"#tab-{name}").click()
    expect(page.locator(f"#tab-{name}")).to_have_attribute("aria-current", "true")


def row(page: Page, panel: str, text: str) -> Locator:
    region = page.get_by_role("region", name=panel)
    return region.locator("tbody tr", has_text=text).first
