/* The depth ladder: the street's quote and customers' resting orders, best price next to the spread.
   Customers' levels come with the panels; the street's two lines move with every quote. */

import { write } from "./board.js";
import * as n from "./numbers.js";
import { own } from "./panels.js";

const MOST = 6;
let shown = null;

/** Levels of one side, best first: the street's quote merged into what customers left resting. */
function levels(side, street) {
  const merged = new Map();
  const add = (price, size, mine) => {
    const level = merged.get(price) ?? { price, size: 0n, mine: 0n };
    merged.set(price, { price, size: level.size + size, mine: level.mine + mine });
  };
  if (street.price !== null && street.size) add(street.price, street.size, 0n);
  for (const { price, size, mine } of own().book?.[side] ?? []) {
    add(n.units(price), n.units(size), n.units(mine));
  }
  const order = side === "bids" ? -1 : 1;
  const best = [...merged.values()].sort((a, b) => (a.price > b.price ? order : -order)).slice(0, MOST);
  let total = 0n;
  return best.map((level) => ({ ...level, total: (total += level.size) }));
}

function row(template, level, most, places) {
  const line = template.content.firstElementChild.cloneNode(true);
  line.classList.toggle("own", level.mine > 0n);
  line.querySelector("rect").setAttribute("width", `${Number((level.total * 100n) / (most || 1n))}%`);
  line.querySelector("[data-price]").textContent = n.fixed(level.price, places);
  line.querySelector("[data-size]").textContent = n.quantity(level.size);
  line.querySelector("[data-sum]").textContent = n.quantity(level.total);
  const you = line.querySelector(".you");
  you.hidden = level.mine === 0n;
  you.querySelector("b").textContent = n.quantity(level.mine);
  return line;
}

/** Draw the ladder again when anything in it has changed. */
export function paintLadder(quote) {
  const ladder = document.getElementById("ladder");
  if (!ladder || !quote) return;
  const street = (side) => ({ price: n.units(quote[side]), size: n.units(quote[`${side}_size`]) });
  const [asks, bids] = [levels("asks", street("ask")), levels("bids", street("bid"))];
  const last = n.units(quote.last);
  if (last !== null) write(ladder.querySelector("[data-last]"), n.fixed(last, Number(ladder.dataset.places)));
  const key = [...asks, ...bids].map((l) => `${l.price}:${l.total}:${l.mine}`).join();
  if (key === shown) return;
  shown = key;
  draw(ladder, asks, bids);
}

function draw(ladder, asks, bids) {
  const places = Number(ladder.dataset.places);
  const template = (side) => ladder.querySelector(`template[data-side=${side}]`);
  const most = [asks.at(-1)?.total ?? 0n, bids.at(-1)?.total ?? 0n].reduce((a, b) => (a > b ? a : b));
  const body = ladder.querySelector("tbody");
  const middle = body.querySelector(".spread");
  middle.querySelector("[data-spread]").textContent =
    asks.length && bids.length ? n.fixed(asks[0].price - bids[0].price, places) : "\u2013";
  body.replaceChildren(
    ...asks.toReversed().map((level) => row(template("ask"), level, most, places)),
    middle,
    ...bids.map((level) => row(template("bid"), level, most, places)),
  );
}
