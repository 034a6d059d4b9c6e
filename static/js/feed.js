/* Is what we see alive? The mark in the bar, the banner under it, and the age of prices. */

import * as board from "./board.js";
import { isHeldOpen } from "./equity.js";
import { age } from "./numbers.js";

const OLD_S = 5;
const STALLED_S = 4.5;
const WORDS = {
  connecting: ["Connecting", "live live--wait"],
  live: ["Live", "live"],
  lost: ["No connection", "live live--lost"],
  stalled: ["No prices", "live live--lost"],
};
let stream = null;
let newsAt = performance.now();
let shown = "";

/** Watch the stream from here on and say so on the page. */
export function watch(source) {
  stream = source;
  stream.addEventListener("prices", ({ detail }) => {
    if (detail.length) newsAt = performance.now();
    show();
  });
  stream.addEventListener("state", () => {
    if (stream.state === "live") newsAt = performance.now();
    show();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-retry]")) stream.retry();
  });
  setInterval(show, 250);
  setInterval(tick, 500);
  show();
}

const isMoving = () => isHeldOpen() || [...board.quotes.values()].some((quote) => quote.is_open && quote.has_feed);
const silent = () => (performance.now() - newsAt) / 1000;

function verdict() {
  if (stream.state !== "live") return stream.state;
  return silent() > STALLED_S && isMoving() ? "stalled" : "live";
}

function show() {
  const now = verdict();
  if (now === shown) return;
  shown = now;
  const [text, kind] = WORDS[now] ?? WORDS.lost;
  const mark = document.querySelector("[data-live]");
  if (mark) {
    mark.className = kind;
    mark.firstChild.data = text;
  }
  const isDead = now === "lost" || now === "stalled";
  document.documentElement.toggleAttribute("data-feed-lost", isDead);
  banner(now, isDead);
}

function banner(now, isDead) {
  const box = document.getElementById("feed");
  if (!box) return;
  if (isDead) {
    const title = now === "lost" ? "Connection lost." : "Feed lost.";
    box.querySelector("b").textContent = title;
    box.querySelector("[data-retry]").hidden = now === "stalled";
  }
  box.hidden = !isDead;
  tick();
}

function tick() {
  if (!stream) return;
  const box = document.getElementById("feed");
  if (box && !box.hidden) box.querySelector("[data-silent]").textContent = age(silent());
  for (const cell of document.querySelectorAll("[data-q=age], [data-q=old]")) {
    const quote = board.quotes.get(cell.closest("[data-symbol]").dataset.symbol);
    if (quote?.as_of) say(cell, quote);
  }
}

function say(cell, quote) {
  const seconds = board.ageOf(quote);
  if (cell.dataset.q === "age") cell.textContent = age(seconds);
  else cell.textContent = quote.is_open && seconds > OLD_S ? ` \u00b7 ${age(seconds)} old` : "";
}
