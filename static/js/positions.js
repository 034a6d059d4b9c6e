/* The foot of the table of positions: what each currency's rows come to at the last prices. */

import { quotes, write, writeSigned } from "./board.js";
import * as n from "./numbers.js";
import { stream } from "./page.js";

function paint(foot) {
  const places = n.minorPlaces(foot.dataset.sum);
  let [value, cost] = [0n, 0n];
  for (const row of document.querySelectorAll(`tr[data-quantity][data-currency="${foot.dataset.sum}"]`)) {
    const [last, paid] = [n.units(quotes.get(row.dataset.symbol)?.last), n.units(row.dataset.cost)];
    if (last === null || paid === null) return; // no price yet, or a cost that is nobody's business
    value += n.product(last, n.units(row.dataset.quantity), places);
    cost += paid;
  }
  write(foot.querySelector("[data-sum-of=value]"), n.fixed(value, places));
  const gain = value - cost;
  writeSigned(foot.querySelector("[data-sum-of=gain]"), n.signed(gain, places), n.direction(gain, places));
}

const paintAll = () => document.querySelectorAll("tr[data-sum]").forEach(paint);
stream.addEventListener("prices", ({ detail }) => {
  if (detail.length) requestAnimationFrame(paintAll);
});
document.addEventListener("htmx:afterSettle", paintAll);
