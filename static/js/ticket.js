/* The order ticket: steps, prices from the quote, shares of what can be had, the review dialog.
   All of it also works as plain forms; this only saves typing. */

import { quotes } from "./board.js";
import * as n from "./numbers.js";
import { own, refresh } from "./panels.js";

const phone = matchMedia("(max-width: 799px)");
const REPRICE_MS = 2000;
/* What the engine reserves, 1.04 times the ask, and room for the ask to move until the order is there. */
const MARKET_COLLAR = n.units("1.042");

const ticket = document.getElementById("ticket");
const review = document.getElementById("review");
const form = () => document.getElementById("ticket-form");
const field = (name) => form().elements.namedItem(name);
const quote = () => quotes.get(form().dataset.symbol);
const isBuy = () => field("side").value !== "sell";

function set(name, value) {
  field(name).value = n.plain(value);
  field(name).dispatchEvent(new Event("input", { bubbles: true }));
}

function step(name, way) {
  const by = n.units(name === "quantity" ? form().dataset.handyStep : form().dataset.tick);
  const start = name === "trail_price" ? "0" : quote()?.last;
  const now = n.units(field(name).value.trim()) ?? n.units(start) ?? 0n;
  const next = n.floored(now, by) + BigInt(way) * by;
  if (next > 0n) set(name, next);
}

function fromQuote(name, which) {
  const [bid, ask] = [n.units(quote()?.bid), n.units(quote()?.ask)];
  const tick = n.units(form().dataset.tick);
  const price = { bid, ask, mid: bid !== null && ask !== null ? n.floored((bid + ask) / 2n, tick) : null }[which];
  if (price !== null) set(name, price);
}

/** What a share costs at most: the limit, else the ask with the room the engine reserves. */
function basis() {
  const limit = ["limit", "stop_limit"].includes(field("type").value) ? n.units(field("limit_price").value.trim()) : null;
  const ask = n.units(quote()?.ask) ?? n.units(quote()?.last);
  return limit ?? (ask === null ? null : n.times(ask, MARKET_COLLAR));
}

function commission(quantity, price) {
  const { kind, rate, perShare, minimum, maximumRate } = form().dataset;
  const gross = n.times(quantity, price);
  if (kind === "flat_rate") return n.times(gross, n.units(rate));
  if (kind === "zero") return 0n;
  const part = kind === "custom" ? n.times(gross, n.units(rate)) : 0n;
  const fee = n.times(quantity, n.units(perShare)) + part;
  const least = n.units(minimum);
  const most = maximumRate ? n.times(gross, n.units(maximumRate)) : null;
  const floor = fee > least ? fee : least;
  return most !== null && floor > most ? most : floor;
}

/** What quantities are multiples of: parts of the exchange's unit are for orders that are done today. */
function lotSize() {
  const isSimple = ["market", "limit"].includes(field("type").value) && field("time_in_force").value === "day";
  return n.units(isSimple ? form().dataset.step : form().dataset.unit);
}

function affordable(power, price) {
  const lot = lotSize();
  let quantity = n.floored(n.over(power, price) ?? 0n, lot);
  for (;;) {
    const missing = n.times(quantity, price) + commission(quantity, price) + n.units("0.01") - power;
    if (quantity <= 0n || missing <= 0n) return quantity;
    const fewer = n.floored(n.over(missing, price) ?? 0n, lot);
    quantity -= fewer > lot ? fewer : lot;
  }
}

/** The largest amount that money buys for, its commission on top; of a sell, what the shares are worth. */
function worth(percent) {
  const cent = 10n ** BigInt(8 - n.minorPlaces(form().dataset.currency));
  if (!isBuy()) {
    const bid = n.units(quote()?.bid) ?? n.units(quote()?.last);
    return bid === null ? 0n : n.floored((n.times(n.units(own().available), bid) * percent) / 100n, cent);
  }
  const power = (n.units(own().buying_power) * percent) / 100n;
  const ask = n.units(quote()?.ask) ?? n.units(quote()?.last);
  const most = ask === null ? null : n.over(2n * power, ask);
  const left = most ? power - commission(most, n.over(power, most)) : 0n;
  return left > cent ? n.floored(left, cent) - cent : 0n;
}

