"""Instruments for pages: when a cell repaints, what the main thread does, what shifts, what is lit.

Scripts that must be there before the page's own go in with `page.add_init_script`; Chromium lets
the tester do that under any content policy.
"""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

from playwright.sync_api import CDPSession, Page

# Keeps the page's sockets, and once window.timing is set times each price in sight that a message
# has made old: from its arrival to the frame after the one that wrote the cell, by when that one is
# on the screen.
SOCKETS = """
(() => {
window.sockets = [];
window.repaints = [];
const waiting = window.waiting = new Map();
const number = (text) => Number(text.replaceAll(",", ""));
function isShown(cell, price) {
  const places = Number(cell.closest("[data-symbol]").dataset.places ?? 2);
  return Math.abs(number(cell.textContent) - Number(price.last)) <= 0.5 * 10 ** -places;
}
function inSight(cell) {
  const { top, bottom, height } = cell.getBoundingClientRect();
  return height > 0 && top >= 0 && bottom <= innerHeight;
}
function arrived(event) {
  if (!window.timing) return;
  const now = performance.now();
  const { type, prices } = JSON.parse(event.data);
  if (type !== "PRICE_UPDATE") return;
  for (const price of prices) {
    for (const cell of document.querySelectorAll(`[data-symbol="${price.symbol}"] [data-q=last]`)) {
      if (isShown(cell, price)) waiting.delete(cell);
      else if (inSight(cell) && !waiting.has(cell)) waiting.set(cell, now);
    }
  }
}
function written(records) {
  const cellOf = ({ target }) => target.parentElement?.closest("[data-q=last]");
  const cells = new Set(records.map(cellOf));
  for (const cell of cells) {
    if (!waiting.has(cell)) continue;
    const since = waiting.get(cell);
    waiting.delete(cell);
    requestAnimationFrame(() => window.repaints.push(performance.now() - since));
  }
}
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    window.sockets.push(this);
    this.addEventListener("message", arrived);
  }
};
window.time = () => {
  if (window.timing) return;
  window.timing = new MutationObserver(written);
  window.timing.observe(document, { subtree: true, characterData: true });
};
})();
"""
# So many repaints from now on, and how long those that never came have been waited for.
REPAINTS = """
(count) => new Promise((resolve) => {
  window.time();
  window.repaints.length = 0;
  window.waiting.clear();
  const look = () => {
    if (window.repaints.length < count) return;
    clearInterval(timer);
    const late = [...window.waiting.values()].map((since) => performance.now() - since);
    resolve([...window.repaints, ...late.filter((ms) => ms > 150)]);
  };
  const timer = setInterval(look, 100);
})
"""
# Brings frames to the page's socket at their times, none left out where the page is late.
FEED = """
([frames, everyMs, count]) => new Promise((resolve) => {
  const socket = window.sockets.at(-1);
  const start = performance.now();
  let sent = 0;
  const bring = () => {
    while (sent < count && performance.now() - start >= sent * everyMs) {
      socket.dispatchEvent(new MessageEvent("message", { data: frames[sent % frames.length] }));
      sent += 1;
    }
    if (sent === count) resolve(performance.now() - start);
    else setTimeout(bring, everyMs / 2);
  };
  bring();
})
"""
# The sum of all shifts since the page began that no touch or key of the reader's has brought about;
# what has moved is in window.shifted.
SHIFT = """
(forMs) => new Promise((resolve) => {
  let sum = 0;
  window.shifted = [];
  const told = ({ node, previousRect: was, currentRect: is }) =>
    `${(node?.outerHTML ?? node?.textContent ?? "").slice(0, 90)}: ` +
    `${was.x},${was.y} ${was.width}x${was.height} to ${is.x},${is.y} ${is.width}x${is.height}`;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      sum += entry.value;
      window.shifted.push(...entry.sources.map(told));
    }
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), forMs);
})
"""
# When what a selector names is first as wanted, by the clock that all tabs and this process share.
STAMP = """
([name, selector, text]) => {
  window.stamps ??= {};
  const isThere = () => [...document.querySelectorAll(selector)]
    .some((e) => e.checkVisibility() && e.textContent.includes(text));
  const look = () => {
    if (!(name in window.stamps) && isThere()) window.stamps[name] = Date.now();
  };
  const all = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(look).observe(document, all);
}
"""
BRIGHTNESS = """
async (pictures) => {
  const canvas = new OffscreenCanvas(64, 64);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const found = [];
  for (const picture of pictures) {
    const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    context.drawImage(image, 0, 0, 64, 64);
    const { data } = context.getImageData(0, 0, 64, 64);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum += data[at] + data[at + 1] + data[at + 2];
    found.push(sum / (3 * 255 * 64 * 64));
  }
  return found;
}
"""


