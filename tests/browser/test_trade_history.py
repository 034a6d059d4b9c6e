"""The bars that somebody has scrolled back to stay: with a new indicator, and over a lost line."""

import itertools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import TIMEOUT_MS
from tests.browser.test_stream import Wire

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
ANSWER_MAX = 100


@dataclass
class Past:
    """Minutes of a market that the page is told in place of the real ones: the first opens at
    100.00, each later one a cent higher. It tells few at a time; oldest is the first bar of which
    an indicator was asked."""

    count: int
    oldest: dict[str, int] = field(default_factory=dict)

    def answer(self, route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        end = datetime.fromisoformat(query["end"][0]) if "end" in query else None
        before = self.count if end is None else (end - FIRST) // timedelta(minutes=1)
        until = min(self.count, before)
        since = max(0, until - min(ANSWER_MAX, int(query["limit"][0])))
        names = query["indicators"][0].split(",") if "indicators" in query else []
        for name in names:
            self.oldest[name] = min(since, self.oldest.get(name, since))
        bars = [self._bar(at, names) for at in range(since, until)]
        route.fulfill(json={"symbol": "AAPL", "interval": "1min", "results": bars})

    def _bar(self, at: int, names: list[str]) -> dict[str, object]:
        opens, closes = f"{100 + at / 100:.2f}", f"{100 + (at + 1) / 100:.2f}"
        return {
            "starts_at": (FIRST + timedelta(minutes=at)).isoformat().replace("+00:00", "Z"),
            "open": opens,
            "high": closes,
            "low": opens,
            "close": closes,
            "volume": "7",
            "indicators": dict.fromkeys(names, opens),
        }


@pytest.fixture
def wire(visitor: Page) -> Wire:
    """A line on which no price comes, so that no bar of today ends up among those of the past."""
    made = Wire(is_stalled=True)
    visitor.route_web_socket("**/ws", made.connect)
    return made


@pytest.fixture
def past(trader: Page) -> Past:
    made = Past(260)
    trader.route("**/bars?*", made.answer)
    trader.reload()
    expect(trader.locator(".chart:not([data-loading])")).to_be_visible()
    return made


def number_at(page: Page, x: float) -> int:
    """Return which bar the legend tells under a point of the chart: 0 is the first of all."""
    box = page.locator("[data-chart]").bounding_box()
    assert box
    page.mouse.move(box["x"] + x, box["y"] + 80)
    page.mouse.move(box["x"] + x, box["y"] + 81)
    page.evaluate("new Promise(requestAnimationFrame)")
    return round((float(page.locator("[data-bar=open]").inner_text()) - 100) * 100)


def show_all(page: Page) -> None:
    """Make bars so narrow that all of them are in the picture."""
    box = page.locator("[data-chart]").bounding_box()
    assert box
    page.mouse.move(box["x"] + 300, box["y"] + 80)
    for _ in range(30):
        page.mouse.wheel(0, 600)


def show_newest(page: Page) -> None:
    """Make bars so wide that only some of the newest are in the picture."""
    box = page.locator("[data-chart]").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 90, box["y"] + 80)
    for _ in range(30):
        page.mouse.wheel(0, -600)


def bars_across(page: Page) -> list[tuple[int, int]]:
    """Return where bars stand and which, from left to right; the newest is told beside them too."""
    box = page.locator("[data-chart]").bounding_box()
    assert box
    found = [(x, number_at(page, x)) for x in range(4, int(box["width"]) - 70, 20)]
    newest = max(number for _, number in found)
    return [(x, number) for x, number in found if number < newest]


def await_first(page: Page, holds: Callable[[int], bool]) -> None:
    """Wait until the first bar in the picture is one that is wanted: older ones come late."""
    until = time.monotonic() + TIMEOUT_MS / 1000
    while not (found := bars_across(page)) or not holds(found[0][1]):
        assert time.monotonic() < until, f"the first bars in sight stay {found[:3]}"


def test_history_stays_with_a_new_indicator_and_over_a_lost_line(
    wire: Wire, trader: Page, past: Past
):
    page = trader
    show_all(page)
    expect(page.locator("[data-live]")).to_have_text(re.compile("Live|No prices"))
    await_first(page, lambda number: number < ANSWER_MAX)  # scrolling back leads to the first bars
    x, number = bars_across(page)[0]

    page.get_by_role("group", name="Indicators").get_by_role("button", name="SMA").click()
    told = page.locator("[data-study-legend=sma] b")
    expect(told).to_have_text("102.59")
    assert number_at(page, x) == number, "with a new indicator the old bars are where they were"
    assert told.inner_text() == page.locator("[data-bar=open]").inner_text(), "with its values"

    wire.cut()
    expect(page.locator("#feed")).to_be_visible()
    past.count += 3 * ANSWER_MAX
    wire.is_up = True
    page.get_by_role("button", name="Try now").click()
    page.mouse.move(0, 0)
    expect(page.locator("[data-bar=open]")).to_have_text(f"{100 + (past.count - 1) / 100:.2f}")
    show_all(page)
    await_first(page, lambda number: number < ANSWER_MAX)
    found = [number for _, number in bars_across(page)]
    assert found[0] < ANSWER_MAX
    steps = [right - left for left, right in itertools.pairwise(found)]
    assert max(steps) < ANSWER_MAX, f"a gap among {found}"


def test_history_that_is_out_of_sight_stays_with_a_new_indicator(
    wire: Wire, trader: Page, past: Past
):
    page = trader
    show_all(page)
    await_first(page, lambda number: number < ANSWER_MAX)
    show_newest(page)
    await_first(page, lambda number: number > 2 * ANSWER_MAX)  # only the newest are in the picture
    page.get_by_role("group", name="Indicators").get_by_role("button", name="SMA").click()
    expect(page.locator("[data-study-legend=sma] b")).to_have_text("102.59")
    assert past.oldest["sma:20"] == 0, "nobody has to scroll back to have the old bars again"
    assert bars_across(page)[0][1] > 2 * ANSWER_MAX, "the view stays where it was"
