"""The settings: each section in every look, and what choosing something does to other pages."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import struct
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from django.core.exceptions import ValidationError
from playwright.sync_api import Page, expect

from bengi import numerals
from bengi.typed import in_field, read_number
from bengi.writing import LOCALE_OF, LOCALES, Writing, long_day, written_for
from tests.browser import bench
from tests.browser.conftest import LOOKS, Person, sign_up
from tests.browser.watch import Watch, assert_accessible, assert_fits

SECTIONS = ("profile", "password", "appearance", "trading", "sessions", "second-factor", "api-keys")
WRITTEN_BY_BROWSERS = """
async ([code, thousands, point, groups, values, fields]) => {
  Object.assign(document.documentElement.dataset, { thousands, point, groups });
  const n = await import(`/static/js/numbers.js?${code || "plain"}`);
  const name = code || "en-GB";
  const options = { useGrouping: "always", minimumFractionDigits: 2, maximumFractionDigits: 2 };
  const theirs = new Intl.NumberFormat(name, options);
  const day = new Date(2026, 2, 31);
  const digits = { day: "2-digit", month: "2-digit" };
  const words = { day: "numeric", month: "short" };
  const parts = /^(en|$)/.test(code) ? words : digits;
  return {
    typed: fields.map((text) => n.inField(n.units(text))),
    refused: fields.filter((text) => n.ofField(text) === null),
    ours: values.map((text) => n.fixed(n.units(text), 2)),
    theirs: values.map((text) => theirs.format(text).replace("-", "\\u2212")),
    long: new Intl.DateTimeFormat(name, { ...parts, year: "numeric" }).format(day),
  };
}
"""


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_every_section_in_every_look(trader: Page, look: str, tmp_path: Path):
    for section in SECTIONS:
        trader.goto(f"/settings/{section}")
        expect(trader.locator(".side-nav [aria-current]")).to_be_in_viewport()
        _check(trader, f"settings-{section}-{look}", tmp_path)


@pytest.mark.parametrize("look", ["light-phone", "dark-desk"], indirect=True)
def test_the_second_factor_from_the_drawing_to_the_codes(
    trader: Page, person: Person, look: str, tmp_path: Path
):
    page = trader
    page.goto("/settings/second-factor")
    page.get_by_label("Your password").fill(person.password)
    page.get_by_role("button", name="Set it up").click()
    drawing = page.get_by_role("img", name="QR code")
    expect(drawing).to_be_visible()
    assert drawing.evaluate("(image) => image.complete && image.naturalWidth > 0")
    secret = page.locator(".numbered .mono").inner_text().replace(" ", "")
    _check(page, f"settings-qr-{look}", tmp_path)
    page.get_by_label("Code", exact=True).fill(_code(secret))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    _check(page, f"settings-codes-{look}", tmp_path)
    page.emulate_media(media="print")
    expect(page.locator(".codes")).to_be_visible()
    expect(page.locator(".side-nav")).to_be_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="New recovery codes")).to_be_visible()
    _check(page, f"settings-factor-on-{look}", tmp_path)


@pytest.mark.parametrize("look", ["dark-phone", "light-desk"], indirect=True)
def test_a_key_is_made_shown_once_and_revoked(trader: Page, look: str, tmp_path: Path):
    page = trader
    page.goto("/settings/api-keys")
    page.get_by_label("Name of the program").fill("morning bot")
    page.get_by_label("Trade: place").check()
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#key-text")).to_contain_text("bk_")
    expect(page.locator("#new-key")).to_be_focused()
    _check(page, f"settings-key-{look}", tmp_path)
    page.goto("/settings/api-keys")
    expect(page.locator("#key-text")).to_have_count(0)
    page.get_by_role("button", name="Revoke morning bot").click()
    expect(page.get_by_text("No keys")).to_be_visible()


@pytest.mark.parametrize("look", ["light-phone"], indirect=True)
def test_what_is_wrong_stands_beside_its_field(trader: Page, watch: Watch, tmp_path: Path):
    page = trader
    page.goto("/settings/password")
    page.get_by_label("Your password now").fill("not the password")
    page.get_by_label("New password").fill("a-longer-phrase-yet")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_label("Your password now")).to_be_focused()
    expect(page.get_by_label("Your password now")).to_have_accessible_description(
        "This is not your password."
    )
    _check(page, "settings-wrong", tmp_path)
    watch.forgive("422")


def test_times_numbers_and_amounts_are_the_readers(trader: Page):
    page = trader
    bench.await_live(page)
    equity = page.locator("[data-total=equity]")
    expect(equity).to_have_text("100,000.00")
    page.goto("/settings/profile")
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    page.get_by_label("Numbers and days").select_option("de")
    page.get_by_role("button", name="Save").click()
    expect(equity).to_have_text("100.000,00")
    page.keyboard.press("h")
    expect(equity).to_have_text("•••••")
    bench.await_live(page)
    expect(equity).to_have_text("•••••")
    assert "100.000" not in page.locator("header").inner_html()
    page.keyboard.press("h")
    expect(equity).to_have_text("100.000,00")


def test_an_order_goes_without_review_where_that_is_chosen(trader: Page):
    page = trader
    page.goto("/settings/trading")
    page.get_by_label("Review each order").uncheck()
    page.get_by_role("button", name="Save").click()
    page.goto("/trade/KO")
    bench.await_live(page)
    page.get_by_label("Quantity").fill("3")
    page.get_by_role("button", name="Send buy order").click()
    expect(page.locator(".toast")).to_contain_text("KO")
    expect(page.locator("#review")).to_be_hidden()
    page.get_by_role("button", name="Send buy order").click()
    expect(page.get_by_role("heading", name="Review order")).to_be_visible()
    expect(page.get_by_text("Do you mean it twice?")).to_be_visible()


def test_single_keys_can_be_switched_off_for_good(trader: Page):
    page = trader
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert_accessible(page)
    with page.expect_response("**/settings/switch"):
        page.get_by_label("Single keys work").uncheck()
    page.goto("/orders")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_hidden()
    page.goto("/settings/trading")
    expect(page.get_by_role("checkbox", name="Keyboard shortcuts")).not_to_be_checked()


def test_browsers_write_numbers_and_days_as_we_do(visitor: Page):
    visitor.goto("/")
    random = Random(19990101)
    cents = [random.randrange(10 ** random.randrange(3, 14)) for _ in range(60)]
    values = [f"{Decimal(each).scaleb(-2):f}" for each in cents]
    fields = ["1.234", "0.125", "999.9", "10", "1234.567", "12.3456"]
    day = date(2026, 3, 31)
    for locale in LOCALES:
        groups = " ".join(map(str, locale.groups))
        asked = [locale.code, locale.thousands, locale.point, groups, values, fields]
        told = visitor.evaluate(WRITTEN_BY_BROWSERS, asked)
        with written_for(lambda code=locale.code: Writing(LOCALE_OF[code])):
            ours = [numerals.fixed(Decimal(value), 2) for value in values]
            typed = [in_field(value) for value in fields]
            refused = [value for value in fields if not _is_read(value)]
            written = long_day(day)
        assert told["typed"] == typed, locale.code
        assert told["refused"] == refused, locale.code
        assert told["ours"] == ours, locale.code
        assert told["theirs"] == ours, locale.code
        assert told["long"] == written, locale.code


def _is_read(text: str) -> bool:
    try:
        read_number(text, example="1.5")
    except ValidationError:
        return False
    return True


def test_without_script(plain_page: Page, person: Person, watch: Watch):
    page = plain_page
    sign_up(page, person)
    page.goto("/settings/profile")
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_label("Time zone").select_option("Europe/Paris")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#name-error")).to_contain_text("Write the name")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Paris")
    page.get_by_label("Name", exact=True).fill("Sophie")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.goto("/settings/api-keys")
    page.get_by_label("Name of the program").fill("bot")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#key-text")).to_contain_text("bk_")
    watch.forgive("422")


def _code(secret: str) -> str:
    """Reckon a phone's six digits of now, by RFC 6238."""
    mac = hmac.digest(
        base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1
    )
    start = mac[-1] & 15
    return f"{(int.from_bytes(mac[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def _check(page: Page, name: str, tmp_path: Path) -> None:
    """Look at the page as it stands; BENGI_SCREENSHOTS keeps a picture of it."""
    folder = Path(os.environ.get("BENGI_SCREENSHOTS", tmp_path))
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    assert_accessible(page)
    assert_fits(page)
