/* News in the corner: one toast per order, which follows the order from accepted to its end. */

import { told } from "./discreet.js";
import * as n from "./numbers.js";

const KEEP_MS = 8000;
const timers = new WeakMap();

const SAYS = {
  accepted: (o) => `${what(o)} is on its way.`,
  new: (o) => `${what(o)}.`,
  held: (o) => `${what(o)}: until the other order has given way.`,
  partially_filled: (o) => `${what(o)}: ${share(o)} so far at ${price(o)}.`,
  filled: (o) => `${did(o)} ${size(o.quantity)} ${o.symbol} at ${price(o)}.`,
  pending_cancel: (o) => `${what(o)}: the engine has been asked.`,
  canceled: (o) => `${what(o)}${o.filled_quantity === "0" ? "" : `, after ${share(o)}`}. ${told(o.reason ?? "")}`,
  expired: (o) => `${what(o)}. ${told(o.reason ?? "")}`,
  rejected: (o) => `${what(o)}. ${told(o.reason ?? "")}`,
};
const TITLES = { new: "In the book", held: "Waiting", pending_cancel: "Asked to cancel" };
const WARNS = new Set(["rejected", "expired"]);
/** What legs do beside their entry, whose toast says enough. */
const QUIET = new Set(["held", "accepted", "new"]);

const size = (text) => n.quantity(n.units(text) ?? 0n);
const share = (o) => `${size(o.filled_quantity)} of ${size(o.quantity)}`;
const did = (o) => (o.side === "buy" ? "Bought" : "Sold");

const price = (o) => written(o.average_price, o.symbol);

/** A price with the places of its instrument, as far as the page knows them, and two more at most. */
function written(text, symbol) {
  const value = n.units(text);
  if (value === null) return "";
  const box = document.querySelector(`[data-symbol="${CSS.escape(symbol)}"][data-places]`);
  const places = Number(box?.dataset.places ?? 2);
  const own = (n.plain(value).split(".")[1] ?? "").length;
  return n.fixed(value, Math.max(places, Math.min(own, places + 2)));
}

function what(order) {
  const verb = order.side === "buy" ? "Buy" : "Sell";
  const at = order.limit_price ?? order.stop_price;
  const kind = `, ${order.type.replaceAll("_", " ")}`;
  const tail = at ? `${kind} ${written(at, order.symbol)}` : order.type === "market" ? " at market" : kind;
  return `${verb} ${size(order.quantity)} ${order.symbol}${tail}`;
}

/** Show, or bring up to date, the toast of an order. */
export function tellOrder(order) {
  const say = SAYS[order.status];
  if (!say || (order.parent_id && QUIET.has(order.status))) return;
  const word = order.status.replaceAll("_", " ");
  tell(TITLES[order.status] ?? word[0].toUpperCase() + word.slice(1), say(order).trim(), {
    id: `order-${order.id}`,
    isWarning: WARNS.has(order.status),
    href: `/orders/${order.id}`,
  });
}

/** Say that a fill was taken back. Its quantity is that of the fill with the sign turned. */
export function tellBust(trade) {
  const shares = size(trade.quantity.replace("-", ""));
  tell("Fill taken back", `${did(trade)} ${shares} ${trade.symbol} at ${written(trade.price, trade.symbol)}: busted.`, {
    id: `bust-${trade.exec_id}`,
    isWarning: true,
    href: `/orders/${trade.order_id}`,
  });
}

/** The words of the list and of the mail: WISHES of watchlists/models.py. */
const WISHES = {
  above: "at or above",
  below: "at or below",
  crossing: "crossing",
  percent_change: "moved in a day by",
};

/** Say that a price alert has fired. */
export function tellAlert(alert) {
  const level = alert.percent ? `${alert.percent}%` : written(alert.price, alert.symbol);
  const wish = `${WISHES[alert.kind] ?? alert.kind} ${level}`;
  tell(`${alert.symbol} is at ${written(alert.fired_price, alert.symbol)}`, `Your alert: ${wish}. ${alert.note}`.trim(), {
    id: `alert-toast-${alert.id}`,
    href: "/alerts",
  });
}

/** Take a toast away, where it is shown. */
export function untell(id) {
  document.querySelector(`#toasts > #${CSS.escape(id)}`)?.remove();
}

/** Show a toast; the same id takes the place of the one before. One that can be tried again stays. */
export function tell(title, text, { id = "", isWarning = false, href = "", retry = null } = {}) {
  const home = document.getElementById("toasts");
  if (!home) return;
  const old = id && document.getElementById(id);
  const box = old || document.getElementById("toast").content.firstElementChild.cloneNode(true);
  if (id) box.id = id;
  box.querySelector("b").textContent = title;
  box.querySelector("span").textContent = text;
  const link = box.querySelector("a");
  link.hidden = !href;
  if (href) link.href = href;
  box.querySelector(".icon--good").toggleAttribute("hidden", isWarning);
  box.querySelector(".icon--warn").toggleAttribute("hidden", !isWarning);
  const button = box.querySelector("[data-again]");
  button.hidden = !retry;
  button.onclick = retry;
  if (!old) home.append(box);
  if (retry) clearTimeout(timers.get(box));
  else keep(box);
}

function keep(box) {
  clearTimeout(timers.get(box));
  timers.set(box, setTimeout(() => (box.matches(":hover, :focus-within") ? keep(box) : box.remove()), KEEP_MS));
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-dismiss]")) event.target.closest(".toast")?.remove();
});
