/* The workbench: chart, ticket and panels, tied to the stream that page.js keeps. */

import * as board from "./board.js";
import { PriceChart } from "./chart.js";
import { startDeals } from "./deal.js";
import { paintLadder } from "./ladder.js";
import { startLayout } from "./layout.js";
import { stream } from "./page.js";
import { own } from "./panels.js";
import { paintPrints, startPrints } from "./prints.js";
import { startTicket } from "./ticket.js";
import { fixed, percent, percentOf, units } from "./numbers.js";

const section = document.querySelector(".chart");
const { symbol } = section.dataset;
const chart = new PriceChart(section);
let shownOwn = "";

function drawOwn() {
  const now = document.getElementById("own")?.textContent ?? "";
  if (now === shownOwn) return;
  shownOwn = now;
  chart.own(own());
  paintLadder(board.quotes.get(symbol));
}

/** Own fills are asked for with the bars, so that the page need not wait for them. */
async function firstFills() {
  const answer = await fetch(section.dataset.fillsUrl).catch(() => null);
  if (!answer?.ok || own().fills) return;
  const standing = (await answer.json()).results.filter((fill) => !fill.busts && !fill.busted_by);
  chart.own({ ...own(), fills: standing.map((fill) => ({ ...fill, at: fill.executed_at })) });
}

/** Lines that were held stand where the orders are by now. */
function letGo() {
  chart.lines.release();
  shownOwn = "";
  drawOwn();
}

function title(quote) {
  const last = units(quote.last);
  const moved = board.dayChange(quote);
  if (last === null) return;
  const share = moved === null ? "" : ` ${percent(percentOf(moved, units(quote.previous_close)) ?? 0n)}`;
  document.title = `${symbol} ${fixed(last, Number(section.dataset.places))}${share} \u00b7 Bengi`;
}

function onPrices({ detail }) {
  const quote = detail.find((price) => price.symbol === symbol);
  if (!quote) return;
  chart.update(quote);
  paintLadder(quote);
  paintPrints(quote);
  title(quote);
}

const BARS_STORE = "bengi-bars";
const intervals = [...section.querySelectorAll("a[data-interval]")];

/** Show bars of another length, and keep it for other symbols. */
function showBars(link) {
  for (const other of intervals) other.toggleAttribute("aria-current", other === link);
  link.setAttribute("aria-current", "true");
  localStorage.setItem(BARS_STORE, link.dataset.interval);
  return chart.load(link.dataset.interval);
}

/** The bars that the address names, else those that were looked at last. */
function firstBars() {
  const isNamed = new URLSearchParams(location.search).has("bar");
  const kept = !isNamed && intervals.find((link) => link.dataset.interval === localStorage.getItem(BARS_STORE));
  return kept ? showBars(kept) : chart.load();
}

function onTools(event) {
  const link = event.target.closest("a[data-interval]");
  const study = event.target.closest("[data-study]");
  if (link) {
    event.preventDefault();
    history.replaceState(null, "", link.href);
    showBars(link);
  } else if (study) {
    chart.studies.toggle(study.dataset.study);
    chart.restudy();
  } else if (event.target.closest("[data-bars-again]")) chart.load();
}

/** Bars of the next length, shorter or longer. */
function stepBars({ detail: way }) {
  const now = intervals.findIndex((link) => link.hasAttribute("aria-current"));
  intervals[now + way]?.click();
}

const lengths = section.querySelector("#lengths");
lengths.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!chart.studies.take()) return;
  lengths.hidePopover();
  chart.restudy();
});
lengths.addEventListener("toggle", ({ newState }) => {
  const { right, bottom } = section.querySelector("[popovertarget=lengths]").getBoundingClientRect();
  if (newState !== "open") return;
  lengths.style.left = `${Math.max(8, right - lengths.offsetWidth)}px`;
  lengths.style.top = `${bottom + 4}px`;
});

/** Every answer brings the tab that is open when it is asked for, however answers overtake. */
function onTab(event) {
  const link = event.target.closest("[data-tab]");
  if (!link) return;
  event.preventDefault();
  for (const other of document.querySelectorAll("[data-tab]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  document.getElementById("tab").value = link.dataset.tab;
  history.replaceState(null, "", link.href);
  window.htmx.trigger("#panel", "refresh");
}

let wasLost = false;
function onState() {
  if (stream.state === "live" && wasLost) chart.load();
  wasLost = stream.state === "lost";
}

const repaint = () => chart.paint();
stream.addEventListener("prices", onPrices);
stream.addEventListener("state", onState);
section.addEventListener("click", onTools);
document.addEventListener("bengi:bars", stepBars);
document.getElementById("review").addEventListener("close", letGo);
document.addEventListener("bengi:late", letGo);
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (!detail.successful && detail.target?.id === "review") letGo();
});
document.getElementById("book").addEventListener("click", onTab);
document.addEventListener("htmx:afterSettle", drawOwn);
document.addEventListener("bengi:theme", repaint);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
startLayout();
startPrints(board.quotes.get(symbol));
startDeals(section, chart.chart, chart.candles);
firstBars().then(drawOwn);
firstFills();
startTicket();
