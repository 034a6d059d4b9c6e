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
  time.textContent = clock(box.dataset.zone).format(Date.parse(quote.as_of));
  const body = box.querySelector("tbody");
  body.prepend(row);
  while (body.children.length > MOST) body.lastElementChild.remove();
}

let shared = null;
function clock(zone) {
  shared ??= new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return shared;
}