function share(percent) {
  const part = BigInt(percent);
  if (field("sized_by").value === "notional" && field("type").value === "market") return set("notional", worth(part));
  const step_ = lotSize();
  if (!isBuy()) return set("quantity", n.floored((n.units(own().available) * part) / 100n, step_));
  const price = basis();
  if (price === null) return undefined;
  return set("quantity", affordable((n.units(own().buying_power) * part) / 100n, price));
}

/** A price that is asked for and empty starts from the market. */
function suggest() {
  const type = field("type").value;
  const side = isBuy() ? "ask" : "bid";
  if (["limit", "stop_limit"].includes(type) && !field("limit_price").value) fromQuote("limit_price", side);
  if (["stop", "stop_limit"].includes(type) && !field("stop_price").value) fromQuote("stop_price", side);
}

function open() {
  if (phone.matches && !ticket.matches(":popover-open")) ticket.showPopover();
}

function onClick({ target }) {
  const hit = (name) => target.closest(`[data-${name}]`);
  if (hit("way")) step(hit("way").dataset.field, hit("way").dataset.way);
  else if (hit("price")) fromQuote(hit("price").dataset.field, hit("price").dataset.price);
  else if (hit("share")) share(hit("share").dataset.share);
  else if (hit("side")) form().querySelector(`[name=side][value=${hit("side").dataset.side}]`).click();
}

/** The server's review has come: show it, and with it what to do when it is closed. */
function onSwap({ detail }) {
  if (detail.target === review && review.firstElementChild) {
    if (!review.open) review.showModal();
    (review.querySelector("[role=alert] a, [autofocus]") ?? review).focus();
  }
  const wrong = detail.target.id === "ticket-form" && form().querySelector("[aria-invalid=true]");
  if (wrong) wrong.focus();
}

/** What was wrong with a field is no news any more once somebody writes in it. */
function forget(input) {
  if (!input.hasAttribute("aria-invalid")) return;
  document.getElementById(`${input.id}-error`)?.remove();
  input.removeAttribute("aria-invalid");
  input.removeAttribute("aria-describedby");
  const all = form().querySelector(".errors");
  for (const link of all?.querySelectorAll(`[href="#${input.id}"]`) ?? []) link.parentElement.remove();
  if (all && !all.querySelector("li")) all.remove();
}

function placed() {
  review.dataset.placed = "";
  review.close();
  refresh();
}

function closed() {
  if (!("placed" in review.dataset)) open();
  delete review.dataset.placed;
  review.replaceChildren();
}

/** Nobody has answered: what stands there was reckoned for other numbers. */
function unknown({ target }) {
  if (target.id !== "estimate") return;
  for (const value of target.querySelectorAll("dd")) value.textContent = "–";
}

function reprice() {
  if (document.hidden || field("type").value === "limit" || !(field("quantity").value || field("notional").value)) return;
  window.htmx.trigger("#estimate", "reprice");
}

export function startTicket() {
  document.addEventListener("click", onClick);
  document.addEventListener("htmx:sendError", unknown);
  document.addEventListener("change", ({ target }) => {
    if (target.id === "type" && target.form === form()) suggest();
  });
  document.addEventListener("input", ({ target }) => {
    if (target.form && target.form === form()) forget(target);
  });
  document.addEventListener("bengi:ticket", open);
  document.addEventListener("htmx:afterSettle", onSwap);
  document.addEventListener("order-placed", placed);
  review.addEventListener("close", closed);
  review.addEventListener("click", (event) => {
    if (event.target === review) review.close();
  });
  if (new URLSearchParams(location.search).has("side")) open();
  suggest();
  setInterval(reprice, REPRICE_MS);
}
