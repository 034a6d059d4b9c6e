/* The order ticket: steps, prices from the quote, shares of what can be had, the review dialog.
   All of it also works as plain forms; this only saves typing. */

import { quotes } from "./board.js";
import { renewSign } from "./forms.js";
import * as n from "./numbers.js";
import { refresh } from "./panels.js";
import { tell } from "./toasts.js";

const phone = matchMedia("(max-width: 799px)");
const REPRICE_MS = 2000;

const ticket = document.getElementById("ticket");
const review = document.getElementById("review");
const form = () => document.getElementById("ticket-form");
const field = (name) => form().elements.namedItem(name);
const quote = () => quotes.get(form().dataset.symbol);
const isBuy = () => field("side").value !== "sell";

function set(name, value) {
  field(name).value = n.inField(value);
  field(name).dispatchEvent(new Event("input", { bubbles: true }));
}

function step(name, way) {
  const by = n.units(name === "quantity" ? form().dataset.handyStep : form().dataset.tick);
  const start = ["quantity", "trail_price"].includes(name) ? "0" : quote()?.last;
  const typed = field(name).value.trim();
  const now = typed ? n.ofField(typed) : n.units(start) ?? 0n;
  if (now === null) return; // what cannot be read here is the server's to ask about
  const next = n.floored(now, by) + BigInt(way) * by;
  if (next > 0n) set(name, next);
}

function fromQuote(name, which) {
  const [bid, ask] = [n.units(quote()?.bid), n.units(quote()?.ask)];
  const tick = n.units(form().dataset.tick);
  const price = { bid, ask, mid: bid !== null && ask !== null ? n.floored((bid + ask) / 2n, tick) : null }[which];
  if (price !== null) set(name, price);
}

/* The newest act wins: what was asked for before it is for another order, however late it comes.
   An edit changes the ticket; presets, reviews and closing one are acts too. */
let edits = 0;
let acts = 0;
const sent = new WeakMap();

/** Let the server say what a share of the money, or of the shares, comes to; the rules reckon it. */
async function share(percent) {
  const mine = ++acts;
  renewSign(form());
  const data = new FormData(form());
  data.set("share", percent);
  const answer = await fetch(form().dataset.sizeUrl, { method: "POST", body: data }).catch(() => null);
  const { field: name, value } = answer?.ok ? await answer.json() : {};
  if (mine !== acts) return;
  if (!answer || answer.status >= 500) tell("No answer", "The server cannot be reached; no size was filled in.", { id: "no-size", isWarning: true });
  else if (value) set(name, n.units(value));
  else tell("No size to fill in", isBuy() ? "There is no price yet, or too little buying power." : "There is nothing to sell.", { id: "no-size", isWarning: true });
}

/** A review, or a form in its place. What sends an order is told whatever was done meanwhile. */
const isReview = ({ target, requestConfig: { elt, verb } }) =>
  elt.id === "ticket-form" || (target === review && verb === "get");

function noteSent({ detail }) {
  if (isReview(detail)) acts += 1;
  sent.set(detail.xhr, { edits, acts });
}

/** Keep an answer off the page that something newer has overtaken. */
function dropLate({ detail }) {
  if (isOvertaken(detail)) return keepOff(detail, "The order was not sent", "Review it again to see why. Another review stands here by now.");
  const then = sent.get(detail.xhr);
  const isOld = detail.target.id === "estimate" ? then?.edits !== edits : isReview(detail) && then?.acts !== acts;
  if (!then || !isOld || !detail.shouldSwap) return;
  detail.shouldSwap = false;
  if (detail.target.id === "estimate") return;
  document.dispatchEvent(new CustomEvent("bengi:late"));
  if (then.edits !== edits) tell("Not reviewed", "The ticket changed while the review was on its way. Ask for it again.", { id: "late", isWarning: true });
}

/** What answers a review that was closed meanwhile has nothing to do with the one that stands there. */
const isOvertaken = ({ target, shouldSwap, requestConfig: { elt, verb } }) =>
  target === review && verb === "post" && shouldSwap && review.open && !elt.isConnected;

