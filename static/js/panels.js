/* What the server last said of this person's orders, fills and power to buy, and asking again. */

import { refresh as ask } from "./page.js";

const NOTHING = { orders: [], fills: [], buying_power: "0", available: "0" };

export const refresh = ask;

/** The block of facts that comes with the page and with every refresh. */
export function own() {
  const block = document.getElementById("own");
  return block ? JSON.parse(block.textContent) : NOTHING;
}
