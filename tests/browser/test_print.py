"""Pages on paper: dark on white in either theme, without what only a screen can do."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.past import give_a_past
from tests.browser.product import Product

PAGES = {
    "statement": "/account/statement",
    "orders": "/orders",
    "fills": "/fills?symbol=NVDA",
    "portfolio": "/portfolio?benchmark=SPY",
}
ON_PAPER = """() => {
  const style = (each) => getComputedStyle(each);
  const depth = (color) => {
    const [r, g, b, a] = color.match(/[\\d.]+/g).map(Number);
    return a === 0 ? 255 : (r * 299 + g * 587 + b * 114) / 1000;
  };
  const inside = [...document.querySelectorAll("main *")];
  const seen = inside.filter((each) => each.checkVisibility() && !each.closest(".hush, svg"));
  const has_words = (each) => [...each.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const controls = seen.filter((each) => each.matches("button, select, input, .button"));
  const gone = inside.filter((each) => each.matches(".opt") && style(each).display === "none");
  const rows = inside.filter((each) => each.matches("tr"));
  return {
    paper: depth(style(document.body).backgroundColor),
    faintest: Math.max(...seen.filter(has_words).map((each) => depth(style(each).color))),
    controls: controls.map((each) => each.outerHTML),
    cut: rows.filter((each) => style(each).breakInside !== "avoid").length,
    gone: gone.filter((each) => !each.closest("details")).map((each) => each.outerHTML),
    wide: document.querySelector("main").scrollWidth,
  };
}"""
A4_PX = 688
"""What is left of the paper's width between its margins."""


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page as paper, and the paper, in $BENGI_SCREENSHOTS, where set."""
    if folder := os.environ.get("BENGI_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
        page.pdf(path=Path(folder) / f"{name}.pdf", prefer_css_page_size=True)


@pytest.mark.parametrize("look", ["light-desk", "dark-desk"], indirect=True)
def test_what_is_printed(trader: Page, product: Product, person: Person, look: str):
    page = trader
    give_a_past(product, person.email)
    page.goto("/orders")
    addresses = PAGES | {"order": page.locator("tbody th a").last.get_attribute("href") or ""}
    page.set_viewport_size({"width": A4_PX, "height": 1000})
    for name, address in addresses.items():
        page.emulate_media(media="screen")
        page.goto(address)
        page.emulate_media(media="print")
        for part in (".bar", ".dock", ".foot", "form.filters"):
            for found in page.locator(part).all():
                expect(found).to_be_hidden()
        expect(page.locator("main")).to_contain_text(person.email)
        seen = page.evaluate(ON_PAPER)
        assert (seen["paper"], seen["controls"], seen["cut"]) == (255, [], 0), name
        assert seen["faintest"] < 150, name
        assert (seen["gone"], seen["wide"] <= A4_PX) == ([], True), name
        pages = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
        assert 1 <= len(pages) <= 6, (name, len(pages))
        picture(page, f"printed-{name}-{look}")