function keepOff(detail, title, text) {
  detail.shouldSwap = false;
  tell(title, text, { id: "late", isWarning: true });
}

/** A side and a limit, picked on the chart. */
function deal({ detail: { side, price } }) {
  field("type").value = "limit";
  form().querySelector(`[name=side][value=${side}]`).click();
  set("limit_price", price);
  open();
  field("quantity").focus();
  field("quantity").select();
}

/** Ask for the form or the review of a replace; it comes into the dialog. */
function replace(url) {
  window.htmx.ajax("GET", url, { target: "#review", swap: "innerHTML" });
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

function onClick(event) {
  const { target } = event;
  const hit = (name) => target.closest(`[data-${name}]`);
  const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented);
  if (hit("replace") && isPlain) {
    event.preventDefault();
    replace(hit("replace").href);
  }
  if (hit("way")) step(hit("way").dataset.field, hit("way").dataset.way);
  else if (hit("price")) fromQuote(hit("price").dataset.field, hit("price").dataset.price);
  else if (hit("share")) share(hit("share").dataset.share);
  else if (hit("side")) form().querySelector(`[name=side][value=${hit("side").dataset.side}]`).click();
}

/** The server's review has come: show it, and with it what to do when it is closed. */
function onSwap({ detail }) {
  if (detail.target === review && review.firstElementChild) {
    if (!review.open) review.showModal();
    const first = ["[aria-invalid=true]", "[role=alert] a", "[autofocus]"].map((one) => review.querySelector(one));
    (first.find(Boolean) ?? review).focus();
  }
  if (detail.target.id !== "ticket-form") return;
  const [field, whole] = ["[aria-invalid=true]", ".errors"].map((one) => form().querySelector(one));
  (field ?? whole)?.focus();
}

/** What was wrong with a field is no news any more once somebody writes in it. */
function forget(input) {
  if (!input.hasAttribute("aria-invalid")) return;
  document.getElementById(`${input.id}-error`)?.remove();
  input.removeAttribute("aria-invalid");
  input.removeAttribute("aria-describedby");
  const all = form().querySelector(".errors");
  for (const link of all?.querySelectorAll(`[href="#${input.id}"]`) ?? []) link.parentElement.remove();
  dropEmpty(all);
}

function dropEmpty(errors) {
  if (errors && !errors.querySelector("li")) errors.remove();
}

/** Trading goes on: what stood against the order as a whole is no news any more. */
function forgetHalt({ detail: { symbol } }) {
  if (symbol !== form().dataset.symbol) return;
  const all = form().querySelector(".errors");
  for (const line of all?.querySelectorAll("li:not(:has(a))") ?? []) line.remove();
  dropEmpty(all);
}

/** The ticket's next order gets a key of its own; until an answer has come it is the same order. */
function placed({ detail, target }) {
  if (detail.next_key) field("client_order_id").value = detail.next_key;
  if (review.open && target !== document) { // told on the document: of a review that was closed since
    review.dataset.placed = "";
    review.close();
  }
  refresh();
}

function closed() {
  acts += 1;
  if (!("placed" in review.dataset) && !review.querySelector("[data-replacing]")) open();
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
  if (!form()) return; // a sign-in without an account has no ticket
  document.addEventListener("click", onClick);
  document.addEventListener("htmx:beforeSend", noteSent);
  document.addEventListener("htmx:beforeSwap", dropLate);
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) document.addEventListener(name, unknown);
  document.addEventListener("change", ({ target }) => {
    if (target.id === "type" && target.form === form()) suggest();
  });
  document.addEventListener("input", ({ target }) => {
    if (!target.form || target.form !== form()) return;
    edits += 1;
    acts += 1;
    forget(target);
  });
  document.addEventListener("bengi:resumed", forgetHalt);
  document.addEventListener("bengi:ticket", open);
  document.addEventListener("bengi:deal", deal);
  document.addEventListener("bengi:replace", ({ detail: { order, price } }) =>
    replace(`${order.url}/review?${order.field}=${n.inField(price)}`));
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
