/* Every page: theme, find, shortcuts' help, and for those signed in the stream with its news. */

import * as board from "./board.js";
import { held, paintEquity } from "./equity.js";
import { tellNotSent } from "./failures.js";
import { watch } from "./feed.js";
import "./forms.js";
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
  stream.follow(["markets"]);
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

let phasesBefore = "";

/** What markets do and what is halted comes as a whole; where a market opens or closes, or the page
    says otherwise of what is halted, its parts are asked for anew. */
function heedMarkets({ detail: { markets, halted } }) {
  const phases = markets.map(({ mic, status }) => `${mic} ${status}`).join();
  if (phasesBefore && phasesBefore !== phases) refresh();
  phasesBefore = phases;
  const now = new Set(halted.map(({ symbol, mic }) => `${symbol}.${mic}`));
  for (const chip of document.querySelectorAll("[data-halt]")) markHalt(chip, now.has(chip.dataset.halt));
  const differs = ({ dataset }) => now.has(dataset.listing) !== "halted" in dataset;
  const listings = new Set([...document.querySelectorAll("[data-listing]")].filter(differs).map(({ dataset }) => dataset.listing));
  if (!listings.size) return;
  for (const listing of listings) tellHalt(listing, now.has(listing));
  refresh();
}

function tellHalt(listing, isHalted) {
  const symbol = listing.slice(0, listing.lastIndexOf("."));
  const id = `halt-${symbol}`;
  if (!isHalted) {
    tell("Trading goes on", `${symbol} is not halted any more.`, { id });
    document.dispatchEvent(new CustomEvent("bengi:resumed", { detail: { symbol } }));
  } else if (!document.getElementById("standing")) tell("Trading is halted", `Open orders of ${symbol} wait.`, { id, isWarning: true });
}

/** Rows of lists say it in a word. */
function markHalt(chip, isHalted) {
  if (chip.hidden === !isHalted) return;
  chip.hidden = !isHalted;
  chip.textContent = isHalted ? "Halted" : "";
}

/** A standing that has not changed stays where it is: put there again it would be read out again. */
function keepStanding(event) {
  const { target, fragment } = event.detail;
  if (target.id === "standing" && target.textContent === fragment.textContent) event.detail.shouldSwap = false;
}

function startStream() {
  stream.addEventListener("prices", ({ detail }) => {
    board.take(detail);
    if (detail.length) requestAnimationFrame(paintEquity);
  });
  stream.addEventListener("event", hear);
  stream.addEventListener("markets", heedMarkets);
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

const underway = new Set();

/** A form that is on its way stays so where a refresh has brought it anew. */
function keepBusy() {
  for (const form of document.querySelectorAll("form[hx-post]")) {
    const isOwn = form.id === "ticket-form" || form.closest("#review"); // those are not brought anew
    const button = form.querySelector("button:not([type=button])");
    if (button && !isOwn && underway.has(form.getAttribute("hx-post"))) button.disabled = true;
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
      tellNotSent(requestConfig.path);
      return;
    }
    const events = JSON.parse(xhr.getResponseHeader("HX-Trigger") ?? "{}");
    for (const [name, detail] of Object.entries(events)) document.dispatchEvent(new CustomEvent(name, { detail }));
  });
}

document.querySelector("[data-theme-form]")?.addEventListener("submit", switchTheme);
document.addEventListener("htmx:beforeSend", hearLate);
document.addEventListener("htmx:afterSettle", look);
document.addEventListener("htmx:oobBeforeSwap", keepStanding);
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