def p95(values: list[float]) -> float:
    """Return the value that 95 of 100 do not exceed."""
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


def price_frames(quotes: list[dict[str, Any]], count: int) -> list[str]:
    """Return frames of the stream in which half of the symbols move, each in every second one."""
    chance = random.Random(50)
    prices = {quote["symbol"]: Decimal(quote["last"]) for quote in quotes}
    frames = []
    for number in range(count):
        moved = []
        for quote in quotes[number % 2 :: 2]:
            step = Decimal(chance.choice([-3, -2, -1, 1, 2, 3])) / 100
            prices[quote["symbol"]] = last = max(prices[quote["symbol"]] + step, Decimal("0.05"))
            moved.append(_priced(quote, last, number))
        frames.append(json.dumps({"type": "PRICE_UPDATE", "prices": moved}))
    return frames


def _priced(quote: dict[str, Any], last: Decimal, number: int) -> dict[str, Any]:
    half = Decimal("0.01")
    return {
        **quote,
        "last": str(last),
        "bid": str(last - half),
        "ask": str(last + half),
        "bid_size": str(100 + number % 7),
        "ask_size": str(100 + number % 5),
        "volume": str(1_000_000 + number),
        "as_of": f"2026-01-05T15:{number // 60 % 60:02}:{number % 60:02}.000000Z",
    }


class MainThread:
    """What the page's main thread has worked, in processor time, and what its heap holds."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._session.send("HeapProfiler.enable")

    def worked_ms(self) -> float:
        """Milliseconds of all its tasks: script, style, layout, paint."""
        return self._metric("TaskDuration") * 1000

    def scripted_ms(self) -> float:
        return self._metric("ScriptDuration") * 1000

    def heap_mb(self) -> float:
        """Megabytes that a full collection of garbage leaves."""
        for _ in range(2):
            self._session.send("HeapProfiler.collectGarbage")
        return self._metric("JSHeapUsedSize") / 1e6

    def _metric(self, name: str) -> float:
        found = self._session.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in found if each["name"] == name)


def slow_down(page: Page, latency_ms: int, bytes_s: int = -1) -> None:
    """Let every answer take so much longer from now on, and come no faster than bytes_s."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    line = {"latency": latency_ms, "downloadThroughput": bytes_s, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", {"offline": False, **line})


class Film:
    """Every frame that the browser shows while it is rolling, as PNG in base64."""

    def __init__(self, page: Page) -> None:
        self.frames: list[str] = []
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._frame)

    def roll(self) -> None:
        options = {"format": "png", "maxWidth": 320, "maxHeight": 200, "everyNthFrame": 1}
        self._session.send("Page.startScreencast", options)

    def stop(self) -> None:
        self._session.send("Page.stopScreencast")

    def _frame(self, event: dict[str, Any]) -> None:
        self.frames.append(event["data"])
        self._session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})


def size_of(png: bytes) -> tuple[int, int]:
    """Return (width, height) of a PNG, as its header says."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n", "not a PNG"
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])
