"""The pages of coming in fit every screen and say what is wrong beside the field."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LOOKS
from tests.browser.watch import assert_nothing_sticks_out


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_a_forgotten_password(visitor: Page, look: str, tmp_path: Path):
    folder = tmp_path
    visitor.goto("/")
    visitor.get_by_role("link", name="Forgot your password?").click()
    visitor.get_by_label("E-mail").fill("nobody")
    visitor.get_by_role("button", name="Send the link").click()
    expect(visitor.get_by_text("This is not an e-mail address.")).to_be_visible()
    visitor.screenshot(path=folder / f"forgot-{look}.png")
    visitor.get_by_label("E-mail").fill("nobody@bengi.example")
    visitor.get_by_role("button", name="Send the link").click()
    expect(visitor.get_by_role("heading", name="Look into your mail")).to_be_visible()
    visitor.screenshot(path=folder / f"sent-{look}.png")
    assert_nothing_sticks_out(visitor)
