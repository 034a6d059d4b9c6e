/* The board: every place on the page that shows something of a price. Containers name the symbol
   (data-symbol, data-places, data-currency), cells inside them name what they show (data-q).
   A message only marks symbols as changed; one animation frame writes, visible containers only. */

import * as n from "./numbers.js";
import { paintSpark } from "./spark.js";

export const quotes = new Map();

const STEP_MS = 200;
const STEPS = 3;

const cells = new Map();
const changed = new Set();
let frame = 0;

const visible = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    target.boardSeen = isIntersecting;
    if (isIntersecting && quotes.has(target.dataset.symbol)) mark(target.dataset.symbol);
  }
});

/** Look at the page again: after loading, and after a part of it was swapped. */
export function index() {
  for (const [symbol, boxes] of cells) {
    const left = boxes.filter(({ box }) => box.isConnected);
    if (left.length) cells.set(symbol, left);
    else cells.delete(symbol);
  }
  for (const box of document.querySelectorAll("[data-symbol]:not([data-boarded])")) {
    box.dataset.boarded = "";
    const found = [...box.querySelectorAll("[data-q]")];
    if (!found.length) continue;
    const { symbol } = box.dataset;
    const parts = found.map((cell) => ({ cell, kind: cell.dataset.q }));
    cells.set(symbol, [...(cells.get(symbol) ?? []), { box, parts }]);
    visible.observe(box);
    if (quotes.has(symbol)) mark(symbol);
  }
}

export const symbols = () => [...cells.keys()];

/** Take what the server wrote into the page: the state before the first message. */
export function remember(quote) {
  quotes.set(quote.symbol, {
    ...quote,
    seenAt: performance.now() - 1000 * Number(quote.age_s ?? 0),
  });
}

/** Take new prices. A repeated as_of is no news: the price goes on ageing. */
export function take(prices) {
  for (const price of prices) {
    const before = quotes.get(price.symbol);
    const isNew = before?.as_of !== price.as_of;
    const seenAt = isNew || !before ? performance.now() : before.seenAt;
    quotes.set(price.symbol, { ...before, ...price, before: before?.last, seenAt });
    mark(price.symbol);
  }
}

function mark(symbol) {
  changed.add(symbol);
  frame ||= requestAnimationFrame(paint);
}

function paint() {
  frame = 0;
  for (const symbol of changed) {
    const quote = quotes.get(symbol);
    for (const { box, parts } of cells.get(symbol) ?? []) {
      if (box.boardSeen === false || !quote) continue;
      for (const { cell, kind } of parts) PAINTERS[kind]?.(cell, quote, box);
    }
  }
  changed.clear();
}

/** Seconds since the price was news. */
export const ageOf = (quote) => (performance.now() - quote.seenAt) / 1000;

/** Write a text; with a direction, flash. */
export function write(cell, text, direction = "") {
  if (cell.textContent === text) return;
  if (cell.firstChild?.nodeType === Node.TEXT_NODE) cell.firstChild.data = text;
  else cell.textContent = text;
  if (direction) light(cell, direction);
}

const stepsLeft = new Map();
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let fading = 0;

/** Steps in place of an animation: that one would have the whole page drawn in every frame.
    A cell that is bright already only changes its text: the eye sees the same. */
function light(cell, direction) {
  if (calm.matches || (cell.dataset.dir === direction && stepsLeft.get(cell) > 1)) return;
  cell.dataset.dir = direction;
  cell.dataset.flash = STEPS;
  stepsLeft.set(cell, STEPS + 1); // bright for a whole step at least, wherever the clock stands
  fading ||= setTimeout(fade, STEP_MS);
}

function fade() {
  for (const [cell, left] of stepsLeft) {
    if (left > 1) stepsLeft.set(cell, left - 1);
    else stepsLeft.delete(cell);
    if (left === 1) cell.removeAttribute("data-flash");
    else if (left <= STEPS) cell.dataset.flash = left - 1;
  }
  fading = stepsLeft.size ? setTimeout(fade, STEP_MS) : 0;
}

/** Write a signed text and let its class say the direction. */
export function writeSigned(cell, text, direction) {
  if (cell.textContent !== text) cell.textContent = text;
  turn(cell, direction);
}

