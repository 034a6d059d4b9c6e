/* Equity in the bar: cash plus what the positions are worth at the last price, to the cent. */

import { quotes, write, writeSigned } from "./board.js";
import * as n from "./numbers.js";

function holdings(box) {
  return (box.dataset.holdings || "").split(" ").filter(Boolean).map((part) => {
    const [symbol, quantity, cost, last] = part.split(":");
    return { symbol, quantity: n.units(quantity), cost: n.units(cost), last };
  });
}

export const held = () => {
  const box = document.getElementById("equity");
  return box ? holdings(box).map(({ symbol }) => symbol) : [];
};

/** Write equity and, where a page shows them, the totals of value and unrealized gain. */
export function paintEquity() {
  const box = document.getElementById("equity");
  const cash = n.units(box?.dataset.cash);
  if (!box || cash === null) return;
  const places = n.minorPlaces(box.dataset.currency);
  let [value, cost] = [0n, 0n];
  for (const holding of holdings(box)) {
    const last = n.units(quotes.get(holding.symbol)?.last ?? holding.last);
    if (last === null) continue;
    value += n.rounded(n.times(last, holding.quantity), places);
    cost += holding.cost;
  }
  const totals = { equity: cash + value, value, gain: value - cost };
  for (const cell of document.querySelectorAll("[data-total]")) {
    const total = totals[cell.dataset.total];
    if (cell.dataset.total !== "gain") write(cell, n.fixed(total, places));
    else writeSigned(cell, n.signed(total, places), n.direction(total, places));
  }
}
