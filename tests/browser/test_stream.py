"""What happens to the page when the socket dies, goes mute, or comes back."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.bars import measured
from tests.browser import bench, meters
from tests.browser.watch import Watch, place_by_api

BANNER_WITHIN_MS = 1_000
MUTE_WITHIN_MS = 5_000
RECOVERS_WITHIN_MS = 20_000
BUSY = 2.0
"""How many times as long it may take where other browsers are at work on the same cores."""
HEARTBEAT = '{"type":"PRICE_UPDATE","prices":[]}'


@dataclass
class Wire:
    """The line between page and product: it can be cut, go mute, or bring empty price frames."""

    is_up: bool = True
    is_mute: bool = False
    is_stalled: bool = False
    open_lines: list[WebSocketRoute] = field(default_factory=list)

    def connect(self, line: WebSocketRoute) -> None:
        if not self.is_up:
            line.close(code=1001)
            return
        server = line.connect_to_server()
        server.on_message(lambda frame: self._pass_on(line, str(frame)))
        self.open_lines.append(line)

    def _pass_on(self, line: WebSocketRoute, frame: str) -> None:
        if self.is_mute:
            return
        if self.is_stalled and '"symbol"' in frame:
            frame = HEARTBEAT  # what the product sends when its feed has nothing new
        line.send(frame)

    def mend(self) -> None:
        self.is_up = True

    def mute(self) -> None:
        self.is_mute = True

    def stall(self) -> None:
        self.is_stalled = True

    def cut(self) -> None:
        self.is_up = False
        for line in self.open_lines:
            line.close(code=1001)
        self.open_lines.clear()


@pytest.fixture
def wire(visitor: Page) -> Wire:
    made = Wire()
    visitor.route_web_socket("**/ws", made.connect)
    return made


@pytest.fixture
def banner(trader: Page) -> Callable[..., None]:
    def expect_banner(*, shown: bool, within_ms: int) -> None:
        found = expect(trader.locator("#feed"))
        (found.to_be_visible if shown else found.to_be_hidden)(timeout=within_ms)

    return expect_banner


def told_within(page: Page, what: str, change: Callable[[], None], most_ms: int) -> None:
    """Change something of the line, and measure when the page's banner tells of it."""
    page.evaluate(meters.STAMP, ["banner", "#feed", "lost"])
    since = time.time() * 1000
    change()
    expect(page.locator("#feed")).to_be_visible(timeout=4 * most_ms)
    took_ms = page.evaluate("window.stamps.banner") - since
    measured(8, f"banner after {what}", took_ms, most=most_ms, unit=" ms", slack=BUSY)


@pytest.mark.parametrize("look", ["dark-desk", "light-desk"], indirect=True)
def test_a_cut_is_told_at_once_and_nothing_is_missed(wire: Wire, trader: Page, banner):
    bench.await_live(trader)
    told_within(trader, "a cut", wire.cut, BANNER_WITHIN_MS)
    expect(trader.locator("#feed")).to_contain_text("Connection lost")
    expect(trader.locator("html")).to_have_attribute("data-feed-lost", "")
    place_by_api(trader, symbol="AAPL", side="buy", type="market", quantity="8")
    wire.is_up = True
    banner(shown=False, within_ms=RECOVERS_WITHIN_MS)
    expect(bench.toast(trader, "Filled")).to_be_visible()
    expect(bench.row(trader, "Positions", "AAPL").locator("td").first).to_have_text("8")
    expect(trader.locator("html")).not_to_have_attribute("data-feed-lost", "")
    before = bench.last_price(trader).inner_text()
    expect(bench.last_price(trader)).not_to_have_text(before)


def test_a_mute_socket_is_replaced(wire: Wire, trader: Page, banner):
    bench.await_live(trader)
    told_within(trader, "the line went mute", wire.mute, MUTE_WITHIN_MS)
    wire.is_mute = False
    banner(shown=False, within_ms=RECOVERS_WITHIN_MS)
    before = bench.last_price(trader).inner_text()
    expect(bench.last_price(trader)).not_to_have_text(before)


def test_a_feed_that_stands_still_is_told_while_the_line_is_well(wire: Wire, trader: Page, banner):
    bench.await_live(trader)
    told_within(trader, "the feed stood still", wire.stall, MUTE_WITHIN_MS)
    expect(trader.locator("#feed")).to_contain_text("Feed lost")
    expect(trader.locator("[data-live]")).to_have_text("No prices")
    wire.is_stalled = False
    banner(shown=False, within_ms=RECOVERS_WITHIN_MS)


def test_try_now_reconnects(wire: Wire, trader: Page, banner):
    bench.await_live(trader)
    wire.cut()
    banner(shown=True, within_ms=4 * BANNER_WITHIN_MS)
    # And not before, or the page comes back by itself:
    trader.expose_function("lineIsUp", wire.mend)
    trader.evaluate("addEventListener('click', () => window.lineIsUp(), { capture: true })")
    trader.get_by_role("button", name="Try now").click()
    banner(shown=False, within_ms=RECOVERS_WITHIN_MS)


def test_signing_out_elsewhere_sends_the_page_to_the_sign_in(trader: Page, watch: Watch):
    bench.await_live(trader)
    other = trader.context.new_page()
    other.goto("/account")
    other.get_by_role("main").get_by_role("button", name="Sign out").click()
    trader.wait_for_url("**/signin?next=**")
