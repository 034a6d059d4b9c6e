"""The demo trader in the standard mode: pages from one process, the socket from another."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from scripts.supervisor.processes import SCALE, STANDARD
from tests import servers
from tests.browser import bench
from tests.supervised import Mode, running_mode


@pytest.fixture(scope="module", params=[STANDARD, SCALE])
def product(
    request: pytest.FixtureRequest,
    postgres_server: str,
    redis_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mode]:
    """The product of these tests is a mode of several processes on books of its own."""
    with servers.database(postgres_server) as books:
        told = {"DATABASE_URL": books, "REDIS_URL": redis_server}
        with running_mode(request.param, tmp_path_factory.mktemp("mode"), **told) as mode:
            yield mode


@pytest.mark.slow
def test_a_fill_shows_without_a_reload(visitor: Page, product: Mode) -> None:
    page = visitor
    sockets: list[str] = []
    page.on("websocket", lambda opened: sockets.append(opened.url))
    page.goto("/")
    page.get_by_role("button", name="Look around as Demo Trader").click()
    page.wait_for_url("**/trade/AAPL")
    bench.await_live(page)
    assert sockets == [product.stream_url]
    page.evaluate("window.notReloaded = true")
    before = bench.last_price(page).inner_text()
    expect(bench.last_price(page)).not_to_have_text(before)
    bench.open_ticket(page, "buy")
    page.get_by_label("Quantity").fill("10")
    bench.review(page, "buy")
    bench.send(page, "buy")
    expect(bench.toast(page, "Filled")).to_be_visible()
    bench.tab(page, "positions")
    expect(bench.row(page, "Positions", "AAPL").locator("td").first).to_have_text("10")
    assert page.evaluate("window.notReloaded") is True
