/* What the server last said of this person's orders and fills, and asking again. */

import { refresh as ask } from "./page.js";

const NOTHING = { orders: [], fills: [] };

export const refresh = ask;

/** The block of facts that comes with the page and with every refresh. */
export function own() {
  const block = document.getElementById("own");
  return block ? JSON.parse(block.textContent) : NOTHING;
}
