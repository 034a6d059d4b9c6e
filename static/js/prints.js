/* Recent trades: the market's prints as the stream tells them, newest first. A message is a whole
   state; its print is news when the day's volume has grown, and its size is what it grew by. */

import * as n from "./numbers.js";

const MOST = 40;
let before = null;

/** Take the state of the symbol before the first message. */
export function startPrints(quote) {
  before = quote ?? null;
}

/** Add what has traded since the last message; nothing where that is not known. */
export function paintPrints(quote) {
  const [last, volume] = [n.units(quote.last), n.units(quote.volume)];
  const [lastBefore, volumeBefore] = [n.units(before?.last), n.units(before?.volume)];
  before = quote;
  const box = document.getElementById("prints");
  if (!box || last === null || volume === null || volumeBefore === null || volume <= volumeBefore) return;
  const row = box.querySelector("template").content.firstElementChild.cloneNode(true);
  const [price, size, time] = row.children;
  price.textContent = n.fixed(last, Number(box.dataset.places));
  price.className = lastBefore === null || last === lastBefore ? "flat" : last > lastBefore ? "up" : "down";
  size.textContent = n.quantity(volume - volumeBefore);
  time.append(...told(Date.parse(quote.as_of), box.dataset.zone));
  const body = box.querySelector("tbody");
  body.prepend(row);
  while (body.children.length > MOST) body.lastElementChild.remove();
}

/** Write a time by the reader's clock, the market's beside it where theirs differ, as the rows do
    that the page came with. */
function told(at, zone) {
  const there = clock(zone).format(at);
  const own = clock(document.documentElement.dataset.zone || zone).format(at);
  if (own === there) return [own];
  const beside = document.createElement("span");
  beside.className = "beside";
  beside.textContent = `${there} ${zone.split("/").pop().replaceAll("_", " ")}`;
  return [`${own} `, beside];
}

const CLOCKS = new Map();
function clock(zone) {
  const form = { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  if (!CLOCKS.has(zone)) CLOCKS.set(zone, new Intl.DateTimeFormat("en-GB", form));
  return CLOCKS.get(zone);
}
