"""Hands on the keyboard alone: go from stop to stop as Tab does, and see where one is."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

STOPS_MAX = 300
AT_A_TIME = 8

# Keeps the places that get the focus, from the skip link on, and whether a person can see that they
# have it: by an outline of their own, or of the label or the part around them that stands for them.
KEEP_STOPS = """
() => {
  window.stops = [];
  document.addEventListener("focusin", ({ target: e }) => {
    const shown = e.closest("label") ?? e;
    const ringed = [e, shown, e.parentElement].some((each) => {
      const { outlineStyle, outlineWidth } = getComputedStyle(each);
      return outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
    });
    const inSight = shown.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const drawn = e.matches(".split");  // its line turns to the accent
    const html = e.outerHTML.slice(0, 160);
    window.stops.push({ html, isFirst: e.matches(".skip"), seen: inSight && (ringed || drawn) });
  });
}
"""
HAS_FOCUS = "place => place === document.activeElement"


def reach(page: Page, wanted: Locator) -> None:
    """Go on with Tab until the wanted place has the focus."""
    for _ in range(STOPS_MAX):
        page.keyboard.press("Tab")
        if wanted.first.evaluate(HAS_FOCUS):
            return
    raise AssertionError(f"{STOPS_MAX} times Tab do not lead to {wanted} on {page.url}")


def press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    """Reach a link or a button and press it."""
    reach(page, wanted)
    page.keyboard.press(key)


def write(page: Page, wanted: Locator, text: str) -> None:
    """Reach a field and write in it, in place of what stands there."""
    reach(page, wanted)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)


def walk_round(page: Page) -> int:
    """Go once round a page that was just loaded, to its skip link; return how many stops there are.

    Each of them shows that it has the focus. Who is caught somewhere does not come round.
    """
    page.evaluate(KEEP_STOPS)
    for _ in range(STOPS_MAX // AT_A_TIME):
        for _ in range(AT_A_TIME):
            page.keyboard.press("Tab")
        stops = page.evaluate("window.stops")
        ends = [place for place, stop in enumerate(stops) if stop["isFirst"]]
        if len(ends) > 1:
            round_of = stops[: ends[1]]
            unseen = [stop["html"] for stop in round_of if not stop["seen"]]
            assert unseen == [], f"the focus cannot be seen on {page.url} at {unseen}"
            for _ in stops[ends[1] + 1 :]:
                page.keyboard.press("Shift+Tab")
            return ends[1] - ends[0]
    raise AssertionError(f"Tab does not come round on {page.url}: {stops[-3:]}")
