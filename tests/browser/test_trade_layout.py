"""The workbench as a whole: sizes that are chosen and kept, the tape, the keys, and its weight."""

import gzip

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from tests.browser import bench, meters
from tests.browser.conftest import LOOKS
from tests.browser.watch import assert_accessible, assert_fits

SHIFT_MAX = 0.02
WEIGHT_KB_MAX = 150
LIST, SIDE, TABS = (
    "Width of the watchlist",
    "Width of ticket and depth",
    "Height of positions, orders and fills",
)


def separator(page: Page, name: str) -> Locator:
    return page.get_by_role("separator", name=name)


def width(page: Page, part: str) -> float:
    box = page.locator(part).bounding_box()
    assert box
    return box["width"]


def drag(page: Page, name: str, by_x: int, by_y: int) -> None:
    box = separator(page, name).bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by_x, y + by_y, steps=4)
    page.mouse.up()


def test_sizes_go_by_keys_and_are_kept_without_a_jump(trader: Page):
    page = trader
    bench.await_live(page)
    for name, key, now in ((LIST, "ArrowRight", "304"), (SIDE, "ArrowLeft", "352")):
        split = separator(page, name)
        split.focus()
        for _ in range(2):
            page.keyboard.press(key)
        expect(split).to_have_attribute("aria-valuenow", now)
    separator(page, TABS).focus()
    page.keyboard.press("Home")
    expect(separator(page, TABS)).to_have_attribute("aria-valuenow", "120")
    page.keyboard.press("ArrowUp")

    page.reload()
    assert page.evaluate(meters.SHIFT, 3000) < SHIFT_MAX
    expect(separator(page, TABS)).to_have_attribute("aria-valuenow", "136")
    assert (width(page, ".bench__list"), width(page, ".bench__side")) == (304, 352)
    separator(page, LIST).focus()
    page.keyboard.press("Enter")
    assert width(page, ".bench__list") == 272
    page.reload()
    assert (width(page, ".bench__list"), width(page, ".bench__side")) == (272, 352)


def test_a_wide_side_shows_depth_and_trades_beside_each_other(trader: Page):
    page = trader
    bench.await_live(page)
    depth, trades = page.locator("#ladder"), page.locator("#prints")
    expect(depth).to_be_visible()
    expect(trades).to_be_hidden()
    page.locator(".book__pick label", has_text="Trades").click()
    expect(depth).to_be_hidden()
    expect(trades).to_be_visible()
    drag(page, SIDE, -400, 0)
    expect(separator(page, SIDE)).to_have_attribute("aria-valuenow", "489")
    expect(depth).to_be_visible()
    expect(trades).to_be_visible()
    separator(page, SIDE).dblclick()
    expect(separator(page, SIDE)).to_have_attribute("aria-valuenow", "320")
    expect(depth).to_be_hidden()


def test_the_tape_goes_on_with_every_trade(trader: Page):
    page = trader
    bench.await_live(page)
    page.locator(".book__pick label", has_text="Trades").click()
    rows = page.locator("#prints tbody tr")
    expect(rows.first).to_be_visible()
    newest = rows.first.inner_text()
    expect(rows.first).not_to_have_text(newest)
    sizes = [bench.amount(text) for text in rows.locator("td:nth-child(2)").all_inner_texts()]
    assert min(sizes) > 0


def test_keys_change_bars_and_tabs_and_can_be_switched_off(trader: Page):
    page = trader
    bench.await_live(page)
    with page.expect_response("**/bars?interval=5min*"):
        page.keyboard.press(".")
    with page.expect_response("**/bars?interval=1min*"):
        page.keyboard.press(",")
    page.keyboard.press("3")
    expect(page.locator("#tab-fills")).to_have_attribute("aria-current", "true")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard")
    expect(sheet).to_contain_text("Shorter bars, longer bars")
    assert_accessible(page)
    sheet.get_by_label("Single keys work outside of fields").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    expect(page.locator("#tab-fills")).to_have_attribute("aria-current", "true")


@pytest.fixture
def loaded(trader: Page) -> list[Response]:
    """Every answer that the page gets from now on."""
    answers: list[Response] = []
    trader.goto("/licences", wait_until="networkidle")

    def keep(answer: Response) -> None:
        answers.append(answer)

    trader.on("response", keep)
    return answers


def test_the_page_weighs_little(trader: Page, loaded: list[Response]):
    page = trader
    with page.expect_response("**/bars?*"):
        page.goto("/trade/AAPL")
    bench.await_live(page)
    page.wait_for_load_state("networkidle")
    weights = {
        answer.url.partition("?")[0]: len(gzip.compress(answer.body(), 6))
        for answer in loaded
        if answer.ok and "lightweight-charts" not in answer.url
    }
    heaviest = sorted(weights.items(), key=lambda one: -one[1])[:5]
    whole_kb = sum(weights.values()) / 1024
    print(
        f"\n/trade/AAPL: {whole_kb:.1f} KB gzip in {len(weights)} files without the chart library"
    )
    for url, weight in heaviest:
        print(f"  {weight / 1024:5.1f} KB {url}")
    assert len(weights) > 10
    assert whole_kb < WEIGHT_KB_MAX


@pytest.mark.parametrize("look", LOOKS, indirect=True)
def test_the_workbench_in_every_look(trader: Page, look: str):
    page = trader
    bench.await_live(page)
    page.locator(".book__pick label", has_text="Trades").click()
    expect(page.locator("#prints tbody tr").first).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    expect(page.get_by_role("separator")).to_have_count(0 if bench.is_phone(page) else 3)
