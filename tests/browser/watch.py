"""A page that is watched: whatever goes wrong in it is remembered and fails the test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from django.urls import Resolver404, resolve
from playwright.sync_api import ConsoleMessage, Page, Request, Response

from tests.bars import measured, tally

PHONE_TARGET_PX = 40
CONTRAST_LEAST = 4.5
AXE: str = Axe().axe_script

# Fired by the browser for every breach of the Content-Security-Policy, also those it stays mute on.
REPORT_BREACHES = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error("CSP breach", event.violatedDirective, event.blockedURI));
"""
# Targets as high as what takes their taps, the lowest first.
LOWEST_TARGETS = """
() => [...document.querySelectorAll("a, button, input, select, summary, label")]
  .filter((e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
  .filter((e) => !e.matches("p a, .skip, label:not(:has(input)), .toast a"))
  .map((e) => {
    const host = e.closest("th, td, label, .find") ?? e;
    const boxes = [e.getBoundingClientRect(), host.getBoundingClientRect()];
    return { html: e.outerHTML.slice(0, 120), px: Math.max(...boxes.map((b) => b.height)),
             seen: boxes[0].width > 1 && boxes[0].height > 1 };
  })
  .filter(({ seen }) => seen)
  .sort((one, other) => one.px - other.px)
  .slice(0, 20)
"""
# What axe-core finds, and the least contrast of text that is not large (which needs less).
RUN_AXE = """
async () => {
  const options = { resultTypes: ["violations", "passes"], selectors: false };
  const { violations, passes } = await axe.run(document, options);
  const texts = passes.find(({ id }) => id === "color-contrast")?.nodes ?? [];
  const ratios = texts.flatMap(({ any }) => any.map(({ data }) => data))
    .filter((data) => data?.expectedContrastRatio === "4.5:1").map((data) => data.contrastRatio);
  const told = ({ id, help, nodes }) => `${id}: ${help}: ${nodes[0].html.slice(0, 200)}`;
  const contrast = ratios.length ? Math.min(...ratios) : null;
  return { violations: violations.map(told), contrast };
}
"""
LOOK = """
() => {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const open = [...document.querySelectorAll("dialog[open], [popover]:popover-open")];
  const theme = document.documentElement.dataset.theme || (isDark ? "dark" : "light");
  return {
    look: `${theme} ${innerWidth} px`,
    open: open.map((e) => ` #${e.id}`).join(""),
  };
}
"""
# What ends beyond the right edge of the window, where the page as a whole does.
BEYOND_THE_EDGE = """
(width) => document.documentElement.scrollWidth <= width ? [] :
  [`${document.documentElement.scrollWidth} px`, ...[...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > width + 0.5)
    .map((e) => e.outerHTML.slice(0, 120))]
"""


@dataclass
class Watch:
    """Collects what must not happen on a page of origin."""

    origin: str
    mishaps: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Remember every console error, exception, failed answer and offsite request from now."""
        page.add_init_script(REPORT_BREACHES)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.mishaps.append(f"exception: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def forgive(self, words: str) -> None:
        """Take out what a test provoked on purpose: every mishap that holds words."""
        self.mishaps = [mishap for mishap in self.mishaps if words not in mishap]

    def count(self) -> None:
        """Tell the bars which pages were watched, and how much went wrong on them."""
        for name in self.pages:
            tally(10, "pages", name)
        if self.mishaps:
            tally(10, "pages", self.pages[-1], faults=len(self.mishaps))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.mishaps.append(f"console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.mishaps.append(f"offsite request: {request.url}")

    def _response(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self.pages.append(name_of(response.url))
        if response.status >= 400:
            self.mishaps.append(f"answer {response.status}: {response.url}")


def place_by_api(page: Page, **order: str) -> None:
    """Place an order as a script would, with the sign-in of the page."""
    token = next(c["value"] for c in page.context.cookies() if c["name"] == "csrftoken")
    answer = page.request.post("/api/v1/orders", data=order, headers={"X-CSRFToken": token})
    assert answer.status == 201, answer.text()


def count_posts(page: Page) -> None:
    """Tell the bars which forms a page without script has posted, and which pages it has shown."""

    def answered(response: Response) -> None:
        if response.request.is_navigation_request() and response.status < 400:
            is_form = response.request.method == "POST"
            tally(7, "forms posted" if is_form else "pages shown", name_of(response.url))

    page.on("response", answered)


def name_of(url: str) -> str:
    """Return the name that the product has for an address, whatever symbol or id is in it."""
    path = urlsplit(url).path
    try:
        return resolve(path).url_name or path
    except Resolver404:
        return "a page that is not there"


def assert_accessible(page: Page) -> None:
    """Let axe-core look at the page as it stands, dialogs and all."""
    page.evaluate(AXE)
    found = page.evaluate(RUN_AXE)
    words: list[str] = found["violations"]
    seen = page.evaluate(LOOK)
    tally(5, "pages and dialogs", name_of(page.url) + seen["open"], seen["look"], faults=len(words))
    assert words == [], f"axe-core finds on {page.url}: {words}"
    if found["contrast"] is not None:
        measured(12, "least contrast of text, by axe-core", found["contrast"], least=CONTRAST_LEAST)


def assert_fits(page: Page) -> None:
    """Nothing sticks out at the side; on a phone every target can be hit with a thumb."""
    assert_nothing_sticks_out(page)
    if page.viewport_size["width"] < 800:
        lowest: list[Any] = page.evaluate(LOWEST_TARGETS)
        small = [each for each in lowest if each["px"] < PHONE_TARGET_PX - 0.5]
        tally(4, "pages", name_of(page.url), page.evaluate(LOOK)["look"], faults=len(small))
        assert small == [], f"targets under {PHONE_TARGET_PX} px on {page.url}: {small}"
        if lowest:
            least = round(lowest[0]["px"])
            measured(4, "lowest target", least, least=PHONE_TARGET_PX, unit=" px")


def assert_nothing_sticks_out(page: Page) -> None:
    """The page, with its style sheets, is as wide as its window."""
    page.wait_for_load_state("load")
    beyond: list[Any] = page.evaluate(BEYOND_THE_EDGE, page.viewport_size["width"])
    assert beyond == [], f"sticks out on {page.url}: {beyond}"
