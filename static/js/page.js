/* Every page: theme, find, shortcuts' help, and for those signed in the stream with its news. */

import * as board from "./board.js";
import { held, paintEquity } from "./equity.js";
import { watch } from "./feed.js";
import { Stream } from "./stream.js";
import { tell, tellAlert, tellBust, tellOrder } from "./toasts.js";

const OWN_SOCKET = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
export const stream = new Stream(document.body.dataset.stream || OWN_SOCKET);
const REFRESH_MS = 120;
let refreshTimer = 0;

/** Ask the parts of the page that show orders, positions or cash to come again, once for many. */
export function refresh() {
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(() => {
    for (const part of document.querySelectorAll("[data-refresh]")) window.htmx.trigger(part, "refresh");
  }, REFRESH_MS);
}

function readQuotes() {
  for (const block of document.querySelectorAll("#quotes script")) {
    for (const quote of JSON.parse(block.textContent)) {
      if (!board.quotes.has(quote.symbol)) board.remember(quote);
      else Object.assign(board.quotes.get(quote.symbol), { is_open: quote.is_open });
    }
  }
}

/** Look at the page again after a part of it was swapped. */
function look() {
  readQuotes();
  board.index();
  const symbols = new Set([...board.symbols(), ...held()]);
  stream.followPrices([...symbols]);
  paintEquity();
}

function follow() {
  for (const part of document.body.dataset.accounts.split(" ").filter(Boolean)) {
    const [id, seq] = part.split(":");
    stream.follow([`account:${id}`], Number(seq));
  }
  const [id, seq] = document.body.dataset.user.split(":");
  stream.follow([`user:${id}`], seq === undefined ? null : Number(seq));
}

function hear({ detail: message }) {
  if (message.type === "ORDER_UPDATE" && message.event !== "order.corrected") tellOrder(message.order);
  else if (message.type === "TRADE_BUSTED") tellBust(message.trade);
  else if (message.type === "ALERT") tellAlert(message.alert);
  refresh();
}

function startStream() {
  stream.addEventListener("prices", ({ detail }) => {
    board.take(detail);
    if (detail.length) requestAnimationFrame(paintEquity);
  });
  stream.addEventListener("event", hear);
  stream.addEventListener("resync", refresh);
  stream.addEventListener("state", () => {
    if (stream.state === "signed-out") location.reload();
  });
  follow();
  look();
  watch(stream);
  stream.start();
}

const shownTheme = () =>
  document.documentElement.dataset.theme ||
  (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

/** Switch at once, keep it on the server; the form alone does the same without script. */
async function switchTheme(event) {
  event.preventDefault();
  const form = event.target;
  const theme = shownTheme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  document.dispatchEvent(new CustomEvent("bengi:theme"));
  const data = new FormData(form);
  data.set("theme", theme);
  await fetch(form.action, { method: "POST", body: data });
}

function notSent() {
  tell("No answer", "The server did not answer. Try again: an order is never made twice.", {
    id: "not-sent", isWarning: true,
  });
}

const underway = new Set();

/** A form that is on its way stays so where a refresh has brought it anew. */
function keepBusy() {
  for (const form of document.querySelectorAll("form[hx-post]")) {
    if (underway.has(form.getAttribute("hx-post"))) form.querySelector("button").disabled = true;
  }
}

/** Hear the answer to a form that a refresh has taken off the page: its events have no way up. */
function hearLate({ detail: { elt, xhr, requestConfig } }) {
  if (requestConfig.verb !== "post") return;
  underway.add(requestConfig.path);
  xhr.addEventListener("loadend", () => {
    underway.delete(requestConfig.path);
    if (elt.isConnected) return;
    if (xhr.status === 422) return; // the form has come back with what is wrong
    if (!xhr.status || xhr.status >= 400) {
      refresh();
      notSent();
      return;
    }
    const events = JSON.parse(xhr.getResponseHeader("HX-Trigger") ?? "{}");
    for (const [name, detail] of Object.entries(events)) document.dispatchEvent(new CustomEvent(name, { detail }));
  });
}

document.querySelector("[data-theme-form]")?.addEventListener("submit", switchTheme);
for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    if (event.detail.requestConfig?.verb === "post" && !event.detail.elt.matches("[data-silent-errors]")) notSent();
  });
}
document.addEventListener("htmx:beforeSend", hearLate);
document.addEventListener("htmx:afterSettle", look);
document.addEventListener("htmx:afterSettle", keepBusy);
document.addEventListener("order-changed", refresh);
document.addEventListener("say", ({ detail }) => tell(detail.title, detail.text, { isWarning: true }));
/** The first field that is wrong; an address that ends at a part of the page takes the focus away once it is loaded. */
function toFirstWrong() {
  if (document.activeElement === document.body) document.querySelector("[aria-invalid=true]")?.focus();
}
toFirstWrong();
if (location.hash) addEventListener("load", () => requestAnimationFrame(toFirstWrong));
if ("accounts" in document.body.dataset) startStream();