function turn(cell, direction) {
  if (cell.classList.contains(direction)) return;
  cell.classList.remove("up", "down", "flat");
  cell.classList.add(direction);
}

const places = (box) => Number(box.dataset.places ?? 2);
const word = (text, box) => (n.units(text) === null ? "\u2013" : n.fixed(n.units(text), places(box)));

function last(cell, quote, box) {
  const now = n.units(quote.last);
  const before = n.units(quote.before);
  const moved = before === null || now === null ? 0n : now - before;
  write(cell, word(quote.last, box), moved ? n.direction(moved) : "");
}

/** Units between the last price and yesterday's close; null where one is missing. */
export function dayChange(quote) {
  const now = n.units(quote.last);
  const close = n.units(quote.previous_close);
  return now === null || close === null ? null : now - close;
}

function change(cell, quote) {
  const moved = dayChange(quote);
  if (moved === null) return;
  const share = n.percentOf(moved, n.units(quote.previous_close)) ?? 0n;
  writeSigned(cell, n.percent(share), n.direction(share, 2));
}

function spark(cell, quote, box) {
  paintSpark(cell, quote);
  const moved = dayChange(quote);
  if (moved !== null) turn(cell, n.direction(moved, places(box)));
}

function day(cell, quote, box) {
  const moved = dayChange(quote);
  if (moved === null) return;
  const share = n.percentOf(moved, n.units(quote.previous_close)) ?? 0n;
  const text = `${n.signed(moved, places(box))} (${n.percent(share)})`;
  writeSigned(cell, text, n.direction(moved, places(box)));
}

function spread(cell, quote, box) {
  const [bid, ask] = [n.units(quote.bid), n.units(quote.ask)];
  if (bid === null || ask === null) return write(cell, "\u2013");
  const share = n.over(ask - bid, (ask + bid) / 2n) ?? 0n;
  return write(cell, `${n.fixed(ask - bid, places(box))} \u00b7 ${n.fixed(share * 10000n, 1)} bps`);
}

function range(cell, quote) {
  const [low, high, now] = [quote.day_low, quote.day_high, quote.last].map(n.units);
  if (low === null || high === null || now === null || high === low) return;
  const share = Number(n.percentOf(now - low, high - low)) / 1e8;
  cell.setAttribute("x", (Math.min(100, Math.max(0, share)) * 0.62).toFixed(1));
}

/** Value and gain of a position at the last price; quantity and cost are on the row. */
function worth(box, quote) {
  const [now, quantity, cost] = [quote.last, box.dataset.quantity, box.dataset.cost].map(n.units);
  if (now === null || quantity === null || cost === null) return null;
  const value = n.product(now, quantity, n.minorPlaces(box.dataset.currency));
  return { value, gain: value - cost, cost };
}

function value(cell, quote, box) {
  const position = worth(box, quote);
  if (position) write(cell, n.fixed(position.value, n.minorPlaces(box.dataset.currency)));
}

function gain(cell, quote, box) {
  const position = worth(box, quote);
  if (!position) return;
  const digits = n.minorPlaces(box.dataset.currency);
  writeSigned(cell, n.signed(position.gain, digits), n.direction(position.gain, digits));
}

function gainShare(cell, quote, box) {
  const position = worth(box, quote);
  const share = position && n.percentOf(position.gain, position.cost);
  if (share !== null) writeSigned(cell, n.percent(share, 1), n.direction(share, 1));
}

const size = (text) => n.quantity(n.units(text) ?? 0n);

const PAINTERS = {
  last,
  change,
  day,
  spread,
  spark,
  range,
  value,
  gain,
  "gain-share": gainShare,
  bid: (cell, quote, box) => write(cell, word(quote.bid, box)),
  ask: (cell, quote, box) => write(cell, word(quote.ask, box)),
  "bid-size": (cell, quote) => write(cell, size(quote.bid_size)),
  "ask-size": (cell, quote) => write(cell, size(quote.ask_size)),
  open: (cell, quote, box) => write(cell, word(quote.day_open, box)),
  high: (cell, quote, box) => write(cell, word(quote.day_high, box)),
  low: (cell, quote, box) => write(cell, word(quote.day_low, box)),
  volume: (cell, quote) => write(cell, n.compact(n.units(quote.volume) ?? 0n)),
};
